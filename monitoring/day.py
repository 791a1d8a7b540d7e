"""One day's folder: batch, journal, manifest, lock; every write atomic or append-only.

`<state_dir>/<model>/<day>/` holds batch.csv, scores.jsonl (the journal) and manifest.json, readable by a person and by nobody
else (0700/0600). The manifests are the ledger of what was scored, uploaded, registered and ingested.
"""

import contextlib
import dataclasses
import fcntl
import itertools
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring.errors import LockedError, RefusedError, ServiceError
from monitoring.schema import event_id, schema_hash

if TYPE_CHECKING:
    from monitoring.config import Settings
    from monitoring.model_api import Answer

STATES = ("generated", "scored", "uploaded", "registered", "ingested", "failed")
_SYNC_SECONDS = 1.0
log = logging.getLogger("monitoring")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a day; null: not yet, or not from here.

    `times`: when each state was reached (RFC 3339, UTC). `shaped_by`: the settings that shaped the rows, by name.
    `sha256`, `etag`: of the ground truth object. `replaces_etag`: of the object that a --rerun is to replace.
    """

    day: str
    model: str
    state: str
    times: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    scored: int | None = None
    failed: int | None = None
    retried: int | None = None
    duration_seconds: float | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    shaped_by: Mapping[str, Any] = field(default_factory=dict)
    drills: list[str] = field(default_factory=list)
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
    report: str | None = None


def folder(settings: "Settings", day: date) -> Path:
    """Return the day's folder, which need not exist."""
    return settings.state_dir / settings.model / day.isoformat()


def unfinished_before(settings: "Settings", day: date) -> list[date]:
    """Return the earlier days that stand at `scored`: their file is still to be uploaded."""
    return [known for known, manifest in _ledger_before(settings, day) if manifest.state == "scored"]


def is_untouched(settings: "Settings", day: date) -> bool:
    """Whether the day's journal holds nothing: no row was answered."""
    try:
        return (folder(settings, day) / "scores.jsonl").stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError as error:
        raise disk_error(error) from None


def missing_before(settings: "Settings", day: date) -> list[date]:
    """Return the days without a file: those without a trace since the last known day, and all that stand half scored."""
    known = list(_ledger_before(settings, day))
    last = max((one for one, _ in known), default=day)
    gap = [last + timedelta(days=offset) for offset in range(1, (day - last).days)]
    return [one for one, manifest in known if manifest.state == "generated"] + gap


def overdue_before(settings: "Settings", day: date) -> list[date]:
    """Return the days that DMM accepted two days before this one or earlier and is not known to have ingested."""
    latest = str(day - timedelta(days=2))
    accepted = [(known, manifest.times) for known, manifest in _ledger_before(settings, day) if manifest.state == "registered"]
    return [known for known, times in accepted if times.get("registered", "")[:10] <= latest]


def size_bytes(settings: "Settings") -> int:
    """Return the size of all that is kept of the model's days."""
    total = 0
    for path in (settings.state_dir / settings.model).rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another day's run has just renamed it
            total += path.stat().st_size if path.is_file() else 0
    return total


def summary(settings: "Settings", day: date) -> dict[str, Any]:
    """Return what is known of a day as the object that --json prints, from its manifest and the record of its checks.

    A manifest that can't be read counts as none: whoever works on the day is told.
    """
    manifest = None
    with contextlib.suppress(RefusedError, ServiceError):
        manifest = read_manifest(settings, day)
    path = settings.report_dir / settings.model / f"{day}.json"
    record: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        record = json.loads(path.read_text(encoding="utf-8")) if manifest and manifest.report else {}
    found = {name: getattr(manifest, name, None) for name in ("state", "rows", "scored", "failed", "retried")}
    uri = f"s3://{manifest.bucket}/{manifest.object_key}" if manifest and manifest.bucket else None
    endpoint = record.get("endpoint", {})
    return {
        "day": str(day),
        **found,
        "ground_truth_uri": uri,
        "report": manifest and manifest.report,
        "latency_ms": endpoint.get("latency_ms"),
        "availability": endpoint.get("availability"),
        "releases": endpoint.get("releases", []),
        "alerts": record.get("alerts", []),
        "advice": record.get("advice"),
        "because": record.get("because", []),
    }


def known_days(settings: "Settings") -> list[date]:
    """Return the days that have a manifest, oldest first."""
    found = []
    for path in (settings.state_dir / settings.model).glob("????-??-??/manifest.json"):
        with contextlib.suppress(ValueError):
            found.append(date.fromisoformat(path.parent.name))
    return sorted(found)


def _ledger_before(settings: "Settings", day: date) -> Iterator[tuple[date, Manifest]]:
    for known in known_days(settings):
        try:
            manifest = read_manifest(settings, known) if known < day else None
        except (RefusedError, ServiceError) as error:
            log.warning("%s", error)  # one bad day must not stop the others
        else:
            if manifest:
                yield known, manifest


def read_manifest(settings: "Settings", day: date) -> Manifest | None:
    """Return the day's manifest, None where there is none; raises RefusedError for one that can't be read."""
    path = folder(settings, day) / "manifest.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        names = {f.name for f in dataclasses.fields(Manifest)}
        manifest = Manifest(**{name: value for name, value in data.items() if name in names})
        if manifest.state not in STATES or manifest.day != day.isoformat():
            raise ValueError(f"state {manifest.state!r} of day {manifest.day!r}")
        return manifest
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"{path}: not a manifest of {day} ({error}); restore it, or move the folder away and rerun"
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None


def write_manifest(settings: "Settings", manifest: Manifest, **changes: Any) -> Manifest:
    """Store the manifest with these changes and return it; a change of `state` notes its time. Atomic."""
    if ("state" in changes and changes["state"] != manifest.state) or not manifest.times:
        state = changes.get("state", manifest.state)
        changes["times"] = {**manifest.times, state: datetime.now(UTC).isoformat(timespec="seconds")}
    manifest = dataclasses.replace(manifest, **changes)
    path = folder(settings, date.fromisoformat(manifest.day)) / "manifest.json"
    write_atomically(path, json.dumps(dataclasses.asdict(manifest), indent=1) + "\n")
    return manifest


def shape(settings: "Settings", day: date, training_sha256: str) -> dict[str, Any]:
    """Return the settings that shape the day's rows or their meaning, as plain JSON values by name."""
    scoring, model_api = settings.scoring, settings.model_api
    return {
        "schema": schema_hash(settings.schema),
        "training_data": training_sha256,
        "seed": scoring.seed,
        "rows": list(scoring.rows),
        "classes": scoring.classes if isinstance(scoring.classes, str) else {str(k): v for k, v in scoring.classes.items()},
        "neighbors": scoring.neighbors,
        "reference_rows": scoring.reference_rows,
        "label_noise": scoring.label_noise,
        "drift": [[d.feature, d.shift, d.share, str(d.from_day)] for d in scoring.drift if d.from_day <= day],
        "prediction": model_api.prediction,
        "probability": model_api.probability,
        "model_api.url": model_api.url,
    }


def changes(manifest: Manifest, now: Mapping[str, Any]) -> list[str]:
    """Return what changed, as text, among the settings that shape the rows since the day was begun."""
    then = manifest.shaped_by
    return [f"{name}: {then.get(name)!r} then, {value!r} now" for name, value in now.items() if then.get(name) != value]


def put_aside(settings: "Settings", day: date) -> Path | None:
    """Move the day's folder to `<day>.1` (or the next number that is free) and return that; None where there is no folder."""
    path = folder(settings, day)
    if not path.exists():
        return None
    aside = next(p for n in itertools.count(1) if not (p := path.with_name(f"{path.name}.{n}")).exists())
    try:
        path.rename(aside)
    except OSError as error:
        raise disk_error(error, path) from None
    return aside


def count(settings: "Settings", manifest: Manifest, answers: Mapping[int, "Answer"]) -> Manifest:
    """Store the manifest with the counts and failures of these answers."""
    failures = {event_id(manifest.day, index): answer.error for index, answer in sorted(answers.items()) if answer.error}
    retried = sum(answer.attempts > 1 for answer in answers.values())
    return write_manifest(
        settings, manifest, scored=len(answers) - len(failures), failed=len(failures), retried=retried, failures=failures
    )  # fmt: skip


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put the content (text as UTF-8) at the path, wholly or not at all, also over a crash: temporary file, fsync, rename.

    Makes missing folders (0700); the file is 0600. Raises ServiceError where the disk is full or may not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # the rename itself
        finally:
            os.close(directory)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise disk_error(error, path) from None
        raise


@contextlib.contextmanager
def locked(settings: "Settings", day: date) -> Iterator[None]:
    """Hold the day's lock; the kernel releases it when the process ends, however it ends. Raises LockedError."""
    # Beside the day's folder, since --rerun moves that away.
    path = settings.state_dir / settings.model / f".{day}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise disk_error(error, path) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(200).decode(errors="replace").strip() or "unknown"
            raise LockedError(f"{day}: another run holds {path} ({holder}); wait for it, nothing was done") from None
        except OSError as error:
            raise disk_error(error, path) from None
        with contextlib.suppress(OSError):  # who holds it is a courtesy; a full disk is told where it costs something
            file.truncate(0)
            file.write(f"process {os.getpid()}, since {datetime.now(UTC).isoformat(timespec='seconds')}\n".encode())
        yield


class Journal:
    """The answers of a day, appended line by line; each line carries the batch's hash.

    Opening it reads what is there: a torn last line (power loss, kill -9) is cut off, a torn middle or foreign one refused.
    """

    def __init__(self, path: Path, batch_sha256: str, rows: int) -> None:
        self.path, self.batch = path, batch_sha256[:16]
        self._lock = threading.Lock()
        self._synced_at = time.monotonic()
        self.answers, self._size = read_journal(path, batch_sha256, rows)
        try:
            self._file = open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0)
            self._file.truncate(self._size)
            self._file.seek(self._size)
        except OSError as error:
            raise disk_error(error, path) from None

    def append(self, answer: "Answer") -> None:
        """Put the answer on disk; flushed now, synced once a second. Called by several threads.

        At least once: when this returns the answer outlives the process (but for a power loss within the last second).
        Raises ServiceError where the disk is full, leaving no torn line behind.
        """
        line = json.dumps({"batch": self.batch, **dataclasses.asdict(answer)}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                view = memoryview(line)
                while view:
                    view = view[self._file.write(view) :]
                self._size += len(line)
                if time.monotonic() - self._synced_at > _SYNC_SECONDS:
                    os.fsync(self._file.fileno())
                    self._synced_at = time.monotonic()
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._size)
                    self._file.seek(self._size)
                raise disk_error(error, self.path) from None
            self.answers[answer.index] = answer

    def close(self) -> None:
        """Sync and close."""
        with self._file:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise disk_error(error, self.path) from None


def read_journal(path: Path, batch_sha256: str, rows: int) -> tuple[dict[int, "Answer"], int]:
    """Return the last answer of each of the batch's rows and the size in bytes of the whole lines; refuses as Journal does."""
    from monitoring.model_api import Answer

    answers: dict[int, Answer] = {}
    size = 0
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                size += len(line)
                try:
                    data = json.loads(line)
                    if data.pop("batch") != batch_sha256[:16]:
                        raise ValueError("it belongs to another batch")
                    if type(data["index"]) is not int or not 0 <= data["index"] < rows:
                        raise ValueError(f"got index {data['index']!r}, expected 0 to {rows - 1}")
                    answer = Answer(**{**data, "faults": tuple(data["faults"])})
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise RefusedError(
                        f"{path}:{number}: not an answer of this batch ({error}); the journal was changed: restore it, or start"
                        " the day again with --rerun"
                    ) from None
                answers[answer.index] = answer
    except FileNotFoundError:
        pass
    except OSError as error:
        raise disk_error(error, path) from None
    return answers, size


def disk_error(error: OSError, path: Path | None = None) -> ServiceError:
    """Return what to tell of a disk that is full or may not be read or written; path: where the error does not name it."""
    where = path or error.filename or "a temporary file (its folder: TMPDIR)"
    return ServiceError(
        f"{where}: {error.strerror or error}; make room or mend the folder's rights, then rerun: what was written is kept"
    )
