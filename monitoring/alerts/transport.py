"""One request within its time limit, its failures named without any address: that may be secret."""

import json
import threading
from collections.abc import Callable
from typing import Any

from monitoring.errors import ConfigError, RefusedError, TransientError
from monitoring.services.exchange import Limits, Reply, Request
from monitoring.services.http import HttpService, ReplyTooLargeError

_MAX_REPLY_BYTES = 100_000


class NotDeliveredError(Exception):
    """The other side answered, but did not take it; the text has no address in it."""


def limits_of(seconds: float) -> Limits:
    """Return the limits of one request."""
    return Limits(connect_seconds=seconds, read_seconds=seconds, max_reply_bytes=_MAX_REPLY_BYTES)


def send(method: str, url: str, seconds: float, body: Any = None) -> None:
    """Send one request, the body as JSON; raises where the answer is no 2xx, or none comes."""
    service = HttpService("channel", {}, limits_of(seconds))
    check(service.send(Request(method, url, None if body is None else json.dumps(body))))


def check(reply: Reply) -> None:
    """Raise NotDeliveredError where the answer is no 2xx."""
    if not 200 <= reply.status < 300:
        raise NotDeliveredError(f"answered {reply.status}")


def failure_within(seconds: float, work: Callable[[], None]) -> str | None:
    """Do the work and return why it failed, None where it did not; never raises.

    Returns once `seconds` are over: looking up a name has no limit of its own. The work then goes
    on in its thread, which ends with the process.
    """
    results: list[str | None] = []
    thread = threading.Thread(target=lambda: results.append(_failure(work)), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else f"no answer within {seconds:g} s"


def _failure(work: Callable[[], None]) -> str | None:
    try:
        work()
    except (NotDeliveredError, ConfigError) as error:
        return str(error)
    except TransientError as error:
        is_status = error.kind.isdecimal()
        return f"answered {error.kind}" if is_status else f"no answer ({error.kind})"
    except RefusedError:
        return "the server's certificate is not trusted"
    except ReplyTooLargeError:
        return "the answer is too large"
    except Exception as error:  # whatever it is, it must not fail the job
        return type(error).__name__
    return None
