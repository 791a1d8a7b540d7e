"""A day as history.csv has it, and its verdict: what overview and page say first."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from monitoring.batch.drill_text import drilled_feature
from monitoring.checks.alert import Family
from monitoring.report.rows import MetricRow
from monitoring.text import format_count, format_names

_TESTS = ("ks", "psi")
_WINDOWS = ("ks_window", "psi_window")
_TEXTS = {"release": "releases", "drill": "drills", "because": "reasons"}
_ADVICE = ("nothing to do", "look at it", "consider retraining")
_OTHER_DAYS = "look at the other days"
_OF_MODEL = frozenset({"score", "prediction"})
_SUBJECTS = {
    "prediction": "the predicted class",
    "score": "the score",
    "model": "the model",
    "release": "the new release",
    "endpoint": "the endpoint",
    "labels": "the labels",
}
_OVER_DAYS = re.compile(r"^over [\d,]+ days? \([^)]*\): ")

PIPELINE_METRICS = frozenset({"days_missing", "days_overdue", "ingestion_failed", "storage_bytes"})
"""Of the alerts that are about other days, or the storage, not about the day's rows."""


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
    strength: float = math.inf


class Verdict(NamedTuple):
    """headline: to be read in a second. sentences: what it is about. is_drill: and nothing else."""

    kind: Kind
    headline: str
    sentences: list[str]
    advice: str
    is_drill: bool = False


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

    def add(self, row: MetricRow) -> None:
        """Take a line in."""
        if row.metric in _TESTS:
            self.ratios[row.subject] = _ratio(row)
        elif row.metric in _WINDOWS:
            self.windows[row.subject] = _ratio(row)
        elif row.metric == "alert":
            self.alerts.append(_alert(row))
        elif row.metric == "reference_days":
            self.reference = (int(row.value), int(row.limit or 0))
        elif row.metric == "ongoing":
            family, _, text = row.subject.partition(": ")
            (self.missing if family == Family.PIPELINE else self.ongoing).append(text)
        elif row.metric in _TEXTS:
            getattr(self, _TEXTS[row.metric]).append(row.subject)
        else:
            self.values[row.metric] = row.value

    @property
    def alert_count(self) -> int:
        """The number of alerts, which a history of 1.0 has without their texts."""
        return int(self.values.get("alerts", 0))

    @property
    def is_drill_alone(self) -> bool:
        """Whether there is an alert about what a drill shifts, and no other one of the day's."""
        texts = [a.sentence for a in self.alerts if a.metric not in PIPELINE_METRICS]
        texts += self.ongoing
        is_complete = len(self.alerts) == self.alert_count
        return bool(texts) and is_complete and all(is_of_drill(t, self.drills) for t in texts)

    @property
    def is_judged(self) -> bool:
        """Whether the model could be compared with its first days."""
        return self.reference is None or self.reference[0] >= self.reference[1]


def past_day(day: str, rows: Iterable[MetricRow]) -> PastDay:
    """Return a day by its lines."""
    past = PastDay(day)
    for row in rows:
        past.add(row)
    return past


def past_days(rows: Iterable[MetricRow]) -> dict[str, PastDay]:
    """Return the days of all lines."""
    days: dict[str, PastDay] = {}
    for row in rows:
        if row.day not in days:
            days[row.day] = PastDay(row.day)
        days[row.day].add(row)
    return days


def verdict(past: PastDay) -> Verdict:
    """Return what a scored day came to."""
    advice = _ADVICE[int(past.values.get("advice", 0))]
    if past.alert_count or past.ongoing:
        kind = Kind.ALERTS if past.alert_count else Kind.ONGOING
        headline = _alerts_headline(past)
        is_drill = past.is_drill_alone
        if is_drill:
            headline = "Drill: the alert was raised as intended"
            advice = _OTHER_DAYS if _is_about_other_days(past) else "nothing to fix"
        elif advice == _ADVICE[1] or diagnosis(past):
            advice = _what_to_look_at(past)
        return Verdict(kind, headline, _alert_sentences(past), advice, is_drill)
    if past.values.get("advice") and not past.missing:
        return Verdict(Kind.LOOK, "Look at it", past.reasons, advice)
    other_days = [split_sentence(text)[0] for text in past.missing]
    advice = _OTHER_DAYS if other_days else advice
    if not past.is_judged:
        headline, sentences = "Quiet, model not judged yet", [_progress(past), *other_days]
        return Verdict(Kind.UNJUDGED, headline, sentences, advice)
    return Verdict(Kind.QUIET, "Quiet", ["No limit was exceeded.", *other_days], advice)


def diagnosis(past: PastDay) -> str:
    """Return what the day's alerts together say of their cause, "" where they do not."""
    metrics = {alert.metric for alert in past.alerts}
    if "changed_answers" in metrics:
        return (
            "The model's answers changed, its inputs did not: equal inputs got other answers, and"
            " no other release was named. Ask whoever runs the endpoint what changed."
        )
    tests = [*past.ratios.items(), *past.windows.items()]
    has_score = any(name in _OF_MODEL and ratio > 1 for name, ratio in tests)
    has_feature = any(name not in _OF_MODEL and ratio > 1 for name, ratio in tests)
    if _is_about_answers(past) and has_score and not has_feature and len(tests) > 2:
        return (
            "What the model answers changed, and no feature is beyond its limit: ask whoever runs"
            " the endpoint whether the model or its preprocessing changed."
        )
    return ""


def _is_about_answers(past: PastDay) -> bool:
    """Whether an alert, new or ongoing, is about the score or the predicted class."""
    subjects = [alert.subject for alert in past.alerts]
    subjects += [_subject_of(text, past) for text in past.ongoing]
    return not _OF_MODEL.isdisjoint(subjects)


def _is_about_other_days(past: PastDay) -> bool:
    return bool(past.missing) or any(alert.metric in PIPELINE_METRICS for alert in past.alerts)


def _subject_of(text: str, past: PastDay) -> str:
    """Return what an ongoing alert is about, by its text: a variable's name may have spaces."""
    change = _OVER_DAYS.sub("", text)
    for name in (*past.ratios, *past.windows):
        if change.startswith(f"{name} is "):
            return name
    subject = change.split(" ", 1)[0].rstrip(":")
    return "prediction" if subject == "predicted" else subject


def is_of_drill(text: str, drills: Iterable[str]) -> bool:
    """Whether an alert, by its text, is about a feature that a drill shifts."""
    change = _OVER_DAYS.sub("", text)
    return any(change.startswith(f"{drilled_feature(drill)} is ") for drill in drills)


def strength(value: float | None, limit: float | None) -> float:
    """Return how far beyond its limit a value is, as a ratio; what has no number is first."""
    if not value or not limit:
        return math.inf
    return max(value / limit, limit / value)


def split_sentence(text: str) -> tuple[str, str]:
    """Return an alert's sentence and the figures after it; a drill is named once, for the day."""
    sentence, _, figures = text.partition("; ")
    return sentence, figures.partition("a drill is on: ")[0].removesuffix("; ")


def _alerts_headline(past: PastDay) -> str:
    """Return how many alerts there are; those about other days and storage apart."""
    of_pipeline = sum(alert.metric in PIPELINE_METRICS for alert in past.alerts)
    new, ongoing = past.alert_count - of_pipeline, len(past.ongoing)
    if new and ongoing:
        return f"{format_count(new, 'new alert')}, {ongoing} ongoing"
    if new:
        return format_count(new, "alert")
    if ongoing:
        return format_count(ongoing, "ongoing alert")
    return format_count(of_pipeline, "pipeline alert")


def _what_to_look_at(past: PastDay) -> str:
    """Return what to investigate, by name; drills need nobody. What changed is asked first."""
    asked = diagnosis(past)
    new = [alert for alert in past.alerts if alert.metric not in PIPELINE_METRICS]
    subjects = [alert.subject for alert in new if not is_of_drill(alert.sentence, past.drills)]
    subjects += [
        _subject_of(text, past) for text in past.ongoing if not is_of_drill(text, past.drills)
    ]
    if asked:
        explained = {*_OF_MODEL, "model"}
        subjects = [subject for subject in subjects if subject not in explained]

    names = [_SUBJECTS.get(subject, subject) for subject in dict.fromkeys(subjects)]
    steps = ["ask whoever runs the endpoint"] if asked else []
    steps += [f"investigate {format_names(names)}"] if names else []
    return "; ".join(steps) or _OTHER_DAYS


def _alert_sentences(past: PastDay) -> list[str]:
    """Return what is new, then what goes on: an alert that is a week old still needs somebody."""
    strongest_first = sorted(
        past.alerts, key=lambda alert: (alert.metric in PIPELINE_METRICS, -alert.strength)
    )
    new = _different([alert.sentence for alert in strongest_first])
    known = {sentence.removesuffix(" today") for sentence in new}
    ongoing = [text for text in _different(_ongoing_sentences(past)) if text not in known]
    if new:
        ongoing = [f"Ongoing: {text}" for text in ongoing]
    said = diagnosis(past)
    return [*([said] if said else []), *new, *ongoing]


def _ongoing_sentences(past: PastDay) -> list[str]:
    return [split_sentence(text)[0] for text in past.ongoing]


def _different(sentences: Sequence[str]) -> list[str]:
    """Return the sentences without those that say the same of the window."""
    return list(dict.fromkeys(sentence.removesuffix(" today") for sentence in sentences))


def _alert(row: MetricRow) -> PastAlert:
    source, _, sentence = row.subject.partition(": ")
    metric, _, subject = source.partition(" ")
    return PastAlert(metric, subject, *split_sentence(sentence), strength(row.value, row.limit))


def _progress(past: PastDay) -> str:
    known, needed = past.reference or (0, 0)
    return f"day {known + 1} of {needed} of this release; no other limit was exceeded."


def _ratio(row: MetricRow) -> float:
    return row.value / row.limit if row.limit else 0.0
