"""Whose object is at a day's key."""

import logging
from datetime import date
from typing import Any

from monitoring.ledger.manifest import State
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store, StoredObject
from monitoring.services.s3_errors import DeniedError

log = logging.getLogger("monitoring")


def existing_object(store: Store, uri: S3Uri, day: date) -> StoredObject | None:
    """Return the object at the day's key; None also where the credentials may not look (logged)."""
    try:
        return store.head(uri)
    except DeniedError as error:
        # A key that may only write is enough: the conditional put protects what is there.
        log.warning("can't check whether %s was scored elsewhere: %s; going on", day, error)
        return None


def is_of_day(stored: StoredObject, model: str, day: date) -> bool:
    """Whether an object is by its metadata the file of this model and day."""
    return (stored.metadata.get("model"), stored.metadata.get("day")) == (model, str(day))


def owner(stored: StoredObject) -> str:
    """Return whose an object is by its metadata, for messages."""
    model = stored.metadata.get("model", "unnamed")
    return f"model {model}, day {stored.metadata.get('day', 'unnamed')}"


def manifest_fields(stored: StoredObject, uri: S3Uri) -> dict[str, Any]:
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
