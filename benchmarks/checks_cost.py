"""What the checks cost.

`python benchmarks/checks_cost.py` prints one JSON object and ends with 1 past twice a limit.

A small day (300 rows, 10 features): evaluation, record, history and page, beyond imports, with
limits cached; evaluation alone of class counts never seen; and of a baseline never seen. A large
one (a million rows against a million): the baseline and the evaluation, in a process of its own for
its memory. Times are of the processor: what else the machine does is not counted.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.population import Population
from benchmarks.worlds import World
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord
from monitoring.ledger.workspace import Workspace
from monitoring.report import report

SMALL_LIMIT_MS = 150
UNSEEN_LIMIT_MS = 60
LARGE_LIMIT_SECONDS = 5
LARGE_LIMIT_MIB = 500
LARGE_ROWS = 1_000_000
DAYS = 30
FULL_FROM_DAY = 16  # from here on windows and reference are full


def small() -> dict[str, float]:
    """Return the cost in ms of a day of 300 rows, with and without its limits at hand."""
    population, random = Population(), np.random.default_rng(0)
    world = World(population, population.baseline(population.frame), Limits())
    previous: list[DayRecord] = []
    times_ms = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), Path(folder))
        for number in range(DAYS):
            frame = population.draw((150, 150), random)
            answers = population.answers(frame)
            begin = time.process_time()
            world.limits = Limits.read(workspace.limits)
            record = world.evaluate(number, frame, answers, previous)
            world.limits.write(workspace.limits)
            report.write(workspace, record, previous)
            if number >= FULL_FROM_DAY:
                times_ms.append((time.process_time() - begin) * 1000)
            previous.append(record)

    unseen_ms = []
    for more in range(1, 6):
        frame = population.draw((150 + more, 150 - more), random)
        answers = population.answers(frame)
        begin = time.process_time()
        world.evaluate(DAYS, frame, answers, previous)
        unseen_ms.append((time.process_time() - begin) * 1000)

    world.limits = Limits()
    begin = time.process_time()
    world.evaluate(DAYS, frame, answers, previous)
    cold_ms = (time.process_time() - begin) * 1000
    return {
        "small_cached_ms": float(np.median(times_ms)),
        "small_unseen_ms": float(np.median(unseen_ms)),
        "small_cold_ms": cold_ms,
    }


def large() -> dict[str, float]:
    """Return seconds and memory, beyond the inputs, of a million rows against a million."""
    population, random = Population(), np.random.default_rng(0)
    half = LARGE_ROWS // 2
    frames = [population.draw((half, half), random) for _ in range(2)]
    for frame in frames:  # a million different values
        frame["age"] = frame["age"].to_numpy(float) + random.normal(0, 1, LARGE_ROWS)
    answers = population.answers(frames[1])

    before_mib = peak_mib()
    begin = time.process_time()
    baseline = population.baseline(frames[0])
    middle = time.process_time()
    World(population, baseline, Limits(), is_independent=True).evaluate(0, frames[1], answers)
    end = time.process_time()
    return {
        "large_baseline_seconds": middle - begin,
        "large_evaluation_seconds": end - middle,
        "large_seconds": end - begin,
        "large_inputs_mib": before_mib,
        "large_added_mib": peak_mib() - before_mib,
    }


def peak_mib() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the figures and return 1 if one is past twice its limit."""
    if sys.argv[1:] == ["large"]:
        print(json.dumps(large()))
        return 0
    command = [sys.executable, __file__, "large"]
    child = subprocess.run(command, check=True, capture_output=True)
    figures = small() | json.loads(child.stdout)
    limits = {
        "small_cached_ms": SMALL_LIMIT_MS,
        "small_unseen_ms": UNSEEN_LIMIT_MS,
        "large_seconds": LARGE_LIMIT_SECONDS,
        "large_added_mib": LARGE_LIMIT_MIB,
    }
    shown = {name: round(value, 1) for name, value in figures.items()}
    print(json.dumps({"figures": shown, "limits": limits}))
    return int(any(figures[name] > 2 * limit for name, limit in limits.items()))


if __name__ == "__main__":
    sys.exit(main())
