"""The function to deploy as Model API: file `model.py`, function `predict`.

Its arguments are the names that the scripts send: the features, and `customer_id`, which becomes
the event id that ground truth is matched by. The class is captured under the target's name.
"""

from pathlib import Path
from typing import Any

import joblib
from domino_data_capture.data_capture_client import DataCaptureClient

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

model = joblib.load(Path(__file__).resolve().parent / "model.joblib")
capture = DataCaptureClient(FEATURES, [TARGET])


def predict(
    checking_account_A14: int,
    credit_history_A34: int,
    property_A121: int,
    checking_account_A13: int,
    other_installments_A143: int,
    debtors_guarantors_A103: int,
    savings_A65: int,
    age: float,
    employment_since_A73: int,
    savings_A61: int,
    customer_id: str,
) -> dict[str, Any]:
    """Return class and probability of class 1, and capture both under the customer's id."""
    values = [
        checking_account_A14,
        credit_history_A34,
        property_A121,
        checking_account_A13,
        other_installments_A143,
        debtors_guarantors_A103,
        savings_A65,
        age,
        employment_since_A73,
        savings_A61,
    ]
    # Plain numbers: neither JSON nor capture takes those of numpy.
    shares = [float(share) for share in model.predict_proba([values])[0]]
    label = int(model.classes_[shares.index(max(shares))])
    capture.capturePrediction(values, [label], event_id=customer_id, prediction_probability=shares)
    return {"score": shares[1], "class": label}
