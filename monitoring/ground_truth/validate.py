"""Reading a ground truth file to its end, once, and saying all that is wrong with it."""

import contextlib
import csv
import hashlib
import io
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from monitoring.dataset.schema import label_text
from monitoring.errors import ServiceError
from monitoring.settings.model import Settings

_MAX_LINE_CHARACTERS = 1_000_000
_BUFFER_BYTES = 1 << 16
_FIND_REPEATED = """
    SELECT id, min(line) AS first, max(line), sum(count(*) - 1) OVER ()
    FROM ids GROUP BY id HAVING count(*) > 1 ORDER BY first LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What one pass over a file gave.

    duplicates: rows whose id came before. problems: empty for a good file.
    """

    rows: int
    sha256: str
    duplicates: int
    problems: tuple[str, ...]


def check_file(
    settings: Settings,
    body: IO[bytes],
    where: str,
    metadata: Mapping[str, str],
    on_id: Callable[[str], None] = lambda _: None,
) -> CheckedFile:
    """Read a ground truth file; memory does not grow with its rows.

    where: the file's address, for messages. metadata: the object's own; its `rows` and `sha256`
    are compared where it has them. on_id: gets every id. Ids are sorted on disk (in the temporary
    folder, about their own size twice) to find the repeated ones. Raises ServiceError where that
    folder is full, and whatever reading the body raises.
    """
    stream = _HashingStream(body)
    rows = _Rows(settings, where, on_id)
    try:
        count, repeated = _count_rows(rows.read(stream))
    except sqlite3.Error as error:
        raise ServiceError(
            f"{where}: its ids can't be compared on disk: {error}; free some space in TMPDIR, then"
            " rerun"
        ) from None

    duplicates = 0
    if repeated:
        row_id, first_line, last_line, duplicates = repeated
        rows.faults["repeated"] = (
            duplicates,
            f"{where}:{last_line}: id {row_id!r} is on line {first_line} already",
        )
    sha256 = stream.digest.hexdigest()
    problems = [
        f"{text} ({times:,} such rows)" if times > 1 else text
        for times, text in rows.faults.values()
    ]
    if not problems:
        problems = _count_problems(where, count, sha256, metadata)
    return CheckedFile(count, sha256, duplicates, tuple(problems))


def _count_rows(rows: Iterator[tuple[str, int]]) -> tuple[int, Any]:
    """Return the number of rows, and of the first repeated id: id, lines, repeats in all."""
    # "": a private file that is gone when closed
    with contextlib.closing(sqlite3.connect("")) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE ids (id TEXT, line INTEGER)")
        count = database.executemany("INSERT INTO ids VALUES (?, ?)", rows).rowcount
        repeated = database.execute(_FIND_REPEATED).fetchone()
    return max(count, 0), repeated


def _count_problems(where: str, rows: int, sha256: str, metadata: Mapping[str, str]) -> list[str]:
    problems = []
    if not rows:
        problems.append(f"{where}: no rows, expected at least one below the header")
    for name, got in (("rows", str(rows)), ("sha256", sha256)):
        expected = metadata.get(name) or got
        if expected != got:
            problems.append(
                f"{where}: {name}: got {got}, the object's metadata say {expected}: it was cut or"
                " changed"
            )
    return problems


class _Rows:
    """The rows of a file; `faults`: for each kind how often it came, and the first one's text."""

    def __init__(self, settings: Settings, where: str, on_id: Callable[[str], None]) -> None:
        self.names = settings.ground_truth
        self.labels = {label_text(label) for label in settings.schema.target.classes}
        self.where, self.on_id = where, on_id
        self.faults: dict[str, tuple[int, str]] = {}
        self._line = 0

    def read(self, stream: "_HashingStream") -> Iterator[tuple[str, int]]:
        """Yield id and line number of each row that has an id."""
        buffered = io.BufferedReader(stream, _BUFFER_BYTES)
        text = io.TextIOWrapper(buffered, encoding="utf-8", newline="")
        reader = csv.reader(_bounded_lines(text), strict=True)
        try:
            yield from self._read_csv(reader)
        except csv.Error as error:
            self._line = reader.line_num
            self._add_fault("csv", f"not CSV: {error}")
        except UnicodeDecodeError as error:
            self._line = reader.line_num
            byte = error.object[error.start]
            self._add_fault("text", f"not UTF-8 after this line: byte {byte:#x}")

    def _read_csv(self, reader: Any) -> Iterator[tuple[str, int]]:
        names = self.names
        header: list[str] = next(reader, [])
        self._line = reader.line_num
        if header.count(names.id_column) != 1 or header.count(names.label_column) != 1:
            self._add_fault(
                "header",
                f"got the columns {header!r:.300}, expected {names.id_column} and"
                f" {names.label_column} once each",
            )
            return

        id_at, label_at = header.index(names.id_column), header.index(names.label_column)
        for row in reader:
            self._line = reader.line_num
            if len(row) != len(header):
                self._add_fault(
                    "fields", f"got {len(row)} fields, expected {len(header)} as in the header"
                )
                continue
            if row[label_at] not in self.labels:
                known = ", ".join(sorted(self.labels))
                self._add_fault(
                    "label",
                    f"{names.label_column}: got {row[label_at]!r:.100}, expected one of {known}",
                )
            if not row[id_at]:
                self._add_fault("id", f"{names.id_column}: empty, expected an id")
                continue
            self.on_id(row[id_at])
            yield row[id_at], reader.line_num

    def _add_fault(self, kind: str, text: str) -> None:
        times, first = self.faults.get(kind, (0, f"{self.where}:{self._line}: {text}"))
        self.faults[kind] = (times + 1, first)


def _bounded_lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_MAX_LINE_CHARACTERS):
        if len(line) == _MAX_LINE_CHARACTERS:
            raise csv.Error(f"a line is longer than {_MAX_LINE_CHARACTERS:,} characters")
        yield line


class _HashingStream(io.RawIOBase):
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
