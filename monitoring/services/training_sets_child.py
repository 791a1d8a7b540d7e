"""What runs in the child process: one call of the vendor's client, and what its failure means."""

import json
import math
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from monitoring.errors import TransientError
from monitoring.services.retry import RETRYABLE_STATUSES, Budget, with_retries
from monitoring.services.training_sets_rows import CompactRows

_PARENT_POLL_SECONDS = 0.2
_MAX_MESSAGE = 500
# ServerException doesn't carry the status; the frame that raised it, or stumbled over the answer,
# has the response.
_RESPONSE_READERS = ("_raise_response_exn", "_build_response")


def main() -> None:
    """Do what stdin asks for, and print the versions or the failure as one line of JSON."""
    parent, function, arguments, attempts = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()

    def attempt() -> dict[str, Any]:
        try:
            return {"versions": _call(function, arguments)}
        except Exception as error:
            answer = _failure(error)
            if answer["kind"] == "service":
                raise TransientError(answer["text"], kind="service") from error
            return answer

    try:
        # The parent ends this process when the time is over.
        answer = with_retries(attempt, attempts=attempts, budget=Budget(math.inf))
    except TransientError as error:
        answer = _as_answer("service", str(error))
    sys.stdout.write(json.dumps(answer) + "\n")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)


def _call(function: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    from domino_data.training_sets import client, model

    if "monitoring_meta" in arguments:
        monitoring_meta = model.MonitoringMeta(**arguments["monitoring_meta"])
        rows = CompactRows(arguments["df"])
        arguments = {**arguments, "monitoring_meta": monitoring_meta, "df": rows}
    result = getattr(client, function)(**arguments)
    versions = result if isinstance(result, list) else [result]
    return [_plain_version(version) for version in versions]


def _plain_version(version: Any) -> dict[str, Any]:
    # A description that the server leaves out is an object of the client's own.
    description = version.description if isinstance(version.description, str) else None
    return {
        "number": version.number,
        "pending": version.pending,
        "columns": version.all_columns,
        "meta": version.meta,
        "description": description,
        "container_path": version.container_path,
    }


def _failure(error: Exception) -> dict[str, str]:
    """Return what an exception of the vendor's client means: its kind (or "bug") and a text."""
    is_import_problem = isinstance(error, ImportError) or (
        isinstance(error, TypeError) and "alias" in str(error)
    )
    if is_import_problem:
        return _as_answer(
            "config",
            f"the vendor's client can't be imported ({error}): pip install -r requirements.txt, and"
            " keep domino-data-capture out of this environment (it holds attrs back)",
        )

    import httpx
    from domino_data.training_sets.client import SchemaMismatchException

    if isinstance(error, httpx.HTTPError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            text = (
                "its certificate is not trusted: name your authority's file in REQUESTS_CA_BUNDLE"
            )
            return _as_answer("refused", text)
        return _as_answer("service", f"{str(error) or type(error).__name__}; run again later")

    response = _response_in(error)
    if response is not None:
        return _refusal(error, response)
    if isinstance(error, OSError):
        text = f"{error}; free some space or fix the rights of DOMINO_TRAINING_SET_PATH, then rerun"
        return _as_answer("service", text)
    if isinstance(error, ValueError | SchemaMismatchException):
        return _as_answer("refused", str(error))
    return _as_answer("bug", "".join(traceback.format_exception(error)))


def _response_in(error: Exception) -> Any:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    readers = [frame for frame in frames if frame.f_code.co_name in _RESPONSE_READERS]
    return readers[-1].f_locals.get("response") if readers else None


def _refusal(error: Exception, response: Any) -> dict[str, str]:
    status = int(response.status_code)
    message = getattr(error, "server_msg", None)
    if isinstance(message, list):
        message = "; ".join(map(str, message))
    text = (f"answered {status}" + (f": {message}" if message else ""))[:_MAX_MESSAGE]

    if status in (401, 403):
        remedy = "check DOMINO_USER_API_KEY (a proxy or token file counts before it)"
        return _as_answer("credentials", f"{text}; {remedy}")
    if status >= 500 or status in RETRYABLE_STATUSES:
        return _as_answer("service", f"{text}; run again later")
    if 300 <= status < 400:
        text += f", a redirect to {urlsplit(response.headers.get('location', '')).hostname}"
    if status == 200:
        text += (
            f" with something else than a TrainingSet ({type(error).__name__}): is DOMINO_API_HOST"
            " Domino's address?"
        )
    return _as_answer("refused", text)


def _as_answer(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}
