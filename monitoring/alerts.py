"""Where a day's alerts go: a webhook, a ping, Domino's metrics. Best effort: none can fail the job or delay it past its limit.

The addresses of webhook and ping are secrets: no message holds one, so errors are told by their kind.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from monitoring.day import write_atomically
from monitoring.errors import ServiceError
from monitoring.http_client import Limits, NoAnswer, send, session

if TYPE_CHECKING:
    from monitoring.config import Settings

_SHOWN_ALERTS = 20
_MAX_REPLY_BYTES = 100_000


class Note(NamedTuple):
    """What became of one outlet, to be logged: a warning where it could not be reached."""

    warning: bool
    text: str


def ping(settings: "Settings", state: str | int, *, dry_run: bool = False) -> list[Note]:
    """Tell the watchdog (healthchecks-style) that the job starts ("start") or how it ended (its exit code).

    `/start`; the address itself for 0; `/fail` for 1 (unexpected); `/<code>` for the rest. At most once, within
    `alerts.timeout_seconds`. Returns a note when it failed or in a dry run, else nothing.
    """
    if settings.alerts.ping is None:
        return []
    ending = {"start": "/start", 0: "", 1: "/fail"}.get(state, f"/{state}")
    if dry_run:
        return [Note(False, f"ping: would send {ending or 'success'} (dry run; not sent)")]
    parts = urlsplit(settings.alerts.ping.get_secret_value())
    url = parts._replace(path=parts.path.rstrip("/") + ending).geturl()
    seconds = settings.alerts.timeout_seconds
    problem = _within(seconds, lambda: _request("GET", url, seconds))
    return (
        [Note(True, f"ping: {ending or 'success'} could not be sent: {problem}; mend PING_URL or its service")]
        if problem
        else []
    )


def notify(
    settings: "Settings", record: dict[str, Any], report: Path, state_path: Path, *, dry_run: bool = False
) -> list[Note]:
    """Send the day's alerts to every outlet that is set, and its numbers to Domino if `alerts.domino_metrics`.

    record: as of checks.judge; report: the page to name. An alert that an outlet got less than `cooldown_days` ago, and always
    one of the same day, is held back there; state_path keeps when each was sent, and a failed sending is tried again the next
    time. At least once per outlet, each within `alerts.timeout_seconds`. Returns what to log.
    """
    outlets: dict[str, Callable[[Sequence[dict[str, Any]]], str | None]] = {}
    if settings.alerts.webhook is not None:
        outlets["webhook"] = lambda alerts: _webhook(settings, record, report, alerts)
    if settings.alerts.domino_metrics:
        outlets["domino"] = lambda alerts: _domino(settings, record, alerts)
    sent, notes = _read(state_path), []
    for outlet, deliver in outlets.items():
        known = sent.setdefault(outlet, {})
        fresh = [
            alert
            for alert in record["alerts"]
            if not _cooling(known.get(_name(alert)), record["day"], settings.alerts.cooldown_days)
        ]
        held = len(record["alerts"]) - len(fresh)
        what = "the numbers and " if outlet == "domino" else ""
        told = f"{outlet}: {what}{len(fresh)} alert{'' if len(fresh) == 1 else 's'}" + (
            f", {held} held back (sent lately)" if held else ""
        )
        if dry_run:
            notes.append(Note(False, f"{told} would be sent (dry run; not sent)"))
        elif fresh or outlet == "domino":
            problem = _within(settings.alerts.timeout_seconds, partial(deliver, fresh))
            if problem:
                notes.append(Note(True, f"{told} could not be sent: {problem}; the next run tries again"))
            else:
                known |= {_name(alert): record["day"] for alert in fresh}
                notes.append(Note(False, f"{told} sent"))
    if outlets and not dry_run:
        try:
            write_atomically(state_path, json.dumps(sent, indent=1) + "\n")
        except ServiceError as error:
            notes.append(Note(True, f"{error}; the same alerts may be sent again"))
    return notes


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {outlet: {str(name): str(day) for name, day in days.items()} for outlet, days in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}  # an alert sent twice is better than one lost


def _name(alert: dict[str, Any]) -> str:
    return f"{alert['family']}/{alert['subject']}/{alert['metric']}"


def _cooling(last: str | None, day: str, cooldown_days: int) -> bool:
    try:
        return last is not None and abs((date.fromisoformat(day) - date.fromisoformat(last)).days) < max(1, cooldown_days)
    except ValueError:
        return False


def _webhook(settings: "Settings", record: dict[str, Any], report: Path, alerts: Sequence[dict[str, Any]]) -> str | None:
    lines = [
        f"{record['model']} {record['day']}: {len(alerts)} alert{'' if len(alerts) == 1 else 's'}, advice: {record['advice']}"
    ]
    lines += [f"- {alert['family']}: {alert['text']}" for alert in alerts[:_SHOWN_ALERTS]]
    if len(alerts) > _SHOWN_ALERTS:
        lines.append(f"- and {len(alerts) - _SHOWN_ALERTS} more")
    text = "\n".join([*lines, f"report: {report}"])
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # Slack's own markup: <!channel> would call everybody
        text = text.replace(sign, escaped)
    assert settings.alerts.webhook is not None
    url, seconds = settings.alerts.webhook.get_secret_value(), settings.alerts.timeout_seconds
    return _request("POST", url, seconds, {"text": text})


def _domino(settings: "Settings", record: dict[str, Any], alerts: Sequence[dict[str, Any]]) -> str | None:
    """Send the day's numbers as custom metrics and the alerts that have a number as metric alerts (contracts 9)."""
    from monitoring.report import history_rows  # Jinja2: only where a page is written anyway

    monitor, seconds = settings.model_monitor, settings.alerts.timeout_seconds
    until = time.monotonic() + seconds  # nobody waits for what is sent later: the next run sends it
    headers = {monitor.api_key_header: monitor.api_key.get_secret_value()}
    values = [
        {
            "modelMonitoringId": monitor.model_id,
            "metric": metric if subject in ("endpoint", "model") else f"{metric}.{subject}",
            "value": value,
            "referenceTimestamp": f"{record['day']}T00:00:00Z",
        }
        for _, metric, subject, value, _ in history_rows(record)
    ]
    problem = _request("POST", f"{monitor.url}/api/metricValues/v1", seconds, {"newMetricValues": values}, headers)
    for alert in alerts:
        if problem is None and None not in (alert["value"], alert["limit"]) and time.monotonic() < until:
            within = {"above": ("lessThanEqual", "upperLimit"), "below": ("greaterThanEqual", "lowerLimit")}[alert["side"]]
            body = {
                "modelMonitoringId": monitor.model_id,
                "metric": f"{alert['metric']}.{alert['subject']}",
                "value": alert["value"],
                "targetRange": {"condition": within[0], within[1]: alert["limit"]},
                "description": alert["text"],
            }
            problem = _request("POST", f"{monitor.url}/api/metricAlerts/v1", seconds, body, headers)
    return problem


def _request(method: str, url: str, seconds: float, body: Any = None, headers: dict[str, str] | None = None) -> str | None:
    """Send one request and return what went wrong, None if nothing; never a word of the address."""
    limits = Limits(connect_seconds=seconds, read_seconds=seconds, max_reply_bytes=_MAX_REPLY_BYTES)
    try:
        reply = send(session(headers or {}), method, url, limits, body=None if body is None else json.dumps(body))
    except NoAnswer as error:
        return f"no answer ({error.kind})"
    except Exception as error:  # whatever it is, it must not fail the job, and its text may hold the address
        return type(error).__name__
    return None if 200 <= reply.status < 300 else f"answered {reply.status}"


def _within(seconds: float, work: Callable[[], str | None]) -> str | None:
    """Return what the work returns, or a problem once `seconds` are over: a name lookup or a slow drip would go on."""
    results: list[str | None] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else f"no answer within {seconds:g} s"
