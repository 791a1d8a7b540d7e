"""The page: addresses, monitored models, and what was asked for."""

from collections import Counter
from html import escape

from sandbox.state import Sandbox
from sandbox.wire import Reply, Request


def show_page(sandbox: Sandbox, _request: Request) -> Reply:
    """Answer `GET /` with a plain page."""
    sections = {
        "Addresses": [sandbox.url, f"{sandbox.objects_url} (S3, {sandbox.objects_kind})"],
        "Monitored models": [
            f"{model['name']} {model['id']}" for model in sandbox.store.all("Model")
        ],
        "Captured predictions": [str(sandbox.store.count_captures())],
        "Requests": _request_counts(sandbox),
    }
    body = "".join(_section(title, lines) for title, lines in sections.items())
    page = f'<!doctype html><html lang="en"><title>Sandbox</title><h1>Sandbox</h1>{body}</html>'
    return Reply(200, page.encode(), "text/html; charset=utf-8")


def _request_counts(sandbox: Sandbox) -> list[str]:
    """Return how often each request without its query came, and the status that it got."""
    lines = Counter(
        f"{record['method']} {record['path'].partition('?')[0]}: {record['status']}"
        for record in list(sandbox.requests)
    )
    return [f"{count} x {line}" for line, count in sorted(lines.items())]


def _section(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>"
