"""history.csv: the metrics of every day."""

import contextlib
import csv
import io
from pathlib import Path

from monitoring.checks.record import DayRecord
from monitoring.files import write_atomically
from monitoring.report.metrics import MetricRow, history_rows

HEADER = ("day", "metric", "subject", "value", "limit")


def write(path: Path, record: DayRecord) -> None:
    """Put the day's metrics into the file, atomically; they replace those that the day had.

    Torn lines are dropped. Raises ServiceError where the disk is full or must not be written.
    """
    rows: list[list[str] | MetricRow] = [
        row for row in _read(path) if row[0] not in (HEADER[0], record.day)
    ]
    rows += history_rows(record)
    # Days come in order but for a backfill; a stable sort keeps a day's rows as they were.
    rows.sort(key=lambda row: row[0])

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def read(path: Path) -> dict[str, list[MetricRow]]:
    """Return the lines by day, oldest first; lines that are torn or hold no number are left out.

    Raises OSError.
    """
    days: dict[str, list[MetricRow]] = {}
    for day, metric, subject, value, limit in _read(path):
        with contextlib.suppress(ValueError):
            row = MetricRow(day, metric, subject, float(value), float(limit) if limit else None)
            days.setdefault(day, []).append(row)
    return days


def _read(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if len(row) == len(HEADER)]
