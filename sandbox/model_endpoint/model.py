"""The model: a logistic regression, fitted to the sample data."""

import csv
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sandbox.paths import ROOT

FEATURES = (
    "checking_account_A14",
    "credit_history_A34",
    "property_A121",
    "checking_account_A13",
    "other_installments_A143",
    "debtors_guarantors_A103",
    "savings_A65",
    "age",
    "employment_since_A73",
    "savings_A61",
)
TARGET = "credit"
TRAINING_DATA = ROOT / "data" / "german_credit.csv"


class LinearModel(msgspec.Struct, frozen=True):
    """The weights of the features, in the order of FEATURES; model.json on disk.

    sha256: of the data that it was fitted to, hex.
    """

    sha256: str
    weights: list[float]
    intercept: float

    def probability(self, values: Sequence[float]) -> float:
        """Return the probability of class 1, from 0 to 1, of a row in the order of FEATURES."""
        total = self.intercept + sum(map(float.__mul__, self.weights, values))
        return 1.0 / (1.0 + math.exp(-total))


def load(data: Path, folder: Path) -> LinearModel:
    """Return the model fitted to the sample data; fit it unless this folder has it already.

    Importing scikit-learn takes most of a first start, and fitting the same data again would give
    the same numbers.
    """
    path = folder / "model.json"
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    if path.exists():
        model = msgspec.json.decode(path.read_bytes(), type=LinearModel)
        if model.sha256 == digest:
            return model

    model = _fit(data, digest)
    path.write_bytes(msgspec.json.encode(model))
    return model


def _fit(data: Path, digest: str) -> LinearModel:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, classes = read_training_rows(data)
    scaler, regression = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)

    weights = regression.coef_[0] / scaler.scale_  # the scaling folded into the weights
    intercept = float(regression.intercept_[0] - weights @ scaler.mean_)
    return LinearModel(digest, weights.tolist(), intercept)


def read_training_rows(data: Path) -> tuple[list[list[float]], list[int]]:
    """Return the sample data's rows in the order of FEATURES, and their classes."""
    with data.open(newline="") as lines:
        records = list(csv.DictReader(lines))
    rows = [[_feature_value(record, name) for name in FEATURES] for record in records]
    return rows, [int(record[TARGET]) for record in records]


def _feature_value(record: dict[str, str], name: str) -> float:
    """Return the value of a feature: the indicator `<column>_<code>` is 1 where it has the code."""
    if name == "age":
        return float(record[name])
    column, _, code = name.rpartition("_")
    return float(record[column] == code)
