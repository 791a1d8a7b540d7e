#!/usr/bin/env python3
"""Measure what training data of a million rows and more cost a night, beyond those of 1,000 rows.

    python benchmarks/training_data_cost.py [--rows MILLIONS ...]

Nights of daily_scoring.py on the sandbox, without latency and with 100 rows: the first one reads
and counts the training data, later ones take what it kept. The quickest of three later nights
counts. Prints a table of docs/performance.md and JSON; exits 1 past twice a limit.
"""

import argparse
import json
import sys
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import ROOT, Measured, machine, measure, running_sandbox, table_row

if TYPE_CHECKING:
    from tests.support.sandbox import RunningSandbox

DATA = ROOT / "data" / "german_credit.csv"
SCRIPT = ROOT / "daily_scoring.py"
DATA_ROWS, ROWS, LATER_NIGHTS = 1000, 100, 3
MILLIONS = (1, 3)
DAY = date(2026, 1, 1)
MIB = 2**20
LIMITS = {"first_seconds": 8, "later_seconds": 0.5, "first_mib": 150, "later_mib": 40}
"""Of three million rows, beyond the nights with 1,000."""


class Nights(NamedTuple):
    """The first night with some training data, and a later one."""

    first: Measured
    later: Measured


def main() -> int:
    flags = argparse.ArgumentParser()
    flags.add_argument("--rows", type=int, nargs="+", default=MILLIONS, metavar="MILLIONS")
    millions = flags.parse_args().rows
    with running_sandbox() as (sandbox, folder):
        small = nights(sandbox, folder, DATA)
        larger = {}
        for number in millions:
            path = folder / f"{number}.csv"
            write_repeated(path, number * 1_000_000 // DATA_ROWS)
            larger[number] = nights(sandbox, folder, path)
            path.unlink()

    beyond = {number: difference(small, measured) for number, measured in larger.items()}
    print(table_row("training rows", "first night", "memory", "later nights", "memory"))
    print(table_row("---", "---:", "---:", "---:", "---:"))
    for number, figures in beyond.items():
        cells = [
            f"{figure:+.1f} s" if name.endswith("seconds") else f"{figure:+.0f} MiB"
            for name, figure in figures.items()
        ]
        print(table_row(f"{number},000,000", *cells))
    print(json.dumps({**machine(), "millions_of_rows": beyond, "limits_of_3": LIMITS}))
    figures = beyond.get(3, {})
    return int(any(figure > 2 * LIMITS[name] for name, figure in figures.items()))


def nights(sandbox: "RunningSandbox", folder: Path, training_data: Path) -> Nights:
    """Return what the first night and the quickest of some later ones took."""
    config = folder / "config.yaml"
    shipped = (ROOT / "config.yaml").read_text()
    config.write_text(shipped.replace("data/german_credit.csv", str(training_data)))
    name = uuid.uuid4().hex[:24]
    env = sandbox.environment(
        DOMINO_PROJECT_ID=name,
        STATE_DIR=str(folder / name / "state"),
        REPORT_DIR=str(folder / name / "reports"),
    )
    measured = []
    for night in range(1 + LATER_NIGHTS):
        day = str(DAY + timedelta(days=night))
        flags = ["-q", "--config", str(config), "--date", day, "--rows", str(ROWS)]
        measured.append(measure([str(SCRIPT), *flags], env))
    return Nights(measured[0], min(measured[1:]))


def difference(small: Nights, large: Nights) -> dict[str, float]:
    """Return seconds and MiB of the larger data beyond the smaller."""
    return {
        "first_seconds": round(large.first.seconds - small.first.seconds, 2),
        "first_mib": round((large.first.peak_bytes - small.first.peak_bytes) / MIB),
        "later_seconds": round(large.later.seconds - small.later.seconds, 2),
        "later_mib": round((large.later.peak_bytes - small.later.peak_bytes) / MIB),
    }


def write_repeated(path: Path, times: int) -> None:
    """Write the sample data, their rows repeated."""
    header, *rows = DATA.read_text().splitlines(keepends=True)
    block = "".join(rows)
    with path.open("w") as file:
        file.write(header)
        for _ in range(times):
            file.write(block)


if __name__ == "__main__":
    sys.exit(main())
