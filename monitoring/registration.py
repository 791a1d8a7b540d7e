"""What becomes of a ground truth file on its way into DMM: checked, registered, followed, told; and the ledger kept."""

import contextlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from monitoring import day as days
from monitoring import ground_truth, model_monitor, object_store
from monitoring.day import Manifest
from monitoring.errors import MonitoringError, NotYetError, RefusedError, ServiceError
from monitoring.http_client import Limits
from monitoring.model_monitor import Progress

if TYPE_CHECKING:
    import requests

    from monitoring.config import Settings

log = logging.getLogger("monitoring")
_TAKEN = ("registered", "ingested", "failed")


@dataclass(frozen=True, slots=True)
class File:
    """A file and what came of it.

    outcome: accepted, already_registered, ingested, not_yet or failed. open: DMM is to be asked what became of it. told: DMM's
    answer as text. requests: what a dry run would send.
    """

    day: date | None
    uri: str
    outcome: str
    open: bool = False
    rows: int | None = None
    dmm_model_id: str = ""
    progress: Progress | None = None
    told: str = ""
    coverage: dict[str, int] | None = None
    requests: list[dict[str, Any]] | None = None
    error: MonitoringError | None = None

    def record(self) -> dict[str, Any]:
        """Return what --json prints of the file."""
        more: dict[str, Any] = {"rows": self.rows, "coverage": self.coverage, "requests": self.requests}
        more |= {"dmm": self.progress and self.progress.word, "error": self.error and str(self.error)}
        day = self.day and str(self.day)
        return {"day": day, "uri": self.uri, "outcome": self.outcome} | {k: v for k, v in more.items() if v is not None}


def ended_by(error: MonitoringError, settings: "Settings", day: date | None, uri: str) -> File:
    """Return the record of a file that an error ended: not_yet where it may still come, else failed."""
    uri = "s3://" + "/".join(ground_truth.address(settings, day)) if day else uri
    return File(day, uri, "not_yet" if error.exit_code in (11, 75) else "failed", error=error)


def due_on(settings: "Settings", day: date) -> date:
    """Return the first day on which a day's outcomes may be registered."""
    return day + timedelta(days=settings.ground_truth.lag_days)


def pending(settings: "Settings", today: date) -> list[date]:
    """Return the days that are uploaded and due but not registered, and those accepted but not known as ingested or failed."""
    found = []
    for day in days.known_days(settings):
        state = _readable(settings, day).state
        # One that can't be read is taken along, so that it is told as a day's error and the others still get their turn.
        if state in ("registered", "unreadable") or (state == "uploaded" and due_on(settings, day) <= today):
            found.append(day)
    return found


def register_day(
    settings: "Settings", store: Any, service: "requests.Session", day: date, today: date, again: bool, dry_run: bool
) -> File:
    """Check a day's file, register it, and note in its manifest that DMM took it; what stands there as taken is not sent again.

    Under the day's lock. At least once: killed between DMM's answer and the manifest, the next run asks again, and DMM then
    knows the dataset. again: the same rows of a failed day, under the next name. Raises NotYetError, RefusedError, ServiceError
    or LockedError; the state is kept.
    """
    if due_on(settings, day) > today:
        lag = settings.ground_truth.lag_days
        raise NotYetError(
            f"{day}: its outcomes are due on {due_on(settings, day)} (ground_truth.lag_days: {lag}): try again then"
        )
    if (today - day).days > ground_truth.MATCHED_DAYS:
        log.warning("%s: over %d days old: DMM may no longer match its outcomes", day, ground_truth.MATCHED_DAYS)
    with contextlib.nullcontext() if dry_run else days.locked(settings, day):
        manifest = days.read_manifest(settings, day)
        state = manifest.state if manifest else "unknown here"
        if manifest and state in _TAKEN and not again:
            return _from_ledger(settings, manifest)
        if again and state != "failed":
            raise RefusedError(f"{day}: --again is for a failed ingestion, this day is {state}: run without it, which asks DMM")
        bucket, key = ground_truth.address(settings, day)
        if manifest and manifest.bucket and manifest.object_key:
            bucket, key = manifest.bucket, manifest.object_key
        stored = object_store.head(store, bucket, key)
        if stored is None:
            raise _missing(f"s3://{bucket}/{key}", day, today, state)
        checked = _sound(settings, store, bucket, key, stored, day, manifest)
        source, key = key, ground_truth.next_key(key) if again else key
        file = File(day, f"s3://{bucket}/{key}", "not_yet", rows=checked.rows)
        if dry_run:
            return replace(file, requests=model_monitor.planned(settings, key))
        etag = _copy(settings, store, bucket, source, stored, key) if again else stored.etag
        file = _registered(settings, service, file)
        days.write_manifest(
            settings, manifest or Manifest(str(day), settings.model, "registered", rows=checked.rows),
            state="registered", bucket=bucket, object_key=key, sha256=checked.sha256, etag=etag, reason=None,
            dataset=model_monitor.dataset_name(key), dmm_host=model_monitor.host(settings.model_monitor),
            dmm_model_id=file.dmm_model_id,
        )  # fmt: skip
    return file


def register_uri(settings: "Settings", store: Any, service: "requests.Session", uri: str, today: date, dry_run: bool) -> File:
    """Check and register a file made elsewhere and join its ids to the days scored here; the ledger is left alone.

    A file that is not sound comes back with its error, so that its coverage is told all the same. Else as `register_day`.
    """
    bucket, key = object_store.split_uri(uri)
    stored = object_store.head(store, bucket, key)
    if stored is None:
        raise RefusedError(f"{uri}: no such object (or bucket): mend the address, or s3.endpoint_url")
    coverage = ground_truth.Coverage(settings, today)
    with object_store.opened(store, bucket, key, stored.etag) as body:
        checked = ground_truth.check(settings, body, uri, stored.metadata, coverage.note)
    counts = coverage.counts(checked.duplicates)
    log.info("%s: against the rows scored here: %s", uri, ", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["late"]:
        log.warning("%s: %d rows are over %d days old: DMM may not match them", uri, counts["late"], ground_truth.MATCHED_DAYS)
    file = File(None, uri, "not_yet", rows=checked.rows, coverage=counts)
    if checked.problems:
        return replace(file, outcome="failed", error=_unsound(checked))
    return replace(file, requests=model_monitor.planned(settings, key)) if dry_run else _registered(settings, service, file)


def look(settings: "Settings", service: "requests.Session", files: Sequence[File], read_seconds: float) -> list[File]:
    """Ask DMM once what became of the open files, and note each end in the ledger, under the day's lock."""
    return [_settled(settings, file) if file.open else file for file in ask(settings, service, files, read_seconds)]


def ask(settings: "Settings", service: "requests.Session", files: Sequence[File], read_seconds: float) -> list[File]:
    """Return the files with what DMM says of the open ones, each asked for under the model id that it was registered with.

    Trouble in asking fails nothing: it is told in the file, whose `progress` is then None.
    """
    limits = Limits(attempts=1, read_seconds=read_seconds)
    found = list(files)
    for model_id in sorted({file.dmm_model_id for file in files if file.open}):
        theirs = [index for index, file in enumerate(files) if file.open and file.dmm_model_id == model_id]
        try:
            ingestion = model_monitor.get_model(service, settings, model_id, limits).get("ingestionStatus")
            listed = model_monitor.jobs(service, settings, model_id, limits)
        except (RefusedError, ServiceError) as error:
            for index in theirs:
                found[index] = replace(files[index], told=f"DMM could not be asked: {error}")
            continue
        for index in theirs:
            progress = model_monitor.progress(settings.model_monitor, listed, *object_store.split_uri(files[index].uri))
            told = f"its job in DMM: {progress.word or 'none listed'}; the model's ingestion status: {ingestion}"
            found[index] = replace(files[index], progress=progress, told=told)
    return found


def overdue(file: File, wait_seconds: float) -> File:
    """Return a file that DMM has not ingested by the deadline."""
    error = NotYetError(
        f"{file.day or file.uri}: accepted by DMM, not ingested within {wait_seconds:g} s ({file.told}); it reads files about"
        " once a day: --pending goes on from here"
    )
    return replace(file, outcome="not_yet", open=False, error=error)


def status(
    settings: "Settings", store: Any, service: "requests.Session", asked: list[date], today: date
) -> list[dict[str, Any]]:
    """Return for each day what the ledger and DMM say, what to expect when, and whether its object is the one that was checked.

    No day asked for: from the first known one to yesterday (or the last known one), gaps included. Changes nothing.
    """
    if not asked and (known := days.known_days(settings)):
        last = max(known[-1], today - timedelta(days=1))
        asked = [known[0] + timedelta(days=offset) for offset in range((last - known[0]).days + 1)]
    manifests = {day: _readable(settings, day) for day in asked}
    taken = [_from_ledger(settings, manifest) for manifest in manifests.values() if manifest.state in _TAKEN]
    # DMM's word is asked for also where the ledger knows the end; a day of another DMM host comes closed, with the reason told.
    taken = ask(settings, service, [replace(file, open=not file.told) for file in taken], read_seconds=30)
    for trouble in sorted({file.told for file in taken if file.progress is None}):
        log.warning("%s", trouble)
    progress = {file.day: file.progress for file in taken}
    objects = _objects(store, [manifest for manifest in manifests.values() if manifest.etag])
    table = []
    for day, one in manifests.items():
        job = progress.get(day)
        rows = one.rows if one.scored is None else one.scored
        line: dict[str, Any] = {"day": str(day), "state": one.state, "rows": rows, "registered_at": one.times.get("registered")}
        line |= {"dmm": job and (job.word or "no job"), "reason": (job and job.reason) or one.reason}
        table.append(line | {"object": objects.get(str(day)), "expect": _expectation(settings, one, day, today, job)})
    return table


def _readable(settings: "Settings", day: date) -> Manifest:
    """Return the day's manifest, or one in the state `missing` or `unreadable`."""
    try:
        return days.read_manifest(settings, day) or Manifest(str(day), settings.model, "missing")
    except RefusedError as error:
        return Manifest(str(day), settings.model, "unreadable", reason=str(error))


def _missing(uri: str, day: date, today: date, state: str) -> MonitoringError:
    if state in ("generated", "scored") or (day == today and state == "unknown here"):
        return NotYetError(f"{day}: {uri} is not there yet (the day is {state}): try again later")
    return RefusedError(
        f"{day}: {uri}: no such object (or bucket), and none is to come: mend ground_truth.uri, DOMINO_PROJECT_ID or"
        f" s3.endpoint_url, or score the day: daily_scoring.py --date {day}"
    )


def _sound(
    settings: "Settings",
    store: Any,
    bucket: str,
    key: str,
    stored: object_store.StoredObject,
    day: date,
    manifest: Manifest | None,
) -> ground_truth.Checked:
    """Return what a reading of a day's object found; raises RefusedError where it is not sound, or of another model or day."""
    uri = f"s3://{bucket}/{key}"
    theirs = (stored.metadata.get("model", settings.model), stored.metadata.get("day", str(day)))
    if theirs != (settings.model, str(day)):
        expected = f"expected {settings.model}, {day}: mend ground_truth.uri"
        raise RefusedError(f"{day}: {uri}: by its metadata the file of model {theirs[0]}, day {theirs[1]}, {expected}")
    with object_store.opened(store, bucket, key, stored.etag) as body:
        checked = ground_truth.check(settings, body, uri, stored.metadata)
    if checked.problems:
        raise _unsound(checked)
    if manifest and manifest.sha256 not in (None, checked.sha256):
        changed = f"{day}: {uri} has changed: sha256 {checked.sha256}, the ledger says {manifest.sha256}"
        if manifest.state == "failed":
            raise RefusedError(f"{changed}: --again registers the same rows only: put the object back as it was")
        log.warning("%s; it is sound, so it is registered as it stands", changed)
    log.info("%s: %s: %d rows, sound", day, uri, checked.rows)
    return checked


def _unsound(checked: ground_truth.Checked) -> RefusedError:
    return RefusedError("\n".join((*checked.problems, "nothing was registered: mend the file, upload it, then rerun")))


def _copy(settings: "Settings", store: Any, bucket: str, key: str, stored: object_store.StoredObject, new_key: str) -> str:
    """Store the object's bytes under another key, unless they stand there already, and return the ETag there."""
    with TemporaryFile() as file:
        with object_store.opened(store, bucket, key, stored.etag) as body:
            shutil.copyfileobj(body, file)
        file.seek(0)
        return object_store.put(store, bucket, new_key, file, stored.metadata, settings.s3.put_arguments)


def _registered(settings: "Settings", service: "requests.Session", file: File) -> File:
    already = model_monitor.register(service, settings, *object_store.split_uri(file.uri))
    log.info("%s: %s", file.day or file.uri, "DMM had it registered already" if already else "accepted by DMM")
    model_id = settings.model_monitor.model_id
    # The job of one that was registered before may have failed long ago; that of a new one has not begun.
    return replace(file, outcome="already_registered" if already else "accepted", open=already, dmm_model_id=model_id)


def _from_ledger(settings: "Settings", manifest: Manifest) -> File:
    """Return a day that the ledger has as taken by DMM; open unless its end is known, or another DMM has it."""
    uri, day = f"s3://{manifest.bucket}/{manifest.object_key}", date.fromisoformat(manifest.day)
    elsewhere = manifest.dmm_host not in (None, model_monitor.host(settings.model_monitor))
    return File(
        day,
        uri,
        "already_registered" if manifest.state == "registered" else manifest.state,
        open=manifest.state != "ingested" and not elsewhere,
        rows=manifest.rows if manifest.scored is None else manifest.scored,
        dmm_model_id=manifest.dmm_model_id or settings.model_monitor.model_id,
        told=f"{day} was registered with the DMM at {manifest.dmm_host}, model_monitor.url names another" if elsewhere else "",
        error=_failure(str(day), uri, manifest.reason) if manifest.state == "failed" else None,
    )


def _settled(settings: "Settings", file: File) -> File:
    """Return an open file as DMM's answer leaves it; an end is noted in the ledger."""
    if file.progress is None or file.progress.verdict == "going":
        return replace(file, open=file.outcome != "failed")  # nobody waits for what DMM has given up
    state, reason = file.progress.verdict, file.progress.reason
    error: MonitoringError | None = _failure(str(file.day or ""), file.uri, reason) if state == "failed" else None
    try:
        if file.day:
            with days.locked(settings, file.day):
                manifest = days.read_manifest(settings, file.day)
                # Another run may have gone on with the day meanwhile.
                if manifest and manifest.state != state and f"s3://{manifest.bucket}/{manifest.object_key}" == file.uri:
                    days.write_manifest(settings, manifest, state=state, reason=reason)
    except MonitoringError as problem:
        error = error or problem
    return replace(file, outcome=state, open=False, error=error)


def _failure(day: str, uri: str, reason: str | None) -> RefusedError:
    remedy = f"--date {day} --again registers the same rows as another file" if day else "register it as another file"
    return RefusedError(f"DMM failed to ingest {uri}: {reason or 'it gives no reason'}; mend the cause, then {remedy}")


def _objects(store: Any, manifests: list[Manifest]) -> dict[str, str]:
    """Return by day whether its object is still the one that was checked: same, changed or gone."""
    found = {}
    try:
        for one in manifests:
            stored = object_store.head(store, str(one.bucket), str(one.object_key))
            found[one.day] = "gone" if stored is None else "same" if stored.etag == one.etag else "changed"
    except MonitoringError as error:
        log.warning("whether objects have changed is unknown: %s", error)
    return found


def _expectation(settings: "Settings", manifest: Manifest, day: date, today: date, job: Progress | None) -> str:
    """Return what to expect of a day, and when, or what to do (contracts 5: DMM reads and checks once a day)."""
    # What DMM says now wins over the ledger, which notes it at the next --pending or --date.
    state = job.verdict if job and job.verdict != "going" else manifest.state
    by = date.fromisoformat(manifest.times.get("registered", str(day))[:10]) + timedelta(days=2)
    due = due_on(settings, day)
    return {
        "missing": f"no trace of it here: daily_scoring.py --date {day}",
        "unreadable": "restore its manifest",
        "generated": f"not scored to its end: daily_scoring.py --date {day}",
        "scored": f"not uploaded: daily_scoring.py --date {day}",
        "uploaded": f"due on {due}" if due > today else "to be registered: --pending",
        "registered": f"ingested by {by}" if today <= by else f"overdue since {by}: look at its Ingest History in DMM",
        "ingested": "in DMM's quality metrics after its next check, by default daily at 12:00 UTC",
        "failed": f"mend the cause, then --date {day} --again",
    }[state]
