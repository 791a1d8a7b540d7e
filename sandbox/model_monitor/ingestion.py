"""Reading a registered file and joining it to the captured predictions (contracts 5)."""

import codecs
import csv
import time
from collections import Counter
from typing import Any

from sandbox import object_store
from sandbox.state import Sandbox
from sandbox.wire import Refused

MATCHING_SECONDS = 90 * 86400  # contracts 5: the last 90 days
MONITOR = "monitor"
"""The S3 identity of Model Monitor, which may only read."""


def ingest(sandbox: Sandbox, dataset: dict[str, Any]) -> dict[str, Any]:
    """Read the file of a dataset and join it; return the outcome.

    `rows`, `duplicate` (rows whose id came before in the file), and how many different ids are
    `matched` and `unmatched`; or `message`, why the file could not be read.
    """
    # boto3 takes half a second: only where a file is read.
    from botocore.exceptions import BotoCoreError, ClientError

    bucket = sandbox.store.get("Datasource", dataset["source"])["config"]["bucket"]
    uri = f"s3://{bucket}/{dataset['path']}"
    if dataset["format"] != "csv":
        return {"message": f"{uri}: the sandbox reads csv only."}

    try:
        columns = _column_names(sandbox, dataset["modelId"])
        missing, id_counts = _read_ids(sandbox, bucket, dataset["path"], columns)
    except (BotoCoreError, ClientError, OSError, Refused) as error:
        return {"message": f"{uri} could not be read: {error}"}
    except (UnicodeDecodeError, csv.Error) as error:
        return {"message": f"{uri} is not CSV in UTF-8: {error}"}
    if missing:
        names = ", ".join(missing)
        return {"message": f"{uri}: [UNRESOLVED_COLUMN] {names} cannot be resolved."}

    since = time.time() - MATCHING_SECONDS
    predicted = sandbox.store.captured_ids(dataset["modelId"], since)
    matched = len(id_counts.keys() & predicted)
    return {
        "rows": id_counts.total(),
        "duplicate": id_counts.total() - len(id_counts),
        "matched": matched,
        "unmatched": len(id_counts) - matched,
    }


def _column_names(sandbox: Sandbox, model_id: str) -> list[str]:
    """Return the names of the columns with the row's id and the truth, in this order."""
    variables = sandbox.store.get("Model", model_id)["variables"]
    names = {variable["variableType"]: variable["name"] for variable in variables}
    return [names.get("row_identifier", "event_id"), names["ground_truth"]]


def _read_ids(
    sandbox: Sandbox, bucket: str, key: str, columns: list[str]
) -> tuple[list[str], Counter[str]]:
    """Return which of the columns a CSV file lacks, and how often each id (column 1) occurs."""
    keys = sandbox.identity.s3[MONITOR]
    client = object_store.client(sandbox.objects_url, keys.access_key, keys.secret_key)
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    rows = csv.DictReader(codecs.getreader("utf-8")(body))

    missing = [column for column in columns if column not in (rows.fieldnames or ())]
    if missing:
        return missing, Counter()
    return [], Counter(row[columns[0]] for row in rows)
