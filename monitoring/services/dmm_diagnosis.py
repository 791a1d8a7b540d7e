"""What a refusal of DMM means: is it the key, the address, DMM itself, or what was sent?"""

import re

from monitoring.errors import CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.services.dmm_replies import is_web_page, messages
from monitoring.services.exchange import Reply
from monitoring.settings.model import ModelMonitor

_LOGIN = re.compile(r"log-?\s?in|sign-?\s?in|password|/auth|oauth|sso|saml|openid", re.IGNORECASE)
_MAX_MESSAGE = 500
_MAX_PAGE_BYTES = 100_000


def refusal(monitor: ModelMonitor, reply: Reply) -> MonitoringError:
    """Return the error for an answer that is no success."""
    where = f"{reply.url}: answered {reply.status}"
    message = messages(reply)[:_MAX_MESSAGE]
    key = f"the key in DMM_API_KEY (sent as {monitor.api_key_header})"

    if reply.redirect_host:
        return _redirect(reply, where, key)
    if reply.status in (401, 403):
        if message:
            return CredentialsError(
                f"{where}: {message}: {key} was refused: renew it, or let it change this model"
            )
        return CredentialsError(
            f"{where}: by a web server in front of DMM, or another one: fix model_monitor.url"
            f" (DMM_URL, expected https://<domino host>); if it is right, {key} was refused:"
            " renew it"
        )
    if reply.status >= 500:
        return ServiceError(
            f"{where}: {message or reply.excerpt}; DMM failed for now, run again later"
        )

    if is_web_page(reply):
        page = reply.body[:_MAX_PAGE_BYTES].decode("utf-8", "replace")
        if _LOGIN.search(page):
            return CredentialsError(f"{where} with a login page: renew {key}")
        return _not_dmm(where, "a web page", key)
    if reply.status in (404, 405) and reply.data is None:
        return _not_dmm(where, message or "nothing", key)

    return RefusedError(
        f"{where}: {message or reply.excerpt or 'nothing'}; expected 2xx, empty or JSON: fix what"
        " it names, then rerun"
    )


def _redirect(reply: Reply, where: str, key: str) -> RefusedError:
    if _LOGIN.search(reply.headers.get("Location", "")):
        return CredentialsError(
            f"{where}, a redirect to a login on {reply.redirect_host} (not followed): renew {key}"
        )
    return RefusedError(
        f"{where}, a redirect to {reply.redirect_host}, never followed since it would be sent the"
        f" key: fix model_monitor.url (DMM_URL); if a login page is there, renew {key}"
    )


def _not_dmm(where: str, content: str, key: str) -> RefusedError:
    return RefusedError(
        f"{where} with {content}: this is not DMM: fix model_monitor.url (DMM_URL, expected"
        f" https://<domino host>); if a browser shows a login page there, renew {key}"
    )
