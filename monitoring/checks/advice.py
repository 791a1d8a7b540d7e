"""What a person is advised to do, and why."""

from collections.abc import Sequence

from monitoring.checks.alert import Alert
from monitoring.checks.record import Advice, FeatureTest, VariableTest
from monitoring.checks.shift_test import alarmed_windows
from monitoring.text import format_count

_SWAPPED_LABELS = {"auc", "balanced_accuracy"}
_ACCURACY_OVER_DAYS = {"accuracy_window", "accuracy_drop"}


def advise(
    alerts: Sequence[Alert],
    model_tests: Sequence[VariableTest],
    feature_tests: Sequence[FeatureTest],
    *,
    failed_rows: int,
) -> tuple[Advice, list[str]]:
    """Return what to do, and why; alerts: new and ongoing.

    Retraining is advised only by the model's accuracy or score over several days, and never while
    features drift, which says that baseline, generator or a drill changed.
    """
    if not alerts:
        if failed_rows:
            return Advice.LOOK, [f"{format_count(failed_rows, 'row')} failed, see below"]
        return Advice.NONE, []

    worse_over_days = _worse_over_days(alerts, model_tests)
    have_features_moved = bool(alarmed_windows(feature_tests)) or any(
        test.alarmed for test in feature_tests
    )
    # Swapped labels are a fault of the rows: another model would not help.
    are_labels_swapped = any(alert.metric in _SWAPPED_LABELS for alert in alerts)
    if worse_over_days and not have_features_moved and not are_labels_swapped:
        return Advice.RETRAIN, worse_over_days

    because = [alert.text for alert in alerts]
    if worse_over_days and have_features_moved:
        because.append(
            "the features moved too: the baseline file, the generator or a drill changed, so this"
            " says nothing about retraining"
        )
    return Advice.LOOK, because


def _worse_over_days(alerts: Sequence[Alert], model_tests: Sequence[VariableTest]) -> list[str]:
    texts = [alert.text for alert in alerts if alert.metric in _ACCURACY_OVER_DAYS]
    for test in model_tests:
        window = test.window
        if test.subject == "score" and window and window.alarmed:
            texts.append(f"score: KS {window.value:.2g} over the window, limit {window.limit:.2g}")
    return texts
