"""Whether an earlier day's record can be computed with: a file may have been altered."""

import logging
import math
from collections.abc import Iterable, Sequence
from datetime import date

from monitoring.checks.record import Counts, DayRecord
from monitoring.dataset.baseline import Baseline, fingerprint
from monitoring.statistics.scores import SCORE_CELLS

log = logging.getLogger("monitoring")

_MAX_ROWS = 10**12


def check_record(record: DayRecord) -> None:
    """Raise ValueError where the counts of a record are not what they say they are."""
    date.fromisoformat(record.day)
    counts, classes = record.counts, len(record.counts.confusion)
    _check_table("confusion", counts.confusion, (classes, classes))
    for name, variable in counts.features.items():
        _check_table(f"{name}.cells", variable.cells, (classes, None))
        if variable.bins is not None:
            _check_table(f"{name}.bins", variable.bins, (classes, None))
    _check_scores(counts, classes)


def fitting(records: Iterable[DayRecord], baseline: Baseline) -> list[DayRecord]:
    """Return the records whose counts have the classes, features and cells that they must have.

    Those of another schema stay: nothing is summed with them. The others are left out, each with a
    warning.
    """
    kept = []
    for record in records:
        problem = None
        if record.schema_hash == baseline.schema_hash:
            problem = _misfit(record, baseline)
        if problem:
            log.warning("the record of %s is left out: %s", record.day, problem)
        else:
            kept.append(record)
    return kept


def _misfit(record: DayRecord, baseline: Baseline) -> str | None:
    counts = record.counts
    if len(counts.confusion) != len(baseline.classes):
        return f"got {len(counts.confusion)} classes, expected {len(baseline.classes)}"
    if counts.features.keys() != baseline.columns.keys():
        return "its features are not those of the schema"
    if record.baseline.fingerprint != fingerprint(baseline):
        return None  # its features are not summed with today's
    for name, column in baseline.columns.items():
        variable = counts.features[name]
        bins = column.numbers.bins if column.numbers else None
        if _width(variable.cells) != column.counts.shape[1]:
            return f"{name}: its cells are not those of the baseline"
        if variable.bins is None or bins is None:
            continue
        if _width(variable.bins) != bins.shape[1]:
            return f"{name}: its bins are not those of the baseline"
    return None


def _width(table: Sequence[Sequence[int]]) -> int:
    return len(table[0]) if table else 0


def _check_table(name: str, table: Sequence[Sequence[int]], shape: tuple[int, int | None]) -> None:
    rows, width = shape
    width = _width(table) if width is None else width
    if len(table) != rows or any(len(row) != width for row in table):
        raise ValueError(f"{name}: its rows have not the same length, or there are not {rows}")
    if any(not 0 <= count <= _MAX_ROWS for row in table for count in row):
        raise ValueError(f"{name}: got a count that is none")


def _check_scores(counts: Counts, classes: int) -> None:
    if counts.score is not None:
        if len(counts.score) != classes:
            raise ValueError(f"score: got {len(counts.score)} classes, expected {classes}")
        for cells in counts.score:
            if any(not 0 <= cell < SCORE_CELLS for cell in cells):
                raise ValueError(f"score: got a cell beyond 0 to {SCORE_CELLS - 1}")
            if any(not 0 <= rows <= _MAX_ROWS for rows in cells.values()):
                raise ValueError("score: got a count that is none")
    sums = counts.score_sums
    if sums is not None and (len(sums) != classes or not all(map(math.isfinite, sums))):
        raise ValueError(f"score_sums: got {sums}, expected {classes} numbers")
