"""Numericals drawn together: of their bin, paired as in the training data, nobody's copy."""

import numpy as np
import pytest

from monitoring.batch.numericals import Donors, draw_together


@pytest.fixture
def random() -> np.random.Generator:
    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    return np.random.default_rng(seed)


def donors(random: np.random.Generator, columns: int = 6, rows: int = 1000) -> Donors:
    """Rows of a group and numericals that go together in pairs, in five bins."""
    normal = random.standard_normal((rows, columns))
    normal[:, 1::2] = 0.95 * normal[:, ::2] + 0.3 * normal[:, 1::2]
    edges = np.quantile(normal, [0.2, 0.4, 0.6, 0.8], axis=0)
    bins = np.column_stack(
        [np.searchsorted(edges[:, column], normal[:, column]) for column in range(columns)]
    )
    codes = np.column_stack([random.integers(0, 3, rows), bins]).astype(np.int16)
    return Donors(codes, normal)


def test_each_value_is_one_of_its_bin(random: np.random.Generator) -> None:
    real = donors(random)
    codes = real.codes[random.integers(0, 1000, 300)]

    values = draw_together(codes, real, random)

    for column in range(6):
        for code in np.unique(codes[:, column + 1]):
            of_bin = real.values[real.codes[:, column + 1] == code, column]
            assert np.isin(values[codes[:, column + 1] == code, column], of_bin).all()


def test_the_values_of_a_bin_have_its_distribution(random: np.random.Generator) -> None:
    """Drawn one by one the largest gap would be four times as large."""
    real = donors(random)
    codes = real.codes[random.integers(0, 1000, 500)]

    values = draw_together(codes, real, random)

    for column in range(6):
        for code in range(5):
            drawn = np.sort(values[codes[:, column + 1] == code, column])
            of_bin = np.sort(real.values[real.codes[:, column + 1] == code, column])
            shares = np.searchsorted(of_bin, drawn, side="right") / len(of_bin)
            steps = np.arange(1, len(drawn) + 1) / len(drawn)
            assert np.abs(shares - steps).max() <= 1 / len(drawn) + 1 / len(of_bin)


def test_pairs_stay_together_within_their_bins(random: np.random.Generator) -> None:
    """Values drawn on their own would have no correlation left within a pair of bins."""
    real = donors(random, rows=2000)
    codes = real.codes[random.integers(0, 2000, 1500)]

    values = draw_together(codes, real, random)

    def correlation_within(codes, values) -> float:
        is_top = (codes[:, 1] == 4) & (codes[:, 2] == 4)
        return float(np.corrcoef(values[is_top, 0], values[is_top, 1])[0, 1])

    expected = correlation_within(real.codes, real.values)
    assert expected > 0.5
    assert correlation_within(codes, values) > 0.25 * expected


def test_nobody_gives_more_than_half_of_a_row(random: np.random.Generator) -> None:
    """Rows with the codes of real rows: each has a donor that could give everything."""
    real = donors(random)

    values = draw_together(real.codes, real, random)

    # By chance a value can be that of the row itself: it is one of its bin.
    shared = [(values == row).sum(axis=1).max() for row in real.values]
    assert np.mean(np.array(shared) > 3) < 0.05
    assert max(shared) < 6


def test_a_single_numerical_is_nobodys_but_of_its_bin(random: np.random.Generator) -> None:
    real = donors(random)
    single = Donors(real.codes[:, :2], real.values[:, :1])

    values = draw_together(single.codes, single, random)

    assert (values == single.values).mean() < 0.05


def test_no_numericals_and_few_donors_work(random: np.random.Generator) -> None:
    real = donors(random, rows=3)

    assert draw_together(
        real.codes[:, :1], Donors(real.codes[:, :1], np.empty((3, 0))), random
    ).shape == (3, 0)
    assert draw_together(real.codes, real, random).shape == (3, 6)
