"""What a service is, and which one answers a request."""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.state import Sandbox
from sandbox.wire import Refused, Reply, Request, gateway_reply, json_reply


@dataclass(frozen=True, slots=True)
class Route:
    """An address of a service.

    methods: of HTTP, separated by spaces. pattern: a regular expression of the whole path.
    handle: gets (sandbox, request, *groups of the pattern) and returns a Reply, or a value for
    JSON with 200; it may raise Refused.
    """

    methods: str
    pattern: str
    handle: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services.

    guard: looks at a request first; it may raise Refused, or return a reply that is sent instead.
    render: turns a refusal into a reply. is_concurrent: whether requests are handled at the same
    time; else one after the other, so that of two equal requests the later one is a repeat.
    """

    routes: Sequence[Route]
    guard: Callable[[Sandbox, Request], Reply | None]
    render: Callable[[Sandbox, Refused], Reply]
    is_concurrent: bool = False


class Router:
    """The routes of several services."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._table = [
            (re.compile(route.pattern), route, service)
            for service in services
            for route in service.routes
        ]

    def answer(self, sandbox: Sandbox, request: Request) -> Reply:
        """Have the service that a request is for answer it.

        What none serves is refused as the web server before them would.
        """
        is_known_path = False
        for pattern, route, service in self._table:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            is_known_path = True
            if request.method in route.methods.split():
                groups = [unquote(group or "") for group in match.groups()]
                return _answer(sandbox, request, service, route, groups)
        return gateway_reply("405" if is_known_path else "404")


def _answer(
    sandbox: Sandbox, request: Request, service: Service, route: Route, groups: list[str]
) -> Reply:
    lock = contextlib.nullcontext() if service.is_concurrent else sandbox.store.lock
    try:
        # Outside the lock: a guard may wait.
        value = service.guard(sandbox, request)
        if value is None:
            with lock:
                value = route.handle(sandbox, request, *groups)
    except Refused as refused:
        value = service.render(sandbox, refused)
    return value if isinstance(value, Reply) else json_reply(200, value)
