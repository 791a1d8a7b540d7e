"""The counts of the training data, kept for the next run: a cache, made anew where damaged."""

import contextlib
import hashlib
from pathlib import Path

import msgspec

from monitoring.dataset.baseline import Baseline, from_json, to_json
from monitoring.errors import RefusedError
from monitoring.files import write_atomically


class _Kept(msgspec.Struct, frozen=True):
    """The baseline as JSON text, and that text's hash."""

    sha256: str
    baseline: str


def find(path: Path, content_hash: str, schema_hash: str) -> Baseline | None:
    """Return the baseline of a file, None where there is none of these data and this schema."""
    with contextlib.suppress(OSError, ValueError, RefusedError):
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        if _sha256(kept.baseline) == kept.sha256:
            baseline = from_json(kept.baseline, path)
            if (baseline.content_hash, baseline.schema_hash) == (content_hash, schema_hash):
                return baseline
    return None


def keep(path: Path, baseline: Baseline) -> None:
    """Keep a baseline, atomically; raises ServiceError where the disk is full."""
    text = to_json(baseline)
    write_atomically(path, msgspec.json.encode(_Kept(_sha256(text), text)) + b"\n")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
