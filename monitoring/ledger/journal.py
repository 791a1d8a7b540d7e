"""The answers of a day, appended line by line; each line carries the batch's hash."""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from monitoring.errors import RefusedError
from monitoring.files import disk_error, open_private
from monitoring.ledger.answer import Answer
from monitoring.settings.rules import Label, is_same_label

_SYNC_SECONDS = 1.0
_HASH_DIGITS = 16


class _Line(Struct):
    batch: str


class Journal:
    """A day's answers, open for appending.

    Opening reads what is there: a torn last line (power loss, kill -9) is cut off, a torn middle,
    a foreign line or an altered answer is refused. classes: what a prediction may be; () is any.
    """

    def __init__(
        self, path: Path, batch_sha256: str, rows: int, classes: Sequence[Label] = ()
    ) -> None:
        self.path, self._batch = path, batch_sha256[:_HASH_DIGITS]
        self._lock = threading.Lock()
        self._synced_at = time.monotonic()
        self.answers, self._size = _read(path, _Expected(batch_sha256, rows, classes))
        try:
            self._file = open(open_private(path, os.O_WRONLY), "wb", buffering=0)
            self._file.truncate(self._size)
            self._file.seek(self._size)
        except OSError as error:
            raise disk_error(error, path) from None

    def append(self, answer: Answer) -> None:
        """Put the answer on disk; flushed now, synced once a second. Called by several threads.

        At least once: when this returns the answer outlives the process (but for a power loss
        within the last second). Raises ServiceError where the disk is full, leaving no torn line.
        """
        content = {"batch": self._batch, **msgspec.to_builtins(answer)}
        line = msgspec.json.encode(content) + b"\n"
        with self._lock:
            try:
                self._write(line)
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

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[self._file.write(left) :]
        self._size += len(line)

        if time.monotonic() - self._synced_at > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced_at = time.monotonic()


def read_answers(
    path: Path, batch_sha256: str, rows: int, classes: Sequence[Label] = ()
) -> dict[int, Answer]:
    """Return the last answer of each of the batch's rows; refuses as Journal does."""
    return _read(path, _Expected(batch_sha256, rows, classes))[0]


def is_empty(path: Path) -> bool:
    """Whether a journal holds nothing: no row was answered."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError as error:
        raise disk_error(error) from None


class _Expected(NamedTuple):
    """What the lines of a journal must be of."""

    batch_sha256: str
    rows: int
    classes: Sequence[Label]


def _read(path: Path, expected: _Expected) -> tuple[dict[int, Answer], int]:
    """Return the last answer of each row, and the size in bytes of the whole lines."""
    answers: dict[int, Answer] = {}
    size = 0
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                size += len(line)
                try:
                    answer = _parse(line, expected)
                except (ValueError, RecursionError) as error:
                    raise RefusedError(
                        f"{path}:{number}: not an answer of this batch ({error}); the journal was"
                        " changed: restore it, or start the day again with --rerun"
                    ) from None
                answers[answer.index] = answer
    except FileNotFoundError:
        pass
    except OSError as error:
        raise disk_error(error, path) from None
    return answers, size


_line_decoder = msgspec.json.Decoder(_Line)
_answer_decoder = msgspec.json.Decoder(Answer)


def _parse(line: bytes, expected: _Expected) -> Answer:
    if _line_decoder.decode(line).batch != expected.batch_sha256[:_HASH_DIGITS]:
        raise ValueError("it belongs to another batch")
    answer = _answer_decoder.decode(line)
    if answer.index >= expected.rows:
        raise ValueError(f"got index {answer.index}, expected 0 to {expected.rows - 1}")

    if not answer.is_scored:
        if answer.prediction is not None or answer.score is not None:
            raise ValueError("got a prediction and an error, expected one of them")
    elif answer.prediction is None:
        raise ValueError("got neither prediction nor error, expected one of them")
    elif expected.classes and not _is_class(answer.prediction, expected.classes):
        raise ValueError(f"got class {answer.prediction!r}, expected one of {expected.classes}")
    return answer


def _is_class(prediction: Label, classes: Sequence[Label]) -> bool:
    return any(is_same_label(prediction, known) for known in classes)
