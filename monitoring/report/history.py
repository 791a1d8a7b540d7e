"""history.csv: the metrics of every day."""

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path

from monitoring.checks.record import DayRecord
from monitoring.files import write_atomically
from monitoring.report.metrics import history_rows
from monitoring.report.rows import MetricRow
from monitoring.text import format_count

log = logging.getLogger("monitoring")

HEADER = ("day", "metric", "subject", "value", "limit")


def write(path: Path, record: DayRecord) -> None:
    """Put the day's metrics into the file, atomically; they replace those that the day had.

    Lines that can't be read are left out, with a warning. Raises ServiceError where the disk is
    full or must not be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(history_rows(record))
    replaced = (f"{HEADER[0]},", f"{record.day},")
    lines = [line for line in _lines(path) if not line.startswith(replaced)]
    is_latest = not lines or _day(lines[-1]) < record.day
    lines += text.getvalue().removesuffix("\n").split("\n")
    if not is_latest:  # a backfill; a stable sort keeps a day's lines as they were
        lines.sort(key=_day)
    write_atomically(path, "\n".join([",".join(HEADER), *lines, ""]), private=False)


def read(path: Path) -> Iterator[MetricRow]:
    """Yield the lines; those that are torn or hold no number are left out."""
    for line in _lines(path):
        day, metric, subject, value, limit = _fields(line)
        try:
            row = MetricRow(day, metric, subject, float(value), float(limit) if limit else None)
        except ValueError:
            continue
        yield row


def _lines(path: Path) -> list[str]:
    """Return the whole lines of the file; there are 100,000 after three years."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("%s: left out: %s", path, error)
        return []

    # Line by line: one that is damaged must not take the others with it.
    found = content.splitlines()
    lines = [text for text in map(_decoded, found) if _is_whole(text)]
    if len(lines) < len(found):
        count = format_count(len(found) - len(lines), "line")
        log.warning("%s: %s left out: torn, or not UTF-8", path, count)
    return lines


def _decoded(line: bytes) -> str:
    """Return a line as text, "" where it is none."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return ""


def _is_whole(line: str) -> bool:
    if '"' not in line:
        return line.count(",") == len(HEADER) - 1
    return len(_fields(line)) == len(HEADER)


def _fields(line: str) -> list[str]:
    """Return the fields of a line, none where it can't be read."""
    if '"' not in line:  # csv takes ten times as long, for the few lines that need it
        return line.split(",")
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _day(line: str) -> str:
    return line.partition(",")[0]
