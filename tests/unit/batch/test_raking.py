"""Raking: every code gets its share, or is refused by name."""

import numpy as np
import pytest

from monitoring.batch.raking import raking_weights
from monitoring.errors import RefusedError


def test_a_level_without_synthetic_rows_is_refused_by_name() -> None:
    codes = np.zeros((50, 1), dtype=int)
    targets = np.array([[0]] * 95 + [[1]] * 5)

    with pytest.raises(RefusedError, match=r"no synthetic row of class 1 has level 1, though 5.0%"):
        raking_weights(codes, targets, lambda column, code: f"level {code}", 1)


def test_raking_gives_every_code_its_share() -> None:
    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    targets = np.column_stack(
        [random.choice(3, 500, p=[0.6, 0.3, 0.1]), random.choice(2, 500, p=[0.8, 0.2])]
    )
    codes = np.column_stack([random.choice(3, 3000), random.choice(2, 3000)])

    weights = raking_weights(codes, targets, lambda column, code: "", 1)

    for column in range(2):
        expected = np.bincount(targets[:, column]) / 500
        shares = np.bincount(codes[:, column], weights)
        np.testing.assert_allclose(shares, expected, atol=1e-6)
