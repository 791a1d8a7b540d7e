"""history.csv: the metrics of every day."""

import contextlib
import csv
import io
import logging
from pathlib import Path

from monitoring.checks.record import DayRecord
from monitoring.files import write_atomically
from monitoring.report.metrics import MetricRow, history_rows
from monitoring.text import format_count

log = logging.getLogger("monitoring")

HEADER = ("day", "metric", "subject", "value", "limit")


def write(path: Path, record: DayRecord) -> None:
    """Put the day's metrics into the file, atomically; they replace those that the day had.

    Lines that can't be read are left out, with a warning. Raises ServiceError where the disk is
    full or must not be written.
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
    write_atomically(path, text.getvalue(), private=False)


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
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("%s: left out: %s", path, error)
        return []

    # Line by line: one that is damaged must not take the others with it.
    rows = [row for row in map(_row, lines) if row]
    if len(rows) < len(lines):
        count = format_count(len(lines) - len(rows), "line")
        log.warning("%s: %s left out: torn, or not UTF-8", path, count)
    return rows


def _row(line: bytes) -> list[str] | None:
    """Return the fields of a line, None where it is not a whole line of the history."""
    try:
        rows = list(csv.reader([line.decode()]))
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows[0] if rows and len(rows[0]) == len(HEADER) else None
