"""The model: how right it is, and whether it is as in the first days of its release."""

from monitoring.checks import model_drift, performance
from monitoring.checks.alert import Alert
from monitoring.checks.inputs import CountedDay
from monitoring.checks.record import PerformanceRecord
from monitoring.settings.model import Checks


def check(checks: Checks, day: CountedDay) -> tuple[PerformanceRecord, list[Alert]]:
    """Check the model's predictions against outcomes, and against its first days."""
    budget = day.budget
    measured, measured_alerts = performance.check(
        checks, day.classes, day.rows, day.release, no_skill_rate=budget.no_skill
    )
    moved, moved_alerts = model_drift.check(
        day.tester, day.classes, day.model, day.release, drop_errors=budget.accuracy_drop_errors
    )
    record = PerformanceRecord(
        metrics=measured.metrics,
        mean_score=measured.mean_score,
        label_coverage=measured.label_coverage,
        reference=day.release.reference,
        window=measured.window,
        tests=moved.tests,
        score_bins=moved.score_bins,
    )
    return record, [*measured_alerts, *moved_alerts]
