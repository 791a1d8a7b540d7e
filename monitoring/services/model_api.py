"""The model's endpoint: one request a row (contracts 6.1). It knows no threads and no retries."""

import base64

from monitoring.errors import CredentialsError, MonitoringError, RefusedError
from monitoring.services.exchange import Limits, Reply, Request
from monitoring.services.http import HttpService
from monitoring.services.model_reply import Prediction, parse_reply
from monitoring.settings import model as settings_model

_TOKEN_REFUSED = (
    "the model's access token was refused: check MODEL_API_TOKEN (a user API key won't do), or"
    " model_api.auth"
)
_FATAL_STATUSES = {
    401: _TOKEN_REFUSED,
    403: _TOKEN_REFUSED,
    404: "no model runs there: fix model_api.url, or start the endpoint",
}


class ModelApi:
    """The endpoint with its token, its limits and the classes that it may answer."""

    def __init__(self, settings: settings_model.ModelApi, target: settings_model.Target) -> None:
        self.settings, self.target = settings, target
        limits = Limits(
            connect_seconds=min(5, settings.timeout_seconds),
            read_seconds=settings.timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        self._service = HttpService(
            "the model's endpoint",
            _credentials(settings),
            limits,
            connections=settings.workers,
        )

    def predict(self, body: str) -> Prediction:
        """Send one row and return the prediction; called by several threads.

        body: as of schema.request_body. One try, at least once at the endpoint. Raises
        TransientError, UnusableReplyError or ReplyTooLargeError, which are about this row, and
        CredentialsError or RefusedError for an answer that no other row will get past.
        """
        reply = self._service.send(Request("POST", self.settings.url, body))
        if error := _fatal_error(reply):
            raise error
        return parse_reply(reply, self.settings, self.target)


def _fatal_error(reply: Reply) -> MonitoringError | None:
    if host := reply.redirect_host:
        return RefusedError(
            f"{reply.url}: redirects to {host}, which is never followed (it would get"
            " the token): fix model_api.url"
        )
    if reply.status not in _FATAL_STATUSES:
        return None
    kind = RefusedError if reply.status == 404 else CredentialsError
    return kind(f"{reply.url}: answered {reply.status}: {_FATAL_STATUSES[reply.status]}")


def _credentials(settings: settings_model.ModelApi) -> dict[str, str]:
    token = settings.token.get_secret_value()
    if settings.auth == "basic":  # contracts 2.2: the token is user and password
        return {"Authorization": "Basic " + base64.b64encode(f"{token}:{token}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if settings.auth == "bearer" else {}
