"""`--skip`: giving days up, so that they are no longer named."""

import argparse
from collections.abc import Sequence
from datetime import date

import msgspec

from monitoring.cli.output import Outcome, log_error
from monitoring.errors import ConfigError, MonitoringError, RefusedError
from monitoring.ledger import file_entry, plan
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace
from monitoring.text import format_count, format_days


def check_flags(arguments: argparse.Namespace, *excluded: str) -> None:
    """Raise ConfigError where --skip comes without a day, or with a flag that it excludes."""
    given = [f"--{name}" for name in excluded if getattr(arguments, name) not in (None, False)]
    if given:
        raise ConfigError(f"--skip and {given[0]} exclude each other: give one of them")
    names_file = getattr(arguments, "uri", None) is not None
    if not (arguments.date or arguments.first or names_file):
        raise ConfigError("--skip gives up the days that are named: add --date, or --from and --to")


def give_up(ledger: Ledger, days: Sequence[date], arguments: argparse.Namespace) -> Outcome:
    """Give the named days up: without a file, or their ingestion failed.

    Scoring or registering such a day undoes it. Of a range, the days that are done stay as they
    are; a single day that DMM has ingested is refused.
    """
    given_up, results, errors = [], [], []
    for day in days:
        try:
            with ledger.locked(day, dry_run=arguments.dry_run) as entry:
                state = entry.state
                if plan.can_be_given_up(state, is_named_alone=len(days) == 1):
                    given_up.append(day)
                    if not arguments.dry_run:
                        entry.give_up()
                elif state != State.SKIPPED and len(days) == 1:
                    raise RefusedError(f"{day}: DMM has ingested it: there is nothing to give up")
                results.append({"day": str(day), "state": entry.state})
        except MonitoringError as error:
            log_error(error, day if len(days) > 1 else None)
            errors.append(error)

    summary = "nothing to give up"
    if given_up:
        verb = "would be given up" if arguments.dry_run else "given up"
        summary = (
            f"{verb}: {format_days(given_up)} ({format_count(len(given_up), 'day')}); scoring or"
            " registering one of them undoes it"
        )
    return Outcome(summary, {"days": results}, errors)


def give_up_file(workspace: Workspace, uri: str, arguments: argparse.Namespace) -> Outcome:
    """Give up a file made elsewhere that DMM failed to ingest; registering it undoes it."""
    known = file_entry.find(workspace, uri)
    if known is None:
        raise RefusedError(f"{uri}: this file was not registered from here: nothing to give up")
    if known.state == State.INGESTED:
        raise RefusedError(f"{uri}: DMM has ingested it: there is nothing to give up")
    verb = "would be given up" if arguments.dry_run else "given up"
    if not arguments.dry_run:
        file_entry.write(workspace, msgspec.structs.replace(known, state=State.SKIPPED))
    return Outcome(f"{verb}: {uri}; registering it undoes it", {"days": []})
