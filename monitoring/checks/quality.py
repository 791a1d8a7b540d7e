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
from monitoring.statistics.intervals import Z_CERTAIN, wilson
from monitoring.text import format_percent

_UNLIKELY = 1e-6

_alert = partial(Alert, family=Family.QUALITY)


class _Compared(NamedTuple):
    """A column of the batch beside the baseline's; rows, base_rows: of all of batch, baseline."""

    name: str
    column: Column
    base: Column
    rows: int
    base_rows: int

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

        That is the baseline's own, by the batch's class mix. None for a categorical column, or one
        without a usable value.
        """
        numbers, base = self.column.numbers, self.base.numbers
        if not numbers or not base or not self.usable:
            return None
        class_rows = self.column.valued
        base_shares = base.outside / np.maximum(1, self.base.valued)
        return int(numbers.outside.sum()), float(class_rows @ base_shares / self.usable)


def check(checks: Checks, features: FeatureCounts) -> tuple[list[ColumnQuality], list[Alert]]:
    """Check every column of the batch, and whether the training data are still the baseline's."""
    parts, alerts = [], _training_data_alerts(features)
    for name, column in features.columns.items():
        base = features.baseline.columns[name]
        compared = _Compared(name, column, base, features.rows, features.baseline.rows)
        parts.append(_column_quality(compared))
        alerts += [
            *_missing_alerts(checks.missing_share_above, compared),
            *_unusable_alerts(compared),
            *_one_value_alerts(compared),
            *_outlier_alerts(checks.outlier_share_above, compared),
        ]
    return parts, alerts


def _column_quality(compared: _Compared) -> ColumnQuality:
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
        baseline_missing=compared.base.missing / compared.base_rows,
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


def _missing_alerts(limit: float | None, compared: _Compared) -> list[Alert]:
    name, rows, missing = compared.name, compared.rows, compared.column.missing
    share = missing / max(1, rows)
    if compared.base.nullable:
        # How their share differs from the baseline's is tested with the feature's drift.
        limit = None
    if rows and missing == rows:
        text = f"{name}: no value in any of {rows} rows: is the column still generated?"
    elif limit is not None and share > limit:
        text = (
            f"{name}: {missing} of {rows} values are missing, {format_percent(share)}, limit"
            f" {format_percent(limit)}"
        )
    else:
        return []
    return [_alert(subject=name, metric="missing_share", value=share, limit=limit, text=text)]


def _unusable_alerts(compared: _Compared) -> list[Alert]:
    """Return alerts for values that are of the wrong type, infinite, or of a level never seen."""
    column, rows = compared.column, compared.rows
    expected = "0 or 1" if compared.base.numbers is None else "a number"
    texts = {
        "wrong_type": (column.wrong, f"of {rows} values are not what is expected, {expected}"),
        "infinite": (column.infinite, f"of {rows} values are infinite"),
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
    """Return the alert for a share of outliers that is certainly above limit and baseline."""
    numbers = compared.base.numbers
    if limit is None or not compared.outside or not numbers:
        return []
    outside, usual = compared.outside
    limit = max(limit, usual)  # a long tail that the baseline has too is no finding
    if not wilson(outside, compared.usable, Z_CERTAIN)[0] > limit:
        return []

    share = outside / compared.usable
    low, high = numbers.fences
    text = (
        f"{compared.name}: {outside} of {compared.usable} values lie outside {low:.4g} to"
        f" {high:.4g} or the baseline's range, {format_percent(share)}; limit"
        f" {format_percent(limit)}, exceeded beyond chance"
    )
    return [
        _alert(subject=compared.name, metric="outlier_share", value=share, limit=limit, text=text)
    ]
