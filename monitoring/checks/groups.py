"""Groups of indicators as one variable: its levels, and "none of them"."""

from collections.abc import Sequence

import msgspec
import numpy as np

from monitoring.checks.alert import Alert
from monitoring.checks.counts import Variable
from monitoring.checks.shift_record import FeatureTest
from monitoring.dataset.schema import groups
from monitoring.settings.model import Schema
from monitoring.statistics.arrays import Array


def of_several(schema: Schema) -> dict[str, list[str]]:
    """Return the indicators' names by group, of the groups that have more than one."""
    return {
        name: [feature.name for feature in features]
        for name, features in groups(schema).items()
        if len(features) > 1
    }


def joined(indicators: Sequence[Array], *, strict: bool = False) -> Variable | None:
    """Return the rows by level (classes, levels + 1), those with none of the levels last.

    Where missing values are part of the model they are one more level, the very last. indicators:
    each (classes, 2 or 3), of the same rows. None where one of them has no rows, or, strict, where
    they do not exclude each other: these are no levels of one variable.
    """
    class_rows = np.max([counts.sum(axis=1) for counts in indicators], axis=0)
    levels = np.stack([counts[:, 1] for counts in indicators], axis=1)
    missing = np.max([counts[:, 2:] for counts in indicators], axis=0)  # (classes, 0 or 1)
    without = class_rows - levels.sum(axis=1) - missing.sum(axis=1)
    if not all(counts.any() for counts in indicators) or (strict and without.min() < 0):
        return None
    return Variable(np.column_stack([levels, np.maximum(0, without), missing]))


def member(test: FeatureTest, group: str) -> FeatureTest:
    """Return an indicator's test as one of its group's, whose alarms are the group's."""
    window = test.window and msgspec.structs.replace(test.window, alarmed=False)
    return msgspec.structs.replace(test, group=group, alarmed=False, window=window)


def with_levels(alerts: Sequence[Alert], of_levels: Sequence[Alert], group: str) -> list[Alert]:
    """Return a group's alerts, and as its own those of its levels where it had none.

    At most one for the day and one for the window: that of the test over all levels, else that of
    the level that is furthest beyond its limit.
    """
    furthest_first = sorted(of_levels, key=lambda alert: -_times_limit(alert))
    as_own = [msgspec.structs.replace(alert, subject=group) for alert in furthest_first]
    by_metric: dict[str, Alert] = {}
    for alert in [*alerts, *as_own]:
        by_metric.setdefault(alert.metric, alert)
    return list(by_metric.values())


def alarmed_by(test: FeatureTest, alerts: Sequence[Alert]) -> FeatureTest:
    """Return a group's test as alarmed where it has an alert, be it of a level alone."""
    metrics = {alert.metric for alert in alerts}
    window = test.window and msgspec.structs.replace(test.window, alarmed="psi_window" in metrics)
    return msgspec.structs.replace(test, alarmed="psi" in metrics, window=window)


def _times_limit(alert: Alert) -> float:
    return (alert.value or 0.0) / max(alert.limit or 0.0, 1e-12)
