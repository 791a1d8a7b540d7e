"""The sandbox's own addresses: recorded requests, the switches, the page."""

import json
import socket
import time

import pytest
import requests

from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import SESSION, TIMEOUT_SECONDS, dmm_key, predict


def test_every_request_is_recorded_raw_and_secrets_are_masked(sandbox: RunningSandbox) -> None:
    predict(sandbox)
    url = f"{sandbox.url}/nowhere?a=b"
    SESSION.get(url, headers=dmm_key(sandbox), timeout=TIMEOUT_SECONDS)

    first, second = sandbox.requests()

    assert (first["method"], first["status"]) == ("POST", 200)
    assert json.loads(first["body"])["data"]["customer_id"] == "2026-01-01_0"
    assert first["headers"]["Authorization"] == "Basic ***"
    assert (second["path"], second["status"]) == ("/nowhere?a=b", 404)
    assert second["headers"]["X-Domino-Api-Key"] == "***"
    everything = json.dumps(sandbox.requests())
    assert sandbox.env["DMM_API_KEY"] not in everything
    assert sandbox.env["MODEL_API_TOKEN"] not in everything


def test_a_request_that_hangs_is_not_recorded_after_the_requests_were_forgotten(
    sandbox: RunningSandbox,
) -> None:
    sandbox.switch(training_set="hang")
    url = f"{sandbox.url}/trainingset/t"
    with pytest.raises(requests.exceptions.ReadTimeout):
        SESSION.get(url, headers=dmm_key(sandbox), timeout=0.3)

    sandbox.clear_requests()
    sandbox.switch(training_set="served")
    time.sleep(0.3)  # it was looking every 0.05 s

    assert sandbox.requests() == []


def test_an_unknown_switch_and_a_wrong_value_are_refused_and_change_nothing(
    sandbox: RunningSandbox,
) -> None:
    url = f"{sandbox.url}/_sandbox/switches"
    before = SESSION.get(url, timeout=TIMEOUT_SECONDS).json()
    wrong = {
        "latncy_ms": 1,
        "fail_share": "much",
        "repeat_by": "colour",
        "fail_kinds": ["418"],
        "job_words": ["a"],
        "seed": True,
    }

    for name, value in wrong.items():
        reply = SESSION.post(url, json={name: value, "latency_ms": 5}, timeout=TIMEOUT_SECONDS)
        assert reply.status_code == 400
        assert name in reply.text

    misspelled = SESSION.post(url, json={"latncy_ms": 1}, timeout=TIMEOUT_SECONDS)
    assert "latency_ms" in misspelled.text
    assert SESSION.get(url, timeout=TIMEOUT_SECONDS).json() == before


def test_the_page_escapes_what_clients_send_and_other_pages_may_send_nothing(
    sandbox: RunningSandbox,
) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as raw:  # no client would send it so
        raw.sendall(b"GET /<script>alert(1)</script> HTTP/1.1\r\n")
        raw.sendall(f"Host: 127.0.0.1:{port}\r\n".encode())
        raw.sendall(b"Connection: close\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 404")

    page = requests.get(sandbox.url, timeout=TIMEOUT_SECONDS)

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert "credit-default" in page.text
    foreign = {"Origin": "http://evil.example"}
    records = f"{sandbox.url}/_sandbox/records"
    assert requests.delete(records, headers=foreign, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "", "[::1]:1"]
)
def test_a_host_that_is_not_its_own_gets_nothing(sandbox: RunningSandbox, host: str) -> None:
    port = sandbox.url.rpartition(":")[2]
    headers = {"Host": host.format(port=port), **dmm_key(sandbox)}

    for method, path in (("GET", "/"), ("DELETE", "/_sandbox/records"), ("GET", "/version")):
        url = f"{sandbox.url}{path}"
        reply = SESSION.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS)

        assert reply.status_code == 421
        assert "credit" not in reply.text
    assert sandbox.requests() == []


def test_localhost_is_its_own_name(sandbox: RunningSandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    headers = {"Host": f"localhost:{port}"}

    assert SESSION.get(sandbox.url, headers=headers, timeout=TIMEOUT_SECONDS).status_code == 200


def test_opening_the_page_leaves_no_trace_in_the_requests(sandbox: RunningSandbox) -> None:
    for path in ("/", "/favicon.ico", "/robots.txt", "/apple-touch-icon.png"):
        SESSION.get(f"{sandbox.url}{path}", timeout=TIMEOUT_SECONDS)

    assert sandbox.requests() == []
