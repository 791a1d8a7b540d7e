"""A day as history.csv has it, and its verdict: what overview and page say first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from monitoring.checks.alert import Family
from monitoring.report.rows import MetricRow
from monitoring.text import format_count

_TESTS = ("ks", "psi")
_WINDOWS = ("ks_window", "psi_window")
_TEXTS = {"release": "releases", "drill": "drills", "because": "reasons"}
_ADVICE = ("nothing to do", "look at it", "consider retraining")


class Kind(Enum):
    """What a day came to; value: the class that the pages draw it with."""

    QUIET = "quiet"
    UNJUDGED = "unjudged"
    ONGOING = "ongoing"
    LOOK = "look"
    ALERTS = "alerts"
    UNCHECKED = "unchecked"
    HALF_SCORED = "half"
    MISSING = "missing"
    GIVEN_UP = "given-up"


class PastAlert(NamedTuple):
    """An alert: sentence, and the figures that follow it in the alert's text."""

    metric: str
    subject: str
    sentence: str
    figures: str


class Verdict(NamedTuple):
    """headline: to be read in a second. sentences: what it is about."""

    kind: Kind
    headline: str
    sentences: list[str]
    advice: str


@dataclass(slots=True)
class PastDay:
    """A day's lines of history.csv, sorted.

    values: of the day as a whole, by metric. ratios: of each variable's test, value by limit;
    windows: the same of the last days together. ongoing: alerts that are not new; missing: those of
    them that are about other days, which have places of their own in the overview. reference: how
    many first days of the release are known, and how many are needed; None in a history of 1.0.
    """

    day: str
    values: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    windows: dict[str, float] = field(default_factory=dict)
    releases: list[str] = field(default_factory=list)
    drills: list[str] = field(default_factory=list)
    alerts: list[PastAlert] = field(default_factory=list)
    ongoing: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    reference: tuple[int, int] | None = None

    @property
    def alert_count(self) -> int:
        """The number of alerts, which a history of 1.0 has without their texts."""
        return int(self.values.get("alerts", 0))

    @property
    def is_judged(self) -> bool:
        """Whether the model could be compared with its first days."""
        return self.reference is None or self.reference[0] >= self.reference[1]


def past_day(day: str, rows: Iterable[MetricRow]) -> PastDay:
    """Return a day by its lines."""
    past = PastDay(day)
    for row in rows:
        if row.metric in _TESTS:
            past.ratios[row.subject] = _ratio(row)
        elif row.metric in _WINDOWS:
            past.windows[row.subject] = _ratio(row)
        elif row.metric == "alert":
            past.alerts.append(_alert(row.subject))
        elif row.metric == "reference_days":
            past.reference = (int(row.value), int(row.limit or 0))
        elif row.metric == "ongoing":
            family, _, text = row.subject.partition(": ")
            (past.missing if family == Family.PIPELINE else past.ongoing).append(text)
        elif row.metric in _TEXTS:
            getattr(past, _TEXTS[row.metric]).append(row.subject)
        else:
            past.values[row.metric] = row.value
    return past


def verdict(past: PastDay) -> Verdict:
    """Return what a scored day came to."""
    advice = _ADVICE[int(past.values.get("advice", 0))]
    if past.alert_count:
        return Verdict(Kind.ALERTS, _alerts_headline(past), _alert_sentences(past), advice)
    if past.ongoing:
        headline = format_count(len(past.ongoing), "ongoing alert")
        return Verdict(Kind.ONGOING, headline, _different(_ongoing_sentences(past)), advice)
    if past.values.get("advice") and not past.missing:
        return Verdict(Kind.LOOK, "Look at it", past.reasons, advice)
    other_days = [split_sentence(text)[0] for text in past.missing]
    advice = "look at the other days" if other_days else advice
    if not past.is_judged:
        headline, sentences = "Quiet, model not judged yet", [_progress(past), *other_days]
        return Verdict(Kind.UNJUDGED, headline, sentences, advice)
    return Verdict(Kind.QUIET, "Quiet", ["No limit was exceeded.", *other_days], advice)


def split_sentence(text: str) -> tuple[str, str]:
    """Return an alert's sentence and the figures after it; a drill is named once, for the day."""
    sentence, _, figures = text.partition("; ")
    return sentence, figures.partition("a drill is on: ")[0].removesuffix("; ")


def _alerts_headline(past: PastDay) -> str:
    if not past.ongoing:
        return format_count(past.alert_count, "alert")
    return f"{format_count(past.alert_count, 'new alert')}, {len(past.ongoing)} ongoing"


def _alert_sentences(past: PastDay) -> list[str]:
    """Return what is new, then what goes on: an alert that is a week old still needs somebody."""
    new = _different([alert.sentence for alert in past.alerts])
    known = {sentence.removesuffix(" today") for sentence in new}
    ongoing = [text for text in _different(_ongoing_sentences(past)) if text not in known]
    return [*new, *(f"Ongoing: {text}" for text in ongoing)]


def _ongoing_sentences(past: PastDay) -> list[str]:
    return [split_sentence(text)[0] for text in past.ongoing]


def _different(sentences: Sequence[str]) -> list[str]:
    """Return the sentences without those that say the same of the window."""
    return list(dict.fromkeys(sentence.removesuffix(" today") for sentence in sentences))


def _alert(text: str) -> PastAlert:
    source, _, sentence = text.partition(": ")
    metric, _, subject = source.partition(" ")
    return PastAlert(metric, subject, *split_sentence(sentence))


def _progress(past: PastDay) -> str:
    known, needed = past.reference or (0, 0)
    return f"day {known + 1} of {needed} of this release; no other limit was exceeded."


def _ratio(row: MetricRow) -> float:
    return row.value / row.limit if row.limit else 0.0
