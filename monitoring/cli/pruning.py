"""`--prune DAYS`: removing old days, so that the folders don't grow for ever."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from monitoring import clock
from monitoring.cli import arguments as cli
from monitoring.cli.output import Outcome, log_error
from monitoring.errors import ConfigError, MonitoringError
from monitoring.ledger import pruning
from monitoring.ledger.entry import Ledger
from monitoring.ledger.manifest import State
from monitoring.ledger.pruning import Removed
from monitoring.ledger.workspace import Workspace
from monitoring.report.refresh import refresh
from monitoring.settings.model import Settings
from monitoring.text import format_count, format_days, format_size


def check_flags(arguments: argparse.Namespace, *excluded: str) -> None:
    """Raise ConfigError where --prune comes with a flag that it excludes, or names days itself."""
    given = [f"--{name.replace('_', '-')}" for name in excluded if getattr(arguments, name)]
    if cli.has_day_flags(arguments):
        given = ["--date, --from and --to", *given]
    if given:
        raise ConfigError(
            f"--prune removes old days and scores none: leave out {given[0]}, or run it by itself"
        )


def prune(settings: Settings, arguments: argparse.Namespace) -> Outcome:
    """Remove the state folders and pages of the days older than --prune says.

    Each day under its lock; a day that can't be removed holds up no other. With --dry-run, list
    them.
    """
    workspace = Workspace.of(settings)
    ledger = Ledger(workspace, settings.model)
    dry_run, age_days = arguments.dry_run, arguments.prune
    removed: list[Removed] = []
    kept: dict[date, State] = {}
    errors: list[MonitoringError] = []
    for day in pruning.old_days(workspace, clock.today() - timedelta(days=age_days)):
        try:
            with ledger.locked(day, dry_run=dry_run) as entry:
                result = pruning.remove(entry, dry_run=dry_run)
                if result:
                    removed.append(result)
                elif entry.state:
                    kept[day] = entry.state
        except MonitoringError as error:
            log_error(error, day)
            errors.append(error)

    if not dry_run:  # also the links that a broken-off removal left
        refresh(workspace, settings, every_page=True)
    lines = [_line(each) for each in removed] if dry_run else []
    summary = "\n".join([*lines, _summary(removed, kept, age_days, dry_run=dry_run)])
    return Outcome(summary, _as_json(removed, kept), errors)


def _line(removed: Removed) -> str:
    return (
        f"{removed.day} {removed.state}: {format_count(removed.folders, 'folder')},"
        f" {format_count(removed.pages, 'page')}, {format_size(removed.size_bytes)}"
    )


def _summary(
    removed: Sequence[Removed], kept: Mapping[date, State], age_days: int, *, dry_run: bool
) -> str:
    text = f"nothing to remove that is older than {age_days} days"
    if removed:
        verb = "would be removed" if dry_run else "removed"
        folders = format_count(sum(each.folders for each in removed), "folder")
        pages = format_count(sum(each.pages for each in removed), "page")
        size = format_size(sum(each.size_bytes for each in removed))
        days = format_days([each.day for each in removed])
        text = f"{verb}: {days} ({format_count(len(removed), 'day')}): {folders}, {pages}, {size}"
    if kept:
        counts = Counter(state.value for state in kept.values())
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        text += (
            f"; kept, neither ingested nor given up: {format_days(list(kept))} ({states}): see"
            " gt_registration.py --status"
        )
    return text


def _as_json(removed: Sequence[Removed], kept: Mapping[date, State]) -> dict[str, object]:
    return {
        "removed": [
            {**each._asdict(), "day": str(each.day), "state": each.state.value} for each in removed
        ],
        "kept": [{"day": str(day), "state": state.value} for day, state in kept.items()],
    }
