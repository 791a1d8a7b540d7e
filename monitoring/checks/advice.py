"""What a person is advised to do, and why."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from monitoring.checks.alert import Alert
from monitoring.checks.conditions import is_of_window
from monitoring.checks.record import Advice, DayRecord
from monitoring.checks.shift_record import FeatureTest, VariableTest
from monitoring.checks.shift_tester import alarmed_windows
from monitoring.text import format_count, format_names

_CERTAIN_DAYS, _UNLIKELY_DAYS = 2, 3
"""So many days, today among them, must each fail by themselves before retraining is advised: by an
alert or for certain, or else so that a normal day does once in a hundred days."""
_CERTAIN_ERRORS, _UNLIKELY_ERRORS = 3.0, 2.33

_SWAPPED_LABELS = {"auc", "balanced_accuracy"}
_ACCURACY_OVER_DAYS = {"accuracy_window", "accuracy_drop"}


class DayVerdict(NamedTuple):
    """What a day shows by itself, without the days before it.

    alarmed: the variables whose own test alarmed, "model" among them where the accuracy of the day
    alone is too low. is_model_in_doubt: by score or accuracy, and neither swapped labels nor
    features that moved explain it; is_certain: by an alert, or by more than chance can do.
    """

    day: str
    alarmed: frozenset[str] = frozenset()
    is_model_in_doubt: bool = False
    is_certain: bool = False

    @classmethod
    def of(cls, record: DayRecord, accuracy_errors: float) -> Self:
        """Return what a day's record shows.

        accuracy_errors: by how many standard errors the accuracy of the day alone is above that of
        the reference days; NaN without any.
        """
        metrics = {alert.metric for alert in [*record.alerts, *record.ongoing]}
        features = {test.subject for test in record.drift if test.alarmed}
        alarmed = {test.subject for test in record.performance.tests if test.alarmed}
        is_certain = "accuracy" in metrics or accuracy_errors < -_CERTAIN_ERRORS
        is_certain = is_certain or "score" in alarmed
        if "accuracy" in metrics or accuracy_errors < -_UNLIKELY_ERRORS:
            alarmed.add("model")
        is_explained = bool(features or metrics & _SWAPPED_LABELS)
        is_in_doubt = bool(alarmed & {"score", "model"}) and not is_explained
        return cls(
            record.day,
            frozenset(alarmed | features),
            is_model_in_doubt=is_in_doubt,
            is_certain=is_in_doubt and is_certain,
        )


def advise(
    alerts: Sequence[Alert],
    today: DayVerdict,
    earlier: Sequence[DayVerdict],
    tests: Sequence[VariableTest],
    *,
    failed_rows: int,
) -> tuple[Advice, list[str]]:
    """Return what to do, and why; alerts: new and ongoing.

    earlier: the other days of the window. tests: of features and model. Retraining is advised only
    by the model's accuracy or score over the window, where several days each fail by themselves,
    today among them; never while features drift, which says that baseline, generator or a drill
    changed, and not for swapped labels, which are a fault of the rows.
    """
    if not alerts:
        if failed_rows:
            return Advice.LOOK, [f"{format_count(failed_rows, 'row')} failed, see below"]
        return Advice.NONE, []

    worse_over_days = _worse_over_days(alerts)
    feature_tests = [test for test in tests if isinstance(test, FeatureTest)]
    have_features_moved = bool(alarmed_windows(feature_tests)) or any(
        test.alarmed for test in feature_tests
    )
    in_doubt = _days_in_doubt(today, earlier)
    if worse_over_days and in_doubt and not have_features_moved:
        return Advice.RETRAIN, [*worse_over_days, f"{_listed(in_doubt)} each fail by themselves"]

    because = _reasons_to_look(alerts, today, earlier)
    if worse_over_days and have_features_moved:
        because.append(
            "the features moved too: the baseline file, the generator or a drill changed, so this"
            " says nothing about retraining"
        )
    return Advice.LOOK, because


def _worse_over_days(alerts: Sequence[Alert]) -> list[str]:
    return [
        alert.text
        for alert in alerts
        if alert.metric in _ACCURACY_OVER_DAYS or (alert.subject == "score" and is_of_window(alert))
    ]


def _days_in_doubt(today: DayVerdict, earlier: Sequence[DayVerdict]) -> list[str]:
    """Return the days that each fail by themselves, where they are several and today among them."""
    days = [*earlier, today]
    certain = [day.day for day in days if day.is_certain]
    in_doubt = [day.day for day in days if day.is_model_in_doubt]
    if today.is_certain and len(certain) >= _CERTAIN_DAYS:
        return in_doubt
    is_several = today.is_model_in_doubt and len(in_doubt) >= _UNLIKELY_DAYS
    return in_doubt if is_several else []


def _reasons_to_look(
    alerts: Sequence[Alert], today: DayVerdict, earlier: Sequence[DayVerdict]
) -> list[str]:
    """Return the alerts' texts; for a window on a normal day, which days it still holds."""
    reasons: list[str] = []
    for alert in alerts:
        is_over_days = is_of_window(alert) or alert.metric in _ACCURACY_OVER_DAYS
        if not is_over_days or alert.subject in today.alarmed:
            reasons.append(alert.text)
            continue
        odd_days = [day.day for day in earlier if alert.subject in day.alarmed]
        reason = f"{alert.subject}: today is normal; "
        if odd_days:
            reason += f"the window still holds {_listed(odd_days)}"
        else:
            reason += f"no day of the window is odd by itself, all together are: {alert.text}"
        if reason not in reasons:
            reasons.append(reason)
    return reasons


def _listed(days: Sequence[str]) -> str:
    if len(days) == 1:
        return days[0]
    return f"{format_names(days[:-1])} and {days[-1]}"
