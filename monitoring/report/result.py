"""The JSON object of a day that --json prints."""

import contextlib
from datetime import date
from typing import Any

import msgspec

from monitoring.checks import record as records
from monitoring.checks.record import DayRecord
from monitoring.errors import RefusedError, ServiceError
from monitoring.ledger import manifest as manifests
from monitoring.ledger.manifest import Manifest
from monitoring.ledger.workspace import Workspace


def day_result(workspace: Workspace, day: date) -> dict[str, Any]:
    """Return what is known of a day, from its manifest and the record of its checks.

    A manifest or record that can't be read counts as none: whoever works on the day reports it.
    """
    manifest: Manifest | None = None
    with contextlib.suppress(RefusedError, ServiceError):
        manifest = manifests.read(workspace.manifest(day), day)
    record = day_record(workspace, manifest) if manifest else None
    return {"day": str(day), **_from_manifest(manifest), **_from_record(record)}


def day_record(workspace: Workspace, manifest: Manifest) -> DayRecord | None:
    """Return the record of a day's checks, None where there is none or it can't be read."""
    if not manifest.report:
        return None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return records.read(workspace.record(date.fromisoformat(manifest.day)))
    return None


def _from_manifest(manifest: Manifest | None) -> dict[str, Any]:
    names = ("state", "rows", "scored", "failed", "retried")
    uri = manifest and manifest.uri
    return {
        **{name: getattr(manifest, name, None) for name in names},
        "ground_truth_uri": str(uri) if uri else None,
        "report": manifest and manifest.report,
    }


def _from_record(record: DayRecord | None) -> dict[str, Any]:
    endpoint = record and record.endpoint
    return {
        "latency_ms": endpoint and endpoint.latency_ms,
        "availability": endpoint and endpoint.availability,
        "releases": endpoint.releases if endpoint else [],
        "alerts": msgspec.to_builtins(record.alerts) if record else [],
        "ongoing": msgspec.to_builtins(record.ongoing) if record else [],
        "advice": record and record.advice.value,
        "because": record.because if record else [],
    }
