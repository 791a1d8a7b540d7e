"""How far a file's ids cover the rows that were scored here."""

import logging
import re
from collections.abc import Mapping
from datetime import date, timedelta

from monitoring.ledger import days
from monitoring.ledger.manifest import Manifest
from monitoring.ledger.plan import MATCHED_DAYS
from monitoring.ledger.workspace import Workspace
from monitoring.s3_uri import S3Uri

log = logging.getLogger("monitoring")

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")  # int() refuses more than 4,300 digits
_UNSEEN, _SEEN, _FAILED = 0, 1, 2


class Coverage:
    """Counts the ids of a file; a byte for each scored row, whatever the file's size."""

    def __init__(self, workspace: Workspace, today: date) -> None:
        self._today = today
        self._unknown = 0
        self._rows: dict[str, bytearray] = {}
        self._scored: dict[str, int] = {}
        for day in workspace.known_days():
            known = days.read_once(workspace.manifest(day), day)
            if known:
                self._add_day(known)

    def add(self, row_id: str) -> None:
        """Count one id of the file."""
        day, _, index = row_id.rpartition("_")
        rows = self._rows.get(day)
        # "_07" is another id than "_7": ids are compared by value (contracts 5).
        is_index = _INDEX.fullmatch(index) is not None
        if rows and is_index and int(index) < len(rows) and rows[int(index)] != _FAILED:
            rows[int(index)] = _SEEN
        else:
            self._unknown += 1

    def counts(self, duplicates: int) -> dict[str, int]:
        """Return expected, matched, unknown, duplicate and late.

        expected: rows scored from the first to the last day that the file touches. matched: those
        of them that the file has, each counted once. unknown: rows of the file that were never
        scored here. late: matched ones older than 90 days.
        """
        matched = {day: rows.count(_SEEN) for day, rows in self._rows.items() if _SEEN in rows}
        expected = 0
        if matched:
            first, last = min(matched), max(matched)
            expected = sum(rows for day, rows in self._scored.items() if first <= day <= last)
        oldest = str(self._today - timedelta(days=MATCHED_DAYS))
        return {
            "expected": expected,
            "matched": sum(matched.values()),
            "unknown": self._unknown,
            "duplicate": duplicates,
            "late": sum(rows for day, rows in matched.items() if day < oldest),
        }

    def _add_day(self, known: Manifest) -> None:
        # Of a day that was scored elsewhere the number of rows is known, but not which failed.
        if known.scored is None or known.rows is None:
            return
        rows = bytearray(known.rows)
        for failed in known.failures:
            rows[int(failed.rpartition("_")[2])] = _FAILED
        self._rows[known.day] = rows
        self._scored[known.day] = known.scored


def log_coverage(uri: S3Uri, counts: Mapping[str, int]) -> None:
    """Log the counts of a file; late rows are a warning."""
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    log.info("%s: against the rows scored here: %s", uri, listed)
    if counts["late"]:
        log.warning(
            "%s: %d rows are over %d days old: DMM may not match them",
            uri,
            counts["late"],
            MATCHED_DAYS,
        )
