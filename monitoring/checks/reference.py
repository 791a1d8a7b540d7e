"""The first days of a release: what score, predicted class and accuracy are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.checks.alert import Family
from monitoring.checks.conditions import is_of_window
from monitoring.checks.counts import ModelCounts
from monitoring.checks.history import History
from monitoring.checks.record import DayRecord, Reference

_FAMILIES_OF_ODD_DAYS = {Family.MODEL, Family.BALANCE, Family.QUALITY, Family.DRIFT}


@dataclass(frozen=True, slots=True)
class ReleaseDays:
    """What the model predicted on the earlier days of the release, without today's.

    first: of the reference days. window: of the days within `checks.window_days`. later: of those
    of the window that are no reference days.
    """

    reference: Reference
    first: list[ModelCounts]
    window: list[ModelCounts]
    later: list[ModelCounts]


def release_days(
    history: History, releases: Sequence[str], *, has_scored_rows: bool, days_needed: int
) -> ReleaseDays:
    """Return the days to compare a day with; releases: those that answered on the day."""
    reference = _reference(
        history, releases, has_scored_rows=has_scored_rows, days_needed=days_needed
    )
    first = [record for record in history.records if record.day in reference.days]
    window = [
        record
        for record in history.window
        if record.performance.reference.release == reference.release
    ]
    later = [record for record in window if record.day not in reference.days]
    return ReleaseDays(reference, _counts(first), _counts(window), _counts(later))


def _counts(records: Sequence[DayRecord]) -> list[ModelCounts]:
    return [ModelCounts.of_record(record) for record in records]


def _reference(
    history: History, releases: Sequence[str], *, has_scored_rows: bool, days_needed: int
) -> Reference:
    """Return the reference days: the first sound ones of one release."""
    release = None if len(releases) > 1 else "".join(releases)
    days: list[str] = []
    if history.last:
        before = history.last.performance.reference
        if not has_scored_rows:
            release = before.release  # nothing was predicted, so nothing has changed

        if release is not None and before.release == release:
            # A record may have been lost: then another day takes its place.
            known = {record.day for record in history.records}
            days = [day for day in before.days if day in known]
            if _is_sound(history.last) and not before.is_complete:
                days.append(history.last.day)
    return Reference(
        release=release,
        days=days[:days_needed],
        days_needed=days_needed,
        is_complete=len(days) >= days_needed,
    )


def _is_sound(record: DayRecord) -> bool:
    """Whether a day can be a reference.

    A day of a drill, or one with an alert about the model or its rows, would make every sound day
    after it look odd. Changed training data are no fault of the day's: that alert comes every day
    until a new version is created.
    """
    # A window that goes on holds earlier days: this one may be normal by itself.
    of_the_day = [alert for alert in record.ongoing if not is_of_window(alert)]
    alerts = [*record.alerts, *of_the_day]
    families = {alert.family for alert in alerts if alert.metric != "content_hash"}
    is_odd = bool(record.drills) or bool(families & _FAMILIES_OF_ODD_DAYS)
    return record.endpoint.scored > 0 and not is_odd
