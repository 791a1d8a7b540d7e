"""The steps of creating a version that decide something, each returning what the next one needs."""

import logging
import os

import pandas as pd

from monitoring.batch.generate import try_batch
from monitoring.dataset.training_data import Tally
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError, RefusedError
from monitoring.services.training_sets import TrainingSets, Version
from monitoring.services.training_sets_environment import environment_for
from monitoring.services.training_sets_rows import stored_types
from monitoring.settings.model import Settings
from monitoring.training_set import text
from monitoring.training_set.content import read_content
from monitoring.training_set.description import description
from monitoring.training_set.difference import Difference, difference
from monitoring.training_set.lint import lint
from monitoring.training_set.result import CreationResult
from monitoring.training_set.version_baseline import load_version_baseline
from monitoring.training_set.versions import KnownVersions

log = logging.getLogger("monitoring")


def connect(settings: Settings, *, dry_run: bool) -> TrainingSets | None:
    """Return the TrainingSet; a dry run may do without, and logs what it then leaves out."""
    try:
        environment = environment_for(settings, os.environ, writes=True)
    except ConfigError as error:
        if not dry_run:
            raise
        log.warning(
            "not compared with earlier versions, and a real run would end here (2): %s", error
        )
        return None
    return TrainingSets(settings.training_set.name, environment)


def read_valid_content(settings: Settings, result: CreationResult) -> tuple[pd.DataFrame, str]:
    """Return the rows of a version and the SHA-256 of the file that they are from, after the lint.

    Raises RefusedError where they would make a useless version, or no batch can be made of them.
    """
    schema = settings.schema
    with TrainingFile(settings) as data:
        tally = Tally()
        frame, sha256 = read_content(data.path, schema, tally), data.sha256
        findings = lint(frame, schema, tally)
        if not findings.errors:
            # A version can't be undone: what the night would refuse is refused before it is made.
            try_batch(settings, data)

    result.rows, result.columns = len(frame), len(frame.columns)
    result.warnings = findings.warnings
    for warning in findings.warnings:
        log.warning("%s", warning)
    if findings.errors:
        result.errors = findings.errors
        errors = "\n".join(findings.errors)
        raise RefusedError(
            f"{settings.training_data} can't be a baseline, nothing was sent:\n{errors}"
        )
    return frame, sha256


def compare(
    settings: Settings,
    frame: pd.DataFrame,
    training_sets: TrainingSets | None,
    previous: Version | None,
) -> Difference | None:
    """Return how the rows differ from the version before, and log it; None without one."""
    if training_sets is None or previous is None:
        return None
    before = load_version_baseline(settings, training_sets, previous)
    changes = difference(settings.schema, frame, previous, before)
    log.info("%s", text.difference_text(changes))
    return changes


def preview(
    settings: Settings,
    frame: pd.DataFrame,
    meta: dict[str, str],
    known: KnownVersions,
    result: CreationResult,
) -> str:
    """Return what would be sent, as text."""
    if known.same:
        return text.nothing_to_send_text(settings.training_set.name, known.same)
    result.would_send = {"columns": stored_types(frame), **description(settings, meta)}
    return text.preview_text(settings, frame, meta)
