#!/usr/bin/env python3
"""Measure a night's scoring against its floor and against the usual way, on the sandbox.

    python benchmarks/night_cost.py [--runs N]

Floor: importing pandas, boto3, requests and SMOTEN, and rows x latency / workers. The usual way:
usual_way.py. 300 rows, 8 workers, endpoints of 0, 20 and 100 ms; the first day of a state folder,
and the day after it. Medians of runs that alternate, so that a busy machine slows all alike.
Prints the table of docs/performance.md and JSON; exits 1 past twice a limit.
"""

import argparse
import json
import statistics
import sys
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import ROOT, machine, measure, running_sandbox, table_row

if TYPE_CHECKING:
    from tests.support.sandbox import RunningSandbox

ROWS, WORKERS, RUNS = 300, 8, 5
LATENCIES_MS = (0, 20, 100)
IMPORTS = "import pandas, boto3, requests; from imblearn.over_sampling import SMOTEN"
SCRIPT, USUAL_WAY = ROOT / "daily_scoring.py", ROOT / "benchmarks" / "usual_way.py"
DAY = date(2026, 1, 1)
LIMITS = {
    "first_to_floor": {20: 1.2, 100: 1.08},
    "later_to_floor": {20: 1.12, 100: 1.08},
    "later_to_usual": {20: 1 / 2.3, 100: 1 / 4.5},
}
Times = dict[str, list[float]]


def main() -> int:
    flags = argparse.ArgumentParser()
    flags.add_argument("--runs", type=int, default=RUNS)
    runs = flags.parse_args().runs
    with running_sandbox() as (sandbox, folder):
        figures = {latency: night(sandbox, folder, latency, runs) for latency in LATENCIES_MS}

    print_table(figures)
    print(json.dumps({**machine(), "rows": ROWS, "workers": WORKERS, "latency_ms": figures}))
    return int(any(exceedances(figures)))


def night(sandbox: "RunningSandbox", folder: Path, latency_ms: int, runs: int) -> dict[str, float]:
    """Return the median seconds of each, and their ratios, at one latency."""
    sandbox.switch(latency_ms=latency_ms)
    times: Times = {name: [] for name in ("imports", "first", "later", "usual")}
    for run in range(runs):
        env = sandbox.environment(
            DOMINO_PROJECT_ID=uuid.uuid4().hex[:24],
            STATE_DIR=str(folder / f"state-{latency_ms}-{run}"),
            REPORT_DIR=str(folder / f"reports-{latency_ms}-{run}"),
        )
        times["imports"].append(measure(["-c", IMPORTS], folder=folder).seconds)
        for name, day in (("first", DAY), ("later", DAY + timedelta(days=1))):
            flags = ["-q", "--date", str(day), "--rows", str(ROWS)]
            times[name].append(measure([str(SCRIPT), *flags], env).seconds)
        usual = [str(USUAL_WAY), str(ROWS), f"usual/{uuid.uuid4().hex}.csv"]
        times["usual"].append(measure(usual, env).seconds)

    seconds = {name: statistics.median(measured) for name, measured in times.items()}
    seconds["floor"] = seconds["imports"] + ROWS * latency_ms / 1000 / WORKERS
    ratios = {
        "first_to_floor": seconds["first"] / seconds["floor"],
        "later_to_floor": seconds["later"] / seconds["floor"],
        "later_to_usual": seconds["later"] / seconds["usual"],
    }
    return {name: round(figure, 3) for name, figure in (seconds | ratios).items()}


def print_table(figures: dict[int, dict[str, float]]) -> None:
    """Print seconds, and how many times the floor each is."""
    print(table_row("", *(f"{latency} ms" for latency in figures)))
    print(table_row("---", *("---:" for _ in figures)))
    for name, title in (
        ("floor", "floor"),
        ("first", "daily_scoring.py, first day"),
        ("later", "daily_scoring.py, later day"),
        ("usual", "the usual way"),
    ):
        cells = []
        for measured in figures.values():
            times_floor = measured[name] / measured["floor"]
            cells.append(f"{measured[name]:.2f} s" + f" ({times_floor:.2f})" * (name != "floor"))
        print(table_row(title, *cells))


def exceedances(figures: dict[int, dict[str, float]]) -> Iterator[str]:
    """Yield the ratios above twice their limit."""
    for ratio, limits in LIMITS.items():
        for latency_ms, limit in limits.items():
            if figures[latency_ms][ratio] > 2 * limit:
                yield f"{ratio} at {latency_ms} ms"


if __name__ == "__main__":
    sys.exit(main())
