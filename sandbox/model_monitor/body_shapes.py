"""The shapes of request bodies (contracts 4.1 to 4.3), and the checks that registrations share."""

from typing import Any

from sandbox.state import Sandbox
from sandbox.wire import Refused

MODEL_TYPES = ("classification", "regression")
MODEL_VARIABLE_TYPES = ("feature", "prediction", "timestamp", "row_identifier")
"""The types that a model may be registered with."""

VARIABLE_TYPES = (
    *MODEL_VARIABLE_TYPES,
    "ground_truth",
    "prediction_probability",
    "sample_weight",
)
VALUE_TYPES = ("numerical", "categorical", "datetime", "string")

VARIABLES = [{"name": str, "variableType": VARIABLE_TYPES, "valueType": VALUE_TYPES}]
DATASET_DETAILS = {
    "name": str,
    "datasetType": ("file",),
    "datasetConfig": {"path": str, "fileFormat": ("csv", "parquet")},
    "datasourceName": str,
    "datasourceType": str,
}
MODEL_METADATA = {
    "name": str,
    "modelType": MODEL_TYPES,
    "version": str,
    "description?": str,
    "author?": str,
}


def check_registration(
    sandbox: Sandbox, details: dict[str, Any], variables: list[dict[str, Any]]
) -> None:
    """Check the data source, and how many variables of a type there are (contracts 4.1).

    Raises Refused.
    """
    name, kind = details["datasourceName"], details["datasourceType"]
    if sandbox.store.get("Datasource", name)["type"] != kind:
        raise Refused(404, f"Datasource {name} of type {kind} not found.")

    for variable_type in ("prediction", "timestamp", "row_identifier"):
        if len(of_type(variables, variable_type)) > 1:
            # The words: contracts 3.2.2.
            raise Refused(400, f"There can be only 1 {variable_type} variable for a model.")


def of_type(variables: list[dict[str, Any]], variable_type: str) -> list[dict[str, Any]]:
    """Return the variables of a type."""
    return [variable for variable in variables if variable["variableType"] == variable_type]
