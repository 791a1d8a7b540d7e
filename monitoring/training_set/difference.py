"""How the rows of a version differ from those of the version before."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd

from monitoring.dataset import counting
from monitoring.dataset.baseline import Baseline, Column, Integers
from monitoring.services.training_sets import Version
from monitoring.settings.model import Feature, Schema
from monitoring.statistics.shift import psi_dmm
from monitoring.training_set.content import as_captured


@dataclass(frozen=True, slots=True)
class Shift:
    """How a feature shifted: its PSI (usual formula, the previous version's bins).

    before, after: its mean; its share of 1; of a nominal feature the share of its first level.
    """

    feature: str
    psi: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How rows differ from a previous version's; what is not known of that is None or left out.

    previous: its number. rows, and each class's share by its name: [before, after]. shifts: the
    largest first.
    """

    previous: int
    rows: tuple[int | None, int]
    columns_added: list[str]
    columns_removed: list[str]
    class_shares: dict[str, tuple[float, float]] = field(default_factory=dict)
    shifts: list[Shift] = field(default_factory=list)


def difference(
    schema: Schema, frame: pd.DataFrame, previous: Version, before: Baseline | None
) -> Difference:
    """Return how these rows differ from a previous version's.

    frame: as of read_content. before: the previous version's counts, None where they are unknown.
    """
    names = as_captured(frame.iloc[:0], schema).columns
    columns = Difference(
        previous=previous.number,
        rows=(before.rows if before else _noted_rows(previous), len(frame)),
        columns_added=[name for name in names if name not in previous.columns],
        columns_removed=[name for name in previous.columns if name not in names],
    )
    if before is None:
        return columns

    codes = counting.class_codes(frame[schema.target.name], before.classes)
    class_shares = {
        str(value): (float(before.class_rows[code] / before.rows), float((codes == code).mean()))
        for code, value in enumerate(before.classes)
    }
    shifts = list(_shifts(schema, frame, codes, before))
    shifts.sort(key=lambda shift: -shift.psi)
    return replace(columns, class_shares=class_shares, shifts=shifts)


def _noted_rows(version: Version) -> int | None:
    rows = version.meta.get("rows", "")
    return int(rows) if rows.isdigit() else None


def _shifts(
    schema: Schema, frame: pd.DataFrame, codes: Integers, before: Baseline
) -> Iterator[Shift]:
    """Yield the shift of each feature that can be compared."""
    for feature in schema.features:
        old = before.columns.get(feature.name)
        if old is None or not old.counts.any() or not _is_of_type(old, feature):
            continue
        new = counting.count(frame, feature, old.cut, codes, len(before.classes))
        if new.counts.any():
            psi = float(psi_dmm(_bin_rows(new), _bin_rows(old)))
            yield Shift(feature.name, psi, _mean(old), _mean(new))


def _is_of_type(column: Column, feature: Feature) -> bool:
    kind = "numerical" if column.numbers else "nominal" if column.levels else "categorical"
    return kind == feature.type and column.nullable == feature.nullable


def _bin_rows(column: Column) -> Integers:
    """Return the rows of each of DMM's bins (bins,), of all classes."""
    counts = column.numbers.bins if column.numbers else column.counts
    bins: Integers = counts.sum(axis=0)
    return bins


def _mean(column: Column) -> float:
    """Return the mean; of a categorical feature it is the share of 1.

    Of a nominal one that of its first level.
    """
    if column.numbers:
        total = column.numbers.sums.sum()
    else:
        total = column.counts[:, 0 if column.levels else 1].sum()
    return float(total / max(1, column.valued.sum()))
