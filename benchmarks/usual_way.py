#!/usr/bin/env python3
"""Score a day in the usual way, to compare with: one request after the other.

    python benchmarks/usual_way.py ROWS KEY

pandas reads the training data, SMOTEN makes rows of half each class, requests.post sends them one
by one, boto3 uploads the CSV to KEY. Nothing is retried, kept, checked or reported. Reads the same
environment variables as the scripts.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pandas as pd
import requests
from imblearn.over_sampling import SMOTEN

DATA = Path(__file__).resolve().parent.parent / "data" / "german_credit.csv"
BUCKET = "se-demo-data"
NEIGHBORS = 3
LEVELS = {
    "checking_account": ("A14", "A13"),
    "credit_history": ("A34",),
    "property": ("A121",),
    "other_installments": ("A143",),
    "debtors_guarantors": ("A103",),
    "savings": ("A65", "A61"),
    "employment_since": ("A73",),
}


def main() -> None:
    count, key = int(sys.argv[1]), sys.argv[2]
    rows, labels = synthetic_rows(pd.read_csv(DATA), count)
    answers = [score(index, row) for index, row in rows.iterrows()]

    truth = pd.DataFrame(answers, columns=["event_id", "prediction", "score", "scored_at"])
    truth.insert(1, "credit_GT", labels)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=truth.to_csv(index=False))


def synthetic_rows(data: pd.DataFrame, count: int) -> tuple[pd.DataFrame, list[int]]:
    """Return synthetic rows, half of each class, and their outcomes."""
    features = pd.DataFrame({"age": data["age"]})
    for column, levels in LEVELS.items():
        for level in levels:
            features[f"{column}_{level}"] = (data[column] == level).astype(int)

    wanted = {label: rows + count for label, rows in data["credit"].value_counts().items()}
    smoten = SMOTEN(sampling_strategy=wanted, k_neighbors=NEIGHBORS)
    rows, labels = smoten.fit_resample(features, data["credit"])
    rows["credit"] = labels
    synthetic = rows.iloc[len(data) :].groupby("credit").sample(count // 2)
    synthetic = synthetic.sample(frac=1).reset_index(drop=True)
    return synthetic.drop(columns="credit"), synthetic["credit"].tolist()


def score(index: object, row: "pd.Series[int]") -> tuple[str, int, float, str]:
    """Send one row and return its line of the ground truth file."""
    now = datetime.now(UTC)
    row_id = f"{now.date()}_{index}"
    data = {name: int(value) for name, value in row.items()}
    reply = requests.post(
        os.environ["MODEL_API_URL"],
        auth=(os.environ["MODEL_API_TOKEN"], os.environ["MODEL_API_TOKEN"]),
        json={"data": {**data, "customer_id": row_id}},
        timeout=10,
    )
    reply.raise_for_status()
    result = reply.json()["result"]
    return row_id, result["class"], result["score"], now.isoformat()


if __name__ == "__main__":
    main()
