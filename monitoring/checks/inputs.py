"""What a day's record follows from, and what several families of checks need of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from monitoring.batch.scored import ScoredBatch
from monitoring.checks import endpoint
from monitoring.checks.answered_rows import AnsweredRows
from monitoring.checks.budget import Budget
from monitoring.checks.counts import (
    Classes,
    FeatureCounts,
    ModelCounts,
    ScoredRows,
    count_features,
    scored_rows,
)
from monitoring.checks.history import History
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord, PipelineRecord
from monitoring.checks.reference import ReleaseDays, release_days
from monitoring.checks.shift_tester import ShiftTester
from monitoring.checks.wording import baseline_name
from monitoring.dataset import baseline as baselines
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.schema import schema_hash
from monitoring.errors import RefusedError
from monitoring.settings.model import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DayInputs:
    """Everything that the record of a day follows from.

    previous: as of read_previous. earlier_answers: as of read_earlier. training_sha256: of today's
    training data; another than the baseline's makes the baseline independent of the batch, and is a
    finding; None: unknown.
    """

    settings: Settings
    scored: ScoredBatch
    baseline: Baseline
    previous: Sequence[DayRecord] = ()
    earlier_answers: Sequence[AnsweredRows] = ()
    pipeline: PipelineRecord = field(default_factory=PipelineRecord)
    training_sha256: str | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def is_baseline_independent(self) -> bool:
        """Whether the baseline is another sample than the one the batch was generated from."""
        return self.has_training_data_changed or self.settings.scoring.source is not None

    @property
    def has_training_data_changed(self) -> bool:
        """Whether the training data are no longer those of the baseline."""
        return self.training_sha256 not in (None, self.baseline.content_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedDay:
    """What several families of checks need of a day, counted once."""

    classes: Classes
    features: FeatureCounts
    rows: ScoredRows
    model: ModelCounts
    history: History
    release: ReleaseDays
    budget: Budget
    tester: ShiftTester

    @classmethod
    def of(cls, inputs: DayInputs) -> Self:
        """Count the day's rows, and choose the earlier days that they are compared with."""
        settings, scored, baseline = inputs.settings, inputs.scored, inputs.baseline
        classes = Classes.of(settings.schema, baseline)
        rows = scored_rows(scored, classes.labels)
        history = history_of(inputs)
        return cls(
            classes=classes,
            budget=_budget(settings),
            features=count_batch(inputs),
            rows=rows,
            model=ModelCounts.of_predictions(rows.predictions, len(classes.labels)),
            history=history,
            release=release_days(
                history,
                endpoint.releases(scored),
                has_scored_rows=bool(len(rows.index)),
                days_needed=settings.checks.reference_days,
            ),
            tester=tester_of(inputs),
        )


def check_baseline(inputs: DayInputs) -> None:
    """Raise RefusedError where the baseline is of another schema, or has not its features."""
    baseline, expected = inputs.baseline, schema_hash(inputs.settings.schema)
    if baseline.schema_hash != expected:
        raise RefusedError(
            f"the baseline ({baseline_name(baseline)}) is of another schema,"
            f" {baseline.schema_hash}; the configured one is {expected}: create a new version with"
            " create_training_set.py"
        )
    names = [feature.name for feature in inputs.settings.schema.features]
    if baseline.columns.keys() != set(names):
        raise RefusedError(
            f"the baseline ({baseline_name(baseline)}) has not the features of the schema;"
            f" {baselines.REMEDY}"
        )


def history_of(inputs: DayInputs) -> History:
    """Return the earlier days that the day can be compared with."""
    return History.before(
        inputs.scored.day,
        inputs.previous,
        schema_hash=inputs.baseline.schema_hash,
        window_days=inputs.settings.checks.window_days,
    )


def count_batch(inputs: DayInputs) -> FeatureCounts:
    """Count the features of the batch, scored or not."""
    return count_features(
        inputs.settings.schema,
        inputs.scored.batch.frame,
        inputs.baseline,
        independent=inputs.is_baseline_independent,
        training_data_changed=inputs.has_training_data_changed,
    )


def tester_of(inputs: DayInputs) -> ShiftTester:
    """Return the tester with the day's limits and each variable's part of the false alarms."""
    return ShiftTester(
        limits=inputs.limits,
        rate=_budget(inputs.settings).variable,
        minimum_psi=inputs.settings.checks.minimum_psi,
    )


def _budget(settings: Settings) -> Budget:
    """Return the false alarms of a day as shared out.

    One part for each feature, the predicted class and, where there is one, the score. Features that
    have no rows in the baseline keep their part: the budget is an upper bound.
    """
    variables = len(settings.schema.features) + 1 + settings.model_api.gives_score
    return Budget.of(settings.checks.false_alarms_per_day, variables)
