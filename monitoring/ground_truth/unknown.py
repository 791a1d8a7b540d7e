"""Files of this model in the store whose days the ledger does not know: its state was lost."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from datetime import date

from monitoring.errors import MonitoringError
from monitoring.ground_truth import objects
from monitoring.ledger import pruned
from monitoring.ledger.entry import Ledger
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store
from monitoring.settings.model import Settings
from monitoring.text import day_flags, day_ranges, format_count, format_days

log = logging.getLogger("monitoring")

_ISO_CHARACTERS = len("2026-01-31")
_MAX_ASKED = 20
"""Of so many unknown days, the latest, the store is asked whose file it is."""


def warn_about_unknown_days(settings: Settings, ledger: Ledger, store: Store) -> None:
    """Warn of files of this model whose day is not known here; trouble in looking is only logged.

    Lists the objects under the prefix once, and asks about each unknown one, the latest 20.
    """
    try:
        days = list(_unknown_days(settings, ledger, store))
    except MonitoringError as error:
        log.info("whether the store has files of days that are not known here: %s", error)
        return
    if days:
        log.warning("%s", _text(settings, ledger, days))


def _unknown_days(settings: Settings, ledger: Ledger, store: Store) -> Iterator[date]:
    known = {*ledger.workspace.known_days(), *pruned.read(ledger.workspace)}
    bucket, _, prefix = settings.ground_truth_prefix().removeprefix("s3://").partition("/")
    keys = [key for key, _ in store.list_objects(S3Uri(bucket, prefix))]
    stored = {day for key in keys if (day := _day_of_key(settings, key, prefix))}

    for day in sorted(stored - known)[-_MAX_ASKED:]:
        head = store.head(settings.ground_truth_uri(day))
        if head and objects.is_of(head, settings.model, day):
            yield day


def _day_of_key(settings: Settings, key: str, prefix: str) -> date | None:
    """Return the day whose file has this key, None for any other object."""
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(key.removeprefix(prefix)[:_ISO_CHARACTERS])
        if settings.ground_truth_uri(day).key == key:
            return day
    return None


def _text(settings: Settings, ledger: Ledger, days: Sequence[date]) -> str:
    flags = "; ".join(f"gt_registration.py {day_flags(*range)}" for range in day_ranges(days))
    return (
        f"{format_count(len(days), 'file')} of this model in the store, whose days are not known"
        f" here: {format_days(days)} ({settings.ground_truth_prefix()}...): if state was lost,"
        f" bring back {ledger.workspace.state}; else register them: {flags}; or give them up: the"
        " same with --skip"
    )
