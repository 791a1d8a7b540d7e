"""False alarms and power of the checks, by simulation.

`python benchmarks/limits.py` prints the tables of docs/metrics.md. Every day goes through
`checks.evaluate`, as in production; what is simulated: benchmarks/worlds.py. With `--keep FOLDER`
each world's result is a file there, so that an interrupted run goes on where it was; of other code,
use another folder.
"""

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.population import Population, shipped_settings
from benchmarks.worlds import FIRST, Job, World, WorldResult, one_world, shift_alerts
from monitoring.batch.generate import make_batch
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord
from monitoring.dataset.sample import draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.settings.model import Drill

SIZES = (30, 100, 200, 300, 1000)

QUIET = {
    "of a group": "group_alarm",
    "of accuracy": "accuracy_alarm",
    "missing values": "missing_alarm",
    "repeated inputs": "repeats_alarm",
    "other alerts": "other_alerts",
    "PSI > 0.1": "psi_above_01",
    "PSI > 0.2": "psi_above_02",
}
"""The columns about quiet days, beside all false alarms."""

POWER = {
    "age +10": "drill_found",
    "labels swapped": "swapped_found",
    "score +0.1 by drift": "shift_found",
    "score +0.1 by repeats": "shift_found_by_repeats",
    "calibrated anew": "calibrated_found",
    "outcomes turned": "outcomes_found",
    "5 % missing": "missing_found",
    "level lost": "level_found",
}
"""The columns about what is found."""

Lines = dict[tuple[str, int], list[WorldResult]]
"""The worlds of each line: of a relation of days and baseline, and a number of rows."""


def kept_world(job: Job, keep: Path) -> WorldResult:
    """Return a world's result from its file in the folder; simulate it where there is none."""
    name = f"{job.relation}-{job.rows}-{job.days}-{job.seed}.json"
    path = keep / name
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=WorldResult)
    result = one_world(job)
    partial_path = path.with_suffix(".partial")
    partial_path.write_bytes(msgspec.json.encode(result))
    partial_path.replace(path)
    return result


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


def quiet_line(worlds: Sequence[WorldResult], rate: float) -> list[str]:
    """Return the cells about quiet days; more false alarms than allowed are marked."""
    alarms = [alarm for world in worlds for alarm in world.alarm]
    # By world, since the days of a world are alike.
    by_world = np.array([np.mean(world.alarm) for world in worlds])
    error = by_world.std(ddof=1) / len(worlds) ** 0.5 if len(worlds) > 1 else float("nan")
    allowed = rate + 3 * (rate * (1 - rate) / len(alarms)) ** 0.5
    excess = " (too many)" if np.mean(alarms) > allowed else ""
    return [
        f"{np.mean(alarms):.2%} ± {error:.2%}{excess}",
        f"{allowed:.2%}",
        *shares(worlds, QUIET.values(), digits=2),
    ]


def shares(worlds: Sequence[WorldResult], names: Iterable[str], digits: int) -> list[str]:
    """Return how often each of these happened, over all worlds."""
    happened = {name: [hit for world in worlds for hit in getattr(world, name)] for name in names}
    return [f"{np.mean(hits):.{digits}%}" for hits in happened.values()]


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


def print_tables(arguments: argparse.Namespace, keep: Path) -> int:
    """Simulate and print; return 1 if a line has more false alarms than the setting allows."""
    rate = shipped_settings().checks.false_alarms_per_day
    print(
        f"seed {arguments.seed}; {arguments.days} quiet days a line in {arguments.worlds} worlds;"
        f" setting {rate:.2%} a day"
    )
    lines: Lines = {}
    with multiprocessing.Pool(arguments.jobs) as pool:
        for relation in arguments.relations:
            for rows in arguments.rows:
                with tempfile.TemporaryDirectory() as folder:
                    jobs = [
                        Job(
                            relation,
                            rows,
                            arguments.days // arguments.worlds,
                            arguments.seed * 1000 + world,
                            folder,
                        )
                        for world in range(arguments.worlds)
                    ]
                    simulate = partial(kept_world, keep=keep)
                    lines[relation, rows] = pool.map(simulate, jobs, chunksize=1)
                print(f"{relation}, {rows} rows: simulated", file=sys.stderr, flush=True)

    print_table(["false alarms (± s.e.)", "allowed", *QUIET], lines, partial(quiet_line, rate=rate))
    print()
    print_table(list(POWER), lines, partial(shares, names=POWER.values(), digits=1))
    return int(any("too many" in quiet_line(worlds, rate)[0] for worlds in lines.values()))


def print_table(
    titles: Sequence[str], lines: Lines, cells: Callable[[Sequence[WorldResult]], list[str]]
) -> None:
    """Print a line for each entry of `lines`."""
    print(f"| baseline | rows | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 2)}")
    for (relation, rows), worlds in lines.items():
        print(f"| {relation} | {rows} | {' | '.join(cells(worlds))} |")


def main() -> int:
    """Run the simulation that the flags ask for."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--days", type=int, default=2000, help="quiet days a line (default 2000)")
    flags.add_argument(
        "--worlds", type=int, default=20, help="model releases (and baselines) they are spread over"
    )
    flags.add_argument("--rows", type=int, nargs="+", default=SIZES, help="a line for each")
    flags.add_argument(
        "--relations", nargs="+", default=["own", "independent"], help="lines for each"
    )
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    flags.add_argument("--keep", type=Path, help="a folder for the worlds' results")
    flags.add_argument(
        "--generated",
        action="store_true",
        help="instead: sixty days of the generator's rows, five seeds",
    )
    arguments = flags.parse_args()
    if arguments.generated:
        return print_generated(arguments.jobs, arguments.seed)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        return print_tables(arguments, arguments.keep)
    with tempfile.TemporaryDirectory() as folder:
        return print_tables(arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
