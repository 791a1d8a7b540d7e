#!/usr/bin/env python3
"""Measure what the scripts cost before they do anything; prints JSON, exits 1 past twice a limit.

    python benchmarks/startup.py

`--help` may take 1.5 times importing requests, PyYAML and python-dotenv. Medians of runs that
alternate, so that a busy machine slows both alike. A first run writes the .pyc files and is not
counted.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("daily_scoring.py", "gt_registration.py", "create_training_set.py")
IMPORTS = ("-c", "import requests, yaml, dotenv")
LIMIT = 1.5
RUNS = 11


def main() -> int:
    commands = {script: (script, "--help") for script in SCRIPTS} | {"imports": IMPORTS}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, arguments in commands.items():
            milliseconds = python_milliseconds(*arguments)
            if run > 0:
                times[name].append(milliseconds)

    medians = {name: statistics.median(measured) for name, measured in times.items()}
    ratios = {script: round(medians[script] / medians["imports"], 2) for script in SCRIPTS}
    figures = {
        "median_ms": {name: round(median) for name, median in medians.items()},
        "ratio": ratios,
        "limit": LIMIT,
    }
    print(json.dumps(figures, indent=1))
    return int(max(ratios.values()) > 2 * LIMIT)


def python_milliseconds(*arguments: str) -> float:
    """Return how long a Python process with these arguments takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
