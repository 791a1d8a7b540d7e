"""Registering a ground truth file with DMM (contracts 3.2).

Only an empty or a JSON 2xx is success, and so is "already registered"; no dataset is ever renamed
to get past a refusal.
"""

import json
from typing import Any

from monitoring.errors import MonitoringError, RefusedError, ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.services import dmm_diagnosis
from monitoring.services.dmm import Dmm, key_header
from monitoring.services.dmm_jobs import progress_of
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.dmm_replies import is_not_dmm, is_success, is_web_page, messages
from monitoring.services.exchange import Reply, Request
from monitoring.services.server_text import server_text

ENDPOINTS = ("groundTruth", "register-dataset")

Form = tuple[str, ...]
_WITHOUT_VARIABLES: Form = ()
"""The form of every registration but a model's first: it declares no variables."""

_MAX_MESSAGE = 500
_SHOWN_SOURCES = 10


class Registration:
    """How this model's files are registered: endpoint, form, and what worked before."""

    def __init__(self, dmm: Dmm, memory: DmmMemory) -> None:
        self.dmm, self.memory = dmm, memory
        self.settings, self.monitor = dmm.settings, dmm.monitor

    def register(self, uri: S3Uri) -> bool:
        """Register an object under its file name; return whether DMM had it already.

        At least once: a request whose answer was lost is sent again, and DMM calls the second one
        "already registered", which is success here. `endpoint: auto` tries the next endpoint only
        after an answer that is definite and not DMM's own. What worked is remembered. Raises
        CredentialsError, RefusedError, or ServiceError where DMM may have taken it but did not
        say so.
        """
        for endpoint in self._endpoints():
            reply = self._send(endpoint, uri)
            if not is_not_dmm(reply):
                break

        text = messages(reply)
        is_bare_conflict = reply.status == 409 and not text and not is_web_page(reply)
        if "already registered" in text.lower() or is_bare_conflict:
            self._check_name_conflict(uri)
            self._remember(endpoint)
            return True
        if is_success(reply):
            self._remember(endpoint)
            return False
        if reply.status in (404, 405):
            raise self._unknown(reply, uri.bucket, endpoint)
        raise dmm_diagnosis.refusal(self.monitor, reply)

    def planned_requests(self, uri: S3Uri) -> list[dict[str, Any]]:
        """Return the requests that `register` may send.

        When, method, url, headers (the key masked) and body of each.
        """
        headers = key_header(self.monitor, "***") | {"Content-Type": "application/json"}
        forms = [_WITHOUT_VARIABLES]
        if not self.memory.knows_variables(self.monitor.model_id):
            forms.append(self._declarations()[0])

        planned = []
        endpoints = self._endpoints()
        for endpoint in endpoints:
            for form in forms:
                when = "first"
                if form != _WITHOUT_VARIABLES:
                    when = "if DMM then answers that it found no ground truth variable"
                elif endpoint != endpoints[0]:
                    when = f"if it is not DMM that answers at {endpoints[0]}"
                method, url, body = self._request(endpoint, form, uri)
                planned.append(
                    {"when": when, "method": method, "url": url, "headers": headers, "body": body}
                )
        return planned

    # --- requests

    def _endpoints(self) -> tuple[str, ...]:
        if self.monitor.endpoint != "auto":
            return (self.monitor.endpoint,)
        if self.memory.endpoint(self.dmm.host) == ENDPOINTS[-1]:
            return ENDPOINTS[-1:]
        return ENDPOINTS

    def _send(self, endpoint: str, uri: S3Uri) -> Reply:
        """Send the registration in the form that DMM wants; return its last answer."""
        sent: list[Form] = []
        form: Form | None = _WITHOUT_VARIABLES
        while form is not None:
            method, url, body = self._request(endpoint, form, uri)
            reply = self.dmm.call(Request(method, url, json.dumps(body)))
            sent.append(form)
            form = self._next_form(reply, sent)
        return reply

    def _next_form(self, reply: Reply, sent: list[Form]) -> Form | None:
        """Return the form that DMM's refusal asks for, None where it asks for no other."""
        if reply.status < 400:  # which status a refusal has is unverified
            return None
        text = messages(reply).lower()
        declarations = self._declarations()
        if "ground truth variable" in text and "none found" in text:
            return next((form for form in declarations if form not in sent), None)
        if "only 1 row_identifier" in text and declarations[-1] not in sent:
            return declarations[-1]
        if "already configured" in text and sent.count(_WITHOUT_VARIABLES) < 2:
            return _WITHOUT_VARIABLES
        return None

    def _declarations(self) -> list[Form]:
        """Return the forms that declare variables, the fullest first."""
        least: Form = ("ground_truth",)
        if self.settings.ground_truth.declare_row_identifier:
            return [(*least, "row_identifier"), least]
        return [least]

    def _request(self, endpoint: str, form: Form, uri: S3Uri) -> tuple[str, str, dict[str, Any]]:
        """Return method, URL and body; `path` is the key within the data source's bucket."""
        body: dict[str, Any] = {}
        if form:
            variables = self._variables()
            body["variables"] = [variables[kind] for kind in form]
        body["datasetDetails"] = {
            "name": uri.file_name,
            "datasetType": "file",
            "datasetConfig": {"path": uri.key, "fileFormat": "csv"},
            "datasourceName": self.monitor.data_source.name,
            "datasourceType": self.monitor.data_source.type,
        }

        model_id = self.monitor.model_id
        if endpoint == "groundTruth":
            url = f"{self.monitor.url}/api/modelMonitor/v2/groundTruth"
            return "POST", url, {"modelId": model_id, **body}
        url = f"{self.dmm.base_url}/model/{model_id}/register-dataset/ground_truth"
        return "PUT", url, body

    def _variables(self) -> dict[str, dict[str, str]]:
        names = self.settings.ground_truth
        return {
            "ground_truth": {
                "name": names.label_column,
                "variableType": "ground_truth",
                "valueType": "categorical",
                "forPredictionOutput": self.settings.schema.target.name,
            },
            "row_identifier": {
                "name": names.id_column,
                "variableType": "row_identifier",
                "valueType": "string",
            },
        }

    def _remember(self, endpoint: str) -> None:
        self.memory.remember(self.dmm.host, endpoint, self.monitor.model_id)

    # --- answers

    def _check_name_conflict(self, uri: S3Uri) -> None:
        """Refuse where the dataset that DMM has is another file of the same name.

        Ours would never be read: DMM may compare names only (unverified). What can't be found out
        is taken for the same file.
        """
        try:
            jobs = self.dmm.jobs(self.monitor.model_id)
        except (RefusedError, ServiceError):
            return

        paths = {str(job.get("dataset_path")) for job in jobs}
        same_name = sorted(path for path in paths if path.rpartition("/")[2] == uri.file_name)
        if same_name and progress_of(self.monitor, jobs, uri).word is None:
            theirs = server_text(", ".join(same_name))
            raise RefusedError(
                f"{uri}: not taken, since DMM has another file under the name {uri.file_name}"
                f" ({theirs}): give it a file name of its own ({{date}} in the last part of"
                " ground_truth.uri)"
            )

    def _unknown(self, reply: Reply, bucket: str, endpoint: str) -> MonitoringError:
        """Return the error for a 404 or 405: is the model, the data source or the endpoint unknown?

        contracts 1.
        """
        answer = (
            f"{reply.url}: answered {reply.status}: {messages(reply)[:_MAX_MESSAGE] or 'nothing'}"
        )
        try:
            self.dmm.get_model(self.monitor.model_id)
        except RefusedError as error:
            return error
        except ServiceError as error:
            return RefusedError(
                f"{answer}; either the model id or the data source is unknown there, and asking"
                f" which failed: {error}"
            )

        name = self.monitor.data_source.name
        known = self._known_data_sources()
        if name in known:
            others = " or ".join(one for one in ENDPOINTS if one != endpoint)
            return RefusedError(
                f"{answer}; DMM knows the model and the data source, so it is the endpoint"
                f" {endpoint} that is not served there: set model_monitor.endpoint to {others}"
            )
        listed = ", ".join(known[:_SHOWN_SOURCES]) or "none that it would list"
        is_bucket = " (this is the bucket's name)" if name == bucket else ""
        return RefusedError(
            f"{answer}; DMM knows the model, but of data sources only {listed}, not {name}"
            f"{is_bucket}: set model_monitor.data_source.name (DMM_DATA_SOURCE) to the name given"
            " inside DMM, which need be neither the bucket's nor that of a Domino data source"
        )

    def _known_data_sources(self) -> list[str]:
        try:
            return sorted(self.dmm.data_sources())
        except (RefusedError, ServiceError):
            return []
