"""What the record of a day follows from, read from state, reports and store.

The baseline, the days before and the features' limits are known before the rows are scored: they
are made ready while the workers wait for the endpoint.
"""

from dataclasses import replace

from monitoring import clock
from monitoring.batch.batch import Batch
from monitoring.batch.scored import ScoredBatch
from monitoring.checks import drift
from monitoring.checks.answered_rows import read_earlier
from monitoring.checks.history import read_previous
from monitoring.checks.inputs import (
    DayInputs,
    check_baseline,
    count_batch,
    history_of,
    tester_of,
)
from monitoring.checks.limits import Limits
from monitoring.checks.record import PipelineRecord
from monitoring.checks.validity import fitting
from monitoring.dataset import baseline as baselines
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.training_file import TrainingFile
from monitoring.ledger import days
from monitoring.ledger.entry import DayEntry
from monitoring.services.s3 import Store
from monitoring.settings.model import Settings


def without_answers(
    settings: Settings, entry: DayEntry, data: TrainingFile, batch: Batch
) -> DayInputs:
    """Return what is known of a day before its rows are scored.

    Raises RefusedError for a baseline that can't be read; without a pinned one, what reading the
    training data raises.
    """
    baseline = _baseline(entry, data)
    return DayInputs(
        settings=settings,
        scored=ScoredBatch(entry.day, batch, answers={}),
        baseline=baseline,
        previous=fitting(read_previous(entry.workspace.reports, entry.day), baseline),
        training_sha256=entry.known.batch_inputs.get("training_data"),
        limits=Limits.read(entry.workspace.limits),
    )


def make_limits(inputs: DayInputs) -> None:
    """Have the limits of the features' tests in inputs.limits: the batch alone decides them.

    Raises RefusedError for a baseline of another schema.
    """
    check_baseline(inputs)
    window = history_of(inputs).compared_with(baselines.fingerprint(inputs.baseline))
    drift.check(tester_of(inputs), count_batch(inputs), window, inputs.scored.batch)


def with_answers(
    inputs: DayInputs, entry: DayEntry, store: Store, scored: ScoredBatch
) -> DayInputs:
    """Return the inputs with the answers of the day and of earlier ones, and what the run was."""
    baseline = inputs.baseline
    if baseline.number is None:
        baseline = replace(
            baseline, created_at=entry.known.times.get("uploaded", clock.timestamp())
        )
    return replace(
        inputs,
        scored=scored,
        baseline=baseline,
        earlier_answers=read_earlier(inputs.settings, entry),
        pipeline=_pipeline(inputs.settings, entry, store, scored),
    )


def _baseline(entry: DayEntry, data: TrainingFile) -> Baseline:
    """Return the pinned baseline, without one the counts of the training data."""
    path = entry.workspace.baseline
    # A torn file must be refused as such, not fail to decode.
    if path.exists():
        return baselines.from_json(path.read_text(encoding="utf-8", errors="replace"), path)
    return data.baseline(created_at=clock.timestamp())


def _pipeline(
    settings: Settings, entry: DayEntry, store: Store, scored: ScoredBatch
) -> PipelineRecord:
    """Return what is known of the run and of the days around it."""
    workspace, earlier = entry.workspace, days.scan(entry.workspace, before=entry.day)
    storage_bytes, storage_objects = store.usage(settings.ground_truth_prefix())
    return PipelineRecord(
        days_missing=[str(missing) for missing in days.missing(earlier)],
        days_overdue=[str(overdue) for overdue in days.overdue(earlier)],
        days_failed=[str(failed) for failed in days.failed(earlier)],
        duration_seconds=entry.known.duration_seconds,
        scoring_seconds=scored.seconds,
        storage_bytes=storage_bytes,
        storage_objects=storage_objects,
        state_bytes=workspace.state_bytes(),
    )
