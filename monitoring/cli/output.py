"""Logs, the result and progress, with secrets redacted.

Logs and progress go to stderr. stdout has the one-line summary, or with --json exactly one JSON
object (the logs are then JSON lines).
"""

import argparse
import contextlib
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TextIO

from monitoring.errors import MonitoringError, ServiceError, worst
from monitoring.redaction import redact

if TYPE_CHECKING:
    from tqdm import tqdm

log = logging.getLogger("monitoring")

_CLEAR_LINE = "\r\033[K"
_GREEN, _YELLOW, _RED = "32", "33", "31"
_COLOURS = {
    "ok": _GREEN,
    "?": _YELLOW,
    "warning": _YELLOW,
    "alert": _RED,
    "error": _RED,
    "critical": _RED,
    "FAILED": _RED,
}
_ALERT = re.compile("(?<=: )alert(?=: )")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script's work came to: a text for people, an object for programs, and its errors.

    The worst error decides the exit code; `exit_code` is for work that shows its own errors.
    """

    summary: str
    result: dict[str, Any] | None
    errors: Sequence[MonitoringError] = ()
    exit_code: int = 0

    @property
    def final_exit_code(self) -> int:
        """The exit code, 0 where nothing went wrong."""
        return worst([self.exit_code, *(error.exit_code for error in self.errors)])


def set_up_logs(arguments: argparse.Namespace) -> None:
    """Send the logs to stderr, as lines or as JSON lines, as much as the flags ask for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if arguments.json else _Lines("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)

    level = logging.INFO
    if arguments.verbose:
        level = logging.DEBUG
    elif arguments.quiet:
        level = logging.WARNING
    log.setLevel(level)


def log_error(error: MonitoringError, day: date | None = None) -> None:
    """Log an error once, under its day where there are several."""
    if not error.is_logged:
        log.error("%s%s", f"{day}: " if day else "", error)
        error.is_logged = True


def print_line(text: str, arguments: argparse.Namespace, *, is_notable: bool) -> int:
    """Print a line of the result before the run ends: a day's, as soon as the day is done.

    Not with --json; with --quiet only what is notable. Returns 0, or 5 where it could not be
    written.
    """
    is_hidden = arguments.json or (arguments.quiet and not is_notable)
    return 0 if is_hidden else _print(text)


def print_outcome(outcome: Outcome, arguments: argparse.Namespace, exit_code: int) -> int:
    """Print the result as the flags ask for; return 0, or 5 where it could not be written."""
    text = outcome.summary
    if arguments.json:
        is_nothing = outcome.result is None
        text = "" if is_nothing else json.dumps(outcome.result, default=str, allow_nan=False)
    elif outcome.errors or (arguments.quiet and exit_code == 0):
        text = ""
    return _print(text)


@contextlib.contextmanager
def step(title: str, arguments: argparse.Namespace) -> Iterator[None]:
    """Show what a run is doing, until it is done: where `progress` would show its bar."""
    is_shown = _is_terminal(sys.stderr) and not (arguments.quiet or arguments.json)
    if is_shown:
        print(f"{title} ...", end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if is_shown:
            print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)


def progress(total: int, title: str, arguments: argparse.Namespace) -> "tqdm[Any]":
    """Return a progress bar over rows: on a terminal only, and neither with --quiet nor --json."""
    from tqdm import tqdm

    is_hidden = True if arguments.quiet or arguments.json else None  # None: tqdm asks stderr
    return tqdm(
        total=total, desc=title, unit="row", disable=is_hidden, leave=False, file=sys.stderr
    )


def _print(text: str) -> int:
    try:
        if text and sys.stdout is not None:  # None: closed by whoever started us
            encoding = sys.stdout.encoding
            printable = redact(text).encode(encoding, "backslashreplace").decode(encoding)
            print(printable, flush=True)
        return 0
    except OSError as error:
        # Python would try once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read us has left
            return 0
        log.error(
            "the result could not be printed: %s; free some space, then rerun: what was done is"
            " kept",
            error.strerror,
        )
        return ServiceError.exit_code


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def painted(text: str, word: str) -> str:
    """Return a text for stdout that begins with a status word, in its colour on a terminal."""
    return text.replace(word, _painted(word), 1) if _is_terminal(sys.stdout) else text


def _painted(word: str) -> str:
    """Return a status word in its colour, unless NO_COLOR is set (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return word
    return f"\033[{_COLOURS[word]}m{word}\033[0m"


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        word = record.levelname.lower() if record.levelno >= logging.WARNING else ""
        if not _is_terminal(sys.stderr):
            return redact(f"{word}: {message}" if word else message)
        message = _ALERT.sub(lambda found: _painted(found[0]), message, count=1)
        # A step may be shown in this line.
        return _CLEAR_LINE + redact(f"{_painted(word)}: {message}" if word else message)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return redact(json.dumps(line))
