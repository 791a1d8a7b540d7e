"""The relay that tests put before a real server."""

import time
from collections.abc import Iterator
from threading import Thread

import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.object_store import client
from tests.support.loop import wait_for
from tests.support.relay import Relay, answer_with, cut, delay, drop, hold, lose
from tests.support.sandbox import RunningSandbox
from tests.support.sandbox_calls import BUCKET, put_object

TIMEOUT_SECONDS = 10
BROKEN = requests.exceptions.ConnectionError


@pytest.fixture
def relay(sandbox: RunningSandbox) -> Iterator[Relay]:
    """A relay before the sandbox's own server."""
    with Relay(sandbox.url) as relay:
        yield relay


def get_version(relay: Relay) -> requests.Response:
    return requests.get(f"{relay.url}/version", timeout=TIMEOUT_SECONDS)


def asked_for(sandbox: RunningSandbox) -> list[str]:
    """Return the paths that the sandbox was asked for."""
    return [request["path"] for request in sandbox.requests()]


def test_a_request_and_its_answer_go_through_unchanged(
    relay: Relay, sandbox: RunningSandbox
) -> None:
    url = f"{relay.url}/model-monitor/v2/api/models?pageNumber=%C3%A9"
    headers = {"X-Domino-Api-Key": sandbox.env["DMM_API_KEY"], "X-Own": "o"}

    through = requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS)

    direct = requests.get(
        url.replace(relay.url, sandbox.url), headers=headers, timeout=TIMEOUT_SECONDS
    )
    assert through.status_code == direct.status_code == 400
    assert through.content == direct.content
    assert dict(through.headers) == dict(direct.headers)
    (passed_on, _) = sandbox.requests()
    assert passed_on["headers"]["X-Own"] == "o"
    assert passed_on["headers"]["Host"] == relay.url.removeprefix("http://")
    assert relay.broken == []


def test_a_signed_request_of_boto3_goes_through(sandbox: RunningSandbox) -> None:
    put_object(sandbox, "relayed", "x" * 100_000)
    keys = sandbox.s3_identities["writer"]

    with Relay(sandbox.s3) as relay:
        store = client(relay.url, keys["access_key"], keys["secret_key"])
        store.put_object(Bucket=BUCKET, Key="relayed", Body=b"y" * 200_000)
        head = store.head_object(Bucket=BUCKET, Key="relayed")
        body = store.get_object(Bucket=BUCKET, Key="relayed")["Body"].read()
        with pytest.raises(ClientError, match="NoSuchKey"):
            store.get_object(Bucket=BUCKET, Key="nosuch")

    assert head["ContentLength"] == 200_000
    assert body == b"y" * 200_000


def test_a_dropped_request_never_reaches_the_server(relay: Relay, sandbox: RunningSandbox) -> None:
    relay.break_next(drop, method="GET")

    with pytest.raises(BROKEN):
        get_version(relay)

    assert asked_for(sandbox) == []
    assert relay.broken == ["GET /version"]
    assert get_version(relay).status_code == 200


def test_a_lost_answer_is_lost_after_the_server_gave_it(
    relay: Relay, sandbox: RunningSandbox
) -> None:
    relay.break_next(lose, method="GET")

    with pytest.raises(BROKEN):
        get_version(relay)

    assert asked_for(sandbox) == ["/version"]


def test_a_cut_answer_ends_in_the_middle_of_its_body(relay: Relay) -> None:
    relay.break_next(cut, method="GET")

    with pytest.raises((requests.exceptions.ChunkedEncodingError, BROKEN)):
        get_version(relay)


def test_a_canned_answer_comes_without_the_server(relay: Relay, sandbox: RunningSandbox) -> None:
    relay.break_next(answer_with(503, b"later", Server="canned"), method="GET", times=2)

    replies = [get_version(relay) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [503, 503, 200]
    assert (replies[0].content, replies[0].headers["Server"]) == (b"later", "canned")
    assert asked_for(sandbox) == ["/version"]


def test_a_delayed_request_is_passed_on_later(relay: Relay) -> None:
    relay.break_next(delay(0.4), method="GET")
    started = time.monotonic()

    assert get_version(relay).status_code == 200

    assert time.monotonic() - started >= 0.4


def test_a_held_request_waits_until_the_relay_closes(sandbox: RunningSandbox) -> None:
    outcomes: list[str] = []

    def ask(holding: Relay) -> None:
        try:
            get_version(holding)
        except BROKEN:
            outcomes.append("broken")

    with Relay(sandbox.url) as holding:
        holding.break_next(hold, method="GET")
        thread = Thread(target=ask, args=[holding])
        thread.start()
        wait_for(lambda: holding.broken)
        time.sleep(0.2)
        assert outcomes == []
    thread.join(timeout=TIMEOUT_SECONDS)

    assert outcomes == ["broken"]
    assert asked_for(sandbox) == []


def test_a_fault_is_for_its_method_alone(relay: Relay) -> None:
    relay.break_next(drop, method="PUT")

    assert get_version(relay).status_code == 200
    with pytest.raises(BROKEN):
        requests.put(f"{relay.url}/version", timeout=TIMEOUT_SECONDS)
