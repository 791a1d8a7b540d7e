"""Everything that is written of a day."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitoring.checks.record import DayRecord, to_json
from monitoring.files import write_atomically
from monitoring.ledger.workspace import Workspace
from monitoring.report import history
from monitoring.report.page import page


def write(workspace: Workspace, record: DayRecord, previous: Sequence[DayRecord]) -> Path:
    """Write the day's record, its lines of history.csv and its page; return the page's path.

    record, previous: as of evaluate_day. Each file is written atomically; a day that is written
    again replaces its own. They follow the umask, since they hold no row's values. Raises
    ServiceError where the disk is full or must not be written.
    """
    day = date.fromisoformat(record.day)
    write_atomically(workspace.record(day), to_json(record), private=False)
    history.write(workspace.history, record)
    write_atomically(workspace.page(day), page(record, previous), private=False)
    return workspace.page(day)
