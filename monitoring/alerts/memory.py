"""When each alert was sent to each channel, as alerts.json."""

import json
import logging
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Self

import msgspec

from monitoring.checks.alert import Alert
from monitoring.checks.record import DayRecord
from monitoring.files import write_atomically

log = logging.getLogger("monitoring")

_Content = dict[str, dict[str, str]]


class AlertMemory:
    """By channel and alert, the day of the record that it was sent for."""

    def __init__(self, sent: _Content) -> None:
        self.sent = sent

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what a file holds; nothing where it is missing, or torn (logged).

        An alert sent twice is better than one lost.
        """
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=_Content))
        except FileNotFoundError:
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
            for alert in record.alerts
            if not _in_cooldown(sent.get(_name(alert)), day, cooldown_days)
        ]

    def remember(self, channel: str, alerts: Iterable[Alert], day: str) -> None:
        """Note that the channel got the alerts of a day's record."""
        sent = self.sent.setdefault(channel, {})
        sent.update({_name(alert): day for alert in alerts})

    def write(self, path: Path) -> None:
        """Store it, atomically; raises ServiceError where the disk is full."""
        write_atomically(path, json.dumps(self.sent, indent=1) + "\n")


def _name(alert: Alert) -> str:
    return f"{alert.family}/{alert.subject}/{alert.metric}"


def _in_cooldown(last: str | None, day: date, cooldown_days: int) -> bool:
    if last is None:
        return False
    try:
        days = abs((day - date.fromisoformat(last)).days)
    except ValueError:
        return False
    return days < max(1, cooldown_days)
