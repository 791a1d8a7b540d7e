"""Counts that chance alone gives: binomials, their sums and their tails, without SciPy."""

import math
from typing import NamedTuple

import numpy as np

from monitoring.statistics.arrays import Array

_DEVIATIONS = 9  # of the normal part; what lies outside weighs less than 1e-15
_EXTRA_ROWS = 25  # beyond those: a tail of few rows is longer than a normal one


class Distribution(NamedTuple):
    """The chances (k,) of the whole numbers low, low + 1, and so on; 1 in all."""

    low: int
    chance: Array

    @property
    def values(self) -> Array:
        """The numbers (k,)."""
        return np.arange(self.low, self.low + len(self.chance))


def binomial(rows: int, share: float) -> Distribution:
    """Return the distribution of a binomial, cut where it weighs less than 1e-15."""
    if rows <= 0 or share <= 0:
        return Distribution(0, np.ones(1))
    if share >= 1:
        return Distribution(rows, np.ones(1))

    reach = _DEVIATIONS * math.sqrt(rows * share * (1 - share)) + _EXTRA_ROWS
    low = max(0, math.floor(rows * share - reach))
    high = min(rows, math.ceil(rows * share + reach))
    hits = np.arange(low, high)
    # Each chance from the one before it: no factorial of a large number is needed.
    steps = np.log((rows - hits) / (hits + 1.0)) + math.log(share / (1 - share))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chance = np.exp(logs - logs.max())
    return Distribution(low, chance / chance.sum())


def sum_of_binomials(rows: Array, shares: Array) -> Distribution:
    """Return the distribution of the hits of several classes: rows and shares (classes,)."""
    low, chance = 0, np.ones(1)
    for class_rows, share in zip(rows, shares, strict=True):
        part = binomial(int(class_rows), float(share))
        low, chance = low + part.low, np.convolve(chance, part.chance)
    return Distribution(low, chance)


def chance_of_at_least(hits: int, rows: int, share: float) -> float:
    """Return the chance that a binomial has so many hits or more.

    It bounds the same chance of a sum of binomials whose mean share is this one, for hits above the
    mean (Hoeffding 1956): the rows of several classes may be taken together.
    """
    if hits <= 0:
        return 1.0
    distribution = binomial(rows, share)
    return float(distribution.chance[max(0, hits - distribution.low) :].sum())


def chance_beside_sample(hits: int, rows: int, share: float, sample_rows: float) -> float:
    """Return the chance of so many hits or more among `rows`, by what a sample of sample_rows has.

    share: of hits in the sample, which is of the same population (Fisher's exact test: of all hits
    in both, at most this few are the sample's). What is no whole number is rounded so that the
    chance is the larger one.
    """
    sample_rows = math.floor(sample_rows)
    sample_hits = min(sample_rows, math.ceil(share * sample_rows - 1e-9))
    return chance_of_at_most_drawn(sample_hits, sample_hits + hits, sample_rows, sample_rows + rows)


def effective_rows(sample_rows: Array, class_rows: Array) -> float:
    """Return how many rows a sample is worth at another mix of its classes (Kish 1965).

    sample_rows, class_rows (classes,): the sample's, and those that give the mix. A class that is
    rare in the sample alone makes its share of them uncertain. 0 where no class is in both.
    """
    present = (class_rows > 0) & (sample_rows > 0)
    if not present.any():
        return 0.0
    parts = class_rows[present] / class_rows[present].sum()
    return float(1 / (parts**2 / sample_rows[present]).sum())


def chance_of_at_most_drawn(hits: int, marked: int, drawn: int, rows: int) -> float:
    """Return the chance of so few marked rows, or fewer, among those drawn (hypergeometric).

    marked: of all `rows`. drawn: how many are drawn without replacement (Fisher's exact test).
    """
    lowest, highest = max(0, marked + drawn - rows), min(marked, drawn)
    if hits >= highest:
        return 1.0
    if hits < lowest:
        return 0.0
    number = np.arange(lowest, highest)
    ratios = np.log((marked - number) * (drawn - number) / (number + 1.0))
    steps = ratios - np.log(rows - marked - drawn + number + 1.0)
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chance = np.exp(logs - logs.max())
    return float(chance[: hits - lowest + 1].sum() / chance.sum())
