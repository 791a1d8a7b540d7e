"""A file that was stored though no run noticed: its answer was lost, or the run was killed."""

import contextlib
import logging

import msgspec

from monitoring.batch.batch import Batch
from monitoring.dataset.schema import event_id
from monitoring.errors import RefusedError
from monitoring.ground_truth.validate import check_file
from monitoring.ledger.answer import Answer
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.journal import Journal
from monitoring.ledger.manifest import State
from monitoring.services.s3 import Store
from monitoring.services.s3_stored import StoredObject
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")

_NOT_IN_FILE = "not in the stored file: it was answered only after the file was stored"


def note_stored_file(
    settings: Settings, entry: DayEntry, store: Store, stored: StoredObject, batch: Batch
) -> None:
    """Leave the day in state `uploaded`, with the counts of what its stored file holds.

    stored: the object at the day's key, of this day's own run. A row that was answered after the
    file was stored counts as failed: DMM will get no outcome of it. Raises RefusedError where the
    file is not as this run wrote it.
    """
    uri = settings.ground_truth_uri(entry.day)
    row_ids: set[str] = set()
    with store.open(uri, stored.etag) as body:
        checked = check_file(settings, body, str(uri), stored.metadata, row_ids.add)
    if checked.problems:
        problems = "; ".join(checked.problems)
        raise RefusedError(
            f"{uri}: this run's own file, but changed since ({problems}): find out by whom; remove"
            f" it (aws s3 rm {uri}) and rerun, which stores it again"
        )

    journal = Journal(entry.workspace.journal(entry.day), batch.sha256, len(batch))
    with contextlib.closing(journal):
        for index, answer in sorted(journal.answers.items()):
            is_in_file = event_id(entry.day, index) in row_ids
            if answer.is_scored and not is_in_file:
                journal.append(_failed(answer))
        entry.count(journal.answers)
    log.info("%s: its file was stored by an earlier run, unnoticed: %s", entry.title, uri)
    entry.update(
        state=State.UPLOADED,
        bucket=uri.bucket,
        object_key=uri.key,
        sha256=checked.sha256,
        etag=stored.etag,
    )


def _failed(answer: Answer) -> Answer:
    return msgspec.structs.replace(
        answer, prediction=None, score=None, error=_NOT_IN_FILE, is_retryable=False
    )
