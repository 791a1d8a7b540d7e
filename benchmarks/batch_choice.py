#!/usr/bin/env python3
"""Measure the batch's choices: neighbors, merged or whole source columns, bins.

    python benchmarks/batch_choice.py [DAYS]
            every choice, 200 days each by default: about 20 minutes; prints the table of
            docs/daily-scoring.md
    python benchmarks/batch_choice.py seeds
            the default choice under 20 seeds, 60 days each: at most 22 days may alarm

A quiet day alarms when a feature passes its limit at the 1 % setting
(tests/support/quiet_limits.py: SciPy, exact or simulated).
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it runs as a script: imports of the project come after this

if TYPE_CHECKING:
    from tests.support.quiet_days import Choice, Figures

DAYS = 200
SEEDS, DAYS_OF_A_SEED, MAX_ALARMS = 20, 60, 22
COLUMNS = (
    "neighbors",
    "columns",
    "bins",
    "raking",
    "days that alarm",
    "pooled PSI, highest",
    "mean age off",
    "distinct",
    "real",
)


def main() -> int:
    if sys.argv[1:] == ["seeds"]:
        return measure_seeds()
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    print(f"{days} days of 300 rows, 150 of each class\n")
    print(table_row(*COLUMNS))
    print("|---" * len(COLUMNS) + "|")
    for choice in choices():
        print_choice(choice, days)
    return 0


def choices() -> "list[Choice]":
    """Return every choice that is measured."""
    from tests.support.quiet_days import Choice

    measured = [
        Choice(neighbors=neighbors, every_level=every_level)
        for neighbors in range(1, 6)
        for every_level in (False, True)
    ]
    measured += [Choice(bins=bins) for bins in (3, 4, 6, 7, 8, 9, 10)]
    measured += [Choice(neighbors=neighbors, raking=False) for neighbors in (3, 5)]
    return measured


def print_choice(choice: "Choice", days: int) -> None:
    """Measure a choice and print its row of the table."""
    from monitoring.errors import RefusedError
    from tests.support.quiet_days import measure
    from tests.support.shipped import shipped_settings

    columns = "whole" if choice.every_level else "merged"
    row = [str(choice.neighbors), columns, str(choice.bins), "yes" if choice.raking else "no"]
    try:
        row += figure_cells(measure(shipped_settings(), days, choice), days)
    except RefusedError as error:
        row += [f"refused: {str(error).split(':')[0]}", "", "", "", ""]
    print(table_row(*row), flush=True)


def figure_cells(figures: "Figures", days: int) -> list[str]:
    """Return the figures as cells of the table."""
    return [
        f"{figures.alarms / days:.1%}",
        f"{figures.pooled_psi:.4f}",
        f"{figures.age_off:.2f}",
        f"{figures.distinct:.0%}",
        f"{figures.real:.0%}",
    ]


def table_row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def measure_seeds() -> int:
    """Print what the default choice gives under many seeds; return 1 where a bound is passed."""
    from tests.support.quiet_days import measure
    from tests.support.shipped import shipped_settings

    settings = shipped_settings()
    by_seed = [measure(settings, DAYS_OF_A_SEED, seed=seed) for seed in range(SEEDS)]
    alarms = sum(figures.alarms for figures in by_seed)
    worst = {
        "pooled_psi": max(figures.pooled_psi for figures in by_seed),
        "age_off": max(figures.age_off for figures in by_seed),
        "real": max(figures.real for figures in by_seed),
        "distinct": min(figures.distinct for figures in by_seed),
    }
    result = {"seeds": SEEDS, "days": DAYS_OF_A_SEED, "alarms": alarms, "may_alarm": MAX_ALARMS}
    print(json.dumps({**result, "worst_seed": worst}))

    is_within = (
        alarms <= MAX_ALARMS
        and worst["pooled_psi"] <= 0.01
        and worst["age_off"] <= 0.5
        and worst["real"] <= 0.6
        and worst["distinct"] >= 0.75
    )
    return 0 if is_within else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
