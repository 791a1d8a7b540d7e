"""When each alert was sent to each channel, as alerts.json."""

import json
import logging
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Self

import msgspec

from monitoring.checks.alert import Alert, is_event
from monitoring.checks.record import DayRecord
from monitoring.files import write_atomically

log = logging.getLogger("monitoring")

_Content = dict[str, dict[str, str]]

_ENDED = "recovered/"
_REMEMBERED = timedelta(days=90)
"""An end is sent for alerts of the last 90 days: older ones may be of a version without ends."""


class AlertMemory:
    """By channel and alert, the day of the record that it was sent for.

    Under `recovered/` and the alert's name, the day for which its end was sent.
    """

    def __init__(self, sent: _Content) -> None:
        self.sent = sent

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what a file holds; nothing where it is missing, or torn (logged).

        An alert sent twice is better than one lost.
        """
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=_Content))
        except (FileNotFoundError, NotADirectoryError):
            return cls({})
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s: left out, the same alerts may be sent again: %s", path, error)
            return cls({})

    def new_to(self, channel: str, record: DayRecord, cooldown_days: int) -> list[Alert]:
        """Return the alerts that the channel did not get within the last `cooldown_days`.

        Nor for the same day, however short that is.
        """
        sent = self.sent.get(channel, {})
        day = date.fromisoformat(record.day)
        return [
            alert
            for alert in [*record.alerts, *record.ongoing]
            if not _in_cooldown(sent.get(alert.name), day, cooldown_days)
        ]

    def ended(self, channel: str, record: DayRecord) -> dict[str, str]:
        """Return a text, by name, for each alert that the channel got lately and that is over.

        Not those that it got for a later day (the record is of a backfill), nor those whose end it
        was sent already.
        """
        sent = self.sent.get(channel, {})
        holding = {alert.name for alert in [*record.alerts, *record.ongoing]}
        texts = {alert.name: alert.text for alert in record.recovered}
        first = str(date.fromisoformat(record.day) - _REMEMBERED)

        return {
            name: texts.get(name, f"{name}: no longer so")
            for name, day in sent.items()
            if first <= day < record.day
            and name not in holding
            and not name.startswith(_ENDED)
            and not is_event(name)
            and sent.get(_ENDED + name, "") <= day
        }

    def remember(self, channel: str, alerts: Iterable[Alert], day: str) -> None:
        """Note that the channel got the alerts of a day's record."""
        sent = self.sent.setdefault(channel, {})
        sent.update({alert.name: day for alert in alerts})

    def remember_end(self, channel: str, names: Iterable[str], day: str) -> None:
        """Note that the channel was sent, with a day's record, that these alerts are over."""
        self.sent.setdefault(channel, {}).update({_ENDED + name: day for name in names})

    def write(self, path: Path) -> None:
        """Store it, atomically; raises ServiceError where the disk is full."""
        write_atomically(path, json.dumps(self.sent, indent=1) + "\n")


def _in_cooldown(last: str | None, day: date, cooldown_days: int) -> bool:
    if last is None:
        return False
    try:
        days = abs((day - date.fromisoformat(last)).days)
    except ValueError:
        return False
    return days < max(1, cooldown_days)
