"""What is known of one day, as its manifest.json."""

import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from monitoring.errors import RefusedError
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
    times: dict[str, str] = {}
    rows: int | None = None
    scored: int | None = None
    failed: int | None = None
    retried: int | None = None
    duration_seconds: float | None = None
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
        if manifest.day != day.isoformat():
            raise ValueError(f"it is of day {manifest.day!r}")
        return manifest
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"{path}: not a manifest of {day} ({error}); restore it, or move the folder away and"
            " rerun"
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None


def write(path: Path, manifest: Manifest) -> None:
    """Store a manifest, atomically; raises ServiceError where the disk is full."""
    content: Mapping[str, Any] = msgspec.to_builtins(manifest)
    write_atomically(path, json.dumps(content, indent=1) + "\n")
