"""What the checks cost: `python benchmarks/checks_cost.py` prints one JSON object and ends with 1 past twice a limit.

A small day (300 rows, 10 features): judgement, record, history and page, beyond imports, with limits cached; and without.
A large one (a million rows against a million): the baseline and the judgement, in a process of its own for its memory.
Times are of the processor: what else the machine does is not counted.
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

from benchmarks.limits import Population, judged
from monitoring import report

SMALL_LIMIT_MS = 150
LARGE_LIMIT_SECONDS = 5
LARGE_LIMIT_MIB = 500
LARGE_ROWS = 1_000_000


def small() -> dict[str, float]:
    """Return the median cost in ms of a day of 300 rows after eight others, without and with its limits at hand."""
    population, random, previous = Population(), np.random.default_rng(0), []
    pinned = population.baseline(population.frame)
    times: dict[str, list[float]] = {"cold": [], "cached": []}
    with tempfile.TemporaryDirectory() as folder:
        for day in range(30):
            batch = population.draw((150, 150), random)
            answers = population.answers(batch)
            for kind in ("cold", "cached"):
                begin = time.process_time()
                record = judged(population, pinned, "own", folder, day, batch, answers, previous)
                report.write(Path(folder), record, previous)
                if day >= 16:  # from here on windows and reference are full
                    times[kind].append((time.process_time() - begin) * 1000)
                if day < 29:
                    break
            previous.append(json.loads(json.dumps(record)))
        Path(folder, "limits.json").unlink()
        begin = time.process_time()
        judged(population, pinned, "own", folder, 29, batch, answers, previous)
        cold_ms = (time.process_time() - begin) * 1000
    return {"small_cached_ms": float(np.median(times["cold"] + times["cached"])), "small_cold_ms": cold_ms}


def large() -> dict[str, float]:
    """Return seconds and memory beyond the inputs of baseline and judgement: a million rows against a million."""
    population, random = Population(), np.random.default_rng(0)
    frames = [population.draw((LARGE_ROWS // 2, LARGE_ROWS // 2), random) for _ in range(2)]
    for frame in frames:
        frame["age"] = frame["age"].to_numpy(float) + random.normal(0, 1, LARGE_ROWS)  # a million different values
    answers = population.answers(frames[1])
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        pinned = population.baseline(frames[0])
        middle = time.process_time()
        judged(population, pinned, "independent", folder, 0, frames[1], answers, [])
        end = time.process_time()
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mib
    return {
        "large_baseline_seconds": middle - begin,
        "large_judgement_seconds": end - middle,
        "large_seconds": end - begin,
        "large_inputs_mib": before_mib,
        "large_added_mib": added,
    }


def main() -> int:
    """Print the figures and return 1 if one is past twice its limit."""
    if sys.argv[1:] == ["large"]:
        print(json.dumps(large()))
        return 0
    figures = small() | json.loads(subprocess.run([sys.executable, __file__, "large"], check=True, capture_output=True).stdout)
    limits = {"small_cached_ms": SMALL_LIMIT_MS, "large_seconds": LARGE_LIMIT_SECONDS, "large_added_mib": LARGE_LIMIT_MIB}
    print(json.dumps({"figures": {name: round(value, 1) for name, value in figures.items()}, "limits": limits}))
    return int(any(figures[name] > 2 * limit for name, limit in limits.items()))


if __name__ == "__main__":
    sys.exit(main())
