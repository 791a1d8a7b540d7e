"""What the ledger, DMM and the store say of each day, and what to expect when."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from monitoring.errors import MonitoringError, RefusedError
from monitoring.ground_truth.follow import poll
from monitoring.ground_truth.register import Registrar, due_on
from monitoring.ground_truth.result import from_ledger
from monitoring.ground_truth.text import is_settled
from monitoring.ledger import file_entry
from monitoring.ledger.days import known_of
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import ACCEPTED_STATES, Manifest, State
from monitoring.services.dmm import Dmm
from monitoring.services.dmm_jobs import Ingestion, Progress
from monitoring.services.parallel import in_parallel
from monitoring.services.s3 import Store
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")

_READ_SECONDS = 30.0
_STORE_THREADS = 8
_INGESTION_DAYS = 2  # contracts 5: DMM reads files about once a day
_FILE_EXPECTATIONS = {
    State.REGISTERED: "--pending asks DMM what became of it",
    State.INGESTED: "in DMM's quality metrics after its next check",
    State.FAILED: "fix the cause, then register it as another file, or give it up: --skip",
    State.SKIPPED: "given up",
}
_MISSING, _UNREADABLE = "missing", "unreadable"


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as the ledger knows it; problem: why its manifest can't be read."""

    day: date
    manifest: Manifest | None = None
    problem: str | None = None

    @property
    def state(self) -> str:
        if self.manifest:
            return self.manifest.state.value
        return _UNREADABLE if self.problem else _MISSING


def status(
    registrar: Registrar, days: Sequence[date], *, asks_about_all: bool
) -> list[dict[str, Any]]:
    """Return a table line for each day; changes nothing.

    What the ledger and DMM say, what to expect when, and whether its object is the one that was
    checked. No days given: from the first known one to yesterday (or the last known one), gaps
    included. asks_about_all: the store is also asked for objects of days that nobody has to do
    anything about.
    """
    settings, ledger, today = registrar.settings, registrar.ledger, registrar.today
    known = [_read(ledger, day) for day in days or _known_range(ledger, today)]
    manifests = [day.manifest for day in known if day.manifest]
    progress = _progress(settings, registrar.dmm, manifests)
    lines = [_line(settings, one, today, progress.get(one.day)) for one in known]
    shown = [
        one.manifest
        for one, line in zip(known, lines, strict=True)
        if one.manifest and (asks_about_all or not is_settled(line))
    ]
    objects = _objects(registrar.store, shown)
    for one, line in zip(known, lines, strict=True):
        line["object"] = objects.get(one.day)
    return lines if days else [*lines, *_file_lines(registrar)]


def _line(settings: Settings, one: _Day, today: date, job: Progress | None) -> dict[str, Any]:
    """Return a day's line as the ledger and DMM have it; its object has not been asked for."""
    manifest = one.manifest
    return {
        "day": str(one.day),
        "uri": str(manifest.uri) if manifest and manifest.uri else None,
        "state": one.state,
        "rows": manifest and manifest.file_rows,
        "registered_at": manifest and manifest.times.get("registered"),
        "dmm": job and (job.word or "no job"),
        "reason": (job and job.reason) or (manifest and manifest.reason) or one.problem,
        "object": None,
        "expect": _expectation(settings, one, today, job),
    }


def _file_lines(registrar: Registrar) -> list[dict[str, Any]]:
    """Return a line for each file made elsewhere, as the ledger knows it."""
    return [
        {
            "day": None,
            "uri": entry.uri,
            "state": entry.state.value,
            "rows": entry.rows,
            "registered_at": entry.times.get("registered"),
            "dmm": None,
            "reason": entry.reason,
            "object": None,
            "expect": _FILE_EXPECTATIONS[entry.state],
        }
        for entry in file_entry.read_all(registrar.ledger.workspace)
    ]


def _known_range(ledger: Ledger, today: date) -> list[date]:
    known = ledger.workspace.known_days()
    if not known:
        return []
    last = max(known[-1], today - timedelta(days=1))
    return [known[0] + timedelta(days=offset) for offset in range((last - known[0]).days + 1)]


def _read(ledger: Ledger, day: date) -> _Day:
    try:
        return _Day(day, known_of(ledger, day))
    except RefusedError as error:
        return _Day(day, problem=str(error))


def _progress(
    settings: Settings, dmm: Dmm, manifests: Sequence[Manifest]
) -> dict[date | None, Progress | None]:
    """Return DMM's word for each day that it has accepted."""
    model_id = settings.model_monitor.model_id
    accepted = [
        from_ledger(manifest, host=dmm.host, model_id=model_id)
        for manifest in manifests
        if manifest.state in ACCEPTED_STATES and manifest.uri  # of a removed day it is unknown
    ]
    # DMM's word is asked for also where the ledger knows the end; a day of another DMM host has
    # the reason in its text and is not asked about.
    asked = [replace(file, awaits_ingestion=not file.dmm_text) for file in accepted]
    polled = poll(dmm, asked, _READ_SECONDS)
    for problem in sorted({file.dmm_text for file in polled if file.progress is None}):
        log.warning("%s", problem)
    return {file.day: file.progress for file in polled}


def _objects(store: Store, manifests: Sequence[Manifest]) -> dict[date, str]:
    """Return by day whether its object is still the one that was checked: same, changed or gone."""
    words: dict[date, str] = {}

    def ask(manifest: Manifest) -> None:
        stored = store.head(manifest.uri) if manifest.uri else None
        word = "gone"
        if stored:
            word = "same" if stored.etag == manifest.etag else "changed"
        words[date.fromisoformat(manifest.day)] = word

    with_object = [manifest for manifest in manifests if manifest.etag and manifest.uri]
    try:
        in_parallel(ask, with_object, threads=_STORE_THREADS)
    except MonitoringError as error:
        log.warning("whether objects have changed is unknown: %s", error)
    return words


def _expectation(settings: Settings, one: _Day, today: date, job: Progress | None) -> str:
    """Return what to expect of a day, and when, or what to do (contracts 5)."""
    state, day = one.state, one.day
    # What DMM says now wins over the ledger, which notes it at the next --pending or --date.
    if job and job.ingestion is not Ingestion.GOING:
        state = job.ingestion.value

    score = f"daily_scoring.py --date {day}"
    if state == _MISSING:
        return f"no trace of it here: {score}"
    if state == _UNREADABLE:
        return "restore its manifest"
    if state == State.GENERATED:
        return f"not scored to its end: {score}"
    if state == State.SCORED:
        return f"not uploaded: {score}"
    if state == State.SKIPPED:
        return f"given up; --date {day} undoes it"
    if state == State.UPLOADED:
        due = due_on(settings, day)
        return f"due on {due}" if due > today else "to be registered: --pending"
    if state == State.INGESTED:
        return "in DMM's quality metrics after its next check, by default daily at 12:00 UTC"
    if state == State.FAILED:
        return f"fix the cause, then --date {day} --again"
    return _ingestion_expectation(one, today)


def _ingestion_expectation(one: _Day, today: date) -> str:
    registered_at = one.manifest.times.get("registered") if one.manifest else None
    registered = date.fromisoformat((registered_at or str(one.day))[:10])
    by = registered + timedelta(days=_INGESTION_DAYS)
    if today <= by:
        return f"ingested by {by}"
    return f"overdue since {by}: check its Ingest History in DMM"
