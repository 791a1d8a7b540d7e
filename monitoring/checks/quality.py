"""What can't be used, lies outside or was never seen, of every column of the batch."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from monitoring.checks.alert import Alert, Family
from monitoring.checks.counts import FeatureCounts
from monitoring.checks.record import ColumnQuality
from monitoring.checks.wording import baseline_name
from monitoring.dataset.baseline import Column
from monitoring.settings.model import Checks
from monitoring.statistics.arrays import Array
from monitoring.statistics.binomials import chance_beside_sample, chance_of_at_least, effective_rows
from monitoring.text import format_percent

_UNLIKELY = 1e-6
_UNLIKELY_PER_DAY = 1e-4  # for outliers of all columns together, and as much for missing values

_alert = partial(Alert, family=Family.QUALITY)


class _Compared(NamedTuple):
    """A column of the batch beside the baseline's.

    rows: of the whole batch. class_rows, base_class_rows (classes,): rows of either by actual
    class. unlikely: the chance below which a count is no accident.
    """

    name: str
    column: Column
    base: Column
    rows: int
    class_rows: Array
    base_class_rows: Array
    independent: bool
    unlikely: float

    @property
    def usable(self) -> int:
        """Rows with a value that can be counted."""
        return int(self.column.valued.sum())

    @property
    def unseen(self) -> int:
        """Rows with a level that the baseline never has; 0 for numbers."""
        if self.base.numbers is not None or not self.base.counts.any():
            return 0
        is_unseen = self.base.counts.sum(axis=0) == 0
        return int(self.column.counts.sum(axis=0)[is_unseen].sum())

    @property
    def outside(self) -> tuple[int, float] | None:
        """Rows outside the baseline's range or fences, and the share of them that is usual.

        The share at the batch's class mix. None for a categorical column, or one without a usable
        value. Where half of the baseline's values are equal, the fences (1.5 interquartile ranges
        beyond the quartiles, Tukey 1977) have no width: only the range counts.
        """
        numbers, base = self.column.numbers, self.base.numbers
        if not numbers or not base or not self.usable:
            return None
        usable, base_usable = self.column.valued, self.base.valued
        if base.fences[0] == base.fences[1]:
            beyond = numbers.bins[:, len(numbers.edges) - 1]
            return int(beyond.sum()), 0.0
        return int(numbers.outside.sum()), _at_mix(base.outside, base_usable, usable)

    @property
    def expected_missing(self) -> float:
        """The baseline's share of missing values at the batch's class mix.

        A class's part of them is that of its rows that are in no cell.
        """
        unusable = np.maximum(0, self.base_class_rows - self.base.counts.sum(axis=1))
        if not unusable.sum():
            return 0.0
        missing = unusable * (self.base.missing / unusable.sum())
        return _at_mix(missing, self.base_class_rows, self.class_rows)


def check(checks: Checks, features: FeatureCounts) -> tuple[list[ColumnQuality], list[Alert]]:
    """Check every column of the batch, and whether the training data are still the baseline's."""
    parts, alerts = [], _training_data_alerts(features)
    for name, column in features.columns.items():
        compared = _Compared(
            name,
            column,
            features.baseline.columns[name],
            features.rows,
            features.class_rows,
            features.baseline.class_rows,
            features.independent,
            unlikely=_UNLIKELY_PER_DAY / len(features.columns),
        )
        parts.append(_column_quality(compared, features.baseline.rows))
        alerts += [
            *_missing_alerts(checks.missing_share_above, compared),
            *_unusable_alerts(compared),
            *_one_value_alerts(compared),
            *_outlier_alerts(checks.outlier_share_above, compared),
        ]
    return parts, alerts


def _column_quality(compared: _Compared, base_rows: int) -> ColumnQuality:
    column = compared.column
    outside, baseline_outside = None, None
    if compared.outside:
        outside = compared.outside[0] / compared.usable
        baseline_outside = compared.outside[1]
    return ColumnQuality(
        column=compared.name,
        missing=column.missing / max(1, compared.rows),
        wrong=column.wrong,
        infinite=column.infinite,
        unseen=compared.unseen,
        baseline_missing=compared.base.missing / base_rows,
        outside=outside,
        baseline_outside=baseline_outside,
    )


def _training_data_alerts(features: FeatureCounts) -> list[Alert]:
    if not features.training_data_changed:
        return []
    text = (
        f"training data: changed since {baseline_name(features.baseline)} was pinned as the"
        " baseline: create a new version with create_training_set.py, or restore the file"
    )
    return [_alert(subject="training data", metric="content_hash", text=text)]


def _at_mix(hits: Array, base_rows: Array, class_rows: Array) -> float:
    """Return the share of a baseline's hits (classes,) at the class mix of the batch."""
    present = (class_rows > 0) & (base_rows > 0)
    if not present.any():
        return 0.0
    rows = class_rows[present]
    return float((rows / rows.sum() * hits[present] / base_rows[present]).sum())


def _missing_alerts(limit: float | None, compared: _Compared) -> list[Alert]:
    """Return the alert for missing values: all, more than allowed, or more than the baseline's."""
    name, rows, missing = compared.name, compared.rows, compared.column.missing
    if not rows or not missing:
        return []
    share, usual = missing / rows, compared.expected_missing
    if compared.base.nullable:
        # How their share differs from the baseline's is tested with the feature's drift.
        limit, usual = None, 1.0
    if missing == rows:
        text = f"{name}: no value in any of {rows} rows: is the column still generated?"
    elif limit is not None and share > limit:
        text = (
            f"{name}: {missing} of {rows} values are missing, {format_percent(share)}, limit"
            f" {format_percent(limit)}"
        )
    elif _is_unlikely(
        compared, missing, usual, rows=compared.class_rows, base_rows=compared.base_class_rows
    ):
        limit = usual
        text = (
            f"{name}: {missing} of {rows} values are missing, {format_percent(share)}; in the"
            f" baseline {format_percent(usual)} are, at these classes: more than chance gives"
        )
    else:
        return []
    return [_alert(subject=name, metric="missing_share", value=share, limit=limit, text=text)]


def _is_unlikely(
    compared: _Compared, hits: int, share: float, *, rows: Array, base_rows: Array
) -> bool:
    """Whether so many hits are no accident, where the baseline has this share at the batch's mix.

    rows, base_rows (classes,): those that can be hits. Exact tails; rows of several classes
    together are on the safe side (Hoeffding 1956). A baseline that is another sample may have fewer
    hits than its population by chance.
    """
    if compared.independent:
        chance = chance_beside_sample(hits, int(rows.sum()), share, effective_rows(base_rows, rows))
    else:
        chance = chance_of_at_least(hits, int(rows.sum()), share)
    return chance < compared.unlikely


def _unusable_alerts(compared: _Compared) -> list[Alert]:
    """Return alerts for values that are of the wrong type, infinite, or of a level never seen."""
    column, rows = compared.column, compared.rows
    expected = "0 or 1" if compared.base.numbers is None else "a number"
    texts = {
        "wrong_type": (column.wrong, f"of {rows} values are not what is expected, {expected}"),
        "infinite": (column.infinite, f"of {rows} values are infinite or beyond 1e150"),
    }
    if compared.unseen:
        texts["unseen"] = (
            compared.unseen,
            f"of {compared.rows} rows have {_unseen_level(compared)}, which the baseline never has",
        )
    return [
        _alert(
            subject=compared.name,
            metric=metric,
            value=number,
            limit=0,
            text=f"{compared.name}: {number} {text}",
        )
        for metric, (number, text) in texts.items()
        if number
    ]


def _unseen_level(compared: _Compared) -> str:
    """Return in words what the batch has and the baseline has not."""
    base = compared.base
    names = ["the level 0", "the level 1"]
    if base.levels is not None:
        names = [*(f"the level {level}" for level in base.levels), "another level"]
    names.append("no value")
    is_unseen = (base.counts.sum(axis=0) == 0) & (compared.column.counts.sum(axis=0) > 0)
    return names[int(np.flatnonzero(is_unseen)[0])]


def _one_value_alerts(compared: _Compared) -> list[Alert]:
    """Return the alert for a column with one value only, where the baseline has several."""
    cells, base = compared.column.counts.sum(axis=0), compared.base.counts
    if np.count_nonzero(cells) != 1 or np.count_nonzero(base.sum(axis=0)) <= 1:
        return []

    # The chance that as many rows of each class all have this value, by the baseline's shares.
    class_rows = compared.column.counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_shares = np.log(base[:, int(cells.argmax())] / base.sum(axis=1))
    present = class_rows > 0
    chance = math.exp(float((class_rows[present] * log_shares[present]).sum()))
    if not chance < _UNLIKELY:
        return []
    text = (
        f"{compared.name}: all {compared.usable} rows have the same value, which the baseline makes"
        " all but impossible"
    )
    return [_alert(subject=compared.name, metric="one_value", value=compared.usable, text=text)]


def _outlier_alerts(limit: float | None, compared: _Compared) -> list[Alert]:
    """Return the alert for more outliers than chance gives at the limit or the baseline's share."""
    numbers = compared.base.numbers
    if limit is None or not compared.outside or not numbers:
        return []
    outside, usual = compared.outside
    if usual > limit:  # a long tail that the baseline has too is no finding
        limit = usual
        is_unlikely = _is_unlikely(
            compared, outside, usual, rows=compared.column.valued, base_rows=compared.base.valued
        )
    else:
        is_unlikely = chance_of_at_least(outside, compared.usable, limit) < compared.unlikely
    if not is_unlikely:
        return []

    share = outside / compared.usable
    low, high = numbers.fences
    usual_values = f"{low:.4g} to {high:.4g} or the baseline's range"
    if low == high:
        usual_values = f"the baseline's range, {numbers.edges[0]:.4g} to {numbers.edges[-1]:.4g}"
    text = (
        f"{compared.name}: {outside} of {compared.usable} values lie outside {usual_values},"
        f" {format_percent(share)}; limit {format_percent(limit)}, exceeded beyond chance"
    )
    return [
        _alert(subject=compared.name, metric="outlier_share", value=share, limit=limit, text=text)
    ]
