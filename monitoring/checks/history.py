"""The earlier days of a model, as their records have them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Self

from monitoring.checks.record import VERSION, DayRecord, read
from monitoring.checks.validity import check_record

log = logging.getLogger("monitoring")

RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class History:
    """The earlier days that a day can be compared with, oldest first.

    window: those of them that lie within `checks.window_days`, the day itself being the last.
    """

    records: list[DayRecord]
    window: list[DayRecord]

    @classmethod
    def before(
        cls, day: date, previous: Iterable[DayRecord], *, schema_hash: str, window_days: int
    ) -> Self:
        """Return the days since the schema last changed: columns of another meaning don't compare.

        previous: as of read_previous.
        """
        comparable: list[DayRecord] = []
        for record in previous:
            comparable = [*comparable, record] if record.schema_hash == schema_hash else []

        first = (day - timedelta(days=window_days - 1)).isoformat()
        return cls(comparable, [record for record in comparable if record.day >= first])

    @property
    def last(self) -> DayRecord | None:
        """The latest earlier day."""
        return self.records[-1] if self.records else None

    def compared_with(self, fingerprint: str) -> list[DayRecord]:
        """Return the days of the window that were compared with this baseline, to be summed."""
        return [record for record in self.window if record.baseline.fingerprint == fingerprint]


def read_previous(folder: Path, day: date) -> list[DayRecord]:
    """Return the records of the last 30 days before `day`, and of their reference days.

    Oldest first. folder: `<report_dir>/<model>`. A file that holds no such record is left out, with
    a warning.
    """
    paths = {path.stem: path for path in folder.glob("????-??-??.json")}
    earlier = sorted(name for name in paths if name < day.isoformat())
    recent, older = earlier[-RECENT_DAYS:], earlier[:-RECENT_DAYS]
    records = _read_valid(paths[name] for name in recent)

    if records:  # its reference days may be long ago
        reference = records[-1].performance.reference
        named = [paths[name] for name in older if name in reference.days]
        records = [*_read_valid(named), *records]
    return records


def _read_valid(paths: Iterable[Path]) -> list[DayRecord]:
    valid = []
    for path in paths:
        try:
            record = read(path)
            check_record(record)
            valid.append(record)
        except (OSError, ValueError, RecursionError, OverflowError) as error:
            log.warning(
                "%s: left out; expected a record of version %d, got %s: %s",
                path,
                VERSION,
                type(error).__name__,
                error,
            )
    return valid
