"""The overview of all days: `<report_dir>/<model>/index.html`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from monitoring.files import write_atomically
from monitoring.ledger.manifest import State
from monitoring.ledger.workspace import Workspace
from monitoring.report import calendar, todo
from monitoring.report.calendar import CalendarDay
from monitoring.report.past import Kind
from monitoring.report.rendering import render
from monitoring.report.strips import strips
from monitoring.report.trends import day_series, plot, time_ticks
from monitoring.settings.model import Settings

TREND_DAYS, DRIFT_DAYS, TABLE_DAYS = 365, 90, 14
_MATTERS, _VARIABLES = 8, 24
_DAYS_OF_MONTH = range(1, 32)

_GLYPHS = {
    Kind.QUIET: "✓",
    Kind.UNJUDGED: "…",
    Kind.ONGOING: "~",
    Kind.LOOK: "!",
    Kind.UNCHECKED: "?",
    Kind.HALF_SCORED: "½",
    Kind.MISSING: "×",
    Kind.GIVEN_UP: "–",
}
_NAMES = {
    Kind.QUIET: "quiet",
    Kind.UNJUDGED: "quiet, model not judged yet",
    Kind.ONGOING: "no new alert, one is ongoing",
    Kind.LOOK: "rows failed",
    Kind.ALERTS: "alerts, with their number",
    Kind.UNCHECKED: "scored, not checked",
    Kind.HALF_SCORED: "half scored",
    Kind.MISSING: "missing",
    Kind.GIVEN_UP: "given up",
}
_DMM_MARKS = {State.INGESTED: "in", State.REGISTERED: "acc", State.FAILED: "bad"}


class Cell(NamedTuple):
    """A day in the calendar; css: what its class is. name: what a screen reader says."""

    number: int
    css: str
    glyph: str
    name: str
    page: str | None


class LegendEntry(NamedTuple):
    """A kind of day that occurs, and how often."""

    css: str
    glyph: str
    name: str
    days: int


class TableRow(NamedTuple):
    """One of the last days; drift: the largest share of a limit, and whose."""

    day: CalendarDay
    drift: float | None
    variable: str
    because: str


def write(workspace: Workspace, settings: Settings, today: date) -> None:
    """Write the overview of every known day, atomically; nothing where none is known.

    Raises OSError, or ServiceError where the disk is full or must not be written.
    """
    days = calendar.read(workspace)
    if days:
        write_atomically(workspace.overview, overview(days, settings, today), private=False)


def overview(days: Sequence[CalendarDay], settings: Settings, today: date) -> str:
    """Return the page: one HTML file, no script, nothing loaded, under 300 KB for three years."""
    matters = todo.matters(days, today=today, lag_days=settings.ground_truth.lag_days)
    recent, drift_days = days[-TREND_DAYS:], days[-DRIFT_DAYS:]
    plots = [plot(series, recent) for series in day_series(settings.checks)]
    return render(
        "index.html.j2",
        model=settings.model,
        days=days,
        pages={day.page for day in days if day.page},
        latest=days[-1],
        lately=_lately(days),
        matters=matters[:_MATTERS],
        more_matters=max(0, len(matters) - _MATTERS),
        day_numbers=_DAYS_OF_MONTH,
        months=list(_months(days)),
        legend=_legend(days),
        plots=[each for each in plots if each],
        ticks=time_ticks(recent),
        recent=recent,
        strips=strips(drift_days, _VARIABLES),
        drift_days=drift_days,
        drift_ticks=time_ticks(drift_days),
        table=[_table_row(day) for day in reversed(days[-TABLE_DAYS:])],
    )


def _lately(days: Sequence[CalendarDay]) -> str:
    """Return what the days before the latest were, in a few words."""
    before = days[-8:-1]
    if not before:
        return ""
    counts = Counter("quiet" if day.kind in _QUIET_KINDS else day.kind.value for day in before)
    words = {
        "alerts": "with alerts",
        "half": "half scored",
        "ongoing": "with an ongoing one",
        "given-up": "given up",
    }
    parts = [f"{count} {words.get(kind, kind)}" for kind, count in counts.items()]
    span = "day" if len(before) == 1 else f"{len(before)} days"
    return f"The {span} before: {', '.join(parts)}."


_QUIET_KINDS = (Kind.QUIET, Kind.UNJUDGED)


def _months(days: Sequence[CalendarDay]) -> Iterator[tuple[str, list[Cell | None]]]:
    """Yield each month, newest first, with a cell or None for each of 31 days."""
    by_month = groupby(days, key=lambda day: f"{day.day:%Y-%m}")
    for month, group in reversed([(month, list(group)) for month, group in by_month]):
        cells = {day.day.day: _cell(day) for day in group}
        yield month, [cells.get(number) for number in _DAYS_OF_MONTH]


def _cell(day: CalendarDay) -> Cell:
    has_drill = bool(day.past and day.past.drills)
    glyph = _GLYPHS.get(day.kind) or str(day.past.alert_count if day.past else "")
    words = [_NAMES[day.kind]]
    if day.kind is Kind.ALERTS:
        words = ["the drill's alert" if day.verdict.is_drill else day.verdict.headline]
    words += ["drill"] * has_drill + [day.in_dmm] * bool(day.in_dmm)
    mark = _DMM_MARKS.get(day.state) if day.state else None
    css = f"{day.kind.value} {mark}" if mark else day.kind.value
    name = f"{day.day}: {', '.join(words)}"
    return Cell(day.day.day, css, ("D" if has_drill else "") + glyph, name, day.page)


def _legend(days: Sequence[CalendarDay]) -> list[LegendEntry]:
    counts = Counter(day.kind for day in days)
    return [
        LegendEntry(kind.value, _GLYPHS.get(kind, "2"), _NAMES[kind], counts[kind])
        for kind in Kind
        if counts[kind]
    ]


def _table_row(day: CalendarDay) -> TableRow:
    ratios = day.past.ratios if day.past else {}
    variable = max(ratios, key=lambda name: ratios[name], default="")
    sentences = day.verdict.sentences if day.kind in (Kind.ALERTS, Kind.ONGOING, Kind.LOOK) else []
    more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
    because = sentences[0] + more if sentences else ""
    return TableRow(day, ratios.get(variable), variable, because)
