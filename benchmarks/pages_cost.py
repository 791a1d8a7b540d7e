"""What the pages cost: bytes and milliseconds for 40 days and for three years.

`python benchmarks/pages_cost.py` prints one JSON object and ends with 1 past twice a limit. Of each
history: a day's page, its lines of history.csv, reading history and ledger, and the overview.
Thirty evaluated days are repeated. Times are of the processor: what else the machine does is not
counted.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.population import Population
from benchmarks.worlds import World
from monitoring.checks.limits import Limits
from monitoring.checks.record import DayRecord
from monitoring.ledger import manifest as manifests
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.report import calendar, history
from monitoring.report.metrics import history_rows
from monitoring.report.overview import overview
from monitoring.report.page import page
from monitoring.settings.model import Checks, Settings

FIRST = date(2026, 1, 1)
EVALUATED = 30
LENGTHS = {"40_days": 40, "three_years": 1095}
BYTES_LIMIT = 300_000
MS_LIMIT = 400


def evaluated_days() -> list[DayRecord]:
    """Return the records of thirty days of 300 rows."""
    population, random = Population(), np.random.default_rng(0)
    world = World(population, population.baseline(population.frame), Limits())
    records: list[DayRecord] = []
    for number in range(EVALUATED):
        frame = population.draw((150, 150), random)
        records.append(world.evaluate(number, frame, population.answers(frame), records))
    return records


def write_history(workspace: Workspace, records: list[DayRecord], days: int) -> None:
    """Write history.csv, the ledger and the names of the pages, for so many days."""
    with workspace.history.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(history.HEADER)
        for number in range(days):
            day = FIRST + timedelta(days=number)
            rows = history_rows(records[number % EVALUATED])
            writer.writerows([str(day), *row[1:]] for row in rows)
            path = workspace.manifest(day)
            path.parent.mkdir(parents=True, exist_ok=True)
            times = {"ingested": f"{day}T12:00:00Z"}
            known = Manifest(day=str(day), model="m", state=State.INGESTED, times=times)
            manifests.write(path, known)
            workspace.page(day).touch()


def timed(name: str, figures: dict[str, float], work: Callable[[], Any]) -> Any:
    """Do some work, note its milliseconds, and return its result."""
    began = time.process_time()
    result = work()
    figures[f"{name}_ms"] = round((time.process_time() - began) * 1000, 1)
    return result


def cost(records: list[DayRecord], number: int) -> dict[str, float]:
    """Return bytes and milliseconds of the pages after so many days."""
    settings = cast(
        Settings,
        SimpleNamespace(model="m", checks=Checks(), ground_truth=SimpleNamespace(lag_days=1)),
    )
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder, "state"), Path(folder))
        write_history(workspace, records, number)
        last = FIRST + timedelta(days=number - 1)
        record = msgspec.structs.replace(records[-1], day=str(last))

        timed("history", figures, lambda: history.write(workspace.history, record))
        shown = timed("day_page", figures, lambda: page(records[-1], records[:-1]))
        days = timed("reading", figures, lambda: calendar.read(workspace))
        all_days = timed("overview", figures, lambda: overview(days, settings, last))
    figures["night_ms"] = figures["history_ms"] + figures["reading_ms"] + figures["overview_ms"]
    figures["day_page_bytes"] = len(shown.encode())
    figures["overview_bytes"] = len(all_days.encode())
    return figures


def main() -> int:
    """Print the figures and return 1 if one is past twice its limit."""
    records = evaluated_days()
    page(records[-1], records[:-1])  # templates are read once
    figures = {name: cost(records, number) for name, number in LENGTHS.items()}
    limits = {"overview_bytes": BYTES_LIMIT, "day_page_bytes": BYTES_LIMIT, "night_ms": MS_LIMIT}
    print(json.dumps({"figures": figures, "limits": limits}))
    is_past = (
        each[name] > 2 * limit for each in figures.values() for name, limit in limits.items()
    )
    return int(any(is_past))


if __name__ == "__main__":
    sys.exit(main())
