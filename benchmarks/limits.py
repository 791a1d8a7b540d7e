"""False alarms and power of the checks, by simulation: `python benchmarks/limits.py` prints the table of docs/metrics.md.

Every day goes through `checks.judge`, as in production. A world is a model release: seven reference days, then quiet days.
Own rows: a day's rows are drawn, by class, from the very data that the baseline counts. Independent: baseline and days are
separate samples of one population, and every world has its own baseline. No day has drift unless it is called a drill.
"""

import argparse
import dataclasses
import multiprocessing
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from monitoring import baseline, checks, config, training_data  # noqa: E402
from monitoring import batch as generator  # noqa: E402
from monitoring.model_api import Answer  # noqa: E402

SIZES = (30, 100, 200, 300, 1000)
FIRST = date(2026, 1, 1)
REFERENCE_DAYS = 7
TRIALS = 8  # of swapped labels and of shifted scores in each world


def settings() -> config.Settings:
    """Return the shipped settings; the checks need no service."""
    return config.load(ROOT / "config.yaml", unused=("project_id", "model_api", "model_monitor"))[0]


class Population:
    """The sample data with a model's score for each row; days and baselines are drawn from it, by class, with replacement."""

    def __init__(self) -> None:
        self.settings = settings()
        self.frame = pd.concat(training_data.chunks(Path(self.settings.training_data), self.settings.schema), ignore_index=True)
        self.names = [feature.name for feature in self.settings.schema.features]
        self.model = LogisticRegression(max_iter=5000).fit(self.frame[self.names].to_numpy(float), self.frame["credit"])

    def draw(self, class_rows: tuple[int, int], random: np.random.Generator) -> pd.DataFrame:
        """Return rows of class 0 and 1 in random order."""
        places = [
            random.choice(np.flatnonzero(self.frame["credit"] == code), size=rows) for code, rows in enumerate(class_rows)
        ]
        return self.frame.iloc[random.permutation(np.concatenate(places))].reset_index(drop=True)

    def answers(self, batch: pd.DataFrame, *, shift: float = 0.0, swapped: bool = False) -> list[Answer]:
        """Return what the model's endpoint would have said; `shift` is added to each score, `swapped` turns the labels over."""
        scores = np.clip(self.model.predict_proba(batch[self.names].to_numpy(float))[:, 1] + shift, 0, 1)
        scores = 1 - scores if swapped else scores
        return [Answer(index, int(score > 0.5), float(score), 20.0, 1, "1", None, "") for index, score in enumerate(scores)]

    def baseline(self, frame: pd.DataFrame) -> baseline.Baseline:
        """Return the baseline of these rows."""
        return baseline.build(
            self.settings.schema, lambda: [frame], source="sample", number=1, content_hash="sample", created_at=""
        )


def judged(population: Population, pinned: baseline.Baseline, relation: str, folder: str, day: int, batch: pd.DataFrame,
           answers: list[Answer], previous: list[checks.Record]) -> checks.Record:  # fmt: skip
    """Return the record of day number `day`; simulated limits are kept in the folder."""
    return checks.judge(
        population.settings, FIRST + timedelta(days=day), batch, answers, pinned, previous, pipeline=checks.Pipeline(),
        training_hash="sample" if relation == "own" else "another", limits_path=Path(folder) / "limits.json",
    )  # fmt: skip


def tests_passed(record: checks.Record) -> set[str]:
    """Return the variables (features, score, prediction) with a drift alert on that day."""
    return {alert["subject"] for alert in record["alerts"] if alert["metric"].split("_")[0] in ("psi", "ks")}


def one_world(job: tuple[str, int, int, int, str]) -> dict[str, Any]:
    """Return what happened in one world: per quiet day whether something was told, and what its drills found."""
    relation, rows, days, seed, folder = job
    random, population = np.random.default_rng([seed, rows, relation == "own"]), Population()
    half = (rows // 2, rows - rows // 2)
    found: dict[str, Any] = {
        "alarm": [],
        "other": [],
        "above_01": [],
        "above_02": [],
        "drill": [],
        "swapped": [],
        "shifted": [],
    }
    pinned = population.baseline(population.frame if relation == "own" else population.draw((300, 700), random))
    previous: list[checks.Record] = []
    for day in range(REFERENCE_DAYS + days):
        batch = population.draw(half, random)
        record = judged(population, pinned, relation, folder, day, batch, population.answers(batch), previous)
        previous = [*previous[:REFERENCE_DAYS], *previous[REFERENCE_DAYS:][-30:], record]  # what read_previous would give
        if day >= REFERENCE_DAYS:
            alerts = [alert for alert in record["alerts"] if alert["metric"] != "content_hash"]
            found["alarm"].append(bool(tests_passed(record)))
            found["other"].append(len(alerts) > sum(a["metric"].split("_")[0] in ("psi", "ks") for a in alerts))
            highest = max(test["psi_dmm"] for test in record["drift"])
            found["above_01"].append(highest > 0.1)
            found["above_02"].append(highest > 0.2)
    for _ in range(max(1, days // 4)):
        batch = population.draw(half, random)
        batch.loc[random.choice(rows, rows // 2, replace=False), "age"] += 10
        record = judged(population, pinned, relation, folder, 0, batch, [], [])  # features need no answers
        found["drill"].append("age" in tests_passed(record))
    for _ in range(TRIALS):
        batch = population.draw(half, random)
        record = judged(population, pinned, relation, folder, 0, batch, population.answers(batch, swapped=True), [])
        found["swapped"].append(any(alert["metric"] in ("auc", "balanced_accuracy") for alert in record["alerts"]))
        told: set[str] = set()
        after = previous[:REFERENCE_DAYS]
        for day in range(REFERENCE_DAYS, REFERENCE_DAYS + 2):
            batch = population.draw(half, random)
            after.append(judged(population, pinned, relation, folder, day, batch, population.answers(batch, shift=0.1), after))
            told |= tests_passed(after[-1])
        found["shifted"].append(bool(told & {"score", "prediction"}))
    return found


def generated_days(job: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return alarm days and drills found in `days` days of 300 rows each that the day's own generator (SMOTEN) makes."""
    seed, days = job
    population = Population()
    quiet = dataclasses.replace(population.settings, scoring=dataclasses.replace(population.settings.scoring, seed=seed))
    drill = config.Drill(feature="age", shift=10.0, share=0.5, from_day=FIRST)
    drilled = dataclasses.replace(quiet, scoring=dataclasses.replace(quiet.scoring, drift=[drill]))
    sample = training_data.sample(Path(quiet.training_data), quiet.schema, np.random.default_rng(seed))
    pinned, alarms, found, previous = population.baseline(population.frame), 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        for day in range(days):
            made = [generator.make(kind, sample, FIRST + timedelta(days=day), 300).frame for kind in (quiet, drilled)]
            record, other = (
                judged(population, pinned, "own", folder, day, frame, population.answers(frame), earlier)
                for frame, earlier in zip(made, (previous, []), strict=True)
            )
            previous.append(record)
            alarms += bool(record["alerts"])
            found += "age" in tests_passed(other)
    return seed, days, alarms, found


def summary(relation: str, rows: int, worlds: list[dict[str, Any]], rate: float) -> dict[str, Any]:
    """Return the table's row: shares, and the standard error of the false alarms (by world, as days of a world are alike)."""
    by_world = np.array([np.mean(world["alarm"]) for world in worlds])
    days = sum(len(world["alarm"]) for world in worlds)
    binomial = (rate * (1 - rate) / days) ** 0.5

    def share(name: str) -> float:
        return float(np.mean(np.concatenate([np.atleast_1d(world[name]) for world in worlds])))

    return {
        "baseline": relation, "rows": rows, "days": days, "false_alarms": share("alarm"),
        "error_by_world": float(by_world.std(ddof=1) / len(worlds) ** 0.5) if len(worlds) > 1 else None,
        "allowed": rate + 3 * binomial, "other_alerts": share("other"), "psi_above_0.1": share("above_01"),
        "psi_above_0.2": share("above_02"), "drill_found": share("drill"), "swapped_found": share("swapped"),
        "shift_found": share("shifted"),
    }  # fmt: skip


def main() -> int:
    """Run the simulation, print the table, and return 1 if a size has more false alarms than the setting allows."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--days", type=int, default=2000, help="quiet days per line (default 2000)")
    flags.add_argument("--worlds", type=int, default=25, help="model releases (and baselines) they are spread over")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    flags.add_argument("--generated", action="store_true", help="instead: sixty days of the generator's rows, five seeds")
    arguments = flags.parse_args()
    if arguments.generated:
        print("| seed | days of 300 rows | alarm days | days on which the drill was found |\n|---|---|---|---|")
        with multiprocessing.Pool(arguments.jobs) as pool:
            for line in pool.imap(generated_days, [(seed, 60) for seed in range(arguments.seed, arguments.seed + 5)]):
                print(f"| {' | '.join(map(str, line))} |", flush=True)
        return 0
    rate = settings().checks.false_alarms_per_day
    print(f"seed {arguments.seed}; {arguments.days} quiet days a line in {arguments.worlds} worlds; setting {rate:.2%} a day")
    titles = ["baseline", "rows", "false alarms (± s.e.)", "allowed", "other alerts", "PSI > 0.1", "PSI > 0.2"]
    titles += ["age +10 found", "swapped found", "+0.1 found"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    failed = False
    with multiprocessing.Pool(arguments.jobs) as pool:
        for relation in ("own", "independent"):
            for rows in SIZES:
                days = arguments.days // arguments.worlds
                with tempfile.TemporaryDirectory() as folder:  # of limits: worlds with the same baseline share theirs
                    jobs = [(relation, rows, days, arguments.seed * 1000 + world, folder) for world in range(arguments.worlds)]
                    line = summary(relation, rows, pool.map(one_world, jobs, chunksize=1), rate)
                failed |= line["false_alarms"] > line["allowed"]
                cells = [
                    relation,
                    str(rows),
                    f"{line['false_alarms']:.2%} ± {line['error_by_world']:.2%}",
                    f"{line['allowed']:.2%}",
                ]
                shares = ("other_alerts", "psi_above_0.1", "psi_above_0.2", "drill_found", "swapped_found", "shift_found")
                print(f"| {' | '.join([*cells, *(format(line[name], '.1%') for name in shares)])} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
