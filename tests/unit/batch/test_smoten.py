"""SMOTEN: our faster neighbors are its own ones; nothing but synthetic rows comes out."""

import numpy as np
from imblearn.metrics.pairwise import ValueDifferenceMetric
from imblearn.over_sampling import SMOTEN

from monitoring.batch import smoten
from monitoring.batch.encoding import Codes, Places


def table(rows: int = 200) -> tuple[Codes, Places, np.random.Generator]:
    seed = int(np.random.default_rng().integers(1_000_000))
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    classes = random.integers(0, 3, rows)
    codes = np.column_stack(
        [random.integers(0, size, rows) + classes * (size > 4) for size in (2, 3, 5, 7, 40)]
    )
    return codes.astype(np.int16), classes, random


def test_the_distances_are_those_of_the_value_difference_metric() -> None:
    codes, classes, _ = table()
    # Its own asks for codes without gaps.
    codes = np.column_stack([np.unique(column, return_inverse=True)[1] for column in codes.T])
    expected = ValueDifferenceMetric().fit(codes, classes).pairwise(codes)

    differences = smoten.value_differences(codes, classes)

    distances = sum(
        apart[codes[:, column, None], codes[:, column]] for column, apart in enumerate(differences)
    )
    np.testing.assert_allclose(distances / 2**20, expected, atol=1e-5)


def test_the_nearest_rows_are_those_at_the_smallest_distances(monkeypatch) -> None:
    monkeypatch.setattr(smoten, "_BLOCK_ROWS", 30)
    codes, classes, _ = table(100)
    differences = smoten.value_differences(codes, classes)
    distances = sum(
        apart[codes[:, column, None], codes[:, column]] for column, apart in enumerate(differences)
    )

    nearest = smoten.nearest_rows(codes, differences, 4)

    expected = np.argsort(distances, axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(np.sort(nearest), np.sort(expected))


def test_the_rows_of_a_class_are_as_many_as_its_own_smoten_makes_and_have_its_shares() -> None:
    """One draw differs from another, and ties are broken otherwise: the shares are near."""
    codes, classes, random = table(600)
    reference = SMOTEN(sampling_strategy={0: 9000}, k_neighbors=3, random_state=1)

    synthetic, labels = smoten.synthesize(codes, classes, [5, 0, 0], 3, random)

    its_own = reference.fit_resample(codes, classes)[0][len(codes) :]
    assert len(synthetic) == smoten.DRAWS * (classes == 0).sum()
    assert set(labels) == {0}
    for column in range(5):
        shares = [
            np.bincount(rows[:, column], minlength=50) / len(rows) for rows in (synthetic, its_own)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.12
