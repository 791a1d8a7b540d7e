"""The vendor's TrainingSet client, in a child process.

The client has no time limit, hangs on a silent server, and its threads can't be stopped (contracts 8.6): so it works in a
process of its own that is killed at our limit, and that ends with this process however that ends.
"""

import json
import os
import pickle
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitoring.config import Settings, is_loopback
from monitoring.errors import ConfigError, CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.http_client import PASSING_STATUSES, Limits, delay_seconds

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MOUNT = "/var/opt/domino/trainingset/project"  # contracts 8.5
_LIMITS = Limits()
_KINDS: dict[str, type[MonitoringError]] = {
    "config": ConfigError,
    "credentials": CredentialsError,
    "refused": RefusedError,
    "service": ServiceError,
}


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the server describes it. pending: its data or its second call are missing; meta: texts by name."""

    number: int
    pending: bool
    columns: list[str]
    meta: Mapping[str, str]
    description: str | None
    container_path: str


def environment_for(settings: Settings, environment: Mapping[str, str], *, writes: bool) -> dict[str, str]:
    """Return the environment variables that the vendor's client gets.

    environment: this process's. writes: a version is to be made, so its mount must be there. Raises ConfigError naming every
    variable that is missing or can't be used.
    """
    # The client takes a variable that is set and empty for a value.
    found = {name: value for name, value in environment.items() if value or not name.startswith("DOMINO_")}
    hosts = [name for name in ("DOMINO_API_HOST", "DOMINO_USER_HOST", "DOMINO_API_PROXY") if name in found]
    problems = [] if hosts else ["DOMINO_API_HOST, DOMINO_USER_HOST, DOMINO_API_PROXY: all missing, expected Domino's address"]
    for name in hosts:
        if name in (hosts[0], "DOMINO_API_PROXY") and (problem := _address_problem(found[name], settings.allow_plain_http)):
            problems.append(f"{name}: {problem}")
    serves = {"DOMINO_USER_API_KEY", "DOMINO_API_PROXY"} & found.keys() or Path(found.get("DOMINO_TOKEN_FILE", "")).is_file()
    if not serves:
        problems.append("DOMINO_USER_API_KEY: missing, expected your API key (needed unless DOMINO_API_PROXY serves)")
    if not settings.project_id:
        problems.append("DOMINO_PROJECT_ID (the setting project_id): missing, expected the project that owns the TrainingSet")
    mount = found.setdefault("DOMINO_TRAINING_SET_PATH", DEFAULT_MOUNT)
    if writes and not (Path(mount).is_dir() and os.access(mount, os.W_OK | os.X_OK)):
        # The client would make the folder: the version would be there, its data nowhere that Domino looks.
        problems.append(
            f"DOMINO_TRAINING_SET_PATH: {mount} {'' if environment.get('DOMINO_TRAINING_SET_PATH') else '(its default) '}is no"
            " folder that may be written, expected the project's TrainingSet mount (it is there inside a Domino run)"
        )
    if problems:
        raise ConfigError("making or listing TrainingSet versions needs:\n" + "\n".join(problems))
    if "REQUESTS_CA_BUNDLE" in found:  # the client's HTTP library knows it by another name
        found.setdefault("SSL_CERT_FILE", found["REQUESTS_CA_BUNDLE"])
    return {**found, "DOMINO_API_HOST": found[hosts[0]].rstrip("/"), "DOMINO_PROJECT_ID": settings.project_id}


def _address_problem(url: str, allow_plain_http: list[str]) -> str | None:
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host = "", ""
    if "@" in url:
        return "got an address with credentials (not shown), expected one without"
    if not host or scheme not in ("http", "https"):
        return f"got {url!r}, expected an http:// or https:// address"
    if scheme == "http" and not is_loopback(host) and host not in allow_plain_http:
        return f"got plain http to {host}, expected https, or the host in allow_plain_http: a token would travel unencrypted"
    return None


def versions(environment: Mapping[str, str], name: str, limit_seconds: float = _LIMITS.total_seconds) -> list[Version]:
    """Return the set's versions by number, pending ones too; none where there is no such set.

    environment: of environment_for. Up to 4 tries. Raises ServiceError (also at the time limit), RefusedError,
    CredentialsError.
    """
    found = _in_child(environment, "list_training_set_versions", {"training_set_name": name}, _LIMITS.attempts, limit_seconds)
    return sorted(found, key=lambda version: version.number)


def create(
    environment: Mapping[str, str],
    name: str,
    frame: "pd.DataFrame",
    description: Mapping[str, Any],
    limit_seconds: float = _LIMITS.total_seconds,
) -> Version:
    """Make a version of these rows and return it as the server has it then.

    description: of training_set.description. Tried once, since it can't be repeated: each call makes another version, and one
    that is cut off leaves its version pending. Raises as `versions` does.
    """
    arguments = {"training_set_name": name, "df": frame.reset_index(drop=True), **description}
    try:
        return _in_child(environment, "create_training_set_version", arguments, 1, limit_seconds)[0]
    except ServiceError as error:
        raise ServiceError(f"{error}; it may have left a version pending: --list shows it, and so does the next run") from None


def _in_child(
    environment: Mapping[str, str], function: str, arguments: Mapping[str, Any], tries: int, limit_seconds: float
) -> list[Version]:
    """Call a function of the vendor's client in a child process and return its versions, or raise what its failure means."""
    where = f"TrainingSet {arguments['training_set_name']} at {environment['DOMINO_API_HOST']}"
    # -P: a module in the working directory must not pass for one of ours. Arguments go through stdin: no secret, no limit.
    start = "import sys; sys.path.insert(0, sys.argv[1]); from monitoring import training_set_client as c; c.child()"
    command = [sys.executable, "-P", "-c", start, str(Path(__file__).resolve().parent.parent)]
    try:
        done = subprocess.run(
            command,
            input=pickle.dumps((os.getpid(), function, arguments, tries)),
            env=dict(environment),
            capture_output=True,
            timeout=limit_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(f"{where}: no whole answer within {limit_seconds:g} s; run again later") from None
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        raise RuntimeError(f"{where}: the client's process ended with {done.returncode} and no answer: {last}") from None
    if "kind" not in answer:
        return [Version(**version) for version in answer["versions"]]
    if answer["kind"] in _KINDS:
        raise _KINDS[answer["kind"]](f"{where}: {answer['text']}")
    raise RuntimeError(f"{where}: {answer['text']}")


def child() -> None:
    """Do, in the child process, what stdin asks for, and print the versions or the failure as one line of JSON."""
    parent, function, arguments, tries = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    answer: dict[str, Any] = {}
    for attempt in range(1, tries + 1):
        try:
            answer = {"versions": _call(function, arguments)}
            break
        except Exception as error:
            answer = _failure(error)
        if answer["kind"] != "service":
            break
        if attempt < tries:
            time.sleep(delay_seconds(attempt))
    sys.stdout.write(json.dumps(answer) + "\n")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _call(function: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    from domino_data.training_sets import client, model

    if "monitoring_meta" in arguments:
        arguments = {**arguments, "monitoring_meta": model.MonitoringMeta(**arguments["monitoring_meta"])}
    found = getattr(client, function)(**arguments)
    return [
        {
            "number": version.number,
            "pending": version.pending,
            "columns": version.all_columns,
            "meta": version.meta,
            # what the server leaves out is an object of the client's own
            "description": version.description if isinstance(version.description, str) else None,
            "container_path": version.container_path,
        }
        for version in (found if isinstance(found, list) else [found])
    ]


def _failure(error: Exception) -> dict[str, str]:
    """Return what an exception of the vendor's client means: its kind (one of ours, or bug) and a text."""
    if isinstance(error, ImportError) or (isinstance(error, TypeError) and "alias" in str(error)):
        return _told("config", f"the vendor's client can't be imported ({error}): pip install -r requirements.txt, and keep"
                     " domino-data-capture out of this environment (it holds attrs back)")  # fmt: skip
    import httpx
    from domino_data.training_sets.client import SchemaMismatchException

    if isinstance(error, httpx.HTTPError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return _told("refused", "its certificate is not trusted: name your authority's file in REQUESTS_CA_BUNDLE")
        return _told("service", f"{str(error) or type(error).__name__}; run again later")
    # ServerException doesn't carry the status; the frame that raised it, or stumbled over the answer, has the response.
    readers = ("_raise_response_exn", "_build_response")
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name in readers]
    response = frames[-1].f_locals.get("response") if frames else None
    if response is not None:
        status = int(response.status_code)
        said = getattr(error, "server_msg", None)
        text = f"answered {status}" + (f": {'; '.join(map(str, said)) if isinstance(said, list) else said}" if said else "")
        text = text[:500]
        if status in (401, 403):
            return _told("credentials", f"{text}; mend DOMINO_USER_API_KEY (a proxy or token file counts before it)")
        if status >= 500 or status in PASSING_STATUSES:
            return _told("service", f"{text}; run again later")
        if 300 <= status < 400:
            text += f", a redirect to {urlsplit(response.headers.get('location', '')).hostname}"
        if status == 200:
            text += f" with something else than a TrainingSet ({type(error).__name__}): is DOMINO_API_HOST Domino's address?"
        return _told("refused", text)
    if isinstance(error, OSError):
        return _told("service", f"{error}; make room or mend the rights of DOMINO_TRAINING_SET_PATH, then rerun")
    if isinstance(error, ValueError | SchemaMismatchException):
        return _told("refused", str(error))
    return _told("bug", "".join(traceback.format_exception(error)))


def _told(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}
