"""Model releases with quiet days and drills, evaluated as in production, for benchmarks.

A world is a release: seven reference days, then quiet days. Own rows: a day's rows are drawn, by
class, from the very data that the baseline counts. Independent: baseline and days are separate
samples of one population, and every world has its own baseline. No day has drift unless it is
called a drill.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.population import CONTENT_HASH, Population
from monitoring.checks import quality
from monitoring.checks.answered_rows import AnsweredRows
from monitoring.checks.counts import count_features
from monitoring.checks.evaluate import evaluate
from monitoring.checks.groups import of_several
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord
from monitoring.dataset.baseline import Baseline
from monitoring.ledger.answer import Answer

FIRST = date(2026, 1, 1)
REFERENCE_DAYS = 7
RECENT_DAYS = 30
TRIALS = 4  # of each other drill in each world
WINDOW_DAYS = 7
USUAL_MISSING = 0.03
SWAPPED_METRICS = ("auc", "balanced_accuracy")
REPEATS_METRICS = ("changed_answers", "unrepeatable")

Change = Callable[[float], float]
"""What another model makes of a score."""


@dataclass
class World:
    """A model release with its baseline; answered: of the days so far, the latest last."""

    population: Population
    baseline: Baseline
    limits: Limits
    is_independent: bool = False
    answered: list[AnsweredRows] = field(default_factory=list)

    def evaluate(
        self,
        number: int,
        frame: pd.DataFrame,
        answers: Sequence[Answer],
        previous: Sequence[DayRecord] = (),
        earlier_answers: Sequence[AnsweredRows] = (),
    ) -> DayRecord:
        """Return the record of day `number`."""
        scored = self.population.scored(FIRST + timedelta(days=number), frame, answers)
        return evaluate(
            DayInputs(
                settings=self.population.settings,
                scored=scored,
                baseline=self.baseline,
                previous=previous,
                earlier_answers=earlier_answers,
                training_sha256="another" if self.is_independent else CONTENT_HASH,
                limits=self.limits,
            )
        )

    def remember(self, number: int, frame: pd.DataFrame, answers: Sequence[Answer]) -> None:
        """Keep the day's answers for the days of the window after it."""
        scored = self.population.scored(FIRST + timedelta(days=number), frame, answers)
        rows = AnsweredRows.of(scored, self.population.settings.schema)
        self.answered = [*self.answered[1 - WINDOW_DAYS :], rows]


class Job(NamedTuple):
    """A world to simulate; folder: of the limits, which worlds with the same baseline share."""

    relation: str
    rows: int
    days: int
    seed: int
    folder: str


@dataclass
class WorldResult:
    """What happened in a world, once for each quiet day or each drill.

    alarm: of the budget; group_alarm, accuracy_alarm: those of them that are about a group, about
    accuracy. missing_alarm: about missing values, where 3 % of the ages are missing in days and
    baseline. repeats_alarm: about repeated inputs. other_alerts: all others outside the budget.
    """

    alarm: list[bool] = field(default_factory=list)
    group_alarm: list[bool] = field(default_factory=list)
    accuracy_alarm: list[bool] = field(default_factory=list)
    missing_alarm: list[bool] = field(default_factory=list)
    repeats_alarm: list[bool] = field(default_factory=list)
    other_alerts: list[bool] = field(default_factory=list)
    psi_above_01: list[bool] = field(default_factory=list)
    psi_above_02: list[bool] = field(default_factory=list)
    drill_found: list[bool] = field(default_factory=list)
    swapped_found: list[bool] = field(default_factory=list)
    shift_found: list[bool] = field(default_factory=list)
    shift_found_by_repeats: list[bool] = field(default_factory=list)
    calibrated_found: list[bool] = field(default_factory=list)
    outcomes_found: list[bool] = field(default_factory=list)
    missing_found: list[bool] = field(default_factory=list)
    level_found: list[bool] = field(default_factory=list)


def shift_alerts(record: DayRecord) -> set[str]:
    """Return the variables (features, score, prediction) with a drift alert on that day."""
    return {alert.subject for alert in record.alerts if alert.metric.split("_")[0] in ("psi", "ks")}


def is_of_budget(metric: str) -> bool:
    """Whether an alert is inside the budget of false alarms (monitoring/checks/budget.py)."""
    return metric.startswith(("psi", "ks", *SWAPPED_METRICS, "accuracy_drop"))


def one_world(job: Job) -> WorldResult:
    """Simulate a world: its quiet days, then its drills."""
    is_own = job.relation == "own"
    random, population = np.random.default_rng([job.seed, job.rows, is_own]), Population()
    frame = population.frame if is_own else population.draw((300, 700), random)
    path = Path(job.folder) / "limits.json"
    world = World(
        population, population.baseline(frame), Limits.read(path), is_independent=not is_own
    )
    result = WorldResult()

    reference = _quiet_days(world, job, random, result)
    result.missing_alarm = _missing_alarms(job, random)
    for _ in range(max(1, job.days // 4)):
        drilled = _drawn(world, job.rows, random)
        drilled.loc[random.choice(job.rows, job.rows // 2, replace=False), "age"] += 10
        # Features need no answers.
        result.drill_found.append("age" in shift_alerts(world.evaluate(0, drilled, [])))
    for _ in range(TRIALS):
        result.swapped_found.append(_is_swap_found(world, job, random))
        result.shift_found.append(_is_shift_found(world, job, random, reference))
        for change, found in (
            (lambda score: min(1.0, score + 0.1), result.shift_found_by_repeats),
            (_calibrated_anew, result.calibrated_found),
        ):
            found.append(_is_change_found(world, job, random, reference, change))
        result.outcomes_found.append(_are_outcomes_found(world, job, random, reference))
        result.missing_found.append(_are_missing_found(world, job, random))
        result.level_found.append(_is_level_found(world, job, random))
    world.limits.write(path)
    return result


def _drawn(world: World, rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Return a day's rows, half of each class."""
    return world.population.draw((rows // 2, rows - rows // 2), random)


def _quiet_days(
    world: World, job: Job, random: np.random.Generator, result: WorldResult
) -> list[DayRecord]:
    """Evaluate the reference days and the quiet days; return the records of the former.

    The world then remembers the answers of the reference days.
    """
    reference: list[DayRecord] = []
    recent: list[DayRecord] = []
    of_reference: list[AnsweredRows] = []
    for number in range(REFERENCE_DAYS + job.days):
        frame = _drawn(world, job.rows, random)
        answers = world.population.answers(frame)
        # What read_previous and read_earlier would give.
        record = world.evaluate(number, frame, answers, [*reference, *recent], world.answered)
        world.remember(number, frame, answers)
        if number < REFERENCE_DAYS:
            reference.append(record)
            of_reference = world.answered
            continue

        recent = [*recent[1 - RECENT_DAYS :], record]
        _note_quiet_day(world, record, result)
    world.answered = of_reference
    return reference


def _note_quiet_day(world: World, record: DayRecord, result: WorldResult) -> None:
    alerts = [alert for alert in record.alerts if alert.metric != "content_hash"]
    of_budget = [alert for alert in alerts if is_of_budget(alert.metric)]
    of_repeats = [alert for alert in alerts if alert.metric in REPEATS_METRICS]
    highest = max(test.psi_dmm or 0.0 for test in record.drift)
    group_names = of_several(world.population.settings.schema)
    result.alarm.append(bool(of_budget))
    result.group_alarm.append(any(alert.subject in group_names for alert in of_budget))
    result.accuracy_alarm.append(any(alert.metric == "accuracy_drop" for alert in of_budget))
    result.repeats_alarm.append(bool(of_repeats))
    result.other_alerts.append(len(alerts) > len(of_budget) + len(of_repeats))
    result.psi_above_01.append(highest > 0.1)
    result.psi_above_02.append(highest > 0.2)


def _missing_alarms(job: Job, random: np.random.Generator) -> list[bool]:
    """Return whether missing ages alarm on quiet days, 3 % of them missing there as ever."""
    population, is_own = Population(), job.relation == "own"
    settings, frame = population.settings, population.frame
    is_missing = random.random(len(frame)) < USUAL_MISSING
    population.frame = frame.assign(age=frame["age"].where(~is_missing))
    of_baseline = population.frame if is_own else population.draw((300, 700), random)
    baseline = population.baseline(of_baseline)

    alarms = []
    for _ in range(job.days):
        day = population.draw((job.rows // 2, job.rows - job.rows // 2), random)
        counted = count_features(settings.schema, day, baseline, independent=not is_own)
        # The fixed limit is no matter of chance.
        checks = replace(settings.checks, missing_share_above=None)
        alerts = quality.check(checks, counted)[1]
        alarms.append(any(alert.metric == "missing_share" for alert in alerts))
    return alarms


def _is_swap_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether swapped labels are found on the first day."""
    frame = _drawn(world, job.rows, random)
    record = world.evaluate(0, frame, world.population.answers(frame, swapped=True))
    return any(alert.metric in SWAPPED_METRICS for alert in record.alerts)


def _is_shift_found(
    world: World, job: Job, random: np.random.Generator, reference: Sequence[DayRecord]
) -> bool:
    """Whether scores + 0.1 are found by drift within the first two days after the reference."""
    found: set[str] = set()
    records = list(reference)
    for number in (REFERENCE_DAYS, REFERENCE_DAYS + 1):
        frame = _drawn(world, job.rows, random)
        answers = world.population.answers(frame, shift=0.1)
        records.append(world.evaluate(number, frame, answers, records))
        found |= shift_alerts(records[-1])
    return bool(found & {"score", "prediction"})


def _is_change_found(
    world: World,
    job: Job,
    random: np.random.Generator,
    reference: Sequence[DayRecord],
    change: Change,
) -> bool:
    """Whether a model that changed without a word is found by repeated inputs on the first day."""
    frame = _drawn(world, job.rows, random)
    answers = [
        msgspec.structs.replace(answer, score=score, prediction=int(score > 0.5))
        for answer in world.population.answers(frame)
        for score in [change(answer.score or 0.0)]
    ]
    record = world.evaluate(REFERENCE_DAYS, frame, answers, reference, world.answered)
    return any(alert.metric == "changed_answers" for alert in record.alerts)


def _calibrated_anew(score: float) -> float:
    """Return a score of the same order, hardly another class: another temperature."""
    return float(score**1.05 / (score**1.05 + (1 - score) ** 1.05))


def _are_outcomes_found(
    world: World, job: Job, random: np.random.Generator, reference: Sequence[DayRecord]
) -> bool:
    """Whether turned outcomes of the over-45 are found within seven days, as a fall in accuracy."""
    # Only accuracy is looked at; limits of the baseline's own rows are cheap for every class mix.
    world = replace(world, is_independent=False)
    records = list(reference)
    for number in range(REFERENCE_DAYS, REFERENCE_DAYS + WINDOW_DAYS):
        frame = _drawn(world, job.rows, random)
        answers = world.population.answers(frame)
        is_older = frame["age"] > 45
        frame.loc[is_older, "credit"] = 1 - frame.loc[is_older, "credit"]
        records.append(world.evaluate(number, frame, answers, records))
        if any(alert.metric == "accuracy_drop" for alert in records[-1].alerts):
            return True
    return False


def _are_missing_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether it is found on the first day that each age is missing with a chance of 5 %."""
    frame = _drawn(world, job.rows, random)
    frame["age"] = frame["age"].where(random.random(job.rows) >= 0.05)
    alerts = world.evaluate(0, frame, []).alerts
    return any(alert.metric == "missing_share" for alert in alerts)


def _is_level_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether it is found on the first day that a tenth of the rows lose their level A14."""
    frame = _drawn(world, job.rows, random)
    having = np.flatnonzero(frame["checking_account_A14"])
    lost = random.choice(having, min(len(having), job.rows // 10), replace=False)
    frame.loc[lost, "checking_account_A14"] = 0
    found = shift_alerts(world.evaluate(0, frame, []))
    return any(subject.startswith("checking_account") for subject in found)
