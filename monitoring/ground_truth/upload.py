"""A scored day's file to S3, once."""

import hashlib
from tempfile import TemporaryFile

from monitoring.batch.scored import ScoredBatch
from monitoring.ground_truth import file, objects
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.manifest import State
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store
from monitoring.settings.model import Settings


def upload(settings: Settings, entry: DayEntry, store: Store, scored: ScoredBatch) -> S3Uri:
    """Store a scored day's file under its key, which leaves the day in state `uploaded`.

    Once: a file of the same content that is there already is success. Raises RefusedError where
    the key holds other content.
    """
    uri = settings.ground_truth_uri(entry.day)
    with TemporaryFile() as content:
        rows = file.write(settings.ground_truth, content, scored)
        content.seek(0)
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        etag = store.put(
            uri, content, _metadata(entry, rows, sha256), _etag_to_replace(entry, store, uri)
        )
    entry.update(
        state=State.UPLOADED, bucket=uri.bucket, object_key=uri.key, sha256=sha256, etag=etag
    )
    return uri


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


def _etag_to_replace(entry: DayEntry, store: Store, uri: S3Uri) -> str | None:
    etag = entry.known.replaces_etag
    if etag and objects.existing_object(store, uri, entry.day) is None:
        return None  # somebody removed what was to be replaced: the key is free
    return etag
