"""DMM's client against small HTTP servers: what contracts 2 and 3 list or leave open."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitoring.errors import ConfigError, CredentialsError, RefusedError, ServiceError
from monitoring.ground_truth.follow import poll
from monitoring.ground_truth.result import FileResult, Outcome
from monitoring.s3_uri import S3Uri
from monitoring.services.dmm import Dmm
from monitoring.services.dmm_jobs import Ingestion, Progress, progress_of
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.dmm_registration import Registration
from monitoring.services.dmm_replies import messages
from monitoring.services.exchange import Reply
from monitoring.settings import loader
from monitoring.settings.model import ModelMonitor, Settings
from tests.support.loop import ROOT

MODEL = "6628103c965e21e5b0d56b29"
KEY = "the-key-that-nobody-may-see"
GROUND_TRUTH = "/api/modelMonitor/v2/groundTruth"
BASE = "/model-monitor/v2/api"
REGISTER = f"{BASE}/model/{MODEL}/register-dataset/ground_truth"
JOBS = f"{BASE}/{MODEL}/dataset-jobs"
ANY_JSON = some.recursive(
    some.none() | some.booleans() | some.floats(allow_nan=False) | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


class Monitor:
    """The client's side: settings for a server, and the calls with their usual arguments."""

    def __init__(self, server: HTTPServer, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.server, self.folder, self.patch = server, folder, patch
        url = server.url_for("").rstrip("/")
        for name, value in {
            "DOMINO_PROJECT_ID": "65f0c0ffee65f0c0ffee65f0",
            "MODEL_API_URL": "https://models.example.com/models/77f0c0ffee65f0c0ffee65f0/latest/model",
            "MODEL_API_TOKEN": "token",
            "DMM_URL": url,
            "DMM_API_KEY": KEY,
            "DMM_MODEL_ID": MODEL,
            "DMM_DATA_SOURCE": "credit-monitoring",
            "STATE_DIR": str(folder / "state"),
        }.items():
            patch.setenv(name, value)

    def settings(self, changes: str = "") -> Settings:
        path = self.folder / "config.yaml"
        path.write_text((ROOT / "config.yaml").read_text() + changes)
        return loader.load(path)[0]

    def register(self, key: str = "gt-2026-03-01.csv") -> bool:
        return self.register_with(self.settings(), key)

    def register_with(self, loaded: Settings, key: str = "a.csv") -> bool:
        memory = DmmMemory(loaded.state_dir / loaded.model / "monitor.json")
        return Registration(Dmm(loaded), memory).register(S3Uri("se-demo-data", key))

    def sent(self, path: str | None = None) -> list[Request]:
        return [request for request, _ in self.server.log if path in (None, request.path)]

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(request.data) for request in self.sent(path)]

    def answer(self, path: str, *replies: Response | Callable[[Request], Response]) -> None:
        """Give these replies to a path, one after the other; the last one stays."""
        left = list(replies)

        def reply(request: Request) -> Response:
            one = left.pop(0) if len(left) > 1 else left[0]
            return one if isinstance(one, Response) else one(request)

        self.server.expect_request(path).respond_with_handler(reply)


@pytest.fixture
def dmm(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Monitor]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    yield Monitor(httpserver, tmp_path, monkeypatch)
    httpserver.check_assertions()


def as_json(status: int, value: Any) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def page(status: int, text: str = "<html><body>hello</body></html>", **headers: str) -> Response:
    return Response(text, status, headers, content_type="text/html; charset=utf-8")


NONE_FOUND = as_json(400, ["There should be exactly one ground truth variable, none found."])
CONFIGURED = as_json(400, ["Variable(s) with name ['credit_GT'] is/are already configured"])
REPEATED = as_json(400, ["Dataset already registered with the model."])
LOGIN = page(
    200, "<html><title>Sign in to Domino</title><form><input type='password'></form></html>"
)
NOT_THERE = page(404, "<html><h1>404 Not Found</h1></html>")


# What counts as success.


@pytest.mark.parametrize("body", ["", "{}", "[]", '"ok"', '{"id": "x"}'])
@pytest.mark.parametrize("status", [200, 201])
def test_an_empty_or_a_json_2xx_is_success(dmm: Monitor, status: int, body: str) -> None:
    dmm.answer(GROUND_TRUTH, Response(body, status))

    assert dmm.register() is False
    assert len(dmm.sent()) == 1


@pytest.mark.parametrize(
    "body", ["registered", '{"errors": ["the disk is full"]}', '["none of your business"]']
)
def test_a_2xx_that_holds_text_or_errors_is_not_success_and_nothing_else_is_tried(
    dmm: Monitor, body: str
) -> None:
    dmm.answer(GROUND_TRUTH, Response(body, 200))

    with pytest.raises(
        RefusedError, match=r"answered 200: (registered|the disk is full|none of your)"
    ):
        dmm.register()
    assert len(dmm.sent()) == 1


def test_html_with_200_at_the_last_endpoint_is_not_success(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, page(200))
    dmm.answer(REGISTER, page(200))

    with pytest.raises(
        RefusedError, match=f"{REGISTER}: answered 200 with a web page.*DMM_URL"
    ) as error:
        dmm.register()
    assert not isinstance(error.value, CredentialsError)


# When `auto` moves on.

FOREIGN = [
    page(200),
    page(302, Location="/somewhere"),
    page(405),
    as_json(405, {"message": "no"}),
    NOT_THERE,
]
FOREIGN += [
    Response("", 302, {"Location": "/somewhere"}),
    Response("", 405),
    Response("", 404),
    Response("", 401),
    page(403),
    page(400),
]


@pytest.mark.parametrize(
    "reply", FOREIGN, ids=lambda reply: f"{reply.status_code} {reply.mimetype}"
)
def test_auto_moves_on_after_a_definite_answer_that_is_not_dmms(
    dmm: Monitor, reply: Response
) -> None:
    dmm.answer(GROUND_TRUTH, reply)
    dmm.answer(REGISTER, Response("", 200))

    assert dmm.register() is False
    assert [(request.method, request.path) for request in dmm.sent()] == [
        ("POST", GROUND_TRUTH),
        ("PUT", REGISTER),
    ]


OWN: list[Any] = [
    (as_json(400, ["no such variable"]), RefusedError),
    (as_json(401, "who?"), CredentialsError),
]
OWN += [
    (as_json(403, {"message": "no"}), CredentialsError),
    (as_json(404, ["no such data source"]), RefusedError),
]
OWN += [
    (as_json(500, ["oh"]), ServiceError),
    (page(500), ServiceError),
    (Response("", 500), ServiceError),
]


@pytest.mark.parametrize(
    ("reply", "kind"), OWN, ids=lambda value: getattr(value, "status", value.__class__.__name__)
)
def test_auto_stays_after_an_answer_of_dmms_own_or_a_500(
    dmm: Monitor, reply: Response, kind: type[Exception]
) -> None:
    dmm.answer(GROUND_TRUTH, reply)
    dmm.answer(f"{BASE}/model", as_json(200, {"id": MODEL}))
    dmm.answer(f"{BASE}/datasources", as_json(200, [{"name": "other"}]))

    with pytest.raises(kind):
        dmm.register()
    assert len(dmm.sent(GROUND_TRUTH)) == 1
    assert dmm.sent(REGISTER) == []


def test_auto_never_moves_on_when_no_answer_came_since_the_effect_may_exist(dmm: Monitor) -> None:
    received = []

    def hang_up(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            received.append(connection.recv(65_536))
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=[listener], daemon=True).start()
        dmm.patch.setenv("DMM_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")

        with pytest.raises(ServiceError, match="4 tries"):
            dmm.register()
        listener.shutdown(socket.SHUT_RDWR)
    assert len(received) == 4
    assert all(request.startswith(f"POST {GROUND_TRUTH} ".encode()) for request in received)


def test_only_a_success_is_remembered_and_per_host(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, NOT_THERE)
    dmm.answer(REGISTER, as_json(400, ["no"]), Response("", 200))
    memory = dmm.folder / "state" / "credit-default" / "monitor.json"

    with pytest.raises(RefusedError):
        dmm.register()
    assert not memory.exists()
    dmm.register()
    host = f"{dmm.server.host}:{dmm.server.port}"
    assert json.loads(memory.read_text()) == {
        "endpoint": {host: "register-dataset"},
        "form": {MODEL: "later"},
    }
    dmm.register()
    assert [request.path for request in dmm.sent()] == [GROUND_TRUTH, REGISTER] * 2 + [REGISTER]

    memory.write_text(memory.read_text().replace(host, "dmm.example.com"))
    dmm.register()
    assert dmm.sent()[-2].path == GROUND_TRUTH


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"endpoint": 3}', '{"endpoint": {}, "form": 7}']
)
def test_a_memory_that_cannot_be_read_is_as_none(dmm: Monitor, text: str) -> None:
    memory = dmm.folder / "state" / "credit-default" / "monitor.json"
    memory.parent.mkdir(parents=True)
    memory.write_text(text)
    dmm.answer(GROUND_TRUTH, Response("", 200))

    assert dmm.register() is False
    assert json.loads(memory.read_text())["form"] == {MODEL: "later"}


# Body forms.


def test_the_bodies_are_those_of_the_contracts(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, NONE_FOUND, Response("", 200))

    dmm.register("ground-truth/gt-2026-03-01.csv")

    details = {
        "name": "gt-2026-03-01.csv",
        "datasetType": "file",
        "datasetConfig": {"path": "ground-truth/gt-2026-03-01.csv", "fileFormat": "csv"},
        "datasourceName": "credit-monitoring",
        "datasourceType": "s3",
    }
    variable = {
        "name": "credit_GT",
        "variableType": "ground_truth",
        "valueType": "categorical",
        "forPredictionOutput": "credit",
    }
    assert dmm.bodies(GROUND_TRUTH) == [
        {"modelId": MODEL, "datasetDetails": details},
        {"modelId": MODEL, "variables": [variable], "datasetDetails": details},
    ]
    request = dmm.sent()[0]
    assert request.headers["X-Domino-Api-Key"] == KEY
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers


def test_register_dataset_takes_the_same_body_without_the_model_id(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, NOT_THERE)
    dmm.answer(REGISTER, Response("", 200))

    dmm.register()

    assert list(dmm.bodies(REGISTER)[0]) == ["datasetDetails"]


def forms(bodies: list[dict[str, Any]]) -> list[list[str]]:
    return [[variable["variableType"] for variable in body.get("variables", [])] for body in bodies]


def test_variables_that_another_machine_declared_meanwhile_are_left_out_once_more(
    dmm: Monitor,
) -> None:
    dmm.answer(GROUND_TRUTH, NONE_FOUND, CONFIGURED, Response("", 200))

    dmm.register()

    assert forms(dmm.bodies(GROUND_TRUTH)) == [[], ["ground_truth"], []]


@pytest.mark.parametrize("last", [NONE_FOUND, CONFIGURED], ids=["none found", "configured"])
def test_a_server_that_contradicts_itself_is_asked_a_few_times_only(
    dmm: Monitor, last: Response
) -> None:
    dmm.answer(GROUND_TRUTH, NONE_FOUND, CONFIGURED, last)

    with pytest.raises(RefusedError, match=r"none found|already configured"):
        dmm.register()
    assert len(dmm.sent()) <= 4


def test_a_second_row_identifier_is_dropped(dmm: Monitor) -> None:
    dmm.answer(
        GROUND_TRUTH,
        NONE_FOUND,
        as_json(400, ["There can be only 1 row_identifier variable."]),
        Response("", 200),
    )
    loaded = dmm.settings()
    object.__setattr__(loaded.ground_truth, "declare_row_identifier", True)

    dmm.register_with(loaded)

    assert forms(dmm.bodies(GROUND_TRUTH)) == [
        [],
        ["ground_truth", "row_identifier"],
        ["ground_truth"],
    ]
    identifier = {"name": "event_id", "variableType": "row_identifier", "valueType": "string"}
    assert dmm.bodies(GROUND_TRUTH)[1]["variables"][1] == identifier


# Repeats.

SHAPES: list[Callable[[str], Any]] = [
    lambda text: [text],
    lambda text: text,
    lambda text: {"message": text},
    lambda text: {"errors": [text]},
    lambda text: {"requestId": "r", "errors": [{"message": text}]},
]


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize("status", [400, 409, 500])
def test_a_repeat_is_success_in_every_shape_and_code(dmm: Monitor, status: int, shape: int) -> None:
    dmm.answer(
        GROUND_TRUTH, as_json(status, SHAPES[shape]("Dataset already registered with the model."))
    )
    dmm.answer(JOBS, as_json(200, {"jobs": []}))

    assert dmm.register() is True


@pytest.mark.parametrize("body", [b"", b"Dataset already registered with the model."])
def test_a_409_of_plain_text_or_nothing_is_a_repeat(dmm: Monitor, body: bytes) -> None:
    dmm.answer(GROUND_TRUTH, Response(body, 409))
    dmm.answer(JOBS, Response("", 500))

    assert dmm.register() is True


def test_a_409_about_something_else_is_a_refusal(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, as_json(409, ["The model is being deleted."]))

    with pytest.raises(RefusedError, match="The model is being deleted"):
        dmm.register()


def test_another_file_under_the_same_name_is_no_repeat(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, REPEATED)
    dmm.answer(
        JOBS, as_json(200, {"jobs": [{"dataset_path": "2026-02/labels.csv", "status": "Done"}]})
    )

    with pytest.raises(
        RefusedError, match=r"another file under the name labels.csv \(2026-02/labels.csv\)"
    ):
        dmm.register("2026-03/labels.csv")


# Refusals say what to fix.


def test_a_redirect_is_refused_with_its_host_named_and_never_followed(dmm: Monitor) -> None:
    with HTTPServer() as other:
        other.expect_request("/").respond_with_data("")
        away = other.url_for("/").replace("127.0.0.1", "localhost")
        dmm.answer(GROUND_TRUTH, page(307, Location=away))
        dmm.answer(REGISTER, page(307, Location=away))

        with pytest.raises(RefusedError, match=r"a redirect to localhost, never followed.*DMM_URL"):
            dmm.register()
        assert other.log == []


@pytest.mark.parametrize(
    "reply",
    [
        LOGIN,
        page(302, Location="https://sso.example.com/auth/realms/DominoRealm"),
        page(401),
        page(403),
    ],
    ids=str,
)
def test_an_expired_key_is_a_credential_problem_and_not_a_missing_endpoint(
    dmm: Monitor, reply: Response
) -> None:
    dmm.answer(GROUND_TRUTH, reply)
    dmm.answer(REGISTER, reply)

    with pytest.raises(CredentialsError, match="DMM_API_KEY") as error:
        dmm.register()
    assert KEY not in str(error.value)


def test_advice_comes_from_the_last_endpoint_tried(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, LOGIN)
    dmm.answer(REGISTER, as_json(403, {"message": "Only collaborators may do this"}))

    with pytest.raises(
        CredentialsError,
        match=f"{REGISTER}: answered 403: Only collaborators may do this.*X-Domino-Api-Key",
    ):
        dmm.register()


UNKNOWN_SOURCE = "of data sources only dmm-s3, efs, not credit-monitoring"


@pytest.mark.parametrize(
    ("model", "sources", "expected"),
    [
        (
            as_json(404, ["Model not found"]),
            as_json(200, []),
            f"DMM knows no model {MODEL}: 404 Model not found.*DMM_MODEL_ID",
        ),
        (as_json(400, "bad id"), as_json(200, []), f"DMM knows no model {MODEL}"),
        (
            as_json(200, {}),
            as_json(200, {"items": [{"name": "dmm-s3"}, {"name": "efs"}]}),
            f"{UNKNOWN_SOURCE}.*DMM_DATA_SOURCE",
        ),
        (as_json(200, {}), as_json(403, "no"), "none that it would list, not credit-monitoring"),
        (
            as_json(200, {}),
            as_json(200, [{"name": "credit-monitoring"}]),
            "endpoint groundTruth that is not served",
        ),
        (
            as_json(500, "oh"),
            as_json(500, "oh"),
            "either the model id or the data source is unknown",
        ),
    ],
)
def test_a_404_tells_model_data_source_and_endpoint_apart(
    dmm: Monitor, model: Response, sources: Response, expected: str
) -> None:
    dmm.answer(GROUND_TRUTH, as_json(404, ["Not found"]))
    dmm.answer(f"{BASE}/model", model)
    dmm.answer(f"{BASE}/datasources", sources)

    with pytest.raises(RefusedError, match=expected):
        dmm.register()
    assert [request.args["model_id"] for request in dmm.sent(f"{BASE}/model")] == [MODEL]


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("DOMINO_PROJECT_ID", "the project's id"),
        ("MODEL_API_URL", "the Model API's id, of model_api.url"),
    ],
)
def test_an_id_of_another_kind_is_recognised(dmm: Monitor, variable: str, expected: str) -> None:
    dmm.patch.setenv(
        variable,
        MODEL
        if variable.endswith("ID")
        else f"https://models.example.com/models/{MODEL}/latest/model",
    )
    dmm.answer(f"{BASE}/model", as_json(404, ["Model not found"]))
    loaded = dmm.settings()

    with pytest.raises(RefusedError, match=expected):
        Dmm(loaded).get_model(MODEL)


def test_the_buckets_name_in_place_of_the_data_sources_is_recognised(dmm: Monitor) -> None:
    dmm.patch.setenv("DMM_DATA_SOURCE", "se-demo-data")
    dmm.answer(GROUND_TRUTH, as_json(404, ["Not found"]))
    dmm.answer(f"{BASE}/model", as_json(200, {}))
    dmm.answer(f"{BASE}/datasources", as_json(200, [{"name": "credit-monitoring"}]))

    with pytest.raises(
        RefusedError,
        match=r"only credit-monitoring, not se-demo-data \(this is the bucket's name\)",
    ):
        dmm.register()


def test_a_place_without_dmm_is_told_from_an_unknown_model(dmm: Monitor) -> None:
    dmm.server.expect_request("/nothing").respond_with_data(
        ""
    )  # everything else: 500 by the server's own page
    for path in (GROUND_TRUTH, REGISTER, f"{BASE}/model"):
        dmm.answer(path, NOT_THERE)

    with pytest.raises(RefusedError, match=r"this is not DMM: fix model_monitor.url"):
        dmm.register()


def test_an_address_inside_the_cluster_is_refused_before_anything_is_sent(dmm: Monitor) -> None:
    dmm.patch.setenv("DMM_URL", "https://nucleus-frontend.domino-platform:80")

    with pytest.raises(ConfigError, match=r"inside the cluster.*DMM_URL"):
        Dmm(dmm.settings())


def test_a_key_for_the_authorization_header_travels_as_bearer(dmm: Monitor) -> None:
    dmm.answer(GROUND_TRUTH, Response("", 200))
    loaded = dmm.settings()
    object.__setattr__(loaded.model_monitor, "api_key_header", "Authorization")

    dmm.register_with(loaded)

    assert dmm.sent()[0].headers["Authorization"] == f"Bearer {KEY}"


# Jobs.


def progress(dmm: Monitor, *jobs: dict[str, Any], key: str = "p/gt.csv") -> Progress:
    return progress_of(dmm.settings().model_monitor, jobs, S3Uri("se-demo-data", key))


@pytest.mark.parametrize("field", ["status", "state"])
@pytest.mark.parametrize(
    ("word", "ingestion"),
    [
        ("Done", "ingested"),
        ("COMPLETED", "ingested"),
        ("Failed", "failed"),
        ("ERROR", "failed"),
        ("Queued", "going"),
        ("x", "going"),
    ],
)
def test_a_jobs_word_is_known_without_regard_to_case_or_means_still_going(
    dmm: Monitor, field: str, word: str, ingestion: str
) -> None:
    got = progress(dmm, {"dataset_path": "p/gt.csv", field: word, "failureReason": "because"})

    assert (got.ingestion, got.word, got.reason) == (ingestion, word, "because")


@pytest.mark.parametrize(
    "path", ["p/gt.csv", "/p/gt.csv", "se-demo-data/p/gt.csv", "s3://se-demo-data/p/gt.csv"]
)
def test_a_job_is_known_by_its_path(dmm: Monitor, path: str) -> None:
    assert progress(dmm, {"dataset_path": path, "status": "Done"}).ingestion == "ingested"


@pytest.mark.parametrize(
    "path",
    [
        "gt.csv",
        "x/p/gt.csv",
        "p/gt.csv.bak",
        "p/gtXcsv",
        "s3://other/p/gt.csv",
        "p/gt.r2.csv",
        None,
    ],
)
def test_another_files_job_is_not_taken_for_ours(dmm: Monitor, path: str | None) -> None:
    assert progress(dmm, {"dataset_path": path, "status": "Done"}) == Progress(Ingestion.GOING)


@pytest.mark.parametrize(
    ("words", "ingestion"),
    [(["Failed", "Done"], "ingested"), (["Failed", "Running"], "going"), (["Failed"], "failed")],
)
def test_of_several_jobs_for_one_file_the_best_decides(
    dmm: Monitor, words: list[str], ingestion: str
) -> None:
    jobs = [{"dataset_path": "p/gt.csv", "status": word} for word in words]

    assert progress(dmm, *jobs).ingestion == progress(dmm, *reversed(jobs)).ingestion == ingestion


@pytest.mark.parametrize("largest", [3, 1000])
def test_all_pages_of_jobs_are_read_though_the_server_limits_them(
    dmm: Monitor, largest: int
) -> None:
    jobs = [{"dataset_path": f"gt-{number}.csv", "status": "Done"} for number in range(7)]

    def listed(request: Request) -> Response:
        paging = json.loads(request.data)["pagination"]
        size = min(paging["size"], largest)
        return as_json(200, {"jobs": jobs[(paging["page"] - 1) * size :][:size]})

    dmm.answer(JOBS, listed)
    loaded = dmm.settings()

    assert Dmm(loaded).jobs(MODEL) == jobs


def test_a_server_that_knows_no_pages_is_asked_twice(dmm: Monitor) -> None:
    dmm.answer(JOBS, as_json(200, {"jobs": [{"dataset_path": "a.csv", "status": "Done"}]}))
    loaded = dmm.settings()

    assert len(Dmm(loaded).jobs(MODEL)) == 1
    assert len(dmm.sent()) == 2
    body = dmm.bodies(JOBS)[0]
    assert body["start"] == 0
    assert body["end"] > time.time()


@settings(max_examples=100, deadline=None)
@given(value=ANY_JSON, status=some.sampled_from([200, 400, 409, 500]))
def test_no_reply_of_any_shape_breaks_the_reading_of_messages(value: Any, status: int) -> None:
    reply = Reply(status, {}, json.dumps(value).encode(), "http://127.0.0.1/", 1.0)

    assert isinstance(messages(reply), str)


@settings(max_examples=100, deadline=None)
@given(
    job=some.dictionaries(
        some.sampled_from(["status", "state", "message", "errorCode", "x"]), ANY_JSON
    )
)
def test_no_job_of_any_shape_breaks_the_reading_of_progress(job: dict[str, Any]) -> None:
    got = progress_of(ModelMonitor(), [{**job, "dataset_path": "a.csv"}], S3Uri("b", "a.csv"))

    assert got.ingestion in ("ingested", "going", "failed")
    assert got.word


def test_words_of_dmm_that_would_steer_a_terminal_or_begin_a_line_are_only_data(
    dmm: Monitor,
) -> None:
    dmm.answer(GROUND_TRUTH, as_json(400, ["no\r\nerror: \x1b[2J all is lost"]))

    with pytest.raises(RefusedError) as caught:
        dmm.register()

    assert "no??error: ?[2J all is lost" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "value",
    [
        {"error": "the disk is full"},
        {"message": "no"},
        {"error": {"message": "no"}},
        {"message": "ok", "errors": [{"message": "no"}]},
        [{"error": "no"}],
    ],
)
def test_a_2xx_with_an_error_in_any_field_is_no_success(
    dmm: Monitor, value: Any, status: int
) -> None:
    dmm.answer(GROUND_TRUTH, as_json(status, value))

    with pytest.raises(RefusedError, match=f"answered {status}: "):
        dmm.register()


def test_following_a_file_takes_its_time_and_no_more_however_many_pages_there_are(
    dmm: Monitor,
) -> None:
    def slow_page(request: Request) -> Response:
        time.sleep(0.4)
        return as_json(200, {"jobs": [{"dataset_path": str(len(dmm.sent()))}]})

    dmm.answer(f"{BASE}/model", as_json(200, {"ingestionStatus": "training"}))
    dmm.answer(JOBS, slow_page)
    file = FileResult(None, "s3://b/a.csv", Outcome.NOT_YET, awaits_ingestion=True)
    file = replace(file, dmm_model_id=MODEL)
    begin = time.monotonic()

    (polled,) = poll(Dmm(dmm.settings()), [file], 1.0)

    assert time.monotonic() - begin < 2
    assert "DMM could not be asked" in polled.dmm_text
