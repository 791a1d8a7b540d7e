"""The record of a day from what it follows from: every family of checks.

To add a family: a module with a function from its inputs to its part of the record and its alerts,
its part in record.py, and its line in `_check`.
"""

from typing import NamedTuple

import msgspec

from monitoring import clock
from monitoring.checks import (
    balance,
    conditions,
    counts,
    drift,
    endpoint,
    importance,
    model,
    pipeline,
    quality,
    repeats,
)
from monitoring.checks.advice import DayVerdict, advise
from monitoring.checks.alert import Alert
from monitoring.checks.answered_rows import AnsweredRows
from monitoring.checks.counts import ModelCounts
from monitoring.checks.inputs import CountedDay, DayInputs, check_baseline
from monitoring.checks.model_drift import accuracy_errors
from monitoring.checks.record import (
    Advice,
    BaselineRecord,
    ClassShares,
    ColumnQuality,
    DayRecord,
    EndpointRecord,
    FeatureRank,
    PerformanceRecord,
    PipelineRecord,
    RepeatedInputs,
)
from monitoring.checks.shift_record import FeatureTest
from monitoring.checks.wording import baseline_name
from monitoring.dataset import baseline as baselines


def evaluate(inputs: DayInputs) -> DayRecord:
    """Return the day's record: every family's numbers, its alerts, and what is advised.

    Raises RefusedError for a baseline of another schema.
    """
    settings, scored = inputs.settings, inputs.scored
    baseline = _baseline_record(inputs)
    day = CountedDay.of(inputs)
    parts, alerts = _check(inputs, day, baseline.fingerprint)
    new, ongoing, recovered = _compared_with_day_before(inputs, parts, alerts)
    record = DayRecord(
        model=settings.model,
        day=scored.day.isoformat(),
        created_at=clock.timestamp(),
        schema_hash=inputs.baseline.schema_hash,
        baseline=baseline,
        drills=list(scored.batch.drills),
        dmm_psi_limit=settings.checks.dmm_psi_limit,
        minimum_psi=settings.checks.minimum_psi,
        rows=len(scored.batch),
        counts=counts.as_record(day.features, day.model),
        **parts._asdict(),
        alerts=new,
        advice=Advice.NONE,
        because=[],
        ongoing=ongoing,
        recovered=recovered,
    )
    return _with_advice(record, day)


def _with_advice(record: DayRecord, day: CountedDay) -> DayRecord:
    """Return the record with what is advised, which follows from all the rest."""
    classes, release = day.classes, day.release
    today = DayVerdict.of(record, accuracy_errors(classes, day.model, release))
    earlier = [
        DayVerdict.of(before, accuracy_errors(classes, ModelCounts.of_record(before), release))
        for before in day.history.window
        if before.performance.reference.release == release.reference.release
    ]
    alerts = [*record.alerts, *record.ongoing]
    tests = [*record.drift, *record.performance.tests]
    advice, because = advise(alerts, today, earlier, tests, failed_rows=record.endpoint.failed)
    return msgspec.structs.replace(record, advice=advice, because=because)


class _Parts(NamedTuple):
    """The families' parts of the record."""

    endpoint: EndpointRecord
    performance: PerformanceRecord
    balance: list[ClassShares]
    quality: list[ColumnQuality]
    importance: list[FeatureRank]
    drift: list[FeatureTest]
    pipeline: PipelineRecord
    repeats: RepeatedInputs


def _check(inputs: DayInputs, day: CountedDay, fingerprint: str) -> tuple[_Parts, list[Alert]]:
    """Run every family; none reads another's part. The alerts are in the order of Family."""
    scored, checks = inputs.scored, inputs.settings.checks
    window = day.history.compared_with(fingerprint)

    endpoint_part, endpoint_alerts = endpoint.check(checks, scored, day.history)
    model_part, model_alerts = model.check(checks, day)
    answered = AnsweredRows.of(scored, inputs.settings.schema)
    repeats_part, repeats_alerts = repeats.check(
        answered, inputs.earlier_answers, day.history, day.release.reference.release
    )
    balance_part, balance_alerts = balance.check(inputs.settings.scoring, day.classes, day.rows)
    quality_part, quality_alerts = quality.check(checks, day.features)
    ranks = importance.rank(list(day.features.columns), scored.batch.frame, day.rows)
    drift_part, drift_alerts = drift.check(day.tester, day.features, window, scored.batch)
    pipeline_part, pipeline_alerts = pipeline.check(checks, inputs.pipeline)

    parts = _Parts(
        endpoint_part,
        model_part,
        balance_part,
        quality_part,
        ranks,
        drift_part,
        pipeline_part,
        repeats_part,
    )
    alerts = [
        *endpoint_alerts,
        *model_alerts,
        *repeats_alerts,
        *balance_alerts,
        *quality_alerts,
        *drift_alerts,
        *pipeline_alerts,
    ]
    return parts, alerts


def _compared_with_day_before(
    inputs: DayInputs, parts: _Parts, alerts: list[Alert]
) -> conditions.Conditions:
    # The record before, whatever its schema: a day that is missing goes on being missing.
    previous = inputs.previous[-1] if inputs.previous else None
    return conditions.compare(
        alerts,
        previous,
        lambda alert: conditions.is_checked(alert, parts.drift, parts.performance, parts.pipeline),
    )


def _baseline_record(inputs: DayInputs) -> BaselineRecord:
    check_baseline(inputs)
    baseline = inputs.baseline
    return BaselineRecord(
        source=baseline_name(baseline),
        pinned=baseline.number is not None,
        rows=baseline.rows,
        created_at=baseline.created_at,
        fingerprint=baselines.fingerprint(baseline),
        independent=inputs.is_baseline_independent,
    )
