"""Equal inputs and their answers, against a dictionary."""

import numpy as np
import pytest

from monitoring.statistics.arrays import Array
from monitoring.statistics.repeats import SAME_SCORE, against, within

Rows = tuple[Array, Array, Array]


def random_rows(seed: int, rows: int, inputs: int) -> Rows:
    random = np.random.default_rng(seed)
    keys = random.integers(0, inputs, rows).astype(np.uint64)
    base = keys.astype(float) / max(1, inputs)
    moved = random.random(rows) < 0.3
    scores = np.where(moved, base + random.choice([1e-7, 0.01, 0.2], rows), base)
    return keys, (random.random(rows) < 0.5 * moved).astype(np.int64), scores


def oracle_within(rows: Rows) -> tuple[int, int]:
    answers: dict[int, list[tuple[int, float]]] = {}
    for key, code, score in zip(*rows, strict=True):
        answers.setdefault(int(key), []).append((int(code), float(score)))
    again = [each for each in answers.values() if len(each) > 1]
    return len(again), sum(differ(each) for each in again)


def differ(answers: list[tuple[int, float]]) -> bool:
    codes, scores = zip(*answers, strict=True)
    return len(set(codes)) > 1 or max(scores) - min(scores) >= SAME_SCORE


def oracle_against(today: Rows, earlier: Rows) -> tuple[int, int]:
    latest = {int(key): (code, score) for key, code, score in zip(*earlier, strict=True)}
    came: dict[int, bool] = {}
    for key, code, score in zip(*today, strict=True):
        if int(key) in latest:
            changed = differ([latest[int(key)], (code, score)])
            came[int(key)] = came.get(int(key), False) or changed
    return len(came), sum(came.values())


@pytest.mark.parametrize("inputs", [1, 20, 300, 10**9])
def test_repeats_are_those_of_a_dictionary(inputs: int) -> None:
    for seed in range(20):
        today, earlier = random_rows(seed, 150, inputs), random_rows(seed + 100, 400, inputs)

        assert within(*today)[:2] == oracle_within(today), seed
        assert against(today, earlier)[:2] == oracle_against(today, earlier), seed


def test_no_rows_have_no_repeats() -> None:
    nothing = random_rows(0, 0, 5)
    some = random_rows(0, 10, 5)

    assert within(*nothing) == against(nothing, some) == against(some, nothing) == (0, 0, 0, 0.0)


def test_missing_scores_are_compared_by_class_alone() -> None:
    keys, scores = np.array([1, 1, 2, 2], np.uint64), np.full(4, np.nan)

    repeats = within(keys, np.array([0, 1, 0, 0]), scores)

    assert repeats == (2, 1, 1, 0.0)
