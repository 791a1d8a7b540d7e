"""The watchdog, against a server on loopback: start, and how the job ended."""

import pytest
from pytest_httpserver import HTTPServer

from monitoring.alerts import healthchecks
from monitoring.errors import InterruptedRun, RefusedError
from monitoring.settings.model import Settings
from tests.integration.alerts.conftest import Logged
from tests.support.alerts import with_ping

ENDINGS: list[tuple[int | BaseException, str]] = [
    (0, "/uuid-s3cret"),
    (1, "/uuid-s3cret/fail"),
    (3, "/uuid-s3cret/3"),
    (RefusedError("no"), "/uuid-s3cret/6"),
    (InterruptedRun(15), "/uuid-s3cret/143"),
    (ZeroDivisionError(), "/uuid-s3cret/fail"),
    (KeyboardInterrupt(), "/uuid-s3cret/fail"),
]


@pytest.mark.parametrize(("ending", "path"), ENDINGS)
@pytest.mark.parametrize("query", ["", "?create=1"])
def test_the_ping_reports_start_success_fail_and_code(
    settings: Settings, httpserver: HTTPServer, ending: int | BaseException, path: str, query: str
) -> None:
    httpserver.expect_request("/uuid-s3cret/start", method="GET").respond_with_data("OK")
    httpserver.expect_request(path, method="GET").respond_with_data("OK")
    alerts = with_ping(settings, httpserver.url_for("/uuid-s3cret") + query).alerts

    if isinstance(ending, int):
        with healthchecks.watch(alerts, dry_run=False) as job:
            job.exit_code = ending
    else:
        with (
            pytest.raises(type(ending)),
            healthchecks.watch(alerts, dry_run=False),
        ):
            raise ending

    start, end = (request for request, _ in httpserver.log)
    assert (start.path, end.path) == ("/uuid-s3cret/start", path)
    assert start.query_string == end.query_string == query[1:].encode()


def test_a_ping_that_is_refused_is_a_warning(
    settings: Settings, httpserver: HTTPServer, logged: Logged
) -> None:
    httpserver.expect_request("/uuid-s3cret").respond_with_data("no such check", status=404)
    httpserver.expect_request("/uuid-s3cret/start").respond_with_data("OK")

    url = httpserver.url_for("/uuid-s3cret")
    with healthchecks.watch(with_ping(settings, url).alerts, dry_run=False):
        pass

    assert logged() == [
        (
            "WARNING",
            "ping: success could not be sent: answered 404; check PING_URL or its service",
        )
    ]


def test_a_dry_run_sends_none_and_says_so(
    settings: Settings, hook: str, httpserver: HTTPServer, logged: Logged
) -> None:
    with healthchecks.watch(with_ping(settings, hook).alerts, dry_run=True):
        pass

    assert httpserver.log == []
    assert logged() == [
        ("INFO", "ping: would send /start (dry run, not sent)"),
        ("INFO", "ping: would send success (dry run, not sent)"),
    ]
