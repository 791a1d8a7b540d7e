"""Domino Model Monitor (DMM): register a ground truth file, and follow what becomes of it (contracts 1 to 5).

Only an empty or a JSON 2xx is success; no redirect is followed (the key would travel with it); no dataset is ever renamed to
get past a refusal. What the contracts leave open is a setting, or tolerated.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitoring import http_client
from monitoring.day import write_atomically
from monitoring.errors import ConfigError, CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.http_client import Limits, Reply

if TYPE_CHECKING:
    from pathlib import Path

    import requests

    from monitoring.config import ModelMonitor, Settings

ENDPOINTS = ("groundTruth", "register-dataset")
_LATER: tuple[str, ...] = ()
"""The later form of a registration: it declares no variables."""
_LIMITS = Limits()
_PAGE_SIZE, _MAX_PAGES = 500, 50
_SIGN_IN = re.compile(r"log-?\s?in|sign-?\s?in|password|/auth|oauth|sso|saml|openid", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a file's ingestion stands: ingested, failed or going, with DMM's own word (None: it lists no job) and reason."""

    verdict: str
    word: str | None = None
    reason: str | None = None


def host(monitor: "ModelMonitor") -> str:
    """Return DMM's host, and port where one is given."""
    return urlsplit(monitor.url).netloc


def connect(monitor: "ModelMonitor") -> "requests.Session":
    """Return a session that sends the key (contracts 2.2); raises ConfigError for an address that can't serve DMM."""
    if "nucleus-frontend" in host(monitor):
        raise ConfigError(
            f"model_monitor.url: got {monitor.url}, an address inside the cluster that does not serve DMM (it is what"
            " DOMINO_API_HOST holds in a run); expected the external one, https://<domino host>: mend DMM_URL; nothing was sent"
        )
    return http_client.session(_headers(monitor, monitor.api_key.get_secret_value()))


def register(service: "requests.Session", settings: "Settings", bucket: str, key: str) -> bool:
    """Register an S3 object as ground truth under its file name (contracts 3.2); return whether DMM had it already.

    At least once: a request whose answer was lost is sent again, and DMM calls the second one "already registered", which is
    success here. `endpoint: auto` tries the next one only after an answer that is definite and not DMM's own. Raises
    CredentialsError, RefusedError, or ServiceError where DMM may have taken it but did not say so. What worked is remembered.
    """
    endpoints = _endpoints(settings)
    for endpoint in endpoints:
        reply = _offer(service, settings, endpoint, key)
        if not _is_foreign(reply):
            break
    text, data = messages(reply), reply.data
    is_bare_conflict = reply.status == 409 and not text and not _is_page(reply)
    if "already registered" in text.lower() or is_bare_conflict:
        _refuse_namesake(service, settings, bucket, key)
        _remember(settings, endpoint)
        return True
    # The shapes that errors have (3.2.2) are no success under any status.
    is_error = bool(data.get("errors")) if isinstance(data, dict) else isinstance(data, list) and text != ""
    if 200 <= reply.status < 300 and not is_error and (data is not None or not reply.body.strip()):
        _remember(settings, endpoint)
        return False
    if reply.status in (404, 405):
        raise _unknown(service, settings, reply, bucket, endpoint)
    raise _refusal(settings.model_monitor, reply)


def planned(settings: "Settings", key: str) -> list[dict[str, Any]]:
    """Return the requests that `register` may send: when, method, url, headers (the key masked) and body of each."""
    declared = settings.model_monitor.model_id in _memory(settings).get("form", {})
    headers = _headers(settings.model_monitor, "***") | {"Content-Type": "application/json"}
    found = []
    for endpoint in (endpoints := _endpoints(settings)):
        first = "first" if endpoint == endpoints[0] else f"if it is not DMM that answers at {endpoints[0]}"
        for form in (_LATER,) if declared else (_LATER, _declarations(settings)[0]):
            method, url, body = _request(settings, endpoint, form, key)
            when = first if form == _LATER else "if DMM then answers that it found no ground truth variable"
            found.append({"when": when, "method": method, "url": url, "headers": headers, "body": body})
    return found


def get_model(service: "requests.Session", settings: "Settings", model_id: str, limits: Limits = _LIMITS) -> dict[str, Any]:
    """Return DMM's record of a monitored model; raises RefusedError, telling the four ids of contracts 1 apart, without one."""
    url = f"{_base(settings.model_monitor)}/model"
    reply = http_client.call(service, "GET", url, name="Model Monitor", limits=limits, query={"model_id": model_id})
    if reply.status == 200 and isinstance(reply.data, dict):
        return reply.data
    if reply.status in (400, 404) and reply.data is not None:
        is_other = " (this is the project's id)" if model_id == settings.project_id else ""
        if f"/{model_id}/" in urlsplit(settings.model_api.url).path:
            is_other = " (this is the Model API's id, of model_api.url)"
        raise RefusedError(
            f"{url}: DMM knows no model {model_id}{is_other}: {reply.status} {messages(reply)[:500]}: mend"
            " model_monitor.model_id (DMM_MODEL_ID): the id on the monitored model's Overview tab, neither the project's nor"
            " that of the Model API or of its version"
        )
    raise _refusal(settings.model_monitor, reply)


def data_sources(service: "requests.Session", settings: "Settings") -> list[str]:
    """Return the names of the data sources inside DMM; the reply's shape is unverified, so every `name` in it counts."""
    url = f"{_base(settings.model_monitor)}/datasources"
    reply = http_client.call(service, "GET", url, name="Model Monitor")
    if reply.status != 200 or reply.data is None:
        raise _refusal(settings.model_monitor, reply)
    return list(_names(reply.data))


def jobs(service: "requests.Session", settings: "Settings", model_id: str, limits: Limits = _LIMITS) -> list[dict[str, Any]]:
    """Return the model's ingestion jobs, in no order that means anything (contracts 3.4).

    Asks for all of them, since the spelling of filters is unverified. Raises the errors of a refused or failed request.
    """
    url = f"{_base(settings.model_monitor)}/{model_id}/dataset-jobs"
    until = int(time.time()) + 86_400  # DMM's clock, or its zone, may be ahead of ours
    found: list[dict[str, Any]] = []
    last: list[Any] = []
    for page in range(1, _MAX_PAGES + 1):
        paging = {"order": 1, "sort": "created_at", "page": page, "size": _PAGE_SIZE}
        body = json.dumps({"start": 0, "end": until, "search": "", "pagination": paging, "filters": {}})
        reply = http_client.call(service, "POST", url, name="Model Monitor", limits=limits, body=body)
        listed = reply.data.get("jobs") if isinstance(reply.data, dict) else None
        if reply.status != 200 or not isinstance(listed, list):
            raise _refusal(settings.model_monitor, reply)
        # A short page may be the server's own limit: only an empty or a repeated one is surely the end.
        if not listed or listed == last:
            break
        found += [job for job in listed if isinstance(job, dict)]
        last = listed
    return found


def progress(monitor: "ModelMonitor", listed: Sequence[Mapping[str, Any]], bucket: str, key: str) -> Progress:
    """Return where the ingestion of an object stands by DMM's jobs.

    Words are compared without regard to case; an unknown one means still going. Of several jobs for one file (DMM may try
    again) the best decides.
    """
    path = re.compile(rf"(s3[an]?://|/)?({re.escape(bucket)}/)?{re.escape(key)}")
    found = [Progress("going")]
    for job in listed:
        if path.fullmatch(str(job.get("dataset_path"))):
            word = str(job.get("status") or job.get("state") or "no status")
            is_one_of = [word.lower() in map(str.lower, words) for words in (monitor.ingested_words, monitor.failed_words)]
            verdict = "ingested" if is_one_of[0] else "failed" if is_one_of[1] else "going"
            told = [job[name] for name in job if re.search(r"reason|message|error", name, re.IGNORECASE) and job[name]]
            found.append(Progress(verdict, word[:100], "; ".join(_texts(told))[:1000] or None))
    known = [one for one in found if one.word] or found
    return min(known, key=lambda one: ("ingested", "going", "failed").index(one.verdict))


def messages(reply: Reply) -> str:
    """Return DMM's own words: an array of strings, a string, an object with `message` or `errors`, or plain text (3.2.2)."""
    if reply.data is None:
        return "" if _is_page(reply) else reply.body.decode("utf-8", "replace").strip()
    return "; ".join(_texts(reply.data))


def _offer(service: "requests.Session", settings: "Settings", endpoint: str, key: str) -> Reply:
    """Send the registration in the form that DMM wants and return its last answer (contracts 3.2)."""
    declarations = _declarations(settings)
    sent: list[tuple[str, ...]] = []
    form: tuple[str, ...] | None = _LATER
    while form is not None:
        method, url, body = _request(settings, endpoint, form, key)
        reply = http_client.call(service, method, url, name="Model Monitor", body=json.dumps(body))
        sent.append(form)
        text = messages(reply).lower() if reply.status >= 400 else ""  # which of them it is, is unverified
        form = None
        if "ground truth variable" in text and "none found" in text:
            form = next((one for one in declarations if one not in sent), None)
        elif "only 1 row_identifier" in text and declarations[-1] not in sent:
            form = declarations[-1]
        elif "already configured" in text and sent.count(_LATER) < 2:
            form = _LATER
    return reply


def _declarations(settings: "Settings") -> list[tuple[str, ...]]:
    """Return the forms that declare variables, the fullest first."""
    least: tuple[str, ...] = ("ground_truth",)
    return [(*least, "row_identifier"), least] if settings.ground_truth.declare_row_identifier else [least]


def _request(settings: "Settings", endpoint: str, form: tuple[str, ...], key: str) -> tuple[str, str, dict[str, Any]]:
    """Return method, URL and body of a registration (contracts 3.2; `path` is the key within the data source's bucket)."""
    monitor, names = settings.model_monitor, settings.ground_truth
    variables = {
        "ground_truth": {
            "name": names.label_column,
            "variableType": "ground_truth",
            "valueType": "categorical",
            "forPredictionOutput": settings.schema.target.name,
        },
        "row_identifier": {"name": names.id_column, "variableType": "row_identifier", "valueType": "string"},
    }
    body: dict[str, Any] = {"variables": [variables[kind] for kind in form]} if form else {}
    body["datasetDetails"] = {
        "name": dataset_name(key),
        "datasetType": "file",
        "datasetConfig": {"path": key, "fileFormat": "csv"},
        "datasourceName": monitor.data_source.name,
        "datasourceType": monitor.data_source.type,
    }
    if endpoint == "groundTruth":
        return "POST", f"{monitor.url}/api/modelMonitor/v2/groundTruth", {"modelId": monitor.model_id, **body}
    return "PUT", f"{_base(monitor)}/model/{monitor.model_id}/register-dataset/ground_truth", body


def dataset_name(key: str) -> str:
    """Return the name that a file has in DMM's ingest history: its file name."""
    return key.rpartition("/")[2]


def _endpoints(settings: "Settings") -> tuple[str, ...]:
    monitor = settings.model_monitor
    if monitor.endpoint != "auto":
        return (monitor.endpoint,)
    worked = _memory(settings).get("endpoint", {}).get(host(monitor))
    return (worked,) if worked == ENDPOINTS[-1] else ENDPOINTS


def _is_page(reply: Reply) -> bool:
    beginning = reply.body[:200].strip()
    return reply.data is None and bool(beginning) and (beginning[:1] == b"<" or "html" in reply.headers.get("Content-Type", ""))


def _is_foreign(reply: Reply) -> bool:
    """Whether an answer is definite but not DMM's own: this endpoint isn't there, and nothing was registered."""
    if reply.status >= 500:  # the effect may exist
        return False
    no_json = reply.status in (401, 403, 404) and reply.data is None
    return reply.redirect_host is not None or reply.status == 405 or _is_page(reply) or no_json


def _refuse_namesake(service: "requests.Session", settings: "Settings", bucket: str, key: str) -> None:
    """Refuse where the dataset that DMM has already is another file of the same name: ours would never be read.

    DMM may compare names only (unverified). What can't be found out is taken for the same file.
    """
    monitor = settings.model_monitor
    try:
        listed = jobs(service, settings, monitor.model_id)
    except (RefusedError, ServiceError):
        return
    paths = {str(job.get("dataset_path")) for job in listed if dataset_name(str(job.get("dataset_path"))) == dataset_name(key)}
    if paths and progress(monitor, listed, bucket, key).word is None:
        raise RefusedError(
            f"s3://{bucket}/{key}: not taken, since DMM has another file under the name {dataset_name(key)}"
            f" ({', '.join(sorted(paths))}): give it a file name of its own ({{date}} in the last part of ground_truth.uri)"
        )


def _unknown(service: "requests.Session", settings: "Settings", reply: Reply, bucket: str, endpoint: str) -> MonitoringError:
    """Return the error for a 404 or 405: is it the model, the data source or the endpoint that is unknown (contracts 1)?"""
    monitor, name = settings.model_monitor, settings.model_monitor.data_source.name
    answer = f"{reply.url}: answered {reply.status}: {messages(reply)[:500] or 'nothing'}"
    try:
        get_model(service, settings, monitor.model_id)
    except RefusedError as error:
        return error
    except ServiceError as error:
        return RefusedError(
            f"{answer}; either the model id or the data source is unknown there, and asking which failed: {error}"
        )
    try:
        known = sorted(data_sources(service, settings))
    except (RefusedError, ServiceError):
        known = []
    if name in known:
        others = " or ".join(one for one in ENDPOINTS if one != endpoint)
        return RefusedError(
            f"{answer}; DMM knows the model and the data source, so it is the endpoint {endpoint} that is not served there: set"
            f" model_monitor.endpoint to {others}"
        )
    is_other = " (this is the bucket's name)" if name == bucket else ""
    return RefusedError(
        f"{answer}; DMM knows the model, but of data sources only {', '.join(known[:10]) or 'none that it would list'}, not"
        f" {name}{is_other}: mend model_monitor.data_source.name (DMM_DATA_SOURCE): the name given inside DMM, which need be"
        " neither the bucket's nor that of a Domino data source"
    )


def _refusal(monitor: "ModelMonitor", reply: Reply) -> MonitoringError:
    """Return the error for an answer that is no success: is it the key, the address, DMM itself, or what was sent?"""
    where, said = f"{reply.url}: answered {reply.status}", messages(reply)[:500]
    key = f"the key in DMM_API_KEY (sent as {monitor.api_key_header})"
    page = reply.body[:100_000].decode("utf-8", "replace") if _is_page(reply) else ""
    if reply.redirect_host and _SIGN_IN.search(reply.headers.get("Location", "")):
        return CredentialsError(f"{where}, a redirect to a login on {reply.redirect_host} (not followed): renew {key}")
    if reply.redirect_host:
        return RefusedError(
            f"{where}, a redirect to {reply.redirect_host}, never followed since it would be sent the key: mend"
            f" model_monitor.url (DMM_URL); if a login page stands there, renew {key}"
        )
    if reply.status in (401, 403):
        return CredentialsError(
            f"{where}: {said or 'by a web server in front of DMM'}: {key} was refused: renew it, or let it change this model"
        )
    if reply.status >= 500:
        return ServiceError(f"{where}: {said or reply.excerpt}; DMM failed for now, run again later")
    if page and _SIGN_IN.search(page):
        return CredentialsError(f"{where} with a login page: renew {key}")
    if page or (reply.status in (404, 405) and reply.data is None):
        return RefusedError(
            f"{where} with {'a web page' if page else said or 'nothing'}: this is not DMM: mend model_monitor.url (DMM_URL,"
            f" expected https://<domino host>); if a browser shows a login page there, renew {key}"
        )
    return RefusedError(
        f"{where}: {said or reply.excerpt or 'nothing'}; expected 2xx, empty or JSON: mend what it names, then rerun"
    )


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)
    elif isinstance(data, dict):
        for name in ("message", "errors", "error"):
            yield from _texts(data.get(name))


def _names(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        if isinstance(data.get("name"), str):
            yield data["name"]
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _names(item)


def _headers(monitor: "ModelMonitor", key: str) -> dict[str, str]:
    # contracts 2.2: the platform's tokens travel as Bearer; whether DMM v2 takes them is unverified
    value = f"Bearer {key}" if monitor.api_key_header.lower() == "authorization" else key
    return {monitor.api_key_header: value}


def _base(monitor: "ModelMonitor") -> str:
    return f"{monitor.url}/model-monitor/v2/api"


def _memory_path(settings: "Settings") -> "Path":
    return settings.state_dir / settings.model / "monitor.json"


def _memory(settings: "Settings") -> dict[str, dict[str, str]]:
    try:
        memory = json.loads(_memory_path(settings).read_text(encoding="utf-8"))
        return {name: dict(memory[name]) for name in ("endpoint", "form")}
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # a memory only saves requests


def _remember(settings: "Settings", endpoint: str) -> None:
    """Note in `<state_dir>/<model>/monitor.json` what worked: the endpoint of this host, the body form of this model id."""
    monitor, memory = settings.model_monitor, _memory(settings)
    endpoints = {**memory.get("endpoint", {}), host(monitor): endpoint}
    forms = {**memory.get("form", {}), monitor.model_id: "later"}
    if {"endpoint": endpoints, "form": forms} != memory:
        write_atomically(_memory_path(settings), json.dumps({"endpoint": endpoints, "form": forms}, indent=1) + "\n")
