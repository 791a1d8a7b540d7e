"""A ground truth file and what came of it, as --json prints it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from monitoring.errors import LockedError, MonitoringError, NotYetError, RefusedError
from monitoring.ledger.file_entry import FileEntry
from monitoring.ledger.manifest import Manifest, State
from monitoring.services.dmm_jobs import Progress


class Outcome(StrEnum):
    """What a run made of a file."""

    ACCEPTED = "accepted"
    ALREADY_REGISTERED = "already_registered"
    INGESTED = "ingested"
    NOT_YET = "not_yet"
    FAILED = "failed"


_OUTCOMES = {
    State.REGISTERED: Outcome.ALREADY_REGISTERED,
    State.INGESTED: Outcome.INGESTED,
    State.FAILED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file and what came of it.

    day: None for a file made elsewhere. awaits_ingestion: DMM is to be asked what became of it.
    dmm_text: what DMM answered to that, for people. requests: what a dry run would send.
    """

    day: date | None
    uri: str
    outcome: Outcome
    awaits_ingestion: bool = False
    rows: int | None = None
    dmm_model_id: str = ""
    progress: Progress | None = None
    dmm_text: str = ""
    coverage: dict[str, int] | None = None
    requests: list[dict[str, Any]] | None = None
    error: MonitoringError | None = None

    @property
    def title(self) -> str:
        """The day, or the address of a file made elsewhere."""
        return str(self.day or self.uri)

    def as_json(self) -> dict[str, Any]:
        """Return what --json prints of the file."""
        optional = {
            "rows": self.rows,
            "coverage": self.coverage,
            "requests": self.requests,
            "dmm": self.progress and self.progress.word,
            "error": self.error and str(self.error),
        }
        day = self.day and str(self.day)
        known = {name: value for name, value in optional.items() if value is not None}
        return {"day": day, "uri": self.uri, "outcome": self.outcome.value, **known}


def from_error(error: MonitoringError, day: date | None, uri: str) -> FileResult:
    """Return the result of a file that an error ended: not_yet where it may still come."""
    may_come = isinstance(error, NotYetError | LockedError)
    return FileResult(day, uri, Outcome.NOT_YET if may_come else Outcome.FAILED, error=error)


def from_ledger(manifest: Manifest, *, host: str, model_id: str) -> FileResult:
    """Return a day that the ledger has as accepted.

    host, model_id: of the DMM that the settings name; a day that another host accepted is not
    asked about.
    """
    day, uri = date.fromisoformat(manifest.day), str(manifest.uri)
    is_elsewhere = manifest.dmm_host not in (None, host)
    error = None
    if manifest.state == State.FAILED:
        error = ingestion_failed(uri, day, manifest.reason)
    return FileResult(
        day,
        uri,
        _OUTCOMES[manifest.state],
        awaits_ingestion=bool(manifest.uri)
        and manifest.state != State.INGESTED
        and not is_elsewhere,
        rows=manifest.file_rows,
        dmm_model_id=manifest.dmm_model_id or model_id,
        dmm_text=_elsewhere_text(str(day), manifest.dmm_host) if is_elsewhere else "",
        error=error,
    )


def from_file_entry(entry: FileEntry, *, host: str, model_id: str) -> FileResult:
    """Return a file made elsewhere that DMM has accepted; host, model_id: as in from_ledger."""
    is_elsewhere = entry.dmm_host not in (None, host)
    error = ingestion_failed(entry.uri, None, entry.reason) if entry.state == State.FAILED else None
    return FileResult(
        None,
        entry.uri,
        _OUTCOMES[entry.state],
        awaits_ingestion=entry.state != State.INGESTED and not is_elsewhere,
        rows=entry.rows,
        dmm_model_id=entry.dmm_model_id or model_id,
        dmm_text=_elsewhere_text(entry.uri, entry.dmm_host) if is_elsewhere else "",
        error=error,
    )


def ingestion_failed(uri: str, day: date | None, reason: str | None) -> RefusedError:
    """Return the error for a file that DMM could not ingest."""
    remedy = f"register it as another file, or give it up: gt_registration.py --uri {uri} --skip"
    if day:
        remedy = (
            f"gt_registration.py --date {day} --again, which registers the same rows as another"
            f" file; or give it up: gt_registration.py --date {day} --skip"
        )
    return RefusedError(
        f"DMM failed to ingest {uri}: {reason or 'it gives no reason'}; fix the cause, then"
        f" {remedy}"
    )


def _elsewhere_text(title: str, host: str | None) -> str:
    return f"{title} was registered with the DMM at {host}, model_monitor.url names another"
