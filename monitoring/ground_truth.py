"""The ground truth file: one CSV a day with ids, actual outcomes and what the model said."""

import contextlib
import csv
import hashlib
import io
import logging
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from monitoring import object_store
from monitoring.day import Manifest, known_days, read_manifest, write_manifest
from monitoring.errors import RefusedError, ServiceError
from monitoring.object_store import split_uri
from monitoring.schema import event_id

if TYPE_CHECKING:
    from monitoring.config import Settings
    from monitoring.model_api import Answer

log = logging.getLogger("monitoring")
MATCHED_DAYS = 90
"""DMM matches outcomes with predictions of so many days (contracts 5); whether it takes older ones is unverified."""
_MAX_LINE_CHARACTERS = 1_000_000


def address(settings: "Settings", day: date) -> tuple[str, str]:
    """Return bucket and key of a day's file."""
    return split_uri(settings.ground_truth.uri.format(project_id=settings.project_id, model=settings.model, date=day))


def write(settings: "Settings", file: IO[bytes], rows: Iterable[tuple[str, int | str]], answers: Mapping[int, "Answer"]) -> int:
    """Write the CSV of the scored rows to a binary file and return their number.

    rows: id and actual class of each row in index order. RFC 4180 with a header, UTF-8, LF; the score as received, unrounded.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    names = settings.ground_truth
    writer.writerow([names.id_column, names.label_column, "prediction", "score", "scored_at"])
    count = 0
    for index, (row_id, label) in enumerate(rows):
        answer = answers.get(index)
        if answer and answer.error is None:
            writer.writerow([row_id, label, answer.prediction, answer.score, answer.scored_at])
            count += 1
    text.detach()
    return count


def upload(
    settings: "Settings", store: Any, manifest: Manifest, labels: Iterable[int | str], answers: Mapping[int, "Answer"]
) -> Manifest:
    """Store a scored day's file under its key and return the manifest in state `uploaded`.

    Once: a file of the same content that stands there already is success. Raises RefusedError where other content stands there.
    """
    day = date.fromisoformat(manifest.day)
    bucket, key = address(settings, day)
    with TemporaryFile() as file:
        ids = ((event_id(manifest.day, index), label) for index, label in enumerate(labels))
        rows = write(settings, file, ids, answers)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        metadata = {
            "model": manifest.model,
            "day": manifest.day,
            "rows": str(rows),
            "sha256": sha256,
            "schema-hash": manifest.schema_hash or "",
            "run-id": manifest.run_id or "",
        }
        replaces_etag = manifest.replaces_etag
        if replaces_etag and standing(settings, store, day) is None:
            replaces_etag = None  # somebody took away what was to be replaced: the key is free
        etag = object_store.put(store, bucket, key, file, metadata, settings.s3.put_arguments, replaces_etag)
    return write_manifest(
        settings, manifest, state="uploaded", bucket=bucket, object_key=key, sha256=sha256, etag=etag
    )  # fmt: skip


def standing(settings: "Settings", store: Any, day: date) -> object_store.StoredObject | None:
    """Return what stands at the day's key; None also where the credentials may not look (said in the log)."""
    bucket, key = address(settings, day)
    try:
        return object_store.head(store, bucket, key)
    except object_store.Denied as error:
        # A key that may only write is enough: the conditional put protects what stands there.
        log.warning("can't look whether %s was scored elsewhere: %s; going on", day, error)
        return None


def done_elsewhere(settings: "Settings", store: Any, day: date) -> Manifest | None:
    """Return the manifest of a day whose file stands in the store though nothing is known of it here, None without a file.

    Raises RefusedError where the object's metadata do not say that it is this model's and this day's.
    """
    stored = standing(settings, store, day)
    if stored is None:
        return None
    bucket, key = address(settings, day)
    metadata = stored.metadata
    if metadata.get("model") != settings.model or metadata.get("day") != str(day):
        raise RefusedError(
            f"s3://{bucket}/{key}: a foreign object stands there (model {metadata.get('model', 'unnamed')}, day"
            f" {metadata.get('day', 'unnamed')}); it was left alone: move it away, or use --rerun to replace it"
        )
    rows = int(metadata["rows"]) if metadata.get("rows", "").isdecimal() else None
    return Manifest(
        str(day), settings.model, "uploaded", rows=rows, bucket=bucket, object_key=key, sha256=metadata.get("sha256"),
        etag=stored.etag, schema_hash=metadata.get("schema-hash"), run_id=metadata.get("run-id"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """What one pass over a file found; `problems` is empty for a good file, `duplicates` counts rows whose id came before."""

    rows: int
    sha256: str
    duplicates: int
    problems: tuple[str, ...]


class Coverage:
    """How far a file's ids cover the rows that were scored here: a byte for each scored row, whatever the file's size."""

    def __init__(self, settings: "Settings", today: date) -> None:
        self._today = today
        self._unknown = 0
        self._rows: dict[str, tuple[bytearray, int]] = {}
        for day in known_days(settings):
            manifest = read_manifest(settings, day)
            # A day that was scored elsewhere tells a number of rows but not which of them failed.
            if manifest and manifest.scored is not None and manifest.rows is not None:
                seen = bytearray(manifest.rows)
                for failed in manifest.failures:
                    seen[int(failed.rpartition("_")[2])] = 2
                self._rows[manifest.day] = (seen, manifest.scored)

    def note(self, row_id: str) -> None:
        """Count one id of the file."""
        day, _, index = row_id.rpartition("_")
        seen, _ = self._rows.get(day, (b"", 0))
        # "_07" is another id than "_7": ids are compared by value (contracts 5).
        if index.isascii() and index.isdigit() and str(int(index)) == index and int(index) < len(seen) and seen[int(index)] < 2:
            self._rows[day][0][int(index)] = 1
        else:
            self._unknown += 1

    def counts(self, duplicates: int) -> dict[str, int]:
        """Return expected, matched, unknown, duplicate and late.

        expected: rows scored from the first to the last day that the file touches. matched: those of them that the file has,
        each counted once. unknown: rows of the file that were never scored here. late: matched ones older than 90 days.
        """
        matched = {day: seen.count(1) for day, (seen, _) in self._rows.items() if 1 in seen}
        expected = sum(n for day, (_, n) in self._rows.items() if matched and min(matched) <= day <= max(matched))
        oldest = str(self._today - timedelta(days=MATCHED_DAYS))
        late = sum(n for day, n in matched.items() if day < oldest)
        return {
            "expected": expected,
            "matched": sum(matched.values()),
            "unknown": self._unknown,
            "duplicate": duplicates,
            "late": late,
        }


def check(
    settings: "Settings",
    body: IO[bytes],
    where: str,
    metadata: Mapping[str, str],
    note: Callable[[str], None] | None = None,
) -> Checked:
    """Read a ground truth file to its end, once, and say all that is wrong with it; memory does not grow with its rows.

    where: the file's address, for messages. metadata: the object's own; its `rows` and `sha256` are compared where it has them.
    note: is told every id. Ids are sorted on disk (in the temporary folder, about their own size twice) to find the repeated
    ones. Raises ServiceError where that folder is full, and whatever reading the body raises.
    """
    hashing = _Hashing(body)
    faults: dict[str, tuple[int, str]] = {}
    try:
        with contextlib.closing(sqlite3.connect("")) as ids:  # "": a private file that is gone when closed
            ids.execute("PRAGMA journal_mode = OFF")
            ids.execute("CREATE TABLE ids (id TEXT, line INTEGER)")
            rows = _rows(settings, hashing, where, faults, note)
            inserted = ids.executemany("INSERT INTO ids VALUES (?, ?)", rows).rowcount
            repeated = ids.execute(
                "SELECT id, min(line) AS first, max(line), sum(count(*) - 1) OVER ()"
                " FROM ids GROUP BY id HAVING count(*) > 1 ORDER BY first LIMIT 1"
            ).fetchone()
    except sqlite3.Error as error:
        raise ServiceError(f"{where}: its ids can't be compared on disk: {error}; make room in TMPDIR, then rerun") from None
    count, duplicates = max(inserted, 0), repeated[3] if repeated else 0
    if repeated:
        faults["repeated"] = (duplicates, f"{where}:{repeated[2]}: id {repeated[0]!r} stands on line {repeated[1]} already")
    problems = [f"{text} ({n:,} such rows)" if n > 1 else text for n, text in faults.values()]
    if not count and not faults:
        problems.append(f"{where}: no rows, expected at least one below the header")
    sha256 = hashing.digest.hexdigest()
    for name, got in (("rows", str(count)), ("sha256", sha256)):
        expected = metadata.get(name) or got
        if expected != got and not faults:
            problems.append(f"{where}: {name}: got {got}, the object's metadata say {expected}: it was cut or changed")
    return Checked(count, sha256, duplicates, tuple(problems))


def _rows(
    settings: "Settings",
    raw: "_Hashing",
    where: str,
    faults: dict[str, tuple[int, str]],
    note: Callable[[str], None] | None,
) -> Iterator[tuple[str, int]]:
    """Yield id and line number of each row that has an id; put into `faults` how often each kind came, and its first text."""

    def fault(kind: str, text: str) -> None:
        count, first = faults.get(kind, (0, f"{where}:{reader.line_num}: {text}"))
        faults[kind] = (count + 1, first)

    names = settings.ground_truth
    labels = {str(label) for label in settings.schema.target.classes}
    text = io.TextIOWrapper(io.BufferedReader(raw, 1 << 16), encoding="utf-8", newline="")
    reader = csv.reader(_lines(text), strict=True)
    try:
        header = next(reader, [])
        if header.count(names.id_column) != 1 or header.count(names.label_column) != 1:
            fault("header", f"got the columns {header!r:.300}, expected {names.id_column} and {names.label_column} once each")
            return
        id_at, label_at = header.index(names.id_column), header.index(names.label_column)
        for row in reader:
            if len(row) != len(header):
                fault("fields", f"got {len(row)} fields, expected {len(header)} as in the header")
                continue
            if row[label_at] not in labels:
                fault("label", f"{names.label_column}: got {row[label_at]!r:.100}, expected one of {', '.join(sorted(labels))}")
            if not row[id_at]:
                fault("id", f"{names.id_column}: empty, expected an id")
                continue
            if note:
                note(row[id_at])
            yield row[id_at], reader.line_num
    except csv.Error as error:
        fault("csv", f"not CSV: {error}")
    except UnicodeDecodeError as error:
        fault("text", f"not UTF-8 after this line: byte {error.object[error.start]:#x}")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE_CHARACTERS):
        if len(line) == _MAX_LINE_CHARACTERS:
            raise csv.Error(f"a line is longer than {_MAX_LINE_CHARACTERS:,} characters")
        yield line


class _Hashing(io.RawIOBase):
    """A stream's bytes as a file for TextIOWrapper; hashes what passes."""

    def __init__(self, body: IO[bytes]) -> None:
        self.body, self.digest = body, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.body.read(len(buffer))
        self.digest.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def next_key(key: str) -> str:
    """Return the key under which the rows of a failed file are registered again: `a.csv`, `a.r2.csv`, `a.r3.csv`."""
    match = re.fullmatch(r"(.*?)(?:\.r(\d+))?(\.[^./]*)?", key, re.DOTALL)
    assert match  # every part may be empty
    stem, revision, ending = match.groups(default="")
    return f"{stem}.r{int(revision or 1) + 1}{ending}"
