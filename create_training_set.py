#!/usr/bin/env python3
"""Create a version of the TrainingSet, the baseline that drift is measured from.

Once per model version; it can't be undone.
"""

import argparse
import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from monitoring.cli import arguments as cli
from monitoring.cli import main as runner
from monitoring.cli import preflight
from monitoring.cli.output import Outcome, log
from monitoring.errors import ConfigError, MonitoringError, RefusedError
from monitoring.training_set.result import CreationResult

if TYPE_CHECKING:
    from monitoring.dataset.baseline import Baseline
    from monitoring.settings.model import Settings

EXAMPLES = """\
  create_training_set.py --dry-run    all the checks, and what would be sent
  create_training_set.py --meta model_version=7
  create_training_set.py --list       the versions that there are
  create_training_set.py --propose data.csv --target churned
      a schema for these data
"""


def main() -> int:
    flags = cli.parser("create_training_set.py", __doc__, EXAMPLES)
    flags.add_argument(
        "--meta",
        action="append",
        default=[],
        metavar="K=V",
        help="note K=V with the version; repeatable",
    )
    flags.add_argument("--list", action="store_true", help="list the versions, create none")
    flags.add_argument(
        "--again",
        action="store_true",
        help="create a next version although the content is the same or one is pending",
    )
    flags.add_argument(
        "--propose",
        nargs="?",
        const="",
        metavar="FILE",
        help="print a schema section for these data (default: training_data), create no version",
    )
    flags.add_argument("--target", metavar="COLUMN", help="with --propose: the column of classes")
    return runner.run(flags, work, check=lambda given: preflight.run(preflight.TRAINING_SET, given))


def work(arguments: argparse.Namespace) -> Outcome:
    """Create a version, list those that there are, or propose a schema."""
    from monitoring.training_set.description import parse_meta

    if arguments.propose is not None:
        return propose_schema(arguments)
    if arguments.target:
        raise ConfigError("--target goes with --propose: the target is schema.target.name else")
    meta = parse_meta(arguments.meta)
    if arguments.list and (arguments.again or meta):
        raise ConfigError(
            "--list creates no version, so --again and --meta don't go with it: leave them out"
        )
    settings = runner.load_settings(arguments, preflight.TRAINING_SET.unused)

    result = CreationResult(settings.training_set.name)
    try:
        if arguments.list:
            return list_versions(settings)
        summary = create_version(settings, arguments, meta, result)
    except MonitoringError as error:
        return Outcome("", result.as_json(), [error])
    return Outcome(summary, result.as_json())


def propose_schema(arguments: argparse.Namespace) -> Outcome:
    """Return a schema section for the training data."""
    from monitoring.training_set.proposal_source import ProposalSource

    source = ProposalSource.of(arguments.config, arguments.propose)
    with source.open() as path:
        from monitoring.training_set.proposal import propose
        from monitoring.training_set.proposal_text import schema_text

        text = schema_text(propose(path, arguments.target), source.key)
    return Outcome(text, {"schema": text})


def list_versions(settings: "Settings") -> Outcome:
    """Return the versions as a table."""
    from monitoring.services.training_sets import TrainingSets
    from monitoring.services.training_sets_environment import environment_for
    from monitoring.training_set.text import versions_table

    name = settings.training_set.name
    versions = TrainingSets(name, environment_for(settings, os.environ, writes=False)).versions()
    listed = [dataclasses.asdict(version) for version in versions]
    return Outcome(versions_table(name, versions), {"name": name, "versions": listed})


def create_version(
    settings: "Settings",
    arguments: argparse.Namespace,
    notes: dict[str, str],
    result: CreationResult,
) -> str:
    """Create a version unless one holds the same content, pin its baseline, return a summary.

    result: gets what is known as soon as it is known.
    """
    # Heavier imports only now: whoever has mistaken a flag or a setting does not pay for them.
    from monitoring.checks.thresholds import dmm_thresholds
    from monitoring.training_set import creation, text
    from monitoring.training_set.content import as_captured, automatic_notes
    from monitoring.training_set.description import description
    from monitoring.training_set.version_baseline import count_version, pin
    from monitoring.training_set.versions import known_versions

    training_sets = creation.connect(settings, dry_run=arguments.dry_run)
    frame, sha256 = creation.read_valid_content(settings, result)
    baseline = count_version(settings, frame, sha256)
    captured = as_captured(frame, settings.schema)
    meta = automatic_notes(captured, settings.schema, arguments.config.resolve().parent) | notes

    versions = training_sets.versions() if training_sets else []
    known = known_versions(versions, meta["content_hash"], again=arguments.again)
    if known.pending:
        raise RefusedError(text.pending_text(result.name, known.pending.number))

    if known.same and (warning := text.not_stored_text(result.name, known.same, notes)):
        log.warning("%s", warning)
        result.warnings = [*result.warnings, warning]

    result.dmm_thresholds = dmm_thresholds(settings, baseline, settings.scoring.rows)
    if known.same is None:
        result.difference = creation.compare(settings, frame, training_sets, known.newest)
        log_thresholds(settings, baseline, result.dmm_thresholds)
    if arguments.dry_run or training_sets is None:
        return creation.preview(settings, captured, meta, known, result)

    version = known.same or training_sets.create(captured, description(settings, meta))
    result.number = version.number
    path = pin(settings, baseline, version)
    happened = text.outcome_text(result.name, known, version)
    return f"{happened}: {text.size_text(frame)}; baseline in {path}"


def log_thresholds(
    settings: "Settings", baseline: "Baseline", thresholds: dict[str, float]
) -> None:
    """Log the thresholds for DMM, and the sharper ones that a fixed number of rows allows."""
    from monitoring.checks.thresholds import dmm_thresholds
    from monitoring.training_set import text

    rows, rate = settings.scoring.rows, settings.checks.false_alarms_per_day
    log.info("%s", text.thresholds_text(thresholds, rows, rate))
    if rows[0] < rows[1]:
        fixed = sum(rows) // 2
        sharper = dmm_thresholds(settings, baseline, (fixed, fixed))
        log.info("%s", text.fixed_rows_text(sharper, fixed))


if __name__ == "__main__":
    sys.exit(main())
