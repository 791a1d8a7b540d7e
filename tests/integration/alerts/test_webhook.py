"""The webhook, against a server on loopback: one text, escaped and short."""

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from monitoring.settings.model import Settings
from tests.integration.alerts.conftest import Logged
from tests.support.alerts import alert, deliver, record, with_webhook


def texts(httpserver: HTTPServer) -> list[str]:
    return [json.loads(request.get_data())["text"] for request, _ in httpserver.log]


def test_the_webhook_gets_one_text_with_every_alert_the_advice_and_the_report(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    day = record("2026-01-10", alert(), alert("savings_A61"))
    deliver(with_webhook(settings, hook), day, tmp_path)

    assert texts(httpserver) == [
        "credit-default 2026-01-10: 2 alerts, advice: look\n"
        "- drift: age: KS 0.24, limit 0.17\n"
        "- drift: savings_A61: KS 0.24, limit 0.17\n"
        "report: reports/page.html"
    ]
    assert logged() == [("INFO", "webhook: 2 alerts sent")]
    assert httpserver.log[0][0].headers["Content-Type"] == "application/json"


def test_its_own_markup_is_escaped(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    day = record("2026-01-10", alert("<!channel> & <b>"))
    deliver(with_webhook(settings, hook), day, tmp_path)

    assert "&lt;!channel&gt; &amp; &lt;b&gt;: KS" in texts(httpserver)[0]


def test_a_flood_of_alerts_is_cut_and_counted(
    settings: Settings, hook: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    day = record("2026-01-10", *(alert(f"f{number}") for number in range(33)))
    deliver(with_webhook(settings, hook), day, tmp_path)

    assert texts(httpserver)[0].count("\n- drift") == 20
    assert "- and 13 more" in texts(httpserver)[0]


def test_a_redirect_is_not_followed(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path, logged: Logged
) -> None:
    httpserver.expect_request("/hook/s3cret").respond_with_data(
        "", status=302, headers={"Location": "/elsewhere"}
    )

    url = httpserver.url_for("/hook/s3cret")
    deliver(with_webhook(settings, url), record("2026-01-10", alert()), tmp_path)

    assert logged() == [
        (
            "WARNING",
            "webhook: 1 alert could not be sent: answered 302; the next run tries again",
        )
    ]
    assert [request.path for request, _ in httpserver.log] == ["/hook/s3cret"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1:2/s3cret",
        "http://[/s3cret",
        "nonsense://x/s3cret",
        "http://\x00/s3cret",
    ],
)
def test_an_address_that_makes_the_library_fail_is_a_warning_without_the_address(
    settings: Settings, tmp_path: Path, logged: Logged, address: str
) -> None:
    deliver(with_webhook(settings, address), record("2026-01-10", alert()), tmp_path)

    ((level, text),) = logged()
    assert level == "WARNING"
    assert "s3cret" not in text
