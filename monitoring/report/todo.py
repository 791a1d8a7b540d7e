"""What there is to do about the days, each with its command."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from monitoring.ledger.manifest import State
from monitoring.report.calendar import CalendarDay
from monitoring.report.past import Kind
from monitoring.text import format_count

_TO_SCORE = {
    Kind.MISSING: "missing",
    Kind.HALF_SCORED: "half scored",
    Kind.UNCHECKED: "scored, but not uploaded or not checked",
}
SCORING, REGISTRATION = "daily_scoring.py", "gt_registration.py"


class Matter(NamedTuple):
    """Something to do. command: "" where there is none. remark: what comes before it."""

    last_day: date
    text: str
    command: str
    remark: str = "run"


def matters(days: Sequence[CalendarDay], *, today: date, lag_days: int) -> list[Matter]:
    """Return what there is to do: the latest day's alerts, then the rest, the latest first.

    lag_days: a file is due for registration so long after its day.
    """
    due = [
        day
        for day in days
        if day.state is State.UPLOADED and day.day + timedelta(days=lag_days) <= today
    ]
    all_matters = [*_to_score(days), *_failed(days), *_to_register(due), *_overdue(days, today)]
    all_matters += _not_due(days[-1:], due)
    all_matters.sort(key=lambda matter: matter.last_day, reverse=True)
    return [*_alerts(days[-1:]), *all_matters]


def _alerts(latest: Sequence[CalendarDay]) -> list[Matter]:
    return [
        Matter(day.day, f"{day.day}, {day.verdict.headline}: {day.verdict.advice}", "")
        for day in latest
        if day.kind in (Kind.ALERTS, Kind.ONGOING, Kind.LOOK) and not day.verdict.is_drill
    ]


def _not_due(latest: Sequence[CalendarDay], due: Sequence[CalendarDay]) -> list[Matter]:
    """Return the latest day's registration where it is not due yet."""
    return [
        Matter(
            day.day,
            f"{day.day} is not registered, and not due yet",
            f"{REGISTRATION} --date {day.day}",
            "when it is, run",
        )
        for day in latest
        if day.state is State.UPLOADED and day not in due
    ]


def _to_score(days: Sequence[CalendarDay]) -> list[Matter]:
    """Return days in a row that lack the same as one."""
    matters = []
    for kind, group in groupby(days, key=lambda day: day.kind):
        if kind in _TO_SCORE:
            first, *_, last = [*group] * 2
            is_one = first is last
            flags = f"--date {last.day}" if is_one else f"--from {first.day} --to {last.day}"
            span = str(last.day) if is_one else f"{first.day} to {last.day}"
            text = f"{span} {'is' if is_one else 'are'} {_TO_SCORE[kind]}"
            matters.append(Matter(last.day, text, f"{SCORING} {flags}"))
    return matters


def _failed(days: Sequence[CalendarDay]) -> list[Matter]:
    matters = []
    for day in days:
        if day.state is State.FAILED and day.manifest:
            reason = f" ({day.manifest.reason})" if day.manifest.reason else ""
            text = f"{day.day}: DMM could not read the file{reason}"
            command = f"{REGISTRATION} --date {day.day} --again"
            matters.append(Matter(day.day, text, command, "fix the cause, then run"))
    return matters


def _to_register(due: Sequence[CalendarDay]) -> list[Matter]:
    if not due:
        return []
    last = due[-1].day
    text = f"{last} is not registered"
    if len(due) > 1:
        text = f"{format_count(len(due), 'day')} up to {last} are not registered"
    return [Matter(last, text, f"{REGISTRATION} --pending")]


def _overdue(days: Sequence[CalendarDay], today: date) -> list[Matter]:
    overdue = [day.day for day in days if day.is_overdue(today)]
    if not overdue:
        return []
    text = f"{overdue[-1]}: DMM accepted the file two days ago or more and has not read it"
    if len(overdue) > 1:
        text = f"{len(overdue)} days up to {overdue[-1]}: accepted by DMM, but not read in time"
    return [Matter(overdue[-1], text, f"{REGISTRATION} --status", "to see them, run")]
