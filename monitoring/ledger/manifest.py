"""What is known of one day, as its manifest.json."""

import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from monitoring.errors import ConfigError, RefusedError
from monitoring.files import disk_error, write_atomically
from monitoring.s3_uri import S3Uri


class State(StrEnum):
    """How far a day is; `failed`: DMM failed to ingest its file. `skipped`: given up."""

    GENERATED = "generated"
    SCORED = "scored"
    UPLOADED = "uploaded"
    REGISTERED = "registered"
    INGESTED = "ingested"
    FAILED = "failed"
    SKIPPED = "skipped"


_MOST_DIGITS = 9
_MOST_ROWS = 10**_MOST_DIGITS

Rows = Annotated[int, Meta(ge=0, le=_MOST_ROWS)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d")]

ACCEPTED_STATES = frozenset({State.REGISTERED, State.INGESTED, State.FAILED})
"""The states of a day whose file DMM has accepted."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What is known of a day; null: not yet, or not from here.

    times: when each state was reached (RFC 3339, UTC). failures: the failed rows' errors by event
    id. batch_inputs: the settings that shaped the rows, by name. sha256, etag: of the ground truth
    object. replaces_etag: of the object that a --rerun is to replace. reason: why DMM failed.
    state_before: of a day that was given up, None for one that nothing was known of.
    """

    day: str
    model: str
    state: State
    times: dict[str, Moment] = {}
    rows: Rows | None = None
    scored: Rows | None = None
    failed: Rows | None = None
    retried: Rows | None = None
    duration_seconds: Seconds | None = None
    failures: dict[str, str] = {}
    batch_inputs: dict[str, Any] = field(name="shaped_by", default_factory=dict)
    drills: list[str] = []
    batch_sha256: str | None = None
    schema_hash: str | None = None
    run_id: str | None = None
    model_url: str | None = None
    bucket: str | None = None
    object_key: str | None = None
    sha256: str | None = None
    etag: str | None = None
    replaces_etag: str | None = None
    dataset: str | None = None
    dmm_host: str | None = None
    dmm_model_id: str | None = None
    reason: str | None = None
    state_before: State | None = None
    report: str | None = None

    @property
    def uri(self) -> S3Uri | None:
        """The address of the ground truth object, None before it was uploaded."""
        if self.bucket and self.object_key:
            return S3Uri(self.bucket, self.object_key)
        return None

    @property
    def was_generated_here(self) -> bool:
        """Whether the day's rows are in this state folder."""
        return self.batch_sha256 is not None

    @property
    def file_rows(self) -> int | None:
        """The rows of the ground truth file, None where they are unknown."""
        return self.rows if self.scored is None else self.scored


def read(path: Path, day: date) -> Manifest | None:
    """Return the manifest in a file, None where there is none.

    Raises RefusedError for one that can't be read, or of another day.
    """
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        _check(manifest, day)
        return manifest
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, ConfigError) as error:
        raise RefusedError(
            f"{path}: not a manifest of {day} ({error}); restore it, or move the folder away and"
            " rerun"
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None


def _check(manifest: Manifest, day: date) -> None:
    """Raise ValueError for a manifest whose fields contradict each other."""
    if manifest.day != day.isoformat():
        raise ValueError(f"it is of day {manifest.day!r}")
    if manifest.bucket and manifest.object_key:
        S3Uri.parse(str(manifest.uri))

    rows = manifest.rows
    if manifest.was_generated_here and rows is None:
        raise ValueError("it has a batch, but no number of rows")
    if rows is None:
        return
    if (manifest.scored or 0) + (manifest.failed or 0) > rows:
        raise ValueError(f"got {manifest.scored} rows scored, {manifest.failed} failed of {rows}")
    for row_id in manifest.failures:
        stem, _, index = row_id.rpartition("_")
        is_index = index.isascii() and index.isdigit() and len(index) <= _MOST_DIGITS
        if stem != manifest.day or not is_index or int(index) >= rows:
            raise ValueError(f"got a failed row {row_id[:100]!r}, expected one of {rows} of {day}")


def write(path: Path, manifest: Manifest) -> None:
    """Store a manifest, atomically; raises ServiceError where the disk is full."""
    content: Mapping[str, Any] = msgspec.to_builtins(manifest)
    write_atomically(path, json.dumps(content, indent=1) + "\n")
