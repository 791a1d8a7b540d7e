"""Same input, same answer: under one release, equal features must get an equal class and score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monitoring.checks.alert import Alert, Family
from monitoring.checks.answered_rows import AnsweredRows
from monitoring.checks.history import History
from monitoring.checks.record import DayRecord, RepeatedInputs
from monitoring.statistics.arrays import Array
from monitoring.statistics.repeats import Repeats, against, within
from monitoring.text import format_count, format_number

CHANGED = "changed_answers"
UNREPEATABLE = "unrepeatable"


def check(
    today: AnsweredRows, earlier: Sequence[AnsweredRows], history: History, release: str | None
) -> tuple[RepeatedInputs, list[Alert]]:
    """Compare the day's answers with each other and with those of the earlier days.

    release: of the day, "" where the endpoint names none, None where several answered. A change is
    reported once: the days before it are compared no more. A model whose answers to equal inputs
    differ within a day, though nothing ever showed that it repeats itself, is reported once as
    such.
    """
    records = [
        record for record in history.records if record.performance.reference.release == release
    ]
    same_day = within(*_columns([today]))
    since = [rows for rows in earlier if rows.day >= _last_change(records)]
    other_days = against(_columns([today]), _columns(since))

    known = _known(records)
    repeats_itself, alerts = known, []
    if known is False:
        pass  # its differences say nothing
    elif same_day.changed and known is None:
        repeats_itself = False
        alerts = [_unrepeatable(same_day)]
    elif same_day.changed or other_days.changed:
        alerts = [_changed(same_day, other_days, release)]
    elif same_day.inputs or other_days.inputs:
        repeats_itself = True

    return RepeatedInputs(
        same_day=same_day.inputs,
        same_day_changed=same_day.changed,
        earlier=other_days.inputs,
        earlier_changed=other_days.changed,
        largest_change=max(same_day.largest, other_days.largest),
        repeats_itself=repeats_itself,
    ), alerts


class _Columns(NamedTuple):
    keys: Array
    classes: Array
    scores: Array


def _columns(days: Sequence[AnsweredRows]) -> _Columns:
    if not days:
        return _Columns(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0))
    return _Columns(
        np.concatenate([rows.keys for rows in days]),
        np.concatenate([rows.classes for rows in days]),
        np.concatenate([rows.scores for rows in days]),
    )


def _last_change(records: Sequence[DayRecord]) -> str:
    """Return the day of the latest reported change, "" without one."""
    days = [
        record.day for record in records if any(alert.metric == CHANGED for alert in record.alerts)
    ]
    return days[-1] if days else ""


def _known(records: Sequence[DayRecord]) -> bool | None:
    """Return whether the earlier days showed that the release repeats itself; None: not yet."""
    verdicts = [record.repeats.repeats_itself for record in records if record.repeats]
    known = [verdict for verdict in verdicts if verdict is not None]
    return known[-1] if known else None


def _changed(same_day: Repeats, other_days: Repeats, release: str | None) -> Alert:
    # Within a day the same inputs may count again: the larger number is the safer one.
    most = max(same_day, other_days, key=lambda repeats: repeats.changed)
    largest = max(same_day.largest, other_days.largest)
    what = f"another score, by up to {format_number(largest, 2)}" if largest else "another class"
    if largest and most.changed_class:
        what += f" ({most.changed_class} of them another class)"
    release_text = "the release did not change"
    if not release:
        release_text = "no other release was named"
    text = (
        f"model: {most.changed} of {format_count(most.inputs, 'repeated input')} got {what}, though"
        f" {release_text}: the model or its preprocessing has changed; ask whoever runs the"
        " endpoint"
    )
    return Alert(
        family=Family.MODEL,
        subject="model",
        metric=CHANGED,
        value=most.changed,
        limit=0,
        text=text,
    )


def _unrepeatable(same_day: Repeats) -> Alert:
    text = (
        f"model: {same_day.changed} of {format_count(same_day.inputs, 'input')} that came more than"
        " once today got different answers (scores up to"
        f" {format_number(same_day.largest, 2)} apart): the model does not repeat itself, so that"
        " repeated inputs can't show whether it changes; this is reported once for a release"
    )
    return Alert(
        family=Family.MODEL,
        subject="model",
        metric=UNREPEATABLE,
        value=same_day.changed,
        limit=0,
        text=text,
    )
