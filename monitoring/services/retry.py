"""The one way to try again: one kind of transient error, one formula for the wait, one budget.

All times are in seconds unless the name says otherwise.
"""

import email.utils
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Self, TypeVar

from monitoring.errors import TransientError

Result = TypeVar("Result")

RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504})
"""Answers of a service that may be better a moment later (contracts 6.1)."""

_FIRST_DELAY_SECONDS = 0.5
_MAX_DELAY_SECONDS = 8.0


@dataclass(slots=True)
class Budget:
    """What is left of the time for one call, or for a run; shared by the threads of a run.

    deadline: on the monotonic clock. A set `stop` ends every wait.
    """

    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def lasting(cls, seconds: float) -> Self:
        """Return a budget of so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, negative after it."""
        return self.deadline - time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait; return False at once where the time is too short, or where the wait was stopped."""
        if seconds > self.seconds_left:
            return False
        return not self.stop.wait(seconds)


def with_retries(
    attempt: Callable[[], Result],
    *,
    attempts: int,
    budget: Budget,
    on_failure: Callable[[TransientError], None] = lambda _: None,
) -> Result:
    """Call `attempt` until it returns, and return its result.

    At least once: an attempt whose answer was lost is made again, so its effect must bear
    repeating. Tries up to `attempts` times while the budget lasts, waiting `delay_seconds`
    between them; every TransientError goes to `on_failure`. Raises the last one when tries or
    time are used up (with `budget.stop` set: when sending was stopped), and any other error at
    once.
    """
    number = 1
    while True:
        try:
            return attempt()
        except TransientError as error:
            on_failure(error)
            delay = delay_seconds(number, error.retry_after_seconds)
            if number == attempts or not budget.wait(delay):
                raise
        number += 1


def delay_seconds(attempt: int, retry_after_seconds: float | None = None) -> float:
    """Return how long to wait after the n-th failed try (n from 1).

    min(8, 0.5 x 2^(n-1)) x a jitter of 0.5 to 1, or what the server asked for.
    """
    if retry_after_seconds is not None:
        return retry_after_seconds
    doubled = _FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 10)
    return min(_MAX_DELAY_SECONDS, doubled) * random.uniform(0.5, 1.0)


def retry_after_seconds(header: str | None) -> float | None:
    """Return the wait that a Retry-After header asks for, None where it can't be read.

    Seconds or an HTTP date (RFC 9110, 10.2.3), which is in GMT even where it does not say so.
    """
    if header is not None and re.fullmatch(r"[ \t]*[0-9]+[ \t]*", header):
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header or "")
        moment = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
