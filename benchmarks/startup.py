"""What the scripts cost before they do anything: `python benchmarks/startup.py` prints JSON, exit 1 past twice a limit.

`--help` may take 1.5 times importing requests, PyYAML and python-dotenv (design: layout); medians of runs that alternate, so
that a busy machine slows both alike. A first run writes the .pyc files and is not counted.
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


def milliseconds(*arguments: str) -> float:
    """Return how long a Python process with these arguments takes."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
    return (time.perf_counter() - begin) * 1000


def main() -> int:
    """Measure, print, and judge."""
    commands = {script: (script, "--help") for script in SCRIPTS} | {"imports": IMPORTS}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, command in commands.items():
            taken = milliseconds(*command)
            if run:
                times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ratios = {script: round(medians[script] / medians["imports"], 2) for script in SCRIPTS}
    found = {"median_ms": {name: round(taken) for name, taken in medians.items()}, "ratio": ratios, "limit": LIMIT}
    print(json.dumps(found, indent=1))
    return int(max(ratios.values()) > 2 * LIMIT)


if __name__ == "__main__":
    sys.exit(main())
