"""Whose object is at a day's key, and what follows from another's."""

import logging
from datetime import date
from typing import Any

from monitoring.errors import RefusedError
from monitoring.ledger import journal
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import ObjectAtKey
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store
from monitoring.services.s3_errors import DeniedError
from monitoring.services.s3_memory import StoreMemory
from monitoring.services.s3_stored import StoredObject
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")


def existing_object(store: Store, uri: S3Uri, day: date) -> StoredObject | None:
    """Return the object at the day's key; None also where the credentials may not look (logged)."""
    try:
        return store.head(uri)
    except DeniedError as error:
        # A key that may only write is enough: the conditional put protects what is there.
        log.warning("can't check whether %s was scored elsewhere: %s; going on", day, error)
        return None


def warn_about_store(settings: Settings, entry: DayEntry, store: Store) -> None:
    """Warn of a store that is known to ignore the condition of a put."""
    bucket = settings.ground_truth_uri(entry.day).bucket
    memory = StoreMemory(entry.workspace.store_memory, store.endpoint_url, bucket)
    if memory.warning:
        log.warning("%s", memory.warning)


def whose(entry: DayEntry, stored: StoredObject | None) -> ObjectAtKey:
    """Return whose the object at the day's key is, by its metadata and by what is known here."""
    if stored is None:
        return ObjectAtKey.ABSENT
    metadata, known = stored.metadata, entry.manifest
    if not is_of(stored, entry.model, entry.day):
        return ObjectAtKey.FOREIGN
    if known and known.replaces_etag == stored.etag:
        return ObjectAtKey.ABSENT
    if known and known.was_generated_here and known.run_id == metadata.get("run-id"):
        return ObjectAtKey.OF_THIS_RUN
    return ObjectAtKey.OF_ANOTHER_RUN


def is_of(stored: StoredObject, model: str, day: date) -> bool:
    """Whether an object is by its metadata the file of this model and day."""
    return (stored.metadata.get("model"), stored.metadata.get("day")) == (model, str(day))


def foreign_object_error(entry: DayEntry, uri: S3Uri, stored: StoredObject) -> RefusedError:
    """Return the error for a key that holds an object of another model or day."""
    model, day = stored.metadata.get("model"), stored.metadata.get("day")
    remedy = f"move it away (aws s3 mv {uri} ...), then rerun"
    if model and model != entry.model:
        remedy = (
            "the two models share this key: put {model} into ground_truth.uri of one of them, as"
            " in s3://bucket/{model}/{date}.csv, then rerun"
        )
    return RefusedError(
        f"{uri}: the object belongs to another model or day (model {model or 'unnamed'}, day"
        f" {day or 'unnamed'}), expected {entry.model}, {entry.day}; it was left alone: {remedy}"
    )


def adopt(entry: DayEntry, uri: S3Uri, stored: StoredObject, *, dry_run: bool = False) -> None:
    """Note that a day was done elsewhere: from now on it is known here."""
    fields = _manifest_fields(uri, stored)
    if dry_run:
        entry.manifest = entry.changed(**fields)
    else:
        entry.update(**fields)


def close_as_done_elsewhere(
    entry: DayEntry, uri: S3Uri, stored: StoredObject, *, dry_run: bool = False
) -> RefusedError:
    """Close a day whose file another run stored first; return the error that reports it, once.

    What was scored here is archived. From then on the day is known as uploaded, as it is for any
    day that was done elsewhere.
    """
    text = (
        f"{entry.day}: another run stored its file first (run {stored.metadata.get('run-id')},"
        f" {uri}): this day is done"
    )
    if not journal.is_empty(entry.workspace.journal(entry.day)):
        text += "; the endpoint has captured the ids of the rows that were answered here twice"
    if not dry_run:
        if archived := entry.archive():
            text += f"; what was scored here is kept as {archived}"
        adopt(entry, uri, stored)
    return RefusedError(f"{text}; have one machine score each day")


def _manifest_fields(uri: S3Uri, stored: StoredObject) -> dict[str, Any]:
    """Return what an object says of a day that was done elsewhere, as fields of its manifest."""
    metadata = stored.metadata
    rows = metadata.get("rows", "")
    return {
        "state": State.UPLOADED,
        "rows": int(rows) if rows.isdecimal() else None,
        "bucket": uri.bucket,
        "object_key": uri.key,
        "sha256": metadata.get("sha256"),
        "etag": stored.etag,
        "schema_hash": metadata.get("schema-hash"),
        "run_id": metadata.get("run-id"),
    }
