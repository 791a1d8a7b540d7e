"""The page: what was captured, registered and asked for, and buttons that break something."""

import functools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from sandbox import object_store
from sandbox.control.buttons import BUTTONS, RESET, Button, is_on
from sandbox.model_monitor.captured import Captured
from sandbox.model_monitor.drift import LIMIT, drift_of_counts
from sandbox.model_monitor.jobs import job_status
from sandbox.state import Sandbox
from sandbox.wire import Reply, Request

SHOWN = 12
SHORT = 18  # longer texts may break anywhere, on a phone
MOST_MINUTES = 60
_TEMPLATE = Path(__file__).with_name("page.html")


def show_page(sandbox: Sandbox, _request: Request) -> Reply:
    """Answer `GET /` with the page; everything in it is escaped."""
    sandbox.captured.update(sandbox.store)
    datasets = sandbox.store.all("Dataset")
    page = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        addresses=f"{sandbox.url} · S3 {sandbox.objects_url} ({sandbox.objects_kind})",
        counts=_counts(sandbox, datasets),
        faults=_faults(sandbox),
        datasets=_datasets(sandbox, datasets),
        requests=_requests(list(sandbox.requests)),
        captures=_captures(sandbox.captured),
        drift=_drift(sandbox.captured),
        objects=_objects(sandbox),
        switches=escape(json.dumps(asdict(sandbox.switches), indent=1)),
    )
    return Reply(200, page.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})


def _counts(sandbox: Sandbox, datasets: Sequence[Any]) -> str:
    outcomes = [dataset["outcome"] or {} for dataset in datasets]
    numbers = {
        "predictions captured": sandbox.captured.total,
        "joined to an outcome": sum(outcome.get("matched", 0) for outcome in outcomes),
        "outcomes without a prediction": sum(outcome.get("unmatched", 0) for outcome in outcomes),
        "failed jobs": sum("message" in outcome for outcome in outcomes),
    }
    cells = "".join(f"<div><b>{number:,}</b>{name}</div>" for name, number in numbers.items())
    models = "; ".join(f"{model['name']} {model['id']}" for model in sandbox.store.all("Model"))
    return f'<div class="counts">{cells}</div><p class="soft">{escape(models)}</p>'


def _faults(sandbox: Sandbox) -> str:
    groups = [
        f"<h3>{group}</h3>" + "".join(_button(button, sandbox) for button in buttons)
        for group, buttons in BUTTONS.items()
    ]
    reset = f'<p><button name="button" value="{RESET}">Set all back</button></p>'
    return f'<form method="post" action="/_sandbox/press">{"".join(groups)}{reset}</form>'


def _button(button: Button, sandbox: Sandbox) -> str:
    is_pressed = button.name in sandbox.held or is_on(button, sandbox.switches)
    state = str(is_pressed).lower()
    return (
        f'<button name="button" value="{button.name}" aria-pressed="{state}">'
        f"{escape(button.title)}</button>"
    )


def _datasets(sandbox: Sandbox, datasets: Sequence[dict[str, Any]]) -> str:
    rows = []
    for dataset in reversed(datasets[-SHOWN:]):
        outcome = dataset["outcome"] or {}
        counts = [outcome.get(name, "–") for name in ("rows", "matched", "unmatched")]
        name = dataset["path"].rpartition("/")[2].removeprefix(f"{sandbox.identity.project_id}_")
        rows.append([name, job_status(sandbox, dataset), *counts, outcome.get("message", "")])
    table = _table(["Dataset", "Job", "Rows", "Matched", "No prediction", "Why it failed"], rows)
    return table + _more(len(datasets))


def _requests(requests: Sequence[dict[str, Any]]) -> str:
    answers = Counter(
        str(each["status"]) for each in requests if each["path"].startswith("/models/")
    )
    calls = ", ".join(f"{count:,} × {status}" for status, count in answers.most_common())
    others = [each for each in requests if not each["path"].startswith("/models/")]
    rows = [
        [each["at"][11:19], each["method"], each["path"], each["status"]]
        for each in reversed(others[-SHOWN:])
    ]
    first = f"<p>Model endpoint: {escape(calls) or 'none yet'}. The others:</p>"
    return first + _table(["At", "Method", "Path", "Status"], rows) + _more(len(others))


def _captures(captured: Captured) -> str:
    """Return the bars of the last minutes that have any."""
    minutes = captured.by_minute
    shown = sorted(minutes)[-MOST_MINUTES:]
    if not shown:
        return '<p class="soft">None yet: python -m sandbox run daily_scoring.py</p>'
    highest = max(minutes[minute] for minute in shown)
    width = 100 / len(shown)
    path = "".join(
        f"M{index * width + width * 0.1:.2f} 40V{40 - 38 * minutes[minute] / highest:.1f}"
        f"h{width * 0.8:.2f}V40z"
        for index, minute in enumerate(shown)
    )
    span = f"{shown[0].replace('T', ' ')} to {shown[-1].replace('T', ' ')} UTC"
    return (
        '<svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label="Predictions'
        f' captured by minute, at most {highest:,}"><path d="{path}"/></svg>'
        f'<p class="soft">{span}, by minute, at most {highest:,}. DMM would show them by hour.</p>'
    )


def _drift(captured: Captured) -> str:
    if not captured.by_day:
        return '<p class="soft">Nothing was captured yet of the features of these data.</p>'
    latest = max(captured.by_day)
    overall = drift_of_counts(captured.overall())
    on_day = drift_of_counts(captured.by_day[latest])
    rows = [
        [name, f"{value:.3f}", f"{on_day[name]:.3f}", _over_limit(on_day[name])]
        for name, value in sorted(overall.items(), key=lambda item: -on_day[item[0]])
    ]
    note = (
        f'<p class="soft">PSI against the training data as they are, limit {LIMIT} as in DMM.'
        " Counted here by other code than the report's.</p>"
    )
    return _table(["Feature", "All", latest, "Verdict"], rows) + note


def _over_limit(value: float) -> str:
    return f"over {LIMIT}" if value > LIMIT else "quiet"


def _objects(sandbox: Sandbox) -> str:
    keys = sandbox.identity.s3["writer"]
    try:
        client = _client(sandbox.objects_url, keys.access_key, keys.secret_key)
        found = client.list_objects_v2(Bucket=object_store.BUCKET).get("Contents", [])
    except Exception as error:  # the page must also say what is wrong while the store is away
        return f'<p class="bad">{escape(str(error))}</p>'
    latest = sorted(found, key=lambda each: each["LastModified"])[-SHOWN:]
    rows = [[each["Key"], f"{each['Size']:,}"] for each in reversed(latest)]
    return _table(["Key", "Bytes"], rows) + _more(len(found))


_client = functools.cache(object_store.client)  # boto3 takes long to make one


def _more(count: int) -> str:
    return f'<p class="soft">The latest {SHOWN} of {count:,}.</p>' if count > SHOWN else ""


def _table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "".join(f"<tr>{''.join(map(_table_cell, row))}</tr>" for row in rows)
    if not body:
        return '<p class="soft">None yet.</p>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _table_cell(value: Any) -> str:
    text = escape(str(value))
    is_bad = text == "Failed" or text.startswith("over ")
    names = ["bad"] * is_bad + ["any"] * (len(text) > SHORT)
    return f'<td class="{" ".join(names)}">{text}</td>' if names else f"<td>{text}</td>"
