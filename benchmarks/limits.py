"""False alarms and power of the checks, by simulation.

`python benchmarks/limits.py` prints the table of docs/metrics.md. Every day goes through
`checks.evaluate`, as in production. A world is a model release: seven reference days, then quiet
days. Own rows: a day's rows are drawn, by class, from the very data that the baseline counts.
Independent: baseline and days are separate samples of one population, and every world has its own
baseline. No day has drift unless it is called a drill.
"""

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.population import CONTENT_HASH, Population, shipped_settings
from monitoring.batch.generate import make_batch
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.sample import draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Drill

SIZES = (30, 100, 200, 300, 1000)
FIRST = date(2026, 1, 1)
REFERENCE_DAYS = 7
RECENT_DAYS = 30
TRIALS = 4  # of each other drill in each world
WINDOW_DAYS = 7
SWAPPED_METRICS = ("auc", "balanced_accuracy")


@dataclass
class World:
    """A model release with its baseline."""

    population: Population
    baseline: Baseline
    limits: Limits
    is_independent: bool = False

    def evaluate(
        self,
        number: int,
        frame: pd.DataFrame,
        answers: Sequence[Answer],
        previous: Sequence[DayRecord] = (),
    ) -> DayRecord:
        """Return the record of day `number`."""
        scored = self.population.scored(FIRST + timedelta(days=number), frame, answers)
        return evaluate(
            DayInputs(
                settings=self.population.settings,
                scored=scored,
                baseline=self.baseline,
                previous=previous,
                training_sha256="another" if self.is_independent else CONTENT_HASH,
                limits=self.limits,
            )
        )


class Job(NamedTuple):
    """A world to simulate; folder: of the limits, which worlds with the same baseline share."""

    relation: str
    rows: int
    days: int
    seed: int
    folder: str


@dataclass
class WorldResult:
    """What happened in a world, once for each quiet day or each drill."""

    alarm: list[bool] = field(default_factory=list)
    other_alerts: list[bool] = field(default_factory=list)
    psi_above_01: list[bool] = field(default_factory=list)
    psi_above_02: list[bool] = field(default_factory=list)
    drill_found: list[bool] = field(default_factory=list)
    swapped_found: list[bool] = field(default_factory=list)
    shift_found: list[bool] = field(default_factory=list)
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

    reference = quiet_days(world, job, random, result)
    for _ in range(max(1, job.days // 4)):
        drilled = drawn(world, job.rows, random)
        drilled.loc[random.choice(job.rows, job.rows // 2, replace=False), "age"] += 10
        # Features need no answers.
        result.drill_found.append("age" in shift_alerts(world.evaluate(0, drilled, [])))
    for _ in range(TRIALS):
        result.swapped_found.append(is_swap_found(world, job, random))
        result.shift_found.append(is_shift_found(world, job, random, reference))
        result.outcomes_found.append(are_outcomes_found(world, job, random, reference))
        result.missing_found.append(are_missing_found(world, job, random))
        result.level_found.append(is_level_found(world, job, random))
    world.limits.write(path)
    return result


def drawn(world: World, rows: int, random: np.random.Generator) -> pd.DataFrame:
    """Return a day's rows, half of each class."""
    return world.population.draw((rows // 2, rows - rows // 2), random)


def quiet_days(
    world: World, job: Job, random: np.random.Generator, result: WorldResult
) -> list[DayRecord]:
    """Evaluate the reference days and the quiet days; return the records of the former."""
    reference: list[DayRecord] = []
    recent: list[DayRecord] = []
    for number in range(REFERENCE_DAYS + job.days):
        frame = drawn(world, job.rows, random)
        answers = world.population.answers(frame)
        # What read_previous would give.
        record = world.evaluate(number, frame, answers, [*reference, *recent])
        if number < REFERENCE_DAYS:
            reference.append(record)
            continue

        recent = [*recent[1 - RECENT_DAYS :], record]
        alerts = [alert for alert in record.alerts if alert.metric != "content_hash"]
        of_budget = [alert for alert in alerts if is_of_budget(alert.metric)]
        highest = max(test.psi_dmm or 0.0 for test in record.drift)
        result.alarm.append(bool(of_budget))
        result.other_alerts.append(len(alerts) > len(of_budget))
        result.psi_above_01.append(highest > 0.1)
        result.psi_above_02.append(highest > 0.2)
    return reference


def is_swap_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether swapped labels are found on the first day."""
    frame = drawn(world, job.rows, random)
    record = world.evaluate(0, frame, world.population.answers(frame, swapped=True))
    return any(alert.metric in SWAPPED_METRICS for alert in record.alerts)


def is_shift_found(
    world: World, job: Job, random: np.random.Generator, reference: Sequence[DayRecord]
) -> bool:
    """Whether scores + 0.1 are found within the first two days after the reference days."""
    found: set[str] = set()
    records = list(reference)
    for number in (REFERENCE_DAYS, REFERENCE_DAYS + 1):
        frame = drawn(world, job.rows, random)
        answers = world.population.answers(frame, shift=0.1)
        records.append(world.evaluate(number, frame, answers, records))
        found |= shift_alerts(records[-1])
    return bool(found & {"score", "prediction"})


def are_outcomes_found(
    world: World, job: Job, random: np.random.Generator, reference: Sequence[DayRecord]
) -> bool:
    """Whether turned outcomes of the over-45 are found within seven days, as a fall in accuracy."""
    records = list(reference)
    for number in range(REFERENCE_DAYS, REFERENCE_DAYS + WINDOW_DAYS):
        frame = drawn(world, job.rows, random)
        answers = world.population.answers(frame)
        is_older = frame["age"] > 45
        frame.loc[is_older, "credit"] = 1 - frame.loc[is_older, "credit"]
        records.append(world.evaluate(number, frame, answers, records))
        if any(alert.metric == "accuracy_drop" for alert in records[-1].alerts):
            return True
    return False


def are_missing_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether it is found on the first day that each age is missing with a chance of 5 %."""
    frame = drawn(world, job.rows, random)
    frame["age"] = frame["age"].where(random.random(job.rows) >= 0.05)
    alerts = world.evaluate(0, frame, []).alerts
    return any(alert.metric == "missing_share" for alert in alerts)


def is_level_found(world: World, job: Job, random: np.random.Generator) -> bool:
    """Whether it is found on the first day that a tenth of the rows lose their level A14."""
    frame = drawn(world, job.rows, random)
    having = np.flatnonzero(frame["checking_account_A14"])
    lost = random.choice(having, min(len(having), job.rows // 10), replace=False)
    frame.loc[lost, "checking_account_A14"] = 0
    found = shift_alerts(world.evaluate(0, frame, []))
    return any(subject.startswith("checking_account") for subject in found)


def generated_days(job: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return seed, days, alarm days and drills found of days of 300 rows of the day's generator."""
    seed, days = job
    population = Population()
    settings = population.settings
    drill = Drill(feature="age", shift=10.0, share=0.5, from_day=FIRST)
    quiet = replace(settings, scoring=replace(settings.scoring, seed=seed))
    drilled = replace(quiet, scoring=replace(quiet.scoring, drift=[drill]))
    random = np.random.default_rng(seed)
    sample = draw_sample(TrainingRows(Path(settings.training_data), settings.schema), random)

    world = World(population, population.baseline(population.frame), Limits())
    alarms, found = 0, 0
    previous: list[DayRecord] = []
    for number in range(days):
        day = FIRST + timedelta(days=number)
        frame = make_batch(quiet, sample, day, 300).frame
        previous.append(world.evaluate(number, frame, population.answers(frame), previous))
        alarms += bool(previous[-1].alerts)

        frame = make_batch(drilled, sample, day, 300).frame
        record = world.evaluate(number, frame, population.answers(frame))
        found += "age" in shift_alerts(record)
    return seed, days, alarms, found


def table_line(relation: str, rows: int, worlds: Sequence[WorldResult], rate: float) -> str:
    """Return a line of the table; more false alarms than allowed are marked."""
    alarms = [alarm for world in worlds for alarm in world.alarm]
    # By world, since the days of a world are alike.
    by_world = np.array([np.mean(world.alarm) for world in worlds])
    error = by_world.std(ddof=1) / len(worlds) ** 0.5 if len(worlds) > 1 else float("nan")
    allowed = rate + 3 * (rate * (1 - rate) / len(alarms)) ** 0.5
    excess = " (too many)" if np.mean(alarms) > allowed else ""

    shares = [
        np.mean([hit for world in worlds for hit in getattr(world, name)])
        for name in list(WorldResult.__dataclass_fields__)[1:]
    ]
    cells = [
        relation,
        str(rows),
        f"{np.mean(alarms):.2%} ± {error:.2%}{excess}",
        f"{allowed:.2%}",
        *(f"{share:.1%}" for share in shares),
    ]
    return f"| {' | '.join(cells)} |"


def print_generated(jobs: int, first_seed: int) -> int:
    """Print what five seeds of sixty generated days give."""
    print(
        "| seed | days of 300 rows | alarm days | days on which the drill was found |\n"
        "|---|---|---|---|"
    )
    with multiprocessing.Pool(jobs) as pool:
        seeds = [(seed, 60) for seed in range(first_seed, first_seed + 5)]
        for line in pool.imap(generated_days, seeds):
            print(f"| {' | '.join(map(str, line))} |", flush=True)
    return 0


def print_table(arguments: argparse.Namespace) -> int:
    """Print the table; return 1 if a size has more false alarms than the setting allows."""
    rate = shipped_settings().checks.false_alarms_per_day
    print(
        f"seed {arguments.seed}; {arguments.days} quiet days a line in {arguments.worlds} worlds;"
        f" setting {rate:.2%} a day"
    )
    titles = ["baseline", "rows", "false alarms (± s.e.)", "allowed", "other alerts", "PSI > 0.1"]
    titles += ["PSI > 0.2", "age +10 found", "swapped found", "+0.1 found"]
    titles += ["outcomes found", "5 % missing found", "level lost found"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")

    has_failed = False
    days = arguments.days // arguments.worlds
    with multiprocessing.Pool(arguments.jobs) as pool:
        for relation in ("own", "independent"):
            for rows in SIZES:
                with tempfile.TemporaryDirectory() as folder:
                    jobs = [
                        Job(relation, rows, days, arguments.seed * 1000 + world, folder)
                        for world in range(arguments.worlds)
                    ]
                    worlds = pool.map(one_world, jobs, chunksize=1)
                line = table_line(relation, rows, worlds, rate)
                has_failed |= "too many" in line
                print(line, flush=True)
    return int(has_failed)


def main() -> int:
    """Run the simulation that the flags ask for."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--days", type=int, default=2000, help="quiet days a line (default 2000)")
    flags.add_argument(
        "--worlds", type=int, default=20, help="model releases (and baselines) they are spread over"
    )
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    flags.add_argument(
        "--generated",
        action="store_true",
        help="instead: sixty days of the generator's rows, five seeds",
    )
    arguments = flags.parse_args()
    if arguments.generated:
        return print_generated(arguments.jobs, arguments.seed)
    return print_table(arguments)


if __name__ == "__main__":
    sys.exit(main())
