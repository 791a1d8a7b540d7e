"""Questions about many days, answered from the ledger."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta

from monitoring.errors import RefusedError, ServiceError
from monitoring.ledger import manifest
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace

log = logging.getLogger("monitoring")

_OVERDUE_AFTER = timedelta(days=2)  # contracts 5: DMM reads files about once a day


def awaiting_upload(workspace: Workspace, before: date) -> list[date]:
    """Return the earlier days in state `scored`: their file is still to be uploaded."""
    known = _manifests_before(workspace, before)
    return [day for day, manifest in known if manifest.state == State.SCORED]


def missing(workspace: Workspace, before: date) -> list[date]:
    """Return the earlier days without a file.

    Those without a trace since the last known day, and all that are half scored.
    """
    known = list(_manifests_before(workspace, before))
    half_scored = [day for day, manifest in known if manifest.state == State.GENERATED]
    last = max((day for day, _ in known), default=before)
    gap = [last + timedelta(days=offset) for offset in range(1, (before - last).days)]
    return half_scored + gap


def overdue(workspace: Workspace, before: date) -> list[date]:
    """Return the days that DMM accepted two days or more ago and is not known to have ingested."""
    latest = str(before - _OVERDUE_AFTER)
    return [
        day
        for day, manifest in _manifests_before(workspace, before)
        if manifest.state == State.REGISTERED
        and manifest.times.get("registered", "")[:10] <= latest
    ]


def _manifests_before(workspace: Workspace, before: date) -> Iterator[tuple[date, Manifest]]:
    for day in workspace.known_days():
        if day >= before:
            break
        try:
            known = manifest.read(workspace.manifest(day), day)
        except (RefusedError, ServiceError) as error:
            log.warning("%s", error)  # one bad day must not stop the others
            continue
        if known:
            yield day, known
