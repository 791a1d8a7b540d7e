"""`--check` of the three scripts: what it finds, and that it leaves nothing behind."""

import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.cli import arguments as cli
from monitoring.cli import persistence, preflight, preflight_checks
from tests.support.loop import ROOT, Loop
from tests.support.servers import SocketServer

EXPECTED = {
    "daily_scoring.py": [
        "settings",
        "disk",
        "training data",
        "model endpoint",
        "object store",
        "clock",
    ],
    "gt_registration.py": [
        "settings",
        "disk",
        "object store",
        "Model Monitor",
        "data source",
        "clock",
    ],
    "create_training_set.py": ["settings", "disk", "training data", "TrainingSet"],
}


NEEDS = {
    "daily_scoring.py": preflight.SCORING,
    "gt_registration.py": preflight.REGISTRATION,
    "create_training_set.py": preflight.TRAINING_SET,
}


def failed(loop: Loop, script: str, code: int, **env: str) -> dict[str, dict[str, Any]]:
    """Do the checks in this process; they must come to `code`. Return what failed by name."""
    checks = checked(loop, script, code, **env)
    return {name: check for name, check in checks.items() if check["ok"] is False}


def checked(
    loop: Loop, script: str, code: int, *flags: str, **env: str
) -> dict[str, dict[str, Any]]:
    """Do the checks in this process; they must come to `code`. Return them by name."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(loop.env | env)
    try:
        parser = cli.parser(script, "", "")
        cli.add_day_flags(parser, "today")
        arguments = parser.parse_args(
            ["--check", "--config", str(loop.folder / "config.yaml"), *flags]
        )
        outcome = preflight.run(NEEDS[script], arguments)
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert outcome.result is not None
    checks = outcome.result["checks"]
    assert outcome.exit_code == code, outcome.summary
    assert all(set(check) == {"name", "ok", "detail", "fix"} for check in checks)
    return {check["name"]: check for check in checks}


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("script", EXPECTED)
def test_a_sound_set_up_passes_every_check_and_nothing_is_sent_written_or_locked(
    loop: Loop, script: str
) -> None:
    before, captured = everything(loop.folder), len(loop.sandbox.captured())

    ended = loop.run(script, "--check")

    rows = re.findall(r"^(?:ok|\?) +(\S.*?)  +\S", ended.stdout, re.MULTILINE)
    assert rows == EXPECTED[script]
    assert "FAILED" not in ended.stdout
    assert ended.stderr == ""
    assert everything(loop.folder) == before
    assert loop.objects() == {}
    assert len(loop.sandbox.captured()) == captured
    asked = {
        (request["method"], request["path"].partition("?")[0].rpartition("/")[2])
        for request in loop.sandbox.requests()
    }
    assert asked <= {
        ("OPTIONS", "model"),
        ("GET", "model"),
        ("GET", "datasources"),
        ("POST", "find"),
    }


def test_a_check_is_the_same_when_quiet_but_silent_and_with_json_one_object(loop: Loop) -> None:
    quiet = loop.run("gt_registration.py", "--check", "--quiet")
    checks = loop.result("gt_registration.py", "--check")["checks"]

    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert [check["name"] for check in checks] == EXPECTED["gt_registration.py"]
    assert all(check["ok"] and check["fix"] is None for check in checks)


def test_wrong_settings_are_2_and_nothing_else_is_tried(loop: Loop) -> None:
    loop.configure(scoring={"rows": [9, 1]})

    found = failed(loop, "daily_scoring.py", 2)

    assert list(found) == ["settings"]
    assert "scoring.rows: got [9, 1]" in found["settings"]["detail"]
    assert loop.sandbox.requests() == []
    ended = loop.run("daily_scoring.py", "--check", "--quiet", code=2)
    assert ended.stdout.startswith("FAILED  settings        1 problem in ")
    assert json.loads(loop.run("daily_scoring.py", "--check", "--json", code=2).stdout)[
        "checks"
    ] == list(found.values())


def test_an_endpoint_that_is_down_fails_for_now(loop: Loop) -> None:
    found = failed(
        loop, "daily_scoring.py", 5, MODEL_API_URL="http://127.0.0.1:9/models/x/latest/model"
    )

    assert list(found) == ["model endpoint"]
    assert (
        "127.0.0.1:9/models/x/latest/model: Connection refused (2 tries)"
        in found["model endpoint"]["detail"]
    )
    assert "try again later" in found["model endpoint"]["fix"]


def test_an_endpoint_that_redirects_is_refused(loop: Loop) -> None:
    server = SocketServer(
        b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n"
    )

    found = failed(loop, "daily_scoring.py", 6, MODEL_API_URL=server.url)
    server.socket.close()

    assert (
        "redirects to login.example, which is never followed" in found["model endpoint"]["detail"]
    )
    assert server.requests[0].startswith(b"OPTIONS /x HTTP/1.1")
    assert b"authorization" not in server.requests[0].lower()


def test_a_clock_that_is_off_is_found(loop: Loop) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server = SocketServer(f"HTTP/1.1 405 No\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())

    found = failed(
        loop, "daily_scoring.py", 6, MODEL_API_URL=server.url.replace("127.0.0.1", "localhost")
    )
    server.socket.close()

    assert re.fullmatch(
        r"this machine's clock is -3,[56]\d\d seconds off that of localhost",
        found["clock"]["detail"],
    )
    assert "chrony" in found["clock"]["fix"]


def test_a_bucket_that_is_denied_is_refused_and_named(loop: Loop) -> None:
    for script in ("daily_scoring.py", "gt_registration.py"):
        found = failed(loop, script, 6, AWS_SECRET_ACCESS_KEY="wrong")

        assert list(found) == ["object store"]
        assert (
            f"HEAD s3://se-demo-data/{loop.env['DOMINO_PROJECT_ID']}_"
            in found["object store"]["detail"]
        )
        assert "AWS_SECRET_ACCESS_KEY" in found["object store"]["detail"]


def test_a_key_that_may_only_write_is_enough_to_score_but_not_to_register(loop: Loop) -> None:
    keys = loop.sandbox.s3_identities["write_only"]
    env: Any = {
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
    }

    ended = loop.run("daily_scoring.py", "--check", **env)

    assert "a write-only key will do" in ended.stdout
    assert ended.stderr.startswith("warning: object store: ")
    assert list(failed(loop, "gt_registration.py", 6, **env)) == ["object store"]


@pytest.mark.parametrize(
    ("env", "name", "expected"),
    [
        ({"DMM_API_KEY": "wrong"}, "Model Monitor", "DMM_API_KEY"),
        ({"DMM_MODEL_ID": "0" * 24}, "Model Monitor", f"knows no model {'0' * 24}"),
        ({"DMM_DATA_SOURCE": "elsewhere"}, "data source", "knows no data source elsewhere, but "),
    ],
)
def test_what_dmm_does_not_take_is_found_before_the_first_registration(
    loop: Loop, env: dict[str, str], name: str, expected: str
) -> None:
    found = failed(loop, "gt_registration.py", 6, **env)

    assert expected in found[name]["detail"]
    assert "DMM_" in found[name]["fix"]


def test_several_failures_are_all_listed_and_the_worst_decides(loop: Loop) -> None:
    found = failed(
        loop,
        "daily_scoring.py",
        6,
        MODEL_API_URL="http://127.0.0.1:9/x",
        AWS_SECRET_ACCESS_KEY="wrong",
    )

    assert list(found) == ["model endpoint", "object store"]


def test_training_data_that_lack_a_column_are_refused(loop: Loop) -> None:
    (loop.folder / "data.csv").write_text("age,credit\n30,1\n")
    loop.configure(training_data="data.csv")

    assert "checking_account" in failed(loop, "daily_scoring.py", 6)["training data"]["detail"]


def test_training_data_that_the_night_would_refuse_are_refused(loop: Loop) -> None:
    frame = pd.read_csv(ROOT / "data" / "german_credit.csv")
    rare = frame[frame["credit"] == 0].head(3)
    pd.concat([rare, frame[frame["credit"] == 1]]).to_csv(loop.folder / "data.csv", index=False)
    loop.configure(training_data="data.csv")

    detail = failed(loop, "daily_scoring.py", 6)["training data"]["detail"]

    assert "no batch can be made of" in detail
    assert "class 0 has 3 training rows, scoring.neighbors 3 needs 4" in detail


@pytest.mark.parametrize("script", ["daily_scoring.py", "create_training_set.py"])
def test_a_source_that_the_night_would_refuse_is_refused_by_its_name(
    loop: Loop, script: str
) -> None:
    frame = pd.read_csv(ROOT / "data" / "german_credit.csv")
    frame[frame["credit"] == 1].to_csv(loop.folder / "recent.csv", index=False)
    loop.configure(scoring={"source": "recent.csv"})

    found = failed(loop, script, 6)

    assert list(found) == ["scoring source"]
    assert "recent.csv" in found["scoring source"]["detail"]
    assert "class 0 has 0 training rows" in found["scoring source"]["detail"]


def test_with_a_source_the_training_data_are_read_whole_for_the_baseline(loop: Loop) -> None:
    source = ROOT / "data" / "german_credit.csv"
    frame = pd.read_csv(source)
    frame[frame["credit"] == 1].to_csv(loop.folder / "data.csv", index=False)
    loop.configure(training_data="data.csv", scoring={"source": str(source)})

    found = failed(loop, "daily_scoring.py", 6)

    assert list(found) == ["training data"]
    assert "no row of class 0" in found["training data"]["detail"]

    loop.configure(training_data=str(source))
    passed = checked(loop, "daily_scoring.py", 0)
    assert "1,000 rows are as expected" in passed["training data"]["detail"]
    assert re.search(
        rf"{source}: a batch of \d+ rows can be made", passed["scoring source"]["detail"]
    )


def test_a_source_in_s3_is_looked_for_and_read_by_a_probe(loop: Loop) -> None:
    key = f"{loop.env['DOMINO_PROJECT_ID']}/recent.csv"
    loop.configure(scoring={"source": f"s3://se-demo-data/{key}"})
    found = failed(loop, "create_training_set.py", 6)
    assert "no such object" in found["scoring source"]["detail"]

    loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=b"age\n")
    assert checked(loop, "create_training_set.py", 0)["scoring source"]["ok"] is None
    probed = checked(loop, "create_training_set.py", 6, "--probe")["scoring source"]
    assert "no column" in probed["detail"]


def test_a_source_is_tried_even_where_the_training_data_in_s3_are_not_read(loop: Loop) -> None:
    key = f"{loop.env['DOMINO_PROJECT_ID']}/data.csv"
    loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=b"age\n")
    (loop.folder / "recent.csv").write_text("age\n")
    loop.configure(training_data=f"s3://se-demo-data/{key}", scoring={"source": "recent.csv"})

    found = failed(loop, "create_training_set.py", 6)

    assert "recent.csv: no column" in found["scoring source"]["detail"]


def test_training_data_in_s3_are_looked_for(loop: Loop) -> None:
    key = f"{loop.env['DOMINO_PROJECT_ID']}/data.csv"
    loop.configure(training_data=f"s3://se-demo-data/{key}")
    assert "no such object" in failed(loop, "create_training_set.py", 6)["training data"]["detail"]

    loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=b"age\n")
    assert failed(loop, "create_training_set.py", 0) == {}


def test_missing_domino_variables_are_2(loop: Loop) -> None:
    found = failed(loop, "create_training_set.py", 2, DOMINO_API_HOST="", DOMINO_USER_HOST="")

    assert "DOMINO_API_HOST" in found["TrainingSet"]["detail"]


def test_a_folder_that_is_none_fails_for_now(loop: Loop) -> None:
    (loop.folder / "file").write_text("")

    found = failed(loop, "gt_registration.py", 5, STATE_DIR=str(loop.folder / "file"))

    assert f"{loop.folder}/file: can't be written: Not a directory" in found["disk"]["detail"]


def test_a_state_folder_that_ends_with_the_run_is_warned_of(loop: Loop) -> None:
    env: Any = {"DOMINO_RUN_ID": "r1", "DOMINO_WORKING_DIR": str(loop.folder)}

    ended = loop.run("gt_registration.py", "--check", "-q", **env)

    assert ended.stdout == ""
    assert re.match(
        r"warning: disk: .*ends with this run's container: "
        r"put state_dir \(STATE_DIR\) into a dataset\n$",
        ended.stderr,
    )
    assert (
        loop.run(
            "gt_registration.py", "--check", "-q", **env, DOMINO_DATASETS_DIR=str(loop.folder)
        ).stderr
        == ""
    )


@pytest.mark.parametrize(
    ("folder", "ends"),
    [
        ("/mnt/state", True),
        ("/mnt/code/state", True),
        ("/tmp/state", True),
        ("/srv/job/state", True),
        ("/else/state", False),
        ("/mnt/data/credit/state", False),
        ("/domino/datasets/local/credit", False),
        ("/mnt/imported/data/x", False),
    ],
)
def test_datasets_outlast_a_run_and_the_working_folder_does_not(
    folder: str, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMINO_WORKING_DIR", "/srv/job")
    monkeypatch.setenv("DOMINO_RUN_ID", "r1")
    assert persistence.ends_with_run(Path(folder)) is ends

    monkeypatch.delenv("DOMINO_RUN_ID")
    assert persistence.ends_with_run(Path(folder)) is False


def test_a_check_of_a_silent_service_ends(loop: Loop) -> None:
    server = SocketServer(
        lambda connection: time.sleep(2), b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"
    )
    begin = time.monotonic()

    assert failed(loop, "daily_scoring.py", 0, MODEL_API_URL=server.url) == {}
    assert time.monotonic() - begin < 30
    server.socket.close()


def test_every_check_that_a_script_names_exists() -> None:
    for needs in NEEDS.values():
        assert set(needs.checks) <= preflight_checks.CHECKS.keys()


# --- what is not verified


def test_a_token_that_nobody_asked_for_is_not_verified_and_that_is_said(loop: Loop) -> None:
    ended = loop.run("daily_scoring.py", "--check")

    assert re.search(
        r"^\? {6} model endpoint  http.*: answers \(\d+\)$", ended.stdout, re.MULTILINE
    )
    assert "not verified: token and address; --probe sends one row" in ended.stdout
    assert ended.stdout.endswith("\n5 of 6 passed, 1 not verified\n")
    assert checked(loop, "daily_scoring.py", 0)["model endpoint"]["ok"] is None


def test_a_bucket_that_answers_403_is_never_ok(loop: Loop) -> None:
    keys = loop.sandbox.s3_identities["write_only"]
    env = {"AWS_ACCESS_KEY_ID": keys["access_key"], "AWS_SECRET_ACCESS_KEY": keys["secret_key"]}

    store = checked(loop, "daily_scoring.py", 0, **env)["object store"]

    assert store["ok"] is None
    assert "s3:GetObject" in store["fix"]


@pytest.mark.parametrize(
    ("env", "name", "expected"),
    [
        ({"MODEL_API_URL": "http://127.0.0.1:9/x"}, "model endpoint", "MODEL_API_URL"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "object store", "AWS variables"),
    ],
)
def test_a_refused_connection_has_a_remedy_of_its_own_not_the_disk_s(
    loop: Loop, env: dict[str, str], name: str, expected: str
) -> None:
    fix = failed(loop, "daily_scoring.py", 5, **env)[name]["fix"]

    assert expected in fix
    assert "space" not in fix
    assert "try again later" in fix


def test_the_named_day_s_object_is_checked(loop: Loop) -> None:
    for script in ("daily_scoring.py", "gt_registration.py"):
        store = checked(loop, script, 0, "--date", "2026-02-03")["object store"]
        assert f"{loop.object_key('2026-02-03')}: no object yet" in store["detail"]


def test_training_data_in_s3_whose_columns_were_not_read_are_not_called_ok(loop: Loop) -> None:
    key = f"{loop.env['DOMINO_PROJECT_ID']}/data.csv"
    loop.configure(training_data=f"s3://se-demo-data/{key}")
    loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=b"age\n")

    assert checked(loop, "create_training_set.py", 0)["training data"]["ok"] is None
    probed = checked(loop, "create_training_set.py", 6, "--probe")["training data"]
    assert probed["ok"] is False


# --- --probe


def test_a_probe_sends_one_row_and_writes_and_removes_one_object_and_says_so(loop: Loop) -> None:
    captured = len(loop.sandbox.captured())

    ended = loop.run("daily_scoring.py", "--check", "--probe", "--date", "2026-02-03")

    assert ended.stdout.endswith("\n6 of 6 passed\n")
    (row,) = loop.sent_rows()
    assert re.fullmatch(r"check_\d{8}T\d{6}Z", row)
    assert f"row {row} was sent and captured: class " in ended.stdout
    assert len(loop.sandbox.captured()) == captured + 1
    key = f"{loop.object_key('2026-02-03')}.{row}"
    assert f"s3://se-demo-data/{key}: written and removed; conditions are honoured" in ended.stdout
    assert loop.objects() == {}


def test_a_probe_finds_a_wrong_token(loop: Loop) -> None:
    endpoint = checked(loop, "daily_scoring.py", 6, "--probe", MODEL_API_TOKEN="wrong")[
        "model endpoint"
    ]

    assert endpoint["ok"] is False
    assert "MODEL_API_TOKEN" in endpoint["detail"]


def test_a_probe_finds_a_wrong_form_of_the_reply(loop: Loop) -> None:
    loop.configure(model_api={"prediction": "elsewhere"})

    endpoint = checked(loop, "daily_scoring.py", 6, "--probe")["model endpoint"]

    assert "elsewhere" in endpoint["detail"]
    assert "model_api.prediction" in endpoint["fix"]


def test_a_probe_with_a_key_that_may_only_write_says_what_it_left_behind(loop: Loop) -> None:
    keys = loop.sandbox.s3_identities["write_only"]
    env = {"AWS_ACCESS_KEY_ID": keys["access_key"], "AWS_SECRET_ACCESS_KEY": keys["secret_key"]}

    store = checked(loop, "daily_scoring.py", 0, "--probe", **env)["object store"]

    assert store["ok"] is True
    is_left = bool(loop.objects())
    assert ("remove it" in store["fix"]) is is_left


def test_a_probe_is_refused_without_the_check(loop: Loop) -> None:
    ended = loop.run("daily_scoring.py", "--probe", code=2)

    assert "--probe goes with --check" in ended.stderr
    assert loop.sent_rows() == []
