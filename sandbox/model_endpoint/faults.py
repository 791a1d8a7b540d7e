"""Which rows fail or are slow, and how: by the switches, the seed and the row's id alone."""

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from sandbox.switches import Fault, OddReply, Switches
from sandbox.wire import Refused


def fault_of(switches: Switches, row_id: str) -> Fault | None:
    """Return how the first tries of a row fail, None where they do not."""
    if _share(switches.seed, "fail", row_id) >= switches.fail_share:
        return None
    kinds = switches.fail_kinds
    return kinds[int(_share(switches.seed, "kind", row_id) * len(kinds))]


def is_slow(switches: Switches, row_id: str) -> bool:
    """Whether the first tries of a row are slow."""
    return _share(switches.seed, "slow", row_id) < switches.slow_share


def odd_reply(switches: Switches, row_id: str) -> OddReply:
    """Return the kind of reply that a row gets."""
    if switches.model_reply_rows and row_id not in switches.model_reply_rows:
        return "normal"
    return switches.model_reply


def refusal(switches: Switches, status: int) -> Refused:
    """Return the refusal of a row that fails for now; a 429 may carry Retry-After (6.1, table)."""
    headers = {}
    if status == 429 and switches.retry_after == "seconds":
        headers["Retry-After"] = str(switches.retry_after_seconds)
    if status == 429 and switches.retry_after == "date":
        # A date has whole seconds: one more, so that the wait is never too short.
        wait = timedelta(seconds=switches.retry_after_seconds + 1)
        headers["Retry-After"] = format_datetime(datetime.now(UTC) + wait, usegmt=True)
    return Refused(status, "Try again later.", headers=headers)


def _share(seed: int, purpose: str, row_id: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.blake2b(f"{seed}:{purpose}:{row_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
