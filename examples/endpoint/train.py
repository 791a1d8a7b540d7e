"""Fit the sample model: `python train.py german_credit.csv` writes model.joblib beside it."""

import csv
import sys
from pathlib import Path

import joblib
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# As in model.py, which can only be imported where domino-data-capture is.
TARGET = "credit"
FEATURES = [
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
]


def fit(data: Path, target: Path) -> None:
    """Fit a logistic regression to the ten features and write it."""
    with data.open(newline="") as lines:
        records = list(csv.DictReader(lines))
    rows = [[value(record, name) for name in FEATURES] for record in records]
    classes = [int(record[TARGET]) for record in records]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)
    joblib.dump(model, target)


def value(record: dict[str, str], name: str) -> float:
    """Return a feature: the indicator `<column>_<code>` is 1 where the column has the code."""
    if name == "age":
        return float(record[name])
    column, _, code = name.rpartition("_")
    return float(record[column] == code)


if __name__ == "__main__":
    fit(Path(sys.argv[1]), Path(__file__).resolve().parent / "model.joblib")
