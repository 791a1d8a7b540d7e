"""A scored day's file to S3, once."""

import contextlib
import hashlib
import logging
from tempfile import TemporaryFile

from monitoring.batch.scored import ScoredBatch
from monitoring.errors import MonitoringError
from monitoring.ground_truth import file, objects
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import ObjectAtKey
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store
from monitoring.services.s3_errors import DeniedError
from monitoring.services.s3_memory import StoreMemory
from monitoring.services.s3_stored import KeyTakenError, StoredObject
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")


def upload(settings: Settings, entry: DayEntry, store: Store, scored: ScoredBatch) -> S3Uri:
    """Store a scored day's file under its key, which leaves the day in state `uploaded`.

    Once: a file of the same content that is there already is success. The key is looked at right
    before the put, for a store that ignores the put's condition; whether this one does is found
    out after the first put to it. Raises RefusedError where the key holds other content; where
    that is another run's file of this day, the day is closed as done elsewhere.
    """
    uri = settings.ground_truth_uri(entry.day)
    with TemporaryFile() as content:
        rows = file.write(settings.ground_truth, content, scored)
        content.seek(0)
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        metadata = _metadata(entry, rows, sha256)

        existing = _look(store, uri)
        _refuse_others(entry, uri, existing)
        # Nothing there though it was: somebody removed what was to be replaced, the key is free.
        replace_etag = entry.known.replaces_etag if existing else None
        try:
            etag = store.put(uri, content, metadata, replace_etag)
        except KeyTakenError as error:
            _refuse_others(entry, uri, error.existing)
            raise
        entry.update(
            state=State.UPLOADED, bucket=uri.bucket, object_key=uri.key, sha256=sha256, etag=etag
        )

        memory = StoreMemory(entry.workspace.store_memory, store.endpoint_url, uri.bucket)
        if memory.honours_conditions is None:
            try:
                memory.remember(honours=store.honours_conditions(uri, content, metadata))
            except MonitoringError as error:  # the file is stored: the next put finds out
                log.info("%s: whether its store honours conditions is not known: %s", uri, error)
            objects.warn_about_store(settings, entry, store)
    return uri


def _look(store: Store, uri: S3Uri) -> StoredObject | None:
    with contextlib.suppress(DeniedError):  # logged when the day began
        return store.head(uri)
    return None


def _refuse_others(entry: DayEntry, uri: S3Uri, stored: StoredObject | None) -> None:
    if stored is None:
        return
    whose = objects.whose(entry, stored)
    if whose is ObjectAtKey.FOREIGN:
        raise objects.foreign_object_error(entry, uri, stored)
    if whose is ObjectAtKey.OF_ANOTHER_RUN:
        raise objects.close_as_done_elsewhere(entry, uri, stored)


def _metadata(entry: DayEntry, rows: int, sha256: str) -> dict[str, str]:
    """Return what the object says of itself: for integrity, not authenticity."""
    return {
        "model": entry.model,
        "day": str(entry.day),
        "rows": str(rows),
        "sha256": sha256,
        "schema-hash": entry.known.schema_hash or "",
        "run-id": entry.known.run_id or "",
    }
