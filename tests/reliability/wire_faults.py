"""Every way in which an outside call can fail, as faults of a relay or as another address.

A `WireFault` of a relay meets one call, whenever it comes; an address (no such host, nobody who
accepts, no TLS there) fails for every call of its service.
"""

import email.utils
import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.support import relay
from tests.support.relay import Answer, Exchange, Fault


class Kind(StrEnum):
    """What a fault is to whoever called."""

    PASSING = "may pass"
    ODD = "no answer of this service"
    STATUS = "a status"
    LOST = "took effect, its answer was lost"
    ADDRESS = "the service can't be reached"
    UNTRUSTED = "its certificate is not trusted"


@dataclass(frozen=True, slots=True)
class WireFault:
    """A fault; fault: None where it is one of the address. is_slow: it takes a time limit."""

    name: str
    kind: Kind
    fault: Fault | None = None
    status: int = 0
    is_slow: bool = False


HUGE_BYTES = 12_000_000
PAGE = b"<!doctype html><html><body><h1>It works!</h1></body></html>"
STATUSES = (
    400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 422, 429, 500, 501, 502, 503, 504, 507,
)  # fmt: skip
RETRY_AFTER = (
    "0", "1", "-1", "1.5", "soon", "", "\x1c0", "9" * 400, "Mon, 99 Foo 0000 99:99:99 GMT",
    "Wed, 21 Oct 2015 07:28:00 GMT", "in one second",
)  # fmt: skip
"""The last one stands for a date: it is made when it is sent."""


def all_faults() -> list[WireFault]:
    """Return every fault, each once."""
    faults = [
        WireFault("connection refused", Kind.PASSING, _refuse),
        WireFault("no first byte", Kind.PASSING, relay.hold, is_slow=True),
        WireFault("body stops half-way", Kind.PASSING, _stall, is_slow=True),
        WireFault("drip", Kind.PASSING, _drip, is_slow=True),
        WireFault("reset", Kind.PASSING, _reset),
        WireFault("dropped", Kind.PASSING, relay.drop),
        WireFault("cut", Kind.PASSING, _cut),
        WireFault(
            "web page", Kind.ODD, relay.answer_with(200, PAGE, **{"Content-Type": "text/html"})
        ),
        WireFault("torn JSON", Kind.ODD, _json(b'{"result": {"class": 1, ')),
        WireFault("another's JSON", Kind.ODD, _json(b'[{"hello": ["world"]}]')),
        WireFault("a number as JSON", Kind.ODD, _json(b"42")),
        WireFault("huge", Kind.ODD, _json(b'"' + b"x" * HUGE_BYTES + b'"')),
        WireFault("gzip bomb", Kind.ODD, _zipped(gzip.compress(b" " * (8 * HUGE_BYTES)))),
        WireFault("no gzip", Kind.ODD, _zipped(b"this is no gzip")),
        WireFault(
            "redirect",
            Kind.ODD,
            relay.answer_with(302, b"", Location="http://elsewhere.invalid/login"),
        ),
        WireFault("no HTTP", Kind.PASSING, _raw(b"220 ftp.test ready\r\n\r\n")),
        WireFault(
            "negative chunk",
            Kind.PASSING,
            _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"),
        ),
        WireFault("lost", Kind.LOST, relay.lose),
        WireFault("no such host", Kind.ADDRESS),
        WireFault("nobody accepts", Kind.ADDRESS, is_slow=True),
        WireFault("no TLS", Kind.ADDRESS),
        WireFault("untrusted certificate", Kind.UNTRUSTED),
    ]
    faults += [
        WireFault(
            f"status {status}",
            Kind.STATUS,
            relay.answer_with(status, b'{"errors": ["no"]}'),
            status,
        )
        for status in STATUSES
    ]
    faults += [
        WireFault(f"503, Retry-After {value[:20]!r}", Kind.STATUS, _retry_after(value), 503)
        for value in RETRY_AFTER
    ]
    return faults


def _refuse(exchange: Exchange) -> None:
    """Close this connection; every later one is refused."""
    exchange.stop_listening()
    exchange.close()


def _reset(exchange: Exchange) -> None:
    exchange.reset()


def _cut(exchange: Exchange) -> None:
    """Break off in the middle of an answer that says how long it is."""
    exchange.send_raw(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 1000\r\n\r\n{"result"')
    exchange.close()


def _stall(exchange: Exchange) -> None:
    exchange.send_raw(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 1000\r\n\r\n{"result"')
    exchange.released.wait()
    exchange.close()


def _drip(exchange: Exchange) -> None:
    """Send a header every 0.2 seconds: a limit for each read would never be reached."""
    exchange.send_raw(b"HTTP/1.1 200 OK\r\n")
    while not exchange.released.wait(0.2):
        try:
            exchange.send_raw(b"X-Drop: y\r\n")
        except OSError:
            break
        time.sleep(0)
    exchange.close()


def _json(body: bytes) -> Fault:
    return relay.answer_with(200, body, **{"Content-Type": "application/json"})


def _zipped(body: bytes) -> Fault:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return relay.answer_with(200, body, **headers)


def _raw(data: bytes) -> Fault:
    def answer(exchange: Exchange) -> None:
        exchange.send_raw(data)
        exchange.close()

    return answer


def _retry_after(value: str) -> Fault:
    def make() -> str:
        return email.utils.formatdate(time.time() + 1, usegmt=True)

    moment: Callable[[], str] = make if value == "in one second" else lambda: value
    return lambda exchange: exchange.send(Answer(503, b"", {"Retry-After": moment()}))
