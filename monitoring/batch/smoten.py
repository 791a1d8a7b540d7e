"""SMOTEN (imbalanced-learn): synthetic rows from the codes of some reference rows."""

import warnings

import numpy as np
from imblearn.over_sampling import SMOTEN
from numpy.typing import NDArray

from monitoring.batch.encoding import Codes, Places

DRAWS = 5
"""Synthetic rows for each reference row.

What SMOTEN makes of a row is fixed: more of them would only repeat those that there are. Of fewer
some rows would be missed (with 5, one in 150).
"""

Distances = NDArray[np.float64]

_STEPS = 2**20
_BLOCK_ROWS = 500


def synthesize(
    codes: Codes, classes: Places, wanted: list[int], neighbors: int, random: np.random.Generator
) -> tuple[Codes, Places]:
    """Return synthetic codes (rows, columns) and their classes (rows,).

    codes, classes: of the reference rows. wanted: by class, the rows that will be drawn; of a
    class with any there are five times as many as it has reference rows.
    """
    # In any order: neighbors at the same distance must not be those that come first in the file.
    shuffled = random.permutation(len(codes))
    available = np.bincount(classes, minlength=len(wanted)).tolist()
    smoten = _Smoten(
        sampling_strategy={
            code: (1 + DRAWS) * available[code] for code, count in enumerate(wanted) if count
        },
        k_neighbors=neighbors,
        random_state=int(random.integers(2**31)),
    )
    with warnings.catch_warnings():
        # "more samples than the majority class": that is what is asked for.
        warnings.simplefilter("ignore", UserWarning)
        all_codes, all_classes = smoten.fit_resample(codes[shuffled], classes[shuffled])
    # The originals come first in what it returns.
    return all_codes[len(codes) :], all_classes[len(codes) :]


class _Smoten(SMOTEN):  # type: ignore[misc]  # imbalanced-learn has no types
    """SMOTEN with its neighbors found ten times as fast, and the same ones on any machine.

    Its own search holds the distances between all rows at once, and of rows at the same distance
    it takes others on a processor with other instructions.
    """

    def _fit_resample(self, X: Codes, y: Places) -> tuple[Codes, Places]:  # noqa: N803  # its names
        differences = value_differences(X, y)
        rows, classes = [X], [y]
        for code, count in self.sampling_strategy_.items():
            of_class = X[y == code]
            nearest = nearest_rows(of_class, differences, self.k_neighbors + 1)
            drawn, drawn_classes = self._make_samples(of_class, code, y.dtype, nearest, count)
            rows.append(drawn)
            classes.append(drawn_classes)
        return np.vstack(rows), np.hstack(classes)


def value_differences(codes: Codes, classes: Places) -> list[Distances]:
    """Return for each column how far its codes are apart (codes, codes), in steps of 2^-20.

    The value difference metric, as imblearn.metrics.pairwise.ValueDifferenceMetric: codes are near
    where the classes have like shares among the rows with either. Sums of whole numbers are exact,
    in whichever order a machine adds them.
    """
    differences = []
    for column in codes.T:
        counts = np.zeros((int(column.max()) + 1, int(classes.max()) + 1))
        np.add.at(counts, (column, classes), 1)
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        apart = np.abs(shares[:, None, :] - shares[None, :, :]).sum(axis=2)
        differences.append(np.rint(apart**2 * _STEPS))
    return differences


def nearest_rows(codes: Codes, differences: list[Distances], count: int) -> Places:
    """Return the places of each row's nearest rows (rows, count), itself among them.

    Of several at the same distance the first ones. differences: as of value_differences.
    """
    sizes = [len(apart) for apart in differences]
    firsts = np.cumsum([0, *sizes[:-1]])
    is_code = np.zeros((len(codes), sum(sizes)))
    np.put_along_axis(is_code, codes + firsts, 1, axis=1)

    places = np.arange(len(codes))
    nearest = []
    for first_row in range(0, len(codes), _BLOCK_ROWS):
        block = codes[first_row : first_row + _BLOCK_ROWS]
        to_codes = [apart[block[:, column]] for column, apart in enumerate(differences)]
        distances = np.hstack(to_codes) @ is_code.T
        # No two keys of a row are the same: how they are sorted plays no part.
        keys = distances * len(codes) + places
        nearest.append(np.argpartition(keys, count - 1, axis=1)[:, :count])
    return np.concatenate(nearest)
