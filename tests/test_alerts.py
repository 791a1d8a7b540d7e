"""The outlets, against real servers on loopback: what is sent, what is held back, and that a dead one costs little."""

import json
import logging
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug import Request, Response

from benchmarks.limits import settings as shipped_settings
from monitoring import alerts
from monitoring.config import Secret

TIMEOUT_SECONDS = 0.6


def alert(subject="age", value=0.24, limit=0.17, metric="ks", side="above", family="drift"):
    text = f"{subject}: {metric.upper()} {value}, limit {limit}"
    return {"family": family, "subject": subject, "metric": metric, "value": value, "limit": limit, "side": side, "text": text}


def record(day="2026-01-10", *found):
    return {
        "model": "credit-default",
        "day": day,
        "advice": "look",
        "alerts": list(found),
        "rows": 100,
        "endpoint": {"scored": 99, "availability": 0.99, "rows_per_second": None, "latency_ms": {"p50": 20.0, "p95": 31.5}},
        "performance": {"metrics": {"auc": {"value": 0.8}}, "mean_score": 0.6, "label_coverage": 0.99, "tests": []},
        "balance": [],
        "drift": [{"subject": "age", "test": "KS", "value": 0.24, "limit": 0.17, "psi_dmm": 0.3}],
        "pipeline": {"duration_seconds": 3.5, "days_missing": []},
    }


@pytest.fixture
def settings():
    shipped = shipped_settings()
    return replace(shipped, alerts=replace(shipped.alerts, webhook=None, ping=None, timeout_seconds=TIMEOUT_SECONDS))


def with_webhook(settings, url, **changes):
    return replace(settings, alerts=replace(settings.alerts, webhook=Secret(url), **changes))


def with_ping(settings, url):
    return replace(settings, alerts=replace(settings.alerts, ping=Secret(url)))


def with_domino(settings, url):
    monitor = replace(settings.model_monitor, url=url, api_key=Secret("key-1234"), model_id="abc123")
    return replace(settings, alerts=replace(settings.alerts, domino_metrics=True), model_monitor=monitor)


def notify(settings, day, tmp_path, *, dry_run=False):
    return alerts.notify(settings, day, Path("reports/page.html"), tmp_path / "alerts.json", dry_run=dry_run)


@pytest.fixture
def hook(httpserver):
    httpserver.expect_request("/hook/s3cret").respond_with_data("ok")
    return httpserver.url_for("/hook/s3cret")


def texts(httpserver):
    return [json.loads(request.get_data())["text"] for request, _ in httpserver.log if request.path == "/hook/s3cret"]


def test_the_webhook_gets_one_text_with_every_alert_the_advice_and_the_report(settings, hook, httpserver, tmp_path):
    (note,) = notify(with_webhook(settings, hook), record("2026-01-10", alert(), alert("savings_A61")), tmp_path)

    assert texts(httpserver) == [
        "credit-default 2026-01-10: 2 alerts, advice: look\n- drift: age: KS 0.24, limit 0.17\n"
        "- drift: savings_A61: KS 0.24, limit 0.17\nreport: reports/page.html"
    ]
    assert (note.warning, note.text) == (False, "webhook: 2 alerts sent")
    assert httpserver.log[0][0].headers["Content-Type"] == "application/json"


def test_a_quiet_day_and_outlets_that_are_off_send_nothing(settings, hook, httpserver, tmp_path):
    assert notify(with_webhook(settings, hook), record(), tmp_path) == []
    assert notify(settings, record("2026-01-10", alert()), tmp_path) == []
    assert alerts.ping(settings, "start") == []
    assert httpserver.log == []


def test_the_webhooks_own_markup_is_escaped(settings, hook, httpserver, tmp_path):
    notify(with_webhook(settings, hook), record("2026-01-10", alert("<!channel> & <b>")), tmp_path)

    assert "&lt;!channel&gt; &amp; &lt;b&gt;: KS" in texts(httpserver)[0]


def test_a_flood_of_alerts_is_cut_and_counted(settings, hook, httpserver, tmp_path):
    notify(with_webhook(settings, hook), record("2026-01-10", *(alert(f"f{i}") for i in range(33))), tmp_path)

    assert texts(httpserver)[0].count("\n- drift") == 20
    assert "- and 13 more" in texts(httpserver)[0]


def test_an_alert_cools_down_and_a_new_one_does_not_wait_for_it(settings, hook, httpserver, tmp_path):
    settings = with_webhook(settings, hook, cooldown_days=3)
    notes = []
    for day in range(10, 17):
        found = [alert(), alert("new")] if day == 12 else [alert()]
        notes += notify(settings, record(f"2026-01-{day}", *found), tmp_path)

    sent = [(text.split()[1][:10], text.count("- drift")) for text in texts(httpserver)]
    assert sent == [("2026-01-10", 1), ("2026-01-12", 1), ("2026-01-13", 1), ("2026-01-16", 1)]
    assert "new" in texts(httpserver)[1]
    assert notes[1].text == "webhook: 1 alert, 1 held back (sent lately) sent"


@pytest.mark.parametrize("cooldown_days", [0, 3])
def test_the_same_day_judged_again_sends_nothing_twice(settings, hook, httpserver, tmp_path, cooldown_days):
    settings = with_webhook(settings, hook, cooldown_days=cooldown_days)
    for _ in range(3):
        notify(settings, record("2026-01-10", alert()), tmp_path)

    assert len(texts(httpserver)) == 1


def test_a_dry_run_sends_none_writes_nothing_and_says_so(settings, hook, httpserver, tmp_path):
    settings = with_ping(with_domino(with_webhook(settings, hook), httpserver.url_for("")), hook)

    notes = notify(settings, record("2026-01-10", alert()), tmp_path, dry_run=True)
    notes += alerts.ping(settings, 0, dry_run=True)

    assert httpserver.log == [] and not (tmp_path / "alerts.json").exists()
    assert [note.text for note in notes] == [
        "webhook: 1 alert would be sent (dry run; not sent)",
        "domino: the numbers and 1 alert would be sent (dry run; not sent)",
        "ping: would send success (dry run; not sent)",
    ]
    assert not any(note.warning for note in notes)


def test_what_could_not_be_sent_is_sent_by_the_next_run(settings, httpserver, tmp_path):
    httpserver.expect_ordered_request("/hook/s3cret").respond_with_data("no", status=503)
    httpserver.expect_ordered_request("/hook/s3cret").respond_with_data("ok")
    settings = with_webhook(settings, httpserver.url_for("/hook/s3cret"))

    (failed,), (sent,) = (notify(settings, record("2026-01-10", alert()), tmp_path) for _ in range(2))

    assert failed == (True, "webhook: 1 alert could not be sent: answered 503; the next run tries again")
    assert sent == (False, "webhook: 1 alert sent")


@pytest.fixture
def silent_port():
    """A server that accepts and says nothing, ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dripping_port():
    """A server that sends its answer's header byte by byte, so that no single read ever times out."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                    if stop.wait(0.1):
                        return
                    connection.sendall(bytes([byte]))

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join(5)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("kind", ["silent", "dripping", "closed"])
@pytest.mark.parametrize("outlet", ["webhook", "ping", "domino"])
def test_a_dead_outlet_costs_at_most_its_time_limit_and_a_warning_without_its_address(
    settings, request, tmp_path, caplog, kind, outlet
):
    port = closed_port() if kind == "closed" else request.getfixturevalue(f"{kind}_port")
    url = f"http://127.0.0.1:{port}/hook/s3cret"
    configured = {"webhook": with_webhook, "ping": with_ping, "domino": with_domino}[outlet](settings, url)
    caplog.set_level(logging.DEBUG, logger="monitoring")
    begin = time.monotonic()

    if outlet == "ping":
        (note,) = alerts.ping(configured, "start")
    else:
        (note,) = notify(configured, record("2026-01-10", alert(), alert("b"), alert("c")), tmp_path)

    assert time.monotonic() - begin < TIMEOUT_SECONDS + 0.4
    assert note.warning and ("no answer" in note.text)
    assert "s3cret" not in note.text and str(port) not in note.text and "key-1234" not in note.text
    assert "s3cret" not in caplog.text


def test_an_outlet_that_answers_slowly_to_each_of_many_requests_has_one_time_limit_for_all(settings, httpserver, tmp_path):
    def slow(request: Request) -> Response:
        time.sleep(TIMEOUT_SECONDS / 2)
        return Response("{}")

    httpserver.expect_request("/api/metricValues/v1").respond_with_handler(slow)
    httpserver.expect_request("/api/metricAlerts/v1").respond_with_handler(slow)
    settings = with_domino(settings, httpserver.url_for("").rstrip("/"))
    begin = time.monotonic()

    (note,) = notify(settings, record("2026-01-10", *(alert(str(place)) for place in range(8))), tmp_path)

    assert time.monotonic() - begin < TIMEOUT_SECONDS + 0.4
    assert note.warning and "no answer within 0.6 s" in note.text
    time.sleep(TIMEOUT_SECONDS)
    assert len(httpserver.log) <= 3


def test_a_redirect_is_not_followed(settings, httpserver, tmp_path):
    httpserver.expect_request("/hook/s3cret").respond_with_data("", status=302, headers={"Location": "/elsewhere"})

    (note,) = notify(with_webhook(settings, httpserver.url_for("/hook/s3cret")), record("2026-01-10", alert()), tmp_path)

    assert note.warning and note.text == "webhook: 1 alert could not be sent: answered 302; the next run tries again"
    assert [request.path for request, _ in httpserver.log] == ["/hook/s3cret"]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1:2/s3cret", "http://[/s3cret", "nonsense://x/s3cret", "http://\x00/s3cret"]
)
def test_an_address_that_makes_the_library_fail_is_a_warning_without_the_address(settings, tmp_path, address):
    (note,) = notify(with_webhook(settings, address), record("2026-01-10", alert()), tmp_path)

    assert note.warning and "s3cret" not in note.text


@pytest.mark.parametrize("content", ["{torn", "[]", '{"webhook": 3}', '{"webhook": {"drift/age/ks": "yesterday"}}'])
def test_a_torn_memory_of_what_was_sent_sends_again(settings, hook, httpserver, tmp_path, content):
    (tmp_path / "alerts.json").write_text(content)

    notify(with_webhook(settings, hook), record("2026-01-10", alert()), tmp_path)

    assert len(texts(httpserver)) == 1
    assert json.loads((tmp_path / "alerts.json").read_text())["webhook"]["drift/age/ks"] == "2026-01-10"


def test_a_folder_that_can_not_be_written_is_a_warning(settings, hook, tmp_path):
    (tmp_path / "file").write_text("")

    notes = alerts.notify(
        with_webhook(settings, hook), record("2026-01-10", alert()), Path("page"), tmp_path / "file" / "alerts.json"
    )

    assert [note.warning for note in notes] == [False, True]
    assert "the same alerts may be sent again" in notes[1].text


@pytest.mark.parametrize(
    ("state", "path"), [("start", "/uuid-s3cret/start"), (0, "/uuid-s3cret"), (1, "/uuid-s3cret/fail"), (6, "/uuid-s3cret/6")]
)
@pytest.mark.parametrize("query", ["", "?create=1"])
def test_the_ping_tells_start_success_fail_and_code(settings, httpserver, state, path, query):
    httpserver.expect_request(path, method="GET").respond_with_data("OK")

    assert alerts.ping(with_ping(settings, httpserver.url_for("/uuid-s3cret") + query), state) == []

    ((request, response),) = httpserver.log
    assert (request.path, response.status_code) == (path, 200)
    assert request.query_string == query[1:].encode()


def test_a_ping_that_is_refused_is_a_warning(settings, httpserver):
    httpserver.expect_request("/uuid-s3cret").respond_with_data("no such check", status=404)

    (note,) = alerts.ping(with_ping(settings, httpserver.url_for("/uuid-s3cret")), 0)

    assert note == (True, "ping: success could not be sent: answered 404; mend PING_URL or its service")


def test_domino_gets_the_days_numbers_and_the_alerts_that_have_one(settings, httpserver, tmp_path):
    bodies = {"/api/metricValues/v1": [], "/api/metricAlerts/v1": []}

    def keep(request: Request) -> Response:
        if request.headers.get("X-Domino-Api-Key") != "key-1234":
            return Response(json.dumps({"message": "no"}), status=401)
        bodies[request.path].append(request.get_json())
        return Response("{}", status=200)

    for path in bodies:
        httpserver.expect_request(path, method="POST").respond_with_handler(keep)
    settings = with_domino(settings, httpserver.url_for("").rstrip("/"))
    unnumbered = alert("release", None, None, "release_changed")
    low = alert("endpoint", 0.9, 0.98, "availability", "below", "endpoint")

    (note,) = notify(settings, record("2026-01-10", low, unnumbered, alert()), tmp_path)

    assert note == (False, "domino: the numbers and 3 alerts sent")
    (values,) = bodies["/api/metricValues/v1"]
    assert {
        "modelMonitoringId": "abc123", "metric": "latency_p95_ms", "value": 31.5, "referenceTimestamp": "2026-01-10T00:00:00Z",
    } in values["newMetricValues"]  # fmt: skip
    assert {"rows", "availability", "auc", "ks.age", "psi_dmm.age"} <= {value["metric"] for value in values["newMetricValues"]}
    assert all(isinstance(value["value"], int | float) for value in values["newMetricValues"])
    assert [(body["metric"], body["value"], body["targetRange"]) for body in bodies["/api/metricAlerts/v1"]] == [
        ("availability.endpoint", 0.9, {"condition": "greaterThanEqual", "lowerLimit": 0.98}),
        ("ks.age", 0.24, {"condition": "lessThanEqual", "upperLimit": 0.17}),
    ]
    assert bodies["/api/metricAlerts/v1"][1]["description"] == "age: KS 0.24, limit 0.17"


def test_domino_gets_the_numbers_of_a_quiet_day_too(settings, httpserver, tmp_path):
    httpserver.expect_request("/api/metricValues/v1", method="POST").respond_with_json({})

    (note,) = notify(with_domino(settings, httpserver.url_for("").rstrip("/")), record(), tmp_path)

    assert note == (False, "domino: the numbers and 0 alerts sent")
    assert len(httpserver.log) == 1


def test_a_refused_key_at_domino_is_a_warning(settings, httpserver, tmp_path):
    httpserver.expect_request("/api/metricValues/v1").respond_with_json({"message": "Forbidden"}, status=403)

    (note,) = notify(with_domino(settings, httpserver.url_for("").rstrip("/")), record("2026-01-10", alert()), tmp_path)

    assert note == (True, "domino: the numbers and 1 alert could not be sent: answered 403; the next run tries again")
