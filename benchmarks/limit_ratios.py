"""How often chance exceeds each kind of limit, as a ratio to the rate that was asked for.

`python benchmarks/limit_ratios.py` prints one line for each method of monitoring/statistics/limits,
over baselines even and uneven, 30 to 2,100 rows, at 1 % and 0.05 %: the least and the largest
ratio. The limit's own draws play no part: quiet batches are drawn anew. Where a rate is small the
draws leave a standard error, which is printed beside it.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from monitoring.checks.limits import Limits
from monitoring.statistics.arrays import Array
from monitoring.statistics.limits import Statistic
from monitoring.statistics.shift import expected_shares, ks, psi

RATES = (0.01, 0.0005)
BLOCK = 20_000
SIZES = ((15, 15), (150, 150), (1050, 1050))


class Case(NamedTuple):
    """A limit to check; baseline (classes, cells), class_rows (classes,)."""

    method: str
    statistic: Statistic
    baseline: Array
    class_rows: Array
    independent: bool


def cases(random: np.random.Generator) -> Iterator[Case]:
    """Yield every method with the baselines that it is for."""
    sizes = [np.array(size) for size in SIZES]
    for independent in (False, True):
        relation = "independent" if independent else "own"
        for cells, method in ((2, "PSI, 2 cells"), (3, "PSI, 3 cells"), (8, "PSI, 8 cells")):
            for evenness in (0.3, 3.0):
                baseline = drawn_baseline(random, (300, 700), np.full(cells, evenness))
                for rows in sizes:
                    yield Case(f"{method}, {relation}", psi, baseline, rows, independent)
        for method, shares in (
            ("KS, 2 classes, 20 even cells", np.full(20, 0.05)),
            ("KS, 2 classes, largest cell 30 %", np.r_[0.3, np.full(19, 0.7 / 19)]),
            ("KS, 4 cells (simulated)", np.full(4, 0.25)),
            ("KS, largest cell 95 % (simulated)", np.r_[0.95, np.full(19, 0.05 / 19)]),
        ):
            baseline = np.stack([random.multinomial(rows, shares) for rows in (300, 700)])
            for rows in sizes:
                yield Case(f"{method}, {relation}", ks, baseline, rows, independent)
        baseline = drawn_baseline(random, (200, 300, 400), np.full(12, 3.0))
        for three in ((20, 30, 40), (100, 100, 100)):
            yield Case(f"KS, 3 classes, {relation}", ks, baseline, np.array(three), independent)


def drawn_baseline(
    random: np.random.Generator, class_rows: tuple[int, ...], evenness: Array
) -> Array:
    """Return counts (classes, cells); evenness (cells,): the smaller, the rarer some cells are."""
    shares = [random.dirichlet(evenness) for _ in class_rows]
    return np.stack(
        [random.multinomial(rows, each) for rows, each in zip(class_rows, shares, strict=True)]
    )


def ratios(case: Case, batches: int) -> list[float]:
    """Return how often quiet batches exceed the limit of each rate, divided by that rate."""
    baseline, class_rows = case.baseline, case.class_rows
    limits, random = Limits(), np.random.default_rng(1)
    at_rates = np.array(
        [
            limits.get(case.statistic, baseline, class_rows, rate, independent=case.independent)
            for rate in RATES
        ]
    )
    base_rows = baseline.sum(axis=1)
    shares = baseline / base_rows[:, None]

    def draw(rows: Array) -> list[Array]:
        return [
            random.multinomial(number, share, BLOCK)
            for number, share in zip(rows, shares, strict=True)
        ]

    exceeded = np.zeros(len(RATES))
    expected = expected_shares(baseline, class_rows)
    blocks = batches // BLOCK
    for _ in range(blocks):
        if case.independent:
            expected = expected_shares(np.stack(draw(base_rows), axis=1), class_rows)
        values = case.statistic(np.sum(draw(class_rows), axis=0), expected)
        exceeded += (values[:, None] > at_rates).sum(axis=0)
    return [float(ratio) for ratio in exceeded / (blocks * BLOCK) / RATES]


def main() -> int:
    """Print a line for each method."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--batches", type=int, default=400_000, help="drawn for each limit")
    batches = flags.parse_args().batches
    errors = [f"± {(1 / (batches * rate)) ** 0.5:.2f}" for rate in RATES]
    print(f"{batches:,} quiet batches a limit; standard errors of a ratio: {', '.join(errors)}")
    print(
        "| method | limits | true / asked at 1 % | true / asked at 0.05 % | seconds |\n"
        "|---|---|---|---|---|"
    )

    by_method: dict[str, list[list[float]]] = {}
    seconds: dict[str, float] = {}
    for case in cases(np.random.default_rng(3)):
        begin = time.process_time()
        by_method.setdefault(case.method, []).append(ratios(case, batches))
        seconds[case.method] = seconds.get(case.method, 0.0) + time.process_time() - begin
    for method, values in by_method.items():
        spans = [f"{low:.2f} to {high:.2f}" for low, high in _spans(values)]
        print(f"| {method} | {len(values)} | {' | '.join(spans)} | {seconds[method]:.0f} |")
    return 0


def _spans(values: list[list[float]]) -> list[tuple[float, float]]:
    by_rate = np.array(values)
    return list(zip(by_rate.min(axis=0).tolist(), by_rate.max(axis=0).tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
