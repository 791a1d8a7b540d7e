"""Which of a day's alerts are new, which were reported before and still hold, and which ended.

An alert is the same on two days when family, subject and metric are: give what is to be reported on
its own (a day, say) a subject of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from monitoring.checks.alert import Alert, Family
from monitoring.checks.record import DayRecord, PerformanceRecord, PipelineRecord
from monitoring.checks.shift_record import VariableTest

_WINDOW = "_window"


class Conditions(NamedTuple):
    """A day's alerts; recovered: those of the day before that no longer hold, with new texts."""

    new: list[Alert]
    ongoing: list[Alert]
    recovered: list[Alert]


def compare(
    alerts: Sequence[Alert], previous: DayRecord | None, is_checked: Callable[[Alert], bool]
) -> Conditions:
    """Compare a day's alerts with the record of the day before, None where there is none.

    is_checked: whether the day could check at all what an alert of the day before is about.
    """
    before = reported_by(previous) if previous else {}
    new: list[Alert] = []
    ongoing: list[Alert] = []
    for alert in alerts:
        is_ongoing = alert.name in before and not alert.is_event
        (ongoing if is_ongoing else new).append(alert)

    names = {alert.name for alert in alerts}
    recovered = [
        _ended(alert, previous.day, is_checked=is_checked(alert))
        for name, alert in before.items()
        if previous and name not in names and not alert.is_event
    ]
    return Conditions(new, ongoing, recovered)


def reported_by(record: DayRecord) -> dict[str, Alert]:
    """Return the alerts that held on a day, by name."""
    alerts = {alert.name: alert for alert in [*record.alerts, *record.ongoing]}
    # Version 1.0 listed a window only on the day when it turned.
    tested = ((Family.DRIFT, record.drift), (Family.MODEL, record.performance.tests))
    for family, tests in tested:
        for alert in _alarmed_windows(family, tests):
            alerts.setdefault(alert.name, alert)
    return alerts


def is_checked(
    alert: Alert,
    drift: Sequence[VariableTest],
    performance: PerformanceRecord,
    pipeline: PipelineRecord,
) -> bool:
    """Whether a day, whose parts of the record these are, could check what an alert is about."""
    if alert.family is Family.DRIFT:
        return _is_tested(alert, drift)
    if alert.family is Family.MODEL and alert.subject in ("score", "prediction"):
        return _is_tested(alert, performance.tests)
    if alert.metric == "accuracy_drop":
        return performance.reference.is_complete
    if alert.metric == "storage_bytes":
        return pipeline.storage_bytes is not None
    return True


def is_of_window(alert: Alert) -> bool:
    """Whether an alert is about a variable over several days, not about the day itself."""
    return alert.metric in (f"ks{_WINDOW}", f"psi{_WINDOW}")


def _is_tested(alert: Alert, tests: Iterable[VariableTest]) -> bool:
    for test in tests:
        if test.subject == alert.subject:
            return test.window is not None or not is_of_window(alert)
    return False


def _alarmed_windows(family: Family, tests: Iterable[VariableTest]) -> list[Alert]:
    alerts = []
    for test in tests:
        window = test.window
        if window and window.alarmed:
            text = f"{test.subject}: {test.test} {window.value:.2g} over the window"
            alerts.append(
                Alert(
                    family=family,
                    subject=test.subject,
                    metric=f"{test.test.lower()}{_WINDOW}",
                    value=window.value,
                    limit=window.limit,
                    text=f"{text}, limit {window.limit:.2g}",
                )
            )
    return alerts


def _ended(alert: Alert, day: str, *, is_checked: bool) -> Alert:
    what = "no longer so" if is_checked else "can't be checked any more"
    title = f"{alert.subject}, {alert.metric}"
    return msgspec.structs.replace(alert, text=f"{title}: {what} (on {day}: {alert.text})")
