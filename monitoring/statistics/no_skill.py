"""How likely a model without skill is as bad as this: predictions that know nothing of outcomes."""

import math
from statistics import NormalDist

import numpy as np

from monitoring.statistics.arrays import Array
from monitoring.statistics.binomials import chance_of_at_most_drawn
from monitoring.statistics.performance import Predictions, confusion_matrix
from monitoring.statistics.rank_sum import chance_of_so_low


def chance_of_no_skill(predictions: Predictions, positive: int, classes: int) -> dict[str, float]:
    """Return the chance of so low a balanced accuracy, and of so low an AUC where there is a score.

    positive: the code of the positive class; classes: how many there are. Balanced accuracy of two
    classes: Fisher's exact test; of more: normal, each class's predictions drawn from those of the
    day. AUC: the rank-sum test (Mann and Whitney 1947). NaN where a class has no rows.
    """
    actual, predicted, score = predictions
    confusion = confusion_matrix(actual, predicted, classes)
    chances = {"balanced_accuracy": _of_balanced_accuracy(confusion)}
    if score is not None:
        chances["auc"] = chance_of_so_low(actual == positive, score)
    return chances


def _of_balanced_accuracy(confusion: Array) -> float:
    rows = confusion.sum(axis=1)
    if not rows.all():
        return math.nan
    if len(confusion) == 2:
        predicted = int(confusion[:, 1].sum())
        return chance_of_at_most_drawn(
            int(confusion[1, 1]), marked=int(rows[1]), drawn=predicted, rows=int(rows.sum())
        )
    share_predicted = confusion.sum(axis=0) / rows.sum()
    variance = float((share_predicted * (1 - share_predicted) / rows).sum())
    recalls = np.diagonal(confusion) / rows
    if not variance:
        return 1.0
    return NormalDist().cdf((float(recalls.sum()) - 1) / math.sqrt(variance))
