"""Domino Model Monitor (DMM): its models, data sources and jobs, and custom metrics.

Contracts 1 to 5 and 9. No redirect is followed (the key would travel with it). Registering a file
is dmm_registration's.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from monitoring.errors import ConfigError, RefusedError, ServiceError
from monitoring.services import dmm_diagnosis
from monitoring.services.dmm_replies import messages
from monitoring.services.exchange import Limits, Reply, Request
from monitoring.services.http import HttpService
from monitoring.services.retry import Budget
from monitoring.services.server_text import server_text
from monitoring.settings.model import ModelMonitor, Settings

_PAGE_SIZE, _MAX_PAGES = 500, 50
_DAY_SECONDS = 86_400


NO_JOBS = "this DMM lists no jobs: see Ingest History, on the model's page there"
_NO_SUCH_CALL = (404, 405)


class NoJobsError(RefusedError):
    """This DMM has no call that lists jobs; registrations are not affected."""


class Dmm:
    """A Model Monitor with the key that it wants.

    Raises ConfigError for an address that can't serve DMM.
    """

    def __init__(self, settings: Settings) -> None:
        monitor = settings.model_monitor
        self.settings, self.monitor = settings, monitor
        self.host = urlsplit(monitor.url).netloc
        self.base_url = f"{monitor.url}/model-monitor/v2/api"
        if "nucleus-frontend" in self.host:
            raise ConfigError(
                f"model_monitor.url: got {monitor.url}, an address inside the cluster that does not"
                " serve DMM (it is what DOMINO_API_HOST holds in a run); expected the external"
                " one, https://<domino host>: set DMM_URL; nothing was sent"
            )
        headers = key_header(monitor, monitor.api_key.get_secret_value())
        self._service = HttpService("Model Monitor", headers)

    def call(self, request: Request, limits: Limits | None = None) -> Reply:
        """Send a request with the key and return the whole answer, as HttpService.call does."""
        return self._service.call(request, limits)

    def send_once(self, path: str, body: Any, limits: Limits) -> Reply:
        """POST a body to the platform's API below DMM's address; one try, as HttpService.send."""
        request = Request("POST", f"{self.monitor.url}{path}", json.dumps(body))
        return self._service.send(request, limits)

    def get_model(self, model_id: str, limits: Limits | None = None) -> dict[str, Any]:
        """Return DMM's record of a monitored model.

        Raises RefusedError, telling the four ids of contracts 1 apart, where DMM knows none, and
        the errors of a refused or failed request.
        """
        url = f"{self.base_url}/model"
        reply = self.call(Request("GET", url, query={"model_id": model_id}), limits)
        if reply.status == 200 and isinstance(reply.data, dict):
            return reply.data
        if reply.status in (400, 404) and reply.data is not None:
            raise RefusedError(
                f"{url}: DMM knows no model {model_id}{self._other_id_hint(model_id)}:"
                f" {reply.status} {messages(reply)[:500]}: set model_monitor.model_id"
                " (DMM_MODEL_ID) to the id on the monitored model's Overview tab, neither the"
                " project's nor that of the Model API or of its version"
            )
        raise dmm_diagnosis.refusal(self.monitor, reply)

    def data_sources(self) -> list[str]:
        """Return the names of the data sources inside DMM.

        The reply's shape is unverified, so every `name` in it counts.
        """
        reply = self.call(Request("GET", f"{self.base_url}/datasources"))
        if reply.status != 200 or reply.data is None:
            raise dmm_diagnosis.refusal(self.monitor, reply)
        return [server_text(name) for name in _names(reply.data)]

    def jobs(self, model_id: str, limits: Limits | None = None) -> list[dict[str, Any]]:
        """Return the model's ingestion jobs, in no order that means anything (contracts 3.4).

        Asks for all of them, since the spelling of filters is unverified; all pages together get
        `limits.total_seconds`. Raises NoJobsError where this DMM has no such call, and the errors
        of a refused or failed request.
        """
        limits = limits or self._service.limits
        budget = Budget.lasting(limits.total_seconds)
        url = f"{self.base_url}/{model_id}/dataset-jobs"
        until = int(time.time()) + _DAY_SECONDS  # DMM's clock, or its zone, may be ahead of ours
        jobs: list[dict[str, Any]] = []
        last_page: list[Any] = []

        for page in range(1, _MAX_PAGES + 1):
            paging = {"order": 1, "sort": "created_at", "page": page, "size": _PAGE_SIZE}
            query = {"start": 0, "end": until, "search": "", "pagination": paging, "filters": {}}
            left = replace(limits, total_seconds=budget.seconds_left)
            if page > 1 and left.total_seconds <= 0:
                raise ServiceError(
                    f"{url}: the list of jobs was not read to its end within"
                    f" {limits.total_seconds:g} s ({page - 1} pages); run again later"
                )
            reply = self.call(Request("POST", url, json.dumps(query)), left)
            if reply.status in _NO_SUCH_CALL:
                raise NoJobsError(NO_JOBS)
            listed = reply.data.get("jobs") if isinstance(reply.data, dict) else None
            if reply.status != 200 or not isinstance(listed, list):
                raise dmm_diagnosis.refusal(self.monitor, reply)

            # A short page may be the server's own limit: only an empty or a repeated one is surely
            # the end.
            if not listed or listed == last_page:
                break
            jobs += [job for job in listed if isinstance(job, dict)]
            last_page = listed
        return jobs

    def on_reply(self, listen: Any) -> None:
        """Have `listen` called with the headers of every answer."""
        hooks: Any = self._service.session.hooks["response"]
        hooks.append(lambda response, **_: listen(response.headers))

    def _other_id_hint(self, model_id: str) -> str:
        if f"/{model_id}/" in urlsplit(self.settings.model_api.url).path:
            return " (this is the Model API's id, of model_api.url)"
        if model_id == self.settings.project_id:
            return " (this is the project's id)"
        return ""


def key_header(monitor: ModelMonitor, key: str) -> dict[str, str]:
    """Return the header that carries the key.

    contracts 2.2: the platform's tokens travel as Bearer; whether DMM v2 takes them is unverified.
    """
    is_authorization = monitor.api_key_header.lower() == "authorization"
    return {monitor.api_key_header: f"Bearer {key}" if is_authorization else key}


def _names(data: Any) -> Iterator[str]:
    """Yield every `name` in JSON data, however deep."""
    if isinstance(data, Mapping):
        if isinstance(data.get("name"), str):
            yield data["name"]
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _names(item)
