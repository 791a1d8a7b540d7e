"""A day's lines of history.csv that are about classes, variables, alerts and other texts."""

from collections.abc import Iterator
from typing import NamedTuple

from monitoring.checks.record import Advice, DayRecord


class MetricRow(NamedTuple):
    """A line of history.csv; limit: None where the metric has none that depends on the day."""

    day: str
    metric: str
    subject: str
    value: float
    limit: float | None


def class_shares(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the shares of each class."""
    for shares in record.balance:
        subject = f"class {shares.label}"
        yield MetricRow(record.day, "actual_share", subject, shares.actual, None)
        yield MetricRow(record.day, "predicted_share", subject, shares.predicted, None)


def tests(record: DayRecord) -> Iterator[MetricRow]:
    """Yield what is tested, with its limit."""
    for test in [*record.performance.tests, *record.drift]:
        yield MetricRow(record.day, test.test.lower(), test.subject, test.value, test.limit)


def psi_dmm(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the PSI that DMM should report."""
    for test in record.drift:
        if test.psi_dmm is None:  # a group of indicators: DMM knows these alone
            continue
        yield MetricRow(record.day, "psi_dmm", test.subject, test.psi_dmm, None)


def windows(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the tests over the window."""
    for test in [*record.performance.tests, *record.drift]:
        if test.window:
            name = f"{test.test.lower()}_window"
            yield MetricRow(record.day, name, test.subject, test.window.value, test.window.limit)


def advice(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the advice as its number."""
    yield MetricRow(record.day, "advice", "model", list(Advice).index(record.advice), None)


def reference_days(record: DayRecord) -> Iterator[MetricRow]:
    """Yield how many of the first days are known."""
    reference = record.performance.reference
    days = len(reference.days)
    yield MetricRow(record.day, "reference_days", "model", days, reference.days_needed)


def releases(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the releases that answered."""
    for release in record.endpoint.releases:
        yield MetricRow(record.day, "release", release, 1, None)


def drills(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the drills that were on."""
    for drill in record.drills:
        yield MetricRow(record.day, "drill", drill, 1, None)


def alert_texts(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the new alerts."""
    for alert in record.alerts:
        value = 1 if alert.value is None else alert.value
        subject = f"{alert.metric} {alert.subject}: {alert.text}"
        yield MetricRow(record.day, "alert", subject, value, alert.limit)


def ongoing_texts(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the alerts that are not new."""
    for alert in record.ongoing:
        subject = f"{alert.family.value}: {alert.text}"
        yield MetricRow(record.day, "ongoing", subject, 1, alert.limit)


def reasons(record: DayRecord) -> Iterator[MetricRow]:
    """Yield the other reasons for the advice."""
    alerts = {alert.text for alert in [*record.alerts, *record.ongoing]}
    for text in record.because:
        if text not in alerts:
            yield MetricRow(record.day, "because", text, 1, None)
