#!/usr/bin/env python3
"""Measure what three years of known days cost the scripts.

    python benchmarks/history_cost.py

A night of daily_scoring.py, `gt_registration.py --pending` and `--status` on the sandbox, with no
known day and with 1,095 ingested ones, whose store holds no object. Three runs of each; the
quickest counts. Prints a table of docs/performance.md and JSON; exits 1 past twice a limit.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import ROOT, machine, measure, running_sandbox, table_row

DAYS, RUNS, ROWS = 1095, 3, 100
DAY, MODEL = date(2026, 1, 1), "credit-default"
NIGHT_LIMIT_SECONDS, DAY_LIMIT_MS = 0.4, 0.2
SCRIPTS = {
    "daily_scoring.py": ["daily_scoring.py", "-q", "--rows", str(ROWS)],
    "gt_registration.py --pending": ["gt_registration.py", "-q", "--pending"],
    "gt_registration.py --status": ["gt_registration.py", "-q", "--status"],
}


def main() -> int:
    figures: dict[str, dict[str, float]] = {}
    with running_sandbox() as (sandbox, folder):
        env = sandbox.environment(
            STATE_DIR=str(folder / "state"), REPORT_DIR=str(folder / "reports")
        )
        without = quickest(env, DAY)
        add_days(folder)
        known = quickest(env, DAY + timedelta(days=RUNS))

    for name in SCRIPTS:
        more = known[name] - without[name]
        figures[name] = {"seconds_more": round(more, 3), "ms_a_day": round(more / DAYS * 1000, 3)}
    print(table_row("", f"{DAYS:,} known days", "a day"))
    print(table_row("---", "---:", "---:"))
    for name, figure in figures.items():
        seconds, ms = figure["seconds_more"], figure["ms_a_day"]
        print(table_row(f"`{name}`", f"{seconds:+.2f} s", f"{ms:.2f} ms"))
    print(json.dumps({**machine(), "known_days": DAYS, **figures}))
    night, *others = figures.values()
    is_slow = any(figure["ms_a_day"] > 2 * DAY_LIMIT_MS for figure in others)
    return int(is_slow or night["seconds_more"] > 2 * NIGHT_LIMIT_SECONDS)


def quickest(env: Mapping[str, str], first: date) -> dict[str, float]:
    """Return the seconds of each script's quickest run; a day for each run is scored."""
    seconds: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    for run in range(RUNS):
        day = str(first + timedelta(days=run))
        for name, (script, *flags) in SCRIPTS.items():
            dates = ["--date", day] if script == "daily_scoring.py" else []
            seconds[name].append(measure([str(ROOT / script), *flags, *dates], env).seconds)
    return {name: min(measured) for name, measured in seconds.items()}


def add_days(folder: Path) -> None:
    """Put ingested days before the first one, with their files, records, pages and history."""
    state, reports = folder / "state" / MODEL, folder / "reports" / MODEL
    manifest = json.loads((state / str(DAY) / "manifest.json").read_text())
    header, *lines = (reports / "history.csv").read_text().splitlines()
    of_day = [line for line in lines if line.startswith(str(DAY))]
    history = [header]
    for number in range(DAYS, 0, -1):
        day = str(DAY - timedelta(days=number))
        (state / day).mkdir()
        for name in ("batch.csv", "scores.jsonl"):
            shutil.copy(state / str(DAY) / name, state / day / name)
        known = {**manifest, "day": day, "state": "ingested", "failures": {}}
        (state / day / "manifest.json").write_text(json.dumps(known, indent=1))
        for ending in ("json", "html"):
            text = (reports / f"{DAY}.{ending}").read_text()
            (reports / f"{day}.{ending}").write_text(text.replace(str(DAY), day))
        history += [line.replace(str(DAY), day) for line in of_day]
    (reports / "history.csv").write_text("\n".join([*history, *lines, ""]))


if __name__ == "__main__":
    sys.exit(main())
