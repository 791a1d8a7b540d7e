"""A watchdog in the manner of healthchecks.io: it learns that the job starts, and how it ended.

`/start`; the address itself for exit code 0; `/fail` for 1, an unexpected error; `/<code>` for the
others.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitoring.alerts import transport
from monitoring.errors import InterruptedRun, MonitoringError
from monitoring.settings.model import Alerts

log = logging.getLogger("monitoring")

_SUCCESS, _FAIL = "", "/fail"


@dataclass(slots=True)
class Job:
    """The job that is watched; it sets its exit code before it ends."""

    exit_code: int = 0


@contextlib.contextmanager
def watch(alerts: Alerts, *, dry_run: bool) -> Iterator[Job]:
    """Report to `alerts.ping`, where it is set, that the job starts and how it ended.

    Each at most once, within `alerts.timeout_seconds`; never fails the job. An error that ends the
    job decides the exit code. dry_run: logs what would be sent.
    """
    job = Job()
    _ping(alerts, "/start", dry_run=dry_run)
    try:
        yield job
    except (MonitoringError, InterruptedRun) as error:
        job.exit_code = error.exit_code
        raise
    except BaseException:
        job.exit_code = MonitoringError.exit_code
        raise
    finally:
        _ping(alerts, _ending(job.exit_code), dry_run=dry_run)


def _ending(exit_code: int) -> str:
    return {0: _SUCCESS, MonitoringError.exit_code: _FAIL}.get(exit_code, f"/{exit_code}")


def _ping(alerts: Alerts, ending: str, *, dry_run: bool) -> None:
    if alerts.ping is None:
        return
    signal = ending or "success"
    if dry_run:
        log.info("ping: would send %s (dry run, not sent)", signal)
        return

    url, seconds = alerts.ping.get_secret_value(), alerts.timeout_seconds
    failure = transport.failure_within(
        seconds, lambda: transport.send("GET", _with_path(url, ending), seconds)
    )
    if failure:
        log.warning(
            "ping: %s could not be sent: %s; check PING_URL or its service", signal, failure
        )


def _with_path(url: str, ending: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + ending).geturl()
