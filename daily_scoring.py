#!/usr/bin/env python3
"""Score a day's synthetic batch through the model API; store it as ground truth."""

import argparse
import contextlib
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from monitoring import clock
from monitoring.cli import arguments as cli
from monitoring.cli import main as runner
from monitoring.cli import output, preflight
from monitoring.cli.days import DayOutcome, each_day
from monitoring.cli.output import Outcome, log
from monitoring.errors import AlertError, MonitoringError, PartialError

if TYPE_CHECKING:
    from monitoring.batch.batch import Batch
    from monitoring.batch.scored import ScoredBatch
    from monitoring.checks.inputs import DayInputs
    from monitoring.checks.record import DayRecord
    from monitoring.dataset.training_file import TrainingFile
    from monitoring.ledger.entry import DayEntry
    from monitoring.scoring.prepare import ScoringOptions
    from monitoring.services.s3 import Store
    from monitoring.settings.model import Settings

EXAMPLES = """\
  daily_scoring.py --quiet      from cron, once a day: prints only what is wrong
  daily_scoring.py --dry-run    what today's run would send, and where to
  daily_scoring.py --date 2026-01-31 --rows 200
  daily_scoring.py --from 2026-01-01 --to 2026-01-31
      a backfill: DMM dates predictions by the moment of the call, so these
      days show up there under today
  daily_scoring.py --prune 400 --dry-run
      what would be removed of the days before
"""


def main() -> int:
    flags = cli.parser("daily_scoring.py", __doc__, EXAMPLES, exit_codes=(3, 4, 11))
    cli.add_day_flags(flags, default="today, UTC")
    flags.add_argument(
        "--rows", type=cli.rows, metavar="N", help="overrides scoring.rows for this day"
    )
    flags.add_argument(
        "--rerun",
        action="store_true",
        help="score the day again from row 0 and replace the uploaded object",
    )
    cli.add_skip_flag(flags)
    flags.add_argument(
        "--prune",
        type=cli.prune_days,
        metavar="DAYS",
        help="remove state and pages older than DAYS (90 or more) of days that DMM has ingested or"
        " that were given up; score nothing",
    )
    flags.add_argument(
        "--fail-on-alert", action="store_true", help="exit 4 when an alert is new or ongoing"
    )
    return runner.run(flags, work, check=lambda given: preflight.run(preflight.SCORING, given))


def work(arguments: argparse.Namespace) -> Outcome:
    """Score the requested days, watched by the healthcheck where one is set."""
    if arguments.prune:
        return prune(arguments)
    if arguments.skip:
        return give_up(arguments)

    requested = cli.named_days(arguments, default=clock.today())
    settings = runner.load_settings(arguments, preflight.SCORING.unused)

    # Heavier imports only now: whoever has mistaken a flag or a setting does not pay for them.
    from monitoring.alerts import healthchecks

    with healthchecks.watch(settings.alerts, dry_run=arguments.dry_run) as job:
        outcome = score_days(settings, arguments, requested)
        job.exit_code = outcome.final_exit_code
        return outcome


def give_up(arguments: argparse.Namespace) -> Outcome:
    """Give up the named days."""
    from monitoring.cli import giving_up
    from monitoring.ledger.entry import Ledger
    from monitoring.ledger.workspace import Workspace

    giving_up.check_flags(arguments, "rows", "rerun")
    days = cli.named_days(arguments, default=clock.today())
    settings = runner.load_settings(arguments, preflight.SCORING.unused)
    return giving_up.give_up(Ledger(Workspace.of(settings), settings.model), days, arguments)


def prune(arguments: argparse.Namespace) -> Outcome:
    """Remove old days."""
    from monitoring.cli import pruning

    pruning.check_flags(arguments, "rows", "rerun", "skip", "fail_on_alert")
    return pruning.prune(runner.load_settings(arguments, preflight.SCORING.unused), arguments)


def score_days(
    settings: "Settings", arguments: argparse.Namespace, requested: list[date]
) -> Outcome:
    """Finish what earlier days left, then score the requested days; the worst exit code decides."""
    from monitoring.dataset.training_file import TrainingFile
    from monitoring.ledger import days
    from monitoring.ledger.entry import Ledger
    from monitoring.ledger.workspace import Workspace
    from monitoring.report.refresh import refresh
    from monitoring.report.result import day_result
    from monitoring.scoring.prepare import ScoringOptions

    workspace = Workspace.of(settings)
    ledger = Ledger(workspace, settings.model)
    earlier = days.scan(workspace, before=requested[0])
    warn_about_days(requested, missing=days.missing(earlier))

    left = days.awaiting_upload(earlier)
    all_days = [*left, *requested]

    def work_on(day: date) -> DayOutcome:
        position = f" [{all_days.index(day) + 1}/{len(all_days)}]" if len(all_days) > 1 else ""
        options = ScoringOptions(dry_run=arguments.dry_run)
        if day in requested:
            options = ScoringOptions(arguments.rows, arguments.rerun, arguments.dry_run)
        with ledger.locked(day, dry_run=arguments.dry_run) as entry:
            return score_day(Run(settings, data, arguments), entry, options, f"{day}{position}")

    data = TrainingFile(settings, workspace.cache, is_dry_run=arguments.dry_run)
    try:
        with data:
            return each_day(
                requested,
                work_on,
                describe=lambda day: day_result(workspace, day),
                arguments=arguments,
                first=left,
            )
    finally:  # a day that was broken off is to be seen in the overview too
        if not arguments.dry_run:
            refresh(workspace, settings)


class Run(NamedTuple):
    """What the days of a run share."""

    settings: "Settings"
    data: "TrainingFile"
    arguments: argparse.Namespace


def score_day(run: Run, entry: "DayEntry", options: "ScoringOptions", title: str) -> DayOutcome:
    """Take the steps that the day still needs; a rerun continues after the last one that ended.

    title: names the day where its progress is shown.
    """
    from monitoring.ground_truth import objects
    from monitoring.ledger.plan import Step
    from monitoring.scoring.prepare import prepare
    from monitoring.scoring.preview import preview
    from monitoring.scoring.run import score
    from monitoring.services.s3 import Store

    began = time.monotonic()
    settings, data, arguments = run
    store = Store(settings.s3)
    objects.warn_about_store(settings, entry, store)
    with output.step(f"{title} making the batch", arguments):
        prepared = prepare(settings, entry, store, data, options)
    if prepared.batch is None:
        return already_done(settings, entry)
    if arguments.dry_run:
        return DayOutcome(*preview(settings, entry, prepared))

    checks = Checks(settings, entry, data, prepared.batch)
    with output.progress(len(prepared.batch), f"{title} scoring", arguments) as bar:
        scored = score(settings, entry, prepared, bar.update, meanwhile=checks.get_ready)
    if prepared.step <= Step.UPLOAD:
        from monitoring.ground_truth.upload import upload

        upload(settings, entry, store, scored)
    entry.update(duration_seconds=round(time.monotonic() - began, 3))
    with output.step(f"{title} checking", arguments):
        record, page = checks.report(store, scored)
    return report_day(run, entry, record, page)


class Checks:
    """The checks of a day, made ready as far as they can be while its rows are scored."""

    def __init__(
        self, settings: "Settings", entry: "DayEntry", data: "TrainingFile", batch: "Batch"
    ) -> None:
        self.settings, self.entry, self.data, self.batch = settings, entry, data, batch
        self._inputs: DayInputs | None = None

    def get_ready(self) -> None:
        """Do what the steps after the scoring need, and the answers don't decide: no error."""
        from monitoring.alerts import delivery  # noqa: F401  # loaded here for report_day
        from monitoring.checks import evaluate, gather  # noqa: F401  # loaded here for report
        from monitoring.ground_truth import upload  # noqa: F401  # loaded here for score_day
        from monitoring.report import (
            overview,  # noqa: F401  # loaded here for refresh
            rendering,
            report,  # noqa: F401  # loaded here for report
        )

        rendering.compile_templates()
        # What is wrong is raised by the checks, in their turn.
        with contextlib.suppress(MonitoringError, OSError):
            gather.make_limits(self._known_inputs())

    def report(self, store: "Store", scored: "ScoredBatch") -> tuple["DayRecord", Path]:
        """Compare the day with its baseline and the days before; return its record and its page."""
        from monitoring.checks import gather
        from monitoring.checks.evaluate import evaluate
        from monitoring.report import report

        inputs = gather.with_answers(self._known_inputs(), self.entry, store, scored)
        record = evaluate(inputs)
        workspace = self.entry.workspace
        inputs.limits.write(workspace.limits)
        page = report.write(workspace, record, inputs.previous, self.settings.checks)
        self.entry.update(report=str(page))
        return record, page

    def _known_inputs(self) -> "DayInputs":
        from monitoring.checks import gather

        if self._inputs is None:
            self._inputs = gather.without_answers(self.settings, self.entry, self.data, self.batch)
        return self._inputs


def report_day(run: Run, entry: "DayEntry", record: "DayRecord", page: Path) -> DayOutcome:
    """Log and send the day's alerts; return its outcome."""
    from monitoring.alerts import delivery
    from monitoring.alerts.text import alert_lines

    for line in alert_lines(record, str(page)):
        log.warning("%s", line)
    delivery.deliver(run.settings, record, page, entry.workspace.alerts_memory)
    return outcome_of(entry, record, run.arguments)


def outcome_of(entry: "DayEntry", record: "DayRecord", arguments: argparse.Namespace) -> DayOutcome:
    """Return the line to print, and the error that failed rows or an alert amount to."""
    from monitoring.alerts.text import is_notable, verdict

    known = entry.known
    line = (
        f"{entry.title}: {known.scored} of {known.rows} rows scored, uploaded to {known.uri};"
        f" {verdict(record)}; report {known.report}"
    )
    if known.failed:
        row_id, reason = next(iter(known.failures.items()))
        return DayOutcome(error=PartialError(f"{line}; {known.failed} failed, {row_id}: {reason}"))
    if arguments.fail_on_alert and (record.alerts or record.ongoing):
        return DayOutcome(error=AlertError(line))
    return DayOutcome(line, is_notable=is_notable(record))


def already_done(settings: "Settings", entry: "DayEntry") -> DayOutcome:
    """Return the line of a day that needs nothing: its verdict and report, where it has any."""
    from monitoring.alerts.text import is_notable, verdict
    from monitoring.report.result import day_record

    uri = settings.ground_truth_uri(entry.day)
    line = f"{entry.title}: already {entry.known.state}, nothing sent ({uri})"
    record = day_record(entry.workspace, entry.known)
    if record is None:
        return DayOutcome(line)
    line = f"{line}; {verdict(record)}; report {entry.known.report}"
    return DayOutcome(line, is_notable=is_notable(record))


def warn_about_days(requested: list[date], missing: list[date]) -> None:
    """Warn about what a backfill means to DMM, and about days that were never scored."""
    from monitoring.ledger import days

    if len(requested) > 1:
        log.warning(
            "backfill: DMM dates predictions by the moment of the call: these days will show up"
            " under today"
        )
    if missing:
        log.warning("%s", days.missing_text(missing))


if __name__ == "__main__":
    sys.exit(main())
