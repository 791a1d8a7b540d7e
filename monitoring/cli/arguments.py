"""Flags, and the days that they name."""

import argparse
import contextlib
import math
import sys
import textwrap
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

from monitoring import __version__, clock
from monitoring.errors import EXIT_CODES, ConfigError

MAX_ROWS = 1_000_000
LEAST_PRUNE_DAYS, MAX_PRUNE_DAYS = 90, 100_000  # 90: DMM matches outcomes so long
_CODES_OF_ALL = (0, 1, 2, 5, 6, 130, 143)
_COLUMNS = 80


def parser(
    program: str, description: str | None, examples: str, *, exit_codes: Collection[int] = ()
) -> argparse.ArgumentParser:
    """Return a parser with the common flags; the help ends with the examples and exit codes.

    exit_codes: those that this script can end with beside those that each can.
    """
    flags = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=f"examples:\n{examples.rstrip()}\n\nexit codes:\n{_code_lines(exit_codes)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=Path(sys.argv[0]).resolve().parent / "config.yaml",
        help="the settings (default: config.yaml beside this script)",
    )
    _add_trial_flags(flags)
    _add_output_flags(flags)
    return flags


def _code_lines(exit_codes: Collection[int]) -> str:
    """Return the table of exit codes, within the columns of a terminal."""
    lines: list[str] = []
    for code, meaning in EXIT_CODES.items():
        if code in (*_CODES_OF_ALL, *exit_codes):
            lines += textwrap.wrap(
                meaning, _COLUMNS, initial_indent=f"  {code:>3}  ", subsequent_indent=" " * 7
            )
    return "\n".join(lines)


def _add_trial_flags(flags: argparse.ArgumentParser) -> None:
    """Add --check, --probe and --dry-run."""
    flags.add_argument(
        "--check", action="store_true", help="try whatever a run needs, sending and locking nothing"
    )
    flags.add_argument(
        "--probe",
        action="store_true",
        help="with --check: also what leaves a trace: one row sent to the endpoint, one object"
        " written and removed",
    )
    flags.add_argument(
        "--dry-run",
        action="store_true",
        help="do everything but send, write or lock; print what would be sent",
    )


def _add_output_flags(flags: argparse.ArgumentParser) -> None:
    """Add --quiet, --verbose, --json and --version."""
    volume = flags.add_mutually_exclusive_group()
    volume.add_argument(
        "-q", "--quiet", action="store_true", help="print nothing unless something is wrong"
    )
    volume.add_argument("-v", "--verbose", action="store_true", help="log more")
    flags.add_argument(
        "--json",
        action="store_true",
        help="print the result as one JSON object, logs as JSON lines",
    )
    flags.add_argument("--version", action="version", version=f"%(prog)s {__version__}")


def add_day_flags(flags: argparse.ArgumentParser, default: str) -> None:
    """Add --date, --from and --to."""
    flags.add_argument(
        "--date", type=_day, metavar="D", help=f"the day, YYYY-MM-DD (default: {default})"
    )
    flags.add_argument(
        "--from", dest="first", type=_day, metavar="D", help="the first of several days (with --to)"
    )
    flags.add_argument(
        "--to", dest="last", type=_day, metavar="D", help="the last of several days, included"
    )


def add_skip_flag(flags: argparse.ArgumentParser) -> None:
    """Add --skip."""
    flags.add_argument(
        "--skip",
        action="store_true",
        help="give the named days up: they are no longer named as missing or failed",
    )


def has_day_flags(arguments: argparse.Namespace) -> bool:
    """Whether the command line names days."""
    return bool(arguments.date or arguments.first or arguments.last)


def named_days(arguments: argparse.Namespace, default: date) -> list[date]:
    """Return the days that the flags name, oldest first; `default` where they name none.

    Raises ConfigError for a combination that makes no sense and for a day that has not begun in
    UTC.
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
    today = clock.today()
    if last > today:
        raise ConfigError(f"{last} is in the future: today is {today} in UTC")
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def seconds(text: str) -> float:
    """Return a flag's number of seconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds")
    return value


def rows(text: str) -> int:
    """Return a flag's number of rows, 1 to 1,000,000."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= MAX_ROWS:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 1 to {MAX_ROWS:,} rows")
    return value


def prune_days(text: str) -> int:
    """Return a flag's age of days to be removed, 90 to 100,000."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not LEAST_PRUNE_DAYS <= value <= MAX_PRUNE_DAYS:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected {LEAST_PRUNE_DAYS} days or more: DMM may still match younger"
            " ones with their outcomes"
        )
    return value


def _day(text: str) -> date:
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(text)
        if str(day) == text:  # fromisoformat also reads 20260131 and 2026-W05-6
            return day
    raise argparse.ArgumentTypeError(f"got {text!r}, expected a day as YYYY-MM-DD")
