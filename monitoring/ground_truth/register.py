"""Checking a ground truth file and registering it with DMM; the ledger is kept."""

import logging
import re
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from tempfile import TemporaryFile
from typing import Self

from monitoring.errors import MonitoringError, NotYetError, RefusedError
from monitoring.ground_truth.coverage import Coverage, log_coverage
from monitoring.ground_truth.result import (
    FileResult,
    Outcome,
    from_error,
    from_file_entry,
    from_ledger,
)
from monitoring.ground_truth.validate import CheckedFile, check_file
from monitoring.ledger import days, file_entry, plan
from monitoring.ledger.entry import DayEntry, Ledger
from monitoring.ledger.file_entry import FileEntry
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import MATCHED_DAYS, Refusal, RegistrationStep
from monitoring.ledger.workspace import Workspace
from monitoring.s3_uri import S3Uri
from monitoring.services.dmm import Dmm
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.dmm_registration import Registration
from monitoring.services.s3 import Store
from monitoring.services.s3_stored import StoredObject
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")


def due_on(settings: Settings, day: date) -> date:
    """Return the first day on which a day's outcomes may be registered."""
    return day + timedelta(days=settings.ground_truth.lag_days)


def pending_days(settings: Settings, ledger: Ledger, today: date) -> list[date]:
    """Return the days that are due and not registered, and those whose ingestion is not known.

    A day that can't be read is among them, so that it is reported as a day's error and the others
    still get their turn.
    """
    pending = []
    for day in ledger.workspace.known_days():
        try:
            known = days.known_of(ledger, day)
        except RefusedError:
            pending.append(day)
            continue
        is_due, age_days = due_on(settings, day) <= today, (today - day).days
        if known and plan.is_pending(known.state, is_due=is_due, age_days=age_days):
            pending.append(day)
    return pending


@dataclass(frozen=True, slots=True)
class Registrar:
    """What registering needs: where the files are, where they go, and what is known of them."""

    settings: Settings
    ledger: Ledger
    store: Store
    dmm: Dmm
    registration: Registration
    today: date
    dry_run: bool = False

    @classmethod
    def connect(cls, settings: Settings, today: date, *, dry_run: bool) -> Self:
        """Return a registrar for the services that the settings name; sends nothing yet."""
        workspace = Workspace.of(settings)
        dmm = Dmm(settings)
        return cls(
            settings=settings,
            ledger=Ledger(workspace, settings.model),
            store=Store(settings.s3),
            dmm=dmm,
            registration=Registration(dmm, DmmMemory(workspace.dmm_memory)),
            today=today,
            dry_run=dry_run,
        )

    def register_day(self, day: date, *, again: bool = False) -> FileResult:
        """Check a day's file, register it, and note in the ledger that DMM accepted it.

        Accepted files are not sent again. Under the day's lock. At least once: killed between
        DMM's answer and the ledger, the next run asks again, and DMM then knows the dataset.
        again: the same rows of a failed day, under the next name. An error of the tree comes in
        the result; the state is kept.
        """
        try:
            return self._register_day(day, again=again)
        except MonitoringError as error:
            return from_error(error, day, str(self.settings.ground_truth_uri(day)))

    def register_uri(self, uri: S3Uri) -> FileResult:
        """Check and register a file made elsewhere and join its ids to the days scored here.

        A file with problems comes back with its coverage all the same. An error of the tree comes
        in the result.
        """
        try:
            return self._register_uri(uri)
        except MonitoringError as error:
            return from_error(error, None, str(uri))

    def pending_files(self) -> list[FileResult]:
        """Return the files made elsewhere whose end is not known, or that failed lately."""
        model_id = self.settings.model_monitor.model_id
        return [
            from_file_entry(entry, host=self.dmm.host, model_id=model_id)
            for entry in file_entry.read_all(self.ledger.workspace)
            if plan.is_pending(entry.state, is_due=True, age_days=entry.age_days(self.today))
        ]

    # --- one day

    def _register_day(self, day: date, *, again: bool) -> FileResult:
        due = due_on(self.settings, day)
        if due > self.today:
            lag = self.settings.ground_truth.lag_days
            raise NotYetError(
                f"{day}: its outcomes are due on {due} (ground_truth.lag_days: {lag}): try again"
                " then"
            )
        if (self.today - day).days > MATCHED_DAYS:
            log.warning(
                "%s: over %d days old: DMM may no longer match its outcomes", day, MATCHED_DAYS
            )

        with self.ledger.locked(day, dry_run=self.dry_run) as entry:
            entry.take_up_again(dry_run=self.dry_run)
            step = plan.registration_step(entry.state, is_due=True, again=again)
            if step is Refusal.NOT_FAILED:
                raise RefusedError(
                    f"{day}: --again is for a failed ingestion, this day is"
                    f" {entry.state or 'unknown here'}: run without it, which asks DMM"
                )
            if step is RegistrationStep.FOLLOW:
                model_id = self.settings.model_monitor.model_id
                return from_ledger(entry.known, host=self.dmm.host, model_id=model_id)
            return self._register_entry(entry, again=again)

    def _register_entry(self, entry: DayEntry, *, again: bool) -> FileResult:
        source = self.settings.ground_truth_uri(entry.day)
        if entry.manifest and entry.manifest.uri:
            source = entry.manifest.uri
        stored = self.store.head(source)
        if stored is None:
            raise self._no_object_error(entry, source)
        checked = self._validate_object(entry, source, stored)

        uri = S3Uri(source.bucket, next_key(source.key)) if again else source
        result = FileResult(entry.day, str(uri), Outcome.NOT_YET, rows=checked.rows)
        if self.dry_run:
            return replace(result, requests=self.registration.planned_requests(uri))

        etag = self._copy(source, stored, uri) if again else stored.etag
        result = self._send(result, uri)
        rows = checked.rows if entry.manifest is None else entry.manifest.rows
        entry.update(
            state=State.REGISTERED,
            rows=rows,
            bucket=uri.bucket,
            object_key=uri.key,
            sha256=checked.sha256,
            etag=etag,
            reason=None,
            dataset=uri.file_name,
            dmm_host=self.dmm.host,
            dmm_model_id=result.dmm_model_id,
        )
        return result

    def _no_object_error(self, entry: DayEntry, uri: S3Uri) -> MonitoringError:
        day, state = entry.day, entry.state or "unknown here"
        is_on_its_way = entry.state in (State.GENERATED, State.SCORED)
        may_begin_today = entry.state is None and day == self.today
        if is_on_its_way or may_begin_today:
            return NotYetError(f"{day}: {uri} does not exist yet (the day is {state}): try later")
        return RefusedError(
            f"{day}: {uri}: no such object (or bucket), and this day was never scored here: fix"
            " ground_truth.uri, DOMINO_PROJECT_ID or s3.endpoint_url, or score the day:"
            f" daily_scoring.py --date {day}"
        )

    def _validate_object(self, entry: DayEntry, uri: S3Uri, stored: StoredObject) -> CheckedFile:
        """Return what reading a day's object gave.

        Raises RefusedError where it has problems, or is of another model or day.
        """
        day, model = entry.day, self.settings.model
        object_model = stored.metadata.get("model", model)
        object_day = stored.metadata.get("day", str(day))
        if (object_model, object_day) != (model, str(day)):
            raise RefusedError(
                f"{day}: {uri}: by its metadata the file of model {object_model}, day"
                f" {object_day}, expected {model}, {day}: fix ground_truth.uri"
            )

        with self.store.open(uri, stored.etag) as body:
            checked = check_file(self.settings, body, str(uri), stored.metadata)
        if checked.problems:
            raise _problems_error(checked)
        _compare_with_ledger(entry, uri, checked)
        log.info("%s: %s: %d rows, no problems", day, uri, checked.rows)
        return checked

    def _copy(self, source: S3Uri, stored: StoredObject, target: S3Uri) -> str:
        """Store the object's bytes under another key, unless they are there; return the ETag."""
        with TemporaryFile() as file:
            with self.store.open(source, stored.etag) as body:
                shutil.copyfileobj(body, file)
            file.seek(0)
            return self.store.put(target, file, stored.metadata)

    # --- a file made elsewhere

    def _register_uri(self, uri: S3Uri) -> FileResult:
        stored = self.store.head(uri)
        if stored is None:
            raise RefusedError(
                f"{uri}: no such object (or bucket): fix the address, or s3.endpoint_url"
            )

        coverage = Coverage(self.ledger.workspace, self.today)
        with self.store.open(uri, stored.etag) as body:
            checked = check_file(self.settings, body, str(uri), stored.metadata, coverage.add)
        counts = coverage.counts(checked.duplicates)
        log_coverage(uri, counts)

        result = FileResult(None, str(uri), Outcome.NOT_YET, rows=checked.rows, coverage=counts)
        if checked.problems:
            return replace(result, outcome=Outcome.FAILED, error=_problems_error(checked))
        if self.dry_run:
            return replace(result, requests=self.registration.planned_requests(uri))

        result = self._send(result, uri)
        entry = FileEntry(
            uri=str(uri),
            state=State.REGISTERED,
            rows=checked.rows,
            sha256=checked.sha256,
            etag=stored.etag,
            dmm_host=self.dmm.host,
            dmm_model_id=result.dmm_model_id,
        )
        file_entry.write(self.ledger.workspace, entry)
        return result

    # --- both

    def _send(self, result: FileResult, uri: S3Uri) -> FileResult:
        already = self.registration.register(uri)
        what = "DMM had it registered already" if already else "accepted by DMM"
        log.info("%s: %s", result.title, what)
        return replace(
            result,
            outcome=Outcome.ALREADY_REGISTERED if already else Outcome.ACCEPTED,
            # The job of one that was registered before may have failed long ago; that of a new
            # one has not begun.
            awaits_ingestion=already,
            dmm_model_id=self.settings.model_monitor.model_id,
        )


def _compare_with_ledger(entry: DayEntry, uri: S3Uri, checked: CheckedFile) -> None:
    if entry.manifest is None or entry.manifest.sha256 in (None, checked.sha256):
        return
    changed = (
        f"{entry.day}: {uri} has changed: sha256 {checked.sha256}, the ledger says"
        f" {entry.manifest.sha256}"
    )
    if entry.state == State.FAILED:
        raise RefusedError(
            f"{changed}: --again registers the same rows only: put the object back as it was"
        )
    log.warning("%s; it has no problems, so it is registered as it is", changed)


def _problems_error(checked: CheckedFile) -> RefusedError:
    advice = "nothing was registered: fix the file, upload it, then rerun"
    return RefusedError("\n".join((*checked.problems, advice)))


def next_key(key: str) -> str:
    """Return the key under which the rows of a failed file are registered again.

    `a.csv`, then `a.r2.csv`, then `a.r3.csv`.
    """
    match = re.fullmatch(r"(.*?)(?:\.r(\d+))?(\.[^./]*)?", key, re.DOTALL)
    assert match, "every part may be empty"
    stem, revision, ending = match.groups(default="")
    return f"{stem}.r{int(revision or 1) + 1}{ending}"
