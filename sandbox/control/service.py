"""The sandbox's own addresses: what was asked for, the switches, what was captured."""

from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from sandbox.control.buttons import pressed
from sandbox.control.page import show_page
from sandbox.model_monitor.captured import Captured
from sandbox.model_monitor.models import register_first_model
from sandbox.routing import Route, Service
from sandbox.state import Sandbox
from sandbox.switches import Switches, changed
from sandbox.wire import Refused, Reply, Request, json_reply

PAGE = "/"
PREFIX = "/_sandbox/"
BESIDE_PAGE = ("/favicon.ico", "/robots.txt", "/apple-touch-icon.png")


def is_own(path: str) -> bool:
    """Whether a path is the sandbox's own, or what a browser asks for beside its page."""
    return path in (PAGE, *BESIDE_PAGE) or path.startswith(PREFIX)


def handle_requests(sandbox: Sandbox, request: Request) -> Any:
    """GET: every request as it came, secrets masked, oldest first. DELETE: forget them."""
    if request.method == "DELETE":
        sandbox.forget_requests()
    return list(sandbox.requests)


def handle_switches(sandbox: Sandbox, request: Request) -> Any:
    """GET: every switch. POST: change those in the body. DELETE: set all back.

    After a change the tries of every row are counted from the start again.
    """
    if request.method == "DELETE":
        sandbox.set_switches(Switches())
    if request.method == "POST":
        try:
            switches = changed(sandbox.switches, request.json(dict))
        except ValueError as error:
            raise Refused(400, str(error)) from error
        sandbox.set_switches(switches)
    return asdict(sandbox.switches)


def handle_records(sandbox: Sandbox, request: Request) -> Any:
    """GET: every captured prediction, oldest first, repeats included.

    DELETE: forget all that the services have stored.
    """
    if request.method == "DELETE":
        sandbox.store.clear()
        sandbox.captured = Captured()
        register_first_model(sandbox)
    return sandbox.store.captures()


def handle_press(sandbox: Sandbox, request: Request) -> Reply:
    """POST: press a button of the page, then show the page again."""
    form = parse_qs(request.body.decode("utf-8", "replace"))
    try:
        name = form.get("button", [""])[0]
        switches, held = pressed(name, sandbox.switches, sandbox.held)
    except ValueError as error:
        raise Refused(400, str(error)) from error
    sandbox.set_switches(switches, held)
    return Reply(303, headers={"Location": PAGE})


def guard(sandbox: Sandbox, request: Request) -> None:
    """Refuse what another web page may send to a port on loopback; the server looks at the Host."""
    own = {f"{name}:{sandbox.port}" for name in ("127.0.0.1", "localhost")}
    origin = request.headers.get("Origin")
    if origin and origin.removeprefix("http://") not in own:
        raise Refused(403, "The sandbox takes no requests from other web pages.")


def render(_sandbox: Sandbox, refused: Refused) -> Reply:
    """Return a refusal."""
    return json_reply(refused.status, {"errors": refused.messages})


SERVICE = Service(
    routes=(
        Route("GET", PAGE, show_page),
        Route("GET DELETE", f"{PREFIX}requests", handle_requests),
        Route("GET POST DELETE", f"{PREFIX}switches", handle_switches),
        Route("POST", f"{PREFIX}press", handle_press),
        Route("GET DELETE", f"{PREFIX}records", handle_records),
    ),
    guard=guard,
    render=render,
)
