"""Everything that is written of a day."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitoring.checks.record import DayRecord, to_json
from monitoring.files import write_atomically
from monitoring.ledger import manifest as manifests
from monitoring.ledger.workspace import Workspace
from monitoring.report import history
from monitoring.report.around import filled
from monitoring.report.page import page
from monitoring.settings.model import Checks


def write(
    workspace: Workspace,
    record: DayRecord,
    previous: Sequence[DayRecord],
    checks: Checks | None = None,
) -> Path:
    """Write the day's record, its lines of history.csv and its page; return the page's path.

    record, previous: as of read_previous; checks: the limits that were set. Each file is written
    atomically; a day that is written again replaces its own. The links of the pages around it, and
    the overview, follow with refresh. They follow the umask, since they hold no row's values.
    Raises ServiceError where the disk is full or must not be written.
    """
    day = date.fromisoformat(record.day)
    write_atomically(workspace.record(day), to_json(record), private=False)
    history.write(workspace.history, record)
    days = sorted({*workspace.days_with_page(), day})
    manifest = manifests.read(workspace.manifest(day), day)
    write_atomically(
        workspace.page(day),
        filled(page(record, previous, checks), day, days, manifest),
        private=False,
    )
    return workspace.page(day)
