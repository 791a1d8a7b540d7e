"""Raking: every code gets its share, what can't be met is measured; draws by weight."""

import numpy as np
import pytest

from monitoring.batch.raking import draw_systematically, raking_weights


@pytest.fixture
def random() -> np.random.Generator:
    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    return np.random.default_rng(seed)


def test_raking_gives_every_code_its_share(random: np.random.Generator) -> None:
    targets = np.column_stack(
        [random.choice(3, 500, p=[0.6, 0.3, 0.1]), random.choice(2, 500, p=[0.8, 0.2])]
    )
    codes = np.column_stack([random.choice(3, 3000), random.choice(2, 3000)]).astype(np.int16)
    counts = random.integers(1, 9, 3000).astype(float)

    weights, residual = raking_weights(codes, counts, targets.astype(np.int16))

    for column in range(2):
        expected = np.bincount(targets[:, column]) / 500
        shares = np.bincount(codes[:, column], weights)
        np.testing.assert_allclose(shares, expected, atol=6e-4)
    assert residual.points <= 0.06


def test_rows_that_a_pool_has_more_often_weigh_more() -> None:
    codes = np.array([[0], [1], [1]])

    weights, _ = raking_weights(codes, np.array([5.0, 3.0, 1.0]), np.array([[0], [1]]))

    np.testing.assert_allclose(weights, [0.5, 0.375, 0.125])


def test_a_code_that_no_row_has_is_the_residual_and_the_others_take_its_part() -> None:
    codes = np.array([[0], [1], [0]])
    targets = np.array([[0]] * 60 + [[1]] * 30 + [[2]] * 10)

    weights, residual = raking_weights(codes, np.ones(3), targets)

    assert (residual.column, residual.code, residual.reached) == (0, 2, 0)
    assert residual.points == pytest.approx(10)
    np.testing.assert_allclose(weights, [1 / 3, 1 / 3, 1 / 3], atol=1e-3)


def test_shares_that_contradict_each_other_are_the_residual() -> None:
    """Both columns are always equal in these rows, and can't have two different shares."""
    codes = np.array([[0, 0], [1, 1]])
    targets = np.array([[0, 0]] * 60 + [[1, 0]] * 20 + [[1, 1]] * 20)

    _, residual = raking_weights(codes, np.ones(2), targets)

    assert residual.points >= 9.9


def test_a_row_is_drawn_as_often_as_its_weight_says_rounded_up_or_down(
    random: np.random.Generator,
) -> None:
    for count in (1, 7, 300):
        weights = random.random(50)
        weights /= weights.sum()

        drawn = draw_systematically(weights, count, random)

        times = np.bincount(drawn, minlength=50)
        assert len(drawn) == count
        assert np.abs(times - weights * count).max() < 1


def test_every_row_is_drawn_in_its_share_of_the_draws(random: np.random.Generator) -> None:
    weights = np.array([0.5, 0.3, 0.2, 0.0])

    draws = [draw_systematically(weights, 3, random) for _ in range(3000)]

    shares = np.bincount(np.concatenate(draws), minlength=4) / 9000
    np.testing.assert_allclose(shares, weights, atol=0.02)
    assert shares[3] == 0
