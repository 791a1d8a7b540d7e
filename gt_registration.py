#!/usr/bin/env python3
"""Register ground truth with Domino Model Monitor (DMM); follow its ingestion."""

import argparse
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

from monitoring import clock
from monitoring.cli import arguments as cli
from monitoring.cli import main as runner
from monitoring.cli import output, preflight
from monitoring.cli.output import Outcome
from monitoring.errors import ConfigError, CredentialsError

if TYPE_CHECKING:
    from monitoring.ground_truth.register import Registrar
    from monitoring.ground_truth.result import FileResult

EXAMPLES = """\
  gt_registration.py --date 2026-01-31 --wait 3600
      from a terminal: register, follow for an hour
  gt_registration.py --pending --quiet
      from cron: whatever is due, and what DMM made of earlier days
  gt_registration.py --status
      how many days are how far, and those with something to do; --all: every
      day
  gt_registration.py --date 2026-01-31 --again
      once more, after DMM failed to read the file
  gt_registration.py --date 2026-01-31 --skip
      give the day up: it is no longer named
  gt_registration.py --uri s3://bucket/labels.csv
      a file made elsewhere
  gt_registration.py --dry-run
      check the file and print the exact requests, sending none
"""


def main() -> int:
    flags = cli.parser("gt_registration.py", __doc__, EXAMPLES, exit_codes=(11, 75))
    cli.add_day_flags(flags, default="today - ground_truth.lag_days, UTC")
    files = flags.add_mutually_exclusive_group()
    files.add_argument(
        "--pending",
        action="store_true",
        help="every day that is due and not registered, or not known as ingested",
    )
    files.add_argument("--uri", metavar="S3_URI", help="a file made elsewhere, as s3://bucket/key")
    files.add_argument(
        "--status",
        action="store_true",
        help="print the days as the ledger and DMM know them; change nothing",
    )
    flags.add_argument(
        "--all", action="store_true", help="with --status: also the days with nothing to do"
    )
    files.add_argument(
        "--again",
        action="store_true",
        help="register the rows of a day whose ingestion failed as another file",
    )
    cli.add_skip_flag(flags)
    flags.add_argument(
        "--wait",
        type=cli.seconds,
        metavar="SECONDS",
        help="follow the files until DMM has them, for at most SECONDS",
    )
    return runner.run(flags, work, check=lambda given: preflight.run(preflight.REGISTRATION, given))


def work(arguments: argparse.Namespace) -> Outcome:
    """Register the files that are due, follow them, and say what became of each."""
    # Heavier imports only now: --help does not pay for them.
    from monitoring.ground_truth.register import Registrar
    from monitoring.s3_uri import S3Uri

    if arguments.skip:
        return give_up(arguments)

    check_flags(arguments)
    today = clock.today()
    named = cli.named_days(arguments, default=today) if cli.has_day_flags(arguments) else []
    uri = S3Uri.parse(arguments.uri) if arguments.uri else None
    unused = [*preflight.REGISTRATION.unused, *(["project_id"] if uri else [])]
    settings = runner.load_settings(arguments, unused)
    registrar = Registrar.connect(settings, today, dry_run=arguments.dry_run)

    if arguments.status:
        return show_status(registrar, arguments, named)
    if uri:
        files = [registrar.register_uri(uri)]
    else:
        files = register_days(registrar, due_days(registrar, arguments, named), arguments)
    return follow_up(registrar, files, arguments)


def show_status(
    registrar: "Registrar", arguments: argparse.Namespace, named: list[date]
) -> Outcome:
    """Return the days as the ledger and DMM know them."""
    from monitoring.ground_truth.status import status
    from monitoring.ground_truth.text import status_table

    show_all = arguments.all or bool(named)
    days = status(registrar, named, asks_about_all=show_all or arguments.json)
    return Outcome(status_table(days, show_all=show_all), {"days": days})


def follow_up(
    registrar: "Registrar", files: list["FileResult"], arguments: argparse.Namespace
) -> Outcome:
    """Follow the files, bring the pages up to date, and say what became of each file."""
    from monitoring.ground_truth.follow import follow
    from monitoring.ground_truth.text import result_line
    from monitoring.ground_truth.unknown import warn_about_unknown_days
    from monitoring.report.refresh import refresh

    settings, ledger = registrar.settings, registrar.ledger
    if arguments.pending:
        files = [*files, *registrar.pending_files()]
        warn_about_unknown_days(settings, ledger, registrar.store)
    if not arguments.dry_run:
        files = follow(ledger, registrar.dmm, files, arguments.wait)
        refresh(ledger.workspace, settings)

    lines = [result_line(file) for file in files if not file.error]
    return Outcome(
        "\n".join(lines) or "nothing to register, nothing to follow",
        {"days": [file.as_json() for file in files]},
        [file.error for file in files if file.error],
    )


def check_flags(arguments: argparse.Namespace) -> None:
    """Raise ConfigError for flags that contradict each other."""
    if cli.has_day_flags(arguments) and (arguments.pending or arguments.uri):
        raise ConfigError(
            "--pending and --uri name their files themselves: leave out --date, --from and --to"
        )
    if arguments.status and arguments.wait is not None:
        raise ConfigError("--status only looks, it waits for nothing: leave out --wait")


def give_up(arguments: argparse.Namespace) -> Outcome:
    """Give up the named days, or a file made elsewhere."""
    from monitoring.cli import giving_up
    from monitoring.ledger.entry import Ledger
    from monitoring.ledger.workspace import Workspace

    giving_up.check_flags(arguments, "pending", "status", "again", "wait")
    settings = runner.load_settings(arguments, preflight.REGISTRATION.unused)
    workspace = Workspace.of(settings)
    if arguments.uri:
        return giving_up.give_up_file(workspace, arguments.uri, arguments)
    days = cli.named_days(arguments, default=clock.today())
    return giving_up.give_up(Ledger(workspace, settings.model), days, arguments)


def due_days(
    registrar: "Registrar", arguments: argparse.Namespace, named: list[date]
) -> list[date]:
    """Return the days to register: the pending ones, the named ones, or the one that is due now."""
    from monitoring.ground_truth.register import pending_days

    if arguments.pending:
        return pending_days(registrar.settings, registrar.ledger, registrar.today)
    lag = timedelta(days=registrar.settings.ground_truth.lag_days)
    return named or [registrar.today - lag]


def register_days(
    registrar: "Registrar", days: list[date], arguments: argparse.Namespace
) -> list["FileResult"]:
    """Register each day's file; every day is tried, except after a refused key."""
    files = []
    for day in days:
        file = registrar.register_day(day, again=arguments.again)
        files.append(file)
        if file.error and not file.awaits_ingestion:
            output.log_error(file.error)
        if isinstance(file.error, CredentialsError):
            break  # every other day would be refused as well
    return files


if __name__ == "__main__":
    sys.exit(main())
