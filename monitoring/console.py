"""What the three scripts share towards a person or a scheduler: flags, logs, the result, signals, exit codes.

Logs and progress go to stderr. stdout has the one-line summary, or with --json exactly one JSON object (the logs are then JSON
lines). Registered secrets are blanked out of everything that is printed, tracebacks included.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import traceback
import urllib.parse
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from monitoring import __version__
from monitoring.errors import EXIT_CODES, ConfigError, InterruptedRun, MonitoringError, ServiceError, worst

if TYPE_CHECKING:
    from tqdm import tqdm

    from monitoring.alerts import Note
    from monitoring.config import Settings

log = logging.getLogger("monitoring")
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DOMINO_USER_API_KEY")
_SHORTEST_SECRET = 4  # blanking out shorter texts would garble every message
_secrets: set[str] = set()


class Outcome(NamedTuple):
    """What a script's work came to: a text for people, an object for programs, an exit code."""

    summary: str
    result: dict[str, Any]
    exit_code: int = 0


def parser(program: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return a parser with the common flags; the help ends with the examples and the exit codes."""
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    flags = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=f"examples:\n{examples.rstrip()}\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_argument("--config", type=Path, metavar="FILE", default=Path(sys.argv[0]).resolve().parent / "config.yaml",
                       help="the settings (default: config.yaml beside this script)")  # fmt: skip
    flags.add_argument("--check", action="store_true", help="try whatever a run needs, sending and locking nothing")
    flags.add_argument("--dry-run", action="store_true", help="do everything but send, write or lock; print what would be sent")
    volume = flags.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="print nothing unless something is wrong")
    volume.add_argument("-v", "--verbose", action="store_true", help="log more")
    flags.add_argument("--json", action="store_true", help="print the result as one JSON object, logs as JSON lines")
    flags.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return flags


def _day(text: str) -> date:
    with contextlib.suppress(ValueError):
        if str(day := date.fromisoformat(text)) == text:  # fromisoformat also reads 20260131 and 2026-W05-6
            return day
    raise argparse.ArgumentTypeError(f"got {text!r}, expected a day as YYYY-MM-DD")


def add_day_flags(flags: argparse.ArgumentParser, default: str) -> None:
    """Add --date, --from and --to."""
    flags.add_argument("--date", type=_day, metavar="D", help=f"the day, YYYY-MM-DD (default: {default})")
    flags.add_argument("--from", dest="first", type=_day, metavar="D", help="the first of several days (with --to)")
    flags.add_argument("--to", dest="last", type=_day, metavar="D", help="the last of several days, included")


def days(arguments: argparse.Namespace, default: date) -> list[date]:
    """Return the days that the flags name, oldest first; `default` where they name none.

    Raises ConfigError for a combination that makes no sense and for a day that has not begun in UTC.
    """
    first, last = arguments.first, arguments.last
    if arguments.date and (first or last):
        raise ConfigError("--date and --from/--to exclude each other: give one of them")
    if bool(first) != bool(last):
        raise ConfigError("--from and --to belong together: give both")
    if first and first > last:
        raise ConfigError(f"--from {first} is after --to {last}: swap them")
    first = first or arguments.date or default
    last = last or first
    today = utc_now().date()
    if last > today:
        raise ConfigError(f"{last} is in the future: today is {today} in UTC")
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def conceal(*secrets: str) -> None:
    """Blank these values out of everything printed from now on: as they are, escaped, and (an address) its path alone."""
    for secret in secrets:
        for text in (secret, *(secret.split("/", 3)[3:] if secret.startswith("http") else ())):
            in_repr = repr(text)[1:-1]
            forms = {text, in_repr, json.dumps(text)[1:-1], json.dumps(in_repr)[1:-1], urllib.parse.quote(text, safe="")}
            _secrets.update(forms if len(text) >= _SHORTEST_SECRET else ())


def settings(arguments: argparse.Namespace, unused: Collection[str] = ()) -> "Settings":
    """Load the settings, log the loader's warnings, and conceal the secrets among them. `unused`: as in config.load."""
    from monitoring import config  # PyYAML is not worth loading for --help

    loaded, warnings = config.load(arguments.config, unused)
    secrets = (loaded.model_api.token, loaded.model_monitor.api_key, loaded.alerts.webhook, loaded.alerts.ping)
    conceal(*(secret.get_secret_value() for secret in secrets if secret is not None))
    conceal(*(os.environ.get(name, "") for name in _SECRET_VARIABLES))  # only now: .env may have brought them
    for warning in warnings:
        log.warning("%s", warning)
    return loaded


def tell(error: MonitoringError, day: date | None = None) -> None:
    """Log an error once, under its day where there are several."""
    if not error.told:
        log.error("%s%s", f"{day}: " if day else "", error)
        error.told = True


def note(notes: "Iterable[Note]") -> None:
    """Log what became of the outlets."""
    for one in notes:
        log.log(logging.WARNING if one.warning else logging.INFO, "%s", one.text)


def finished(errors: list[MonitoringError], outcome: Outcome) -> Outcome:
    """Return the outcome of one or several days, or raise the error whose exit code decides, with the outcome's result."""
    if not errors:
        return outcome
    code = worst(error.exit_code for error in errors)
    decisive = next(error for error in errors if error.exit_code == code)
    decisive.result = outcome.result
    raise decisive


def progress(total: int, arguments: argparse.Namespace) -> "tqdm[Any]":
    """Return a progress bar over rows: on a terminal only, and neither with --quiet nor --json."""
    from tqdm import tqdm

    hidden = True if arguments.quiet or arguments.json else None  # None: tqdm asks whether stderr is a terminal
    return tqdm(total=total, unit="row", disable=hidden, leave=False, file=sys.stderr)


def run(flags: argparse.ArgumentParser, work: Callable[[argparse.Namespace], Outcome]) -> int:
    """Parse the flags, do the work (with --check, the preflight), print its outcome, and return the exit code.

    An error of the tree becomes its message and code (and its result with --json); anything else is a bug: its traceback, 1.
    SIGTERM and Ctrl-C raise InterruptedRun in the work, which may finish what is in flight: 143 and 130.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    arguments = flags.parse_args()
    _set_up_logs(arguments)
    summary: str = ""
    result: dict[str, Any] | None = None
    code = 1
    try:
        if arguments.check:
            from monitoring import preflight

            summary, result, code = preflight.run(flags.prog, arguments, os.environ)
        else:
            summary, result, code = work(arguments)
    except MonitoringError as error:
        tell(error)
        result, code = error.result, error.exit_code
    except InterruptedRun as interruption:
        log.error("%s", interruption)
        code = interruption.exit_code
    except Exception:
        log.exception("unexpected error: this is a bug, please report it with the lines below")
    if arguments.json:
        summary = "" if result is None else json.dumps(result, default=str, allow_nan=False)
    elif arguments.quiet and code == 0:
        summary = ""
    unprinted = _print(summary)
    return code or unprinted


def _print(text: str) -> int:
    """Print the text; return 0, or 5 where it could not be written."""
    try:
        if text and sys.stdout is not None:  # None: closed by whoever started us
            encoding = sys.stdout.encoding
            print(_blanked(text).encode(encoding, "backslashreplace").decode(encoding), flush=True)
        return 0
    except OSError as error:
        # Python would try once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read us has left
            return 0
        log.error("the result could not be printed: %s; make room, then rerun: what was done is kept", error.strerror)
        return ServiceError.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise InterruptedRun(number)


def _blanked(text: str) -> str:
    for secret in sorted(_secrets, key=len, reverse=True):  # the longest first: one may be the beginning of another
        text = text.replace(secret, "***")
    return text


def _set_up_logs(arguments: argparse.Namespace) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if arguments.json else _Lines("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    log.setLevel(logging.DEBUG if arguments.verbose else logging.WARNING if arguments.quiet else logging.INFO)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        prefix = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return _blanked(prefix + super().format(record))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return _blanked(json.dumps(line))
