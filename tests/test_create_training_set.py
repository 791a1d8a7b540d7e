"""create_training_set.py as a person runs it, and what it decides by: lint, difference, hash."""

import dataclasses
import hashlib
import http.server
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scripts import ROOT, Loop, loop, wait_for

from monitoring import baseline, config, training_data, training_set
from monitoring.config import Settings
from monitoring.errors import RefusedError
from monitoring.training_set_client import Version

__all__ = ["loop"]
SCRIPT = "create_training_set.py"
DATA = ROOT / "data" / "german_credit.csv"


@pytest.fixture
def makes(loop: Loop) -> Loop:
    """A set-up with a TrainingSet of its own: names are unique across a deployment."""
    loop.configure(training_set={"name": f"set-{uuid.uuid4().hex[:8]}"})
    return loop


@pytest.fixture(scope="module")
def settings() -> Settings:
    return config.load(ROOT / "config.yaml", ["project_id", "model_api", "model_monitor"])[0]


def writes(loop: Loop) -> list[str]:
    """Method and status of each request that made or changed a version, in order."""
    changing = [c for c in loop.sandbox.requests() if re.fullmatch(r"/trainingset/set-[^/]+(/\d+)?", c["path"])]
    return [f"{call['method']} {call['status']}" for call in changing]


def pinned(loop: Loop) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((loop.folder / "state" / "credit-default" / "baseline.json").read_text())
    return content


def other_data(loop: Loop, change: Any) -> Path:
    """Write the sample data with a change, name it in the settings, and return where it stands."""
    frame = pd.read_csv(DATA, dtype=str)
    path = loop.folder / "other.csv"
    change(frame).to_csv(path, index=False)
    loop.configure(training_data=str(path))
    return path


# A version, its repeat, and the next one.


def test_a_version_is_made_once_and_the_second_run_finds_it(makes: Loop) -> None:
    first = makes.run(SCRIPT)
    made = makes.result(SCRIPT, "--list")["versions"]

    assert first.stdout.count("\n") == 1
    assert "version 1 made: 1,000 rows, 12 columns" in first.stdout
    assert writes(makes) == ["POST 200", "PUT 200"]
    assert [(version["number"], version["pending"]) for version in made] == [(1, False)]
    assert made[0]["meta"]["rows"] == "1000"
    content = pinned(makes)
    assert (content["source"], content["number"]) == (makes.settings["training_set"]["name"], 1)
    assert content["content_hash"] == hashlib.sha256(DATA.read_bytes()).hexdigest()
    assert content["class_rows"] == [300, 700]

    shutil.rmtree(makes.folder / "state")  # another machine: it knows nothing of the first run
    second = makes.run(SCRIPT)

    assert "version 1 already holds this content, nothing was sent" in second.stdout
    assert writes(makes) == ["POST 200", "PUT 200"]
    assert {**pinned(makes), "created_at": ""} == {**content, "created_at": ""}


def test_what_is_sent_reads_back_equal_with_roles_types_and_notes(makes: Loop) -> None:
    result = makes.result(SCRIPT, "--meta", "model_version=7", "--meta", "why=a=b")

    assert (result["name"], result["number"]) == (makes.settings["training_set"]["name"], 1)
    assert (result["rows"], result["columns"], result["warnings"]) == (1000, 12, [])
    assert set(result["dmm_thresholds"]) == {feature["name"] for feature in makes.settings["schema"]["features"]}
    assert all(limit > 0 for limit in result["dmm_thresholds"].values())
    read = f"""
import json
from domino_data.training_sets import client
version = client.get_training_set_version({result["name"]!r}, 1)
frame = version.load_raw_pandas()
meta = version.monitoring_meta
print(json.dumps([version.key_columns, version.target_columns, version.exclude_columns, meta.categorical_columns,
                  meta.timestamp_columns, version.meta, frame.dtypes.astype(str).to_dict(), frame.to_dict("list")]))
"""
    back = json.loads(subprocess.run([sys.executable, "-c", read], env=makes.env, capture_output=True, check=True).stdout)
    keys, targets, excluded, categorical, timestamps, meta, types, columns = back

    assert (keys, targets, excluded, timestamps) == (["customer_id"], ["credit"], [], [])
    assert set(categorical) == set(columns) - {"customer_id", "age"}
    assert meta["rows"] == "1000"
    assert (meta["model_version"], meta["why"]) == ("7", "a=b")
    assert re.fullmatch("[0-9a-f]{64}", meta["content_hash"])
    assert types == dict.fromkeys(columns, "int64") | {"customer_id": "str"}
    source = pd.read_csv(DATA)
    assert columns["customer_id"] == [f"training_{row}" for row in range(1000)]
    assert columns["age"] == source["age"].tolist()
    assert columns["credit"] == source["credit"].tolist()
    assert columns["savings_A61"] == (source["savings"] == "A61").astype(int).tolist()


def test_other_content_makes_the_next_version_and_says_what_moved(makes: Loop) -> None:
    makes.run(SCRIPT)

    def older(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame["age"].astype(int) < 40, "age"] = "60"
        return frame.iloc[:900]

    path = other_data(makes, older)
    told = makes.run(SCRIPT, "--json")
    result, difference = json.loads(told.stdout), json.loads(told.stdout)["difference"]

    source, moved = pd.read_csv(DATA), pd.read_csv(path)
    assert result["number"] == 2
    assert (difference["previous"], difference["rows"]) == (1, [1000, 900])
    assert (difference["columns_added"], difference["columns_removed"]) == ([], [])
    assert difference["class_shares"] == {
        str(value): [pytest.approx((frame["credit"] == value).mean()) for frame in (source, moved)] for value in (0, 1)
    }
    shifts = {shift["feature"]: shift for shift in difference["shifts"]}
    assert difference["shifts"][0]["feature"] == "age"
    assert (shifts["age"]["before"], shifts["age"]["after"]) == (
        pytest.approx(source["age"].mean()),
        pytest.approx(moved["age"].mean()),
    )
    for feature, column, level in (("savings_A61", "savings", "A61"), ("property_A121", "property", "A121")):
        before, after = ((frame[column] == level).mean() for frame in (source, moved))
        psi = (after - before) * math.log(after / before) + (before - after) * math.log((1 - after) / (1 - before))
        assert shifts[feature]["psi"] == pytest.approx(psi)
    assert "against version 1: rows 1,000 -> 900; the same columns; class 0 30.0% -> 29.8%" in told.stderr
    assert "largest shifts: age 35.5 -> " in told.stderr
    assert pinned(makes)["number"] == 2
    assert pinned(makes)["content_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()

    makes.configure(training_data=str(DATA))
    back = makes.run(SCRIPT)
    assert "version 1 already holds this content, nothing was sent (newest: 2; --again makes another)" in back.stdout
    assert pinned(makes)["number"] == 1


@pytest.mark.parametrize("pinned_text", [None, "torn", "of another version"])
def test_a_version_without_a_pinned_baseline_is_counted_from_its_data(
    settings: Settings, tmp_path: Path, pinned_text: str | None
) -> None:
    frame = training_set.content(DATA, settings.schema)
    name, of = settings.training_set.name, dataclasses.replace(settings, state_dir=tmp_path / "state")
    (tmp_path / "mount" / "set" / "version").mkdir(parents=True)
    frame.to_parquet(tmp_path / "mount" / "set" / "version" / "data.parquet")
    built = baseline.build(settings.schema, lambda: [frame], source=name, number=2, content_hash="", created_at="")
    path = training_set.pinned_path(of)
    if pinned_text:
        path.parent.mkdir(parents=True)
        path.write_text(baseline.to_json(built) if pinned_text == "of another version" else pinned_text)
    version = Version(1, False, list(frame.columns), {}, None, "set/version")

    counted = training_set.counts_of(of, {"DOMINO_TRAINING_SET_PATH": str(tmp_path / "mount")}, version)

    assert counted is not None
    assert counted.number == 1
    assert baseline.fingerprint(counted) == baseline.fingerprint(built)
    shutil.rmtree(tmp_path / "mount")
    assert training_set.counts_of(of, {"DOMINO_TRAINING_SET_PATH": str(tmp_path / "mount")}, version) is None


# Off Domino, dry runs, refusals.


def test_off_domino_every_variable_is_named_and_no_folder_is_made(makes: Loop) -> None:
    bare = {name: value for name, value in makes.env.items() if not name.startswith(("DOMINO_", "MODEL_", "DMM_", "AWS_"))}

    ended = subprocess.run(makes.command(SCRIPT), env=bare, cwd="/", text=True, capture_output=True, check=False)

    assert ended.returncode == 2
    for name in ("DOMINO_API_HOST", "DOMINO_USER_API_KEY", "DOMINO_PROJECT_ID", "DOMINO_TRAINING_SET_PATH"):
        assert name in ended.stderr
    assert ended.stdout == ""
    assert not Path("/var/opt/domino").exists()
    assert [path.name for path in makes.folder.iterdir()] == ["config.yaml"]

    dry = subprocess.run([*makes.command(SCRIPT), "--dry-run"], env=bare, cwd="/", text=True, capture_output=True, check=False)

    assert dry.returncode == 0, dry.stderr
    assert "a real run would end here (2)" in dry.stderr
    assert "nothing sent): 1,000 rows, 12 columns" in dry.stdout


def test_a_mount_that_is_missing_is_refused_before_anything_is_sent(makes: Loop) -> None:
    ended = makes.run(SCRIPT, code=2, DOMINO_TRAINING_SET_PATH=str(makes.folder / "nowhere"))

    assert f"DOMINO_TRAINING_SET_PATH: {makes.folder / 'nowhere'} is no folder that may be written" in ended.stderr
    assert makes.sandbox.requests() == []
    assert not (makes.folder / "nowhere").exists()


def test_a_dry_run_shows_what_would_be_sent_and_sends_and_writes_nothing(makes: Loop) -> None:
    told = makes.run(SCRIPT, "--dry-run", "--json", "--meta", "a=b")
    result = json.loads(told.stdout)

    assert writes(makes) == []
    assert [path.name for path in makes.folder.iterdir()] == ["config.yaml"]
    assert result["number"] is None
    assert result["would_send"]["key_columns"] == ["customer_id"]
    assert list(result["would_send"]["columns"]) == [
        "customer_id",
        *(feature["name"] for feature in makes.settings["schema"]["features"]),
        "credit",
    ]
    assert result["would_send"]["meta"]["a"] == "b"
    assert "PSI thresholds worth entering in DMM" in told.stderr


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--list", "--again"], "--list makes no version"),
        (["--list", "--meta", "a=b"], "--list makes no version"),
        (["--meta", "a"], "--meta: got 'a', expected K=V"),
        (["--meta", "=b"], "--meta: got '=b', expected K=V"),
        (["--meta", "rows=7"], "--meta rows: noted anyway"),
        (["--meta", "a=b", "--meta", "a=c"], "--meta a: given twice"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_the_settings_are_read(flags: list[str], expected: str) -> None:
    command = [sys.executable, str(ROOT / SCRIPT), "--config", "/no/such/config.yaml", *flags]

    ended = subprocess.run(command, text=True, capture_output=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr


def test_data_that_fail_the_lint_are_refused_with_every_fault_and_nothing_is_sent(makes: Loop) -> None:
    def faulty(frame: pd.DataFrame) -> pd.DataFrame:
        ids = [f"c{row}" for row in range(len(frame))]
        ids[7], ids[12] = "", "c3"
        return frame.assign(customer_id=ids, property="A121", savings=frame["savings"].where(frame.index > 4))

    other_data(makes, faulty)
    told = makes.run(SCRIPT, "--json", code=6)
    result = json.loads(told.stdout)

    assert makes.sandbox.requests() == []
    assert not (makes.folder / "state").exists()
    assert (result["number"], result["rows"], result["columns"]) == (None, 1000, 12)
    assert len(result["errors"]) == 2
    assert result["errors"][0].startswith("customer_id: 1 of 1000 ids are empty, the first in row 7: give every row one")
    assert result["errors"][1].startswith("customer_id: 1 ids stand more than once, the first (c3) in rows 3 and 12")
    assert [warning.split(":")[0] for warning in result["warnings"]] == ["savings", "property_A121"]


def test_quiet_means_silent_and_help_loads_nothing_heavy(makes: Loop) -> None:
    ended = makes.run(SCRIPT, "--quiet")
    assert (ended.stdout, ended.stderr) == ("", "")

    code = "import sys, create_training_set\ntry: create_training_set.main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'pandas', 'numpy', 'pydantic', 'yaml', 'requests', 'domino_data'} & sys.modules.keys()))"
    command = [sys.executable, "-c", code, "--help"]
    told = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"
    for flag in ("--meta", "--list", "--again", "--dry-run", "exit codes:"):
        assert flag in told


# Cut off, and what goes wrong at the server.


@pytest.fixture
def relay(makes: Loop) -> Iterator[Any]:
    """A server before the sandbox's that passes everything on, but keeps a PUT waiting for ever."""

    class Relay(http.server.BaseHTTPRequestHandler):
        stalled = threading.Event()
        released = threading.Event()

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "PUT":
                self.stalled.set()
                self.released.wait()
                return
            url = makes.sandbox.url + self.path
            request = urllib.request.Request(url, body or None, dict(self.headers), method=self.command)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
                content = reply.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    for method in ("GET", "POST", "PUT"):
        setattr(Relay, f"do_{method}", Relay.handle_any)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Relay.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield Relay
    Relay.released.set()
    server.shutdown()
    server.server_close()


def test_a_run_killed_between_the_two_calls_leaves_a_version_pending_that_the_next_names(makes: Loop, relay: Any) -> None:
    process = makes.start(SCRIPT, DOMINO_API_HOST=relay.url)
    assert relay.stalled.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    name = makes.settings["training_set"]["name"]
    assert [v["pending"] for v in makes.result(SCRIPT, "--list")["versions"]] == [True]
    makes.sandbox.clear_requests()

    told = makes.run(SCRIPT, "--json", code=6)

    assert f"{name} version 1 is pending" in json.loads(told.stderr.splitlines()[-1])["message"]
    assert json.loads(told.stdout)["number"] is None
    assert writes(makes) == []

    # One way on: delete it, with the very command that the message gives.
    message = json.loads(told.stderr.splitlines()[-1])["message"]
    command = shlex.split(re.findall(r"\((python -c .*)\), or", message)[0])
    subprocess.run([sys.executable, *command[1:]], env=makes.env, check=True, capture_output=True)
    assert makes.result(SCRIPT)["number"] == 2


def test_a_pending_version_may_be_left_behind_with_again(makes: Loop) -> None:
    makes.sandbox.switch(training_set="fail_finish")
    first = makes.run(SCRIPT, code=5)
    assert "may have left a version pending" in first.stderr
    makes.sandbox.switch(training_set="served")

    assert makes.result(SCRIPT, code=6)["number"] is None
    assert makes.result(SCRIPT, "--again")["number"] == 2
    table = makes.run(SCRIPT, "--list").stdout
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [["1", "pending", "1000"], ["2", "made", "1000"]]

    other_data(makes, lambda frame: frame.iloc[:800])  # the pending one was decided about: it stops nobody any more
    assert makes.result(SCRIPT)["number"] == 3


def test_a_server_in_trouble_is_5_and_a_refused_key_6_and_neither_is_told_the_key(makes: Loop) -> None:
    makes.sandbox.switch(training_set="fail_create")
    trouble = makes.run(SCRIPT, "-v", code=5)
    refused = makes.run(SCRIPT, "-v", code=6, DOMINO_USER_API_KEY="a-wrong-key-of-mine")

    assert "answered 500" in trouble.stderr
    assert writes(makes) == ["POST 500"]
    assert "answered 401" in refused.stderr
    assert "DOMINO_USER_API_KEY" in refused.stderr
    for text in (trouble.stderr, refused.stderr, trouble.stdout, refused.stdout):
        assert makes.env["DOMINO_USER_API_KEY"] not in text
        assert "a-wrong-key-of-mine" not in text
    assert not (makes.folder / "state").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_ends_the_run_and_its_client_at_once(makes: Loop, relay: Any, number: int, code: int) -> None:
    process = makes.start(SCRIPT, DOMINO_API_HOST=relay.url)
    assert relay.stalled.wait(60)
    listing = ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="]
    lines = [
        line.split(None, 2) for line in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    (client,) = [int(pid) for pid, parent, _ in lines if int(parent) == process.pid]
    begin = time.monotonic()

    process.send_signal(number)
    process.communicate(timeout=20)

    assert process.returncode == code
    assert time.monotonic() - begin < 10
    wait_for(lambda: subprocess.run(["ps", "-p", str(client)], capture_output=True, check=False).returncode != 0)


# The lint, fault by fault.


def linted(settings: Settings, tmp_path: Path, change: Any) -> tuple[list[str], list[str]]:
    path = tmp_path / "data.csv"
    change(pd.read_csv(DATA, dtype=str)).to_csv(path, index=False)
    frame = training_set.content(path, settings.schema)
    return training_set.lint(frame, settings.schema, training_data.missing(path, settings.schema))


def with_key(frame: pd.DataFrame, **ids: str) -> pd.DataFrame:
    keys = [f"c{row}" for row in range(len(frame))]
    for row, value in ids.items():
        keys[int(row[1:])] = value
    return frame.assign(customer_id=keys)


@pytest.mark.parametrize(
    ("change", "errors", "warnings"),
    [
        (lambda f: f, [], []),
        (with_key, [], []),
        (
            lambda f: with_key(f, r5="", r9="  "),
            [r"customer_id: 2 of 1000 ids are empty, the first in row 5: give every row"],
            [],
        ),
        (
            lambda f: with_key(f, r8="c2", r9="c2", r11="c4"),
            [r"customer_id: 2 ids stand more than once, the first \(c2\) in rows 2 and 8: .*leave the repeats out"],
            [],
        ),
        (
            lambda f: f[f["credit"] == "1"],
            [r"credit: no row of class 0, expected rows of each of \[0, 1\]: give such rows, or mend schema.target.classes"],
            [],
        ),
        (
            lambda f: f.assign(age=""),
            [r"age: no row has a value: fill the column, or take its features out of schema.features"],
            [],
        ),
        (
            lambda f: f.assign(age=f["age"].where(f.index != 3), savings=f["savings"].where(f.index % 10 != 1)),
            [],
            [
                r"savings: 100 of 1000 values are missing \(10.0%\), the first in row 1; .* is 0 there.*fill them in",
                r"age: 1 of 1000 values are missing \(0.1%\), the first in row 3; .*a number stays missing",
            ],
        ),
        (
            lambda f: f.assign(age="40", other_installments="A143"),
            [],
            [
                r"other_installments_A143: constant, every row has 1: .*take rows in which it varies",
                r"age: constant, every row has 40: .*take it out of schema.features",
            ],
        ),
    ],
    ids=["clean", "clean with ids", "empty ids", "repeated ids", "class", "empty column", "missing values", "constant"],
)
def test_each_fault_names_its_column_and_the_remedy(
    settings: Settings, tmp_path: Path, change: Any, errors: list[str], warnings: list[str]
) -> None:
    found = linted(settings, tmp_path, change)

    for texts, patterns in zip(found, (errors, warnings), strict=True):
        assert len(texts) == len(patterns), texts
        assert all(re.match(pattern, text) for pattern, text in zip(patterns, texts, strict=True)), texts


def test_a_column_that_the_endpoint_does_not_capture_is_an_error(settings: Settings) -> None:
    frame = training_set.content(DATA, settings.schema).assign(duration_months=12)

    errors, _ = training_set.lint(frame, settings.schema, {})

    assert len(errors) == 1
    assert re.match("duration_months: the endpoint does not capture it .*every ingestion fail: leave it out", errors[0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.drop(columns="savings"), r"no column savings_A65|no column savings"),
        (lambda f: f.assign(credit=f["credit"].where(f.index != 4)), r"row 4 .*credit: got '', expected one of \[0, 1\]"),
        (lambda f: f.assign(age=f["age"].where(f.index != 6, "old")), r"row 6 .*age: got 'old', expected a number"),
        (lambda f: f.iloc[:0], "got no rows, expected the training data"),
    ],
    ids=["missing column", "no class", "text among numbers", "no rows"],
)
def test_data_that_cannot_be_read_as_the_schema_says_name_column_and_row(
    settings: Settings, tmp_path: Path, change: Any, expected: str
) -> None:
    with pytest.raises(RefusedError, match=expected):
        linted(settings, tmp_path, change)


def test_a_name_that_domino_refuses_is_a_configuration_error_with_its_line(makes: Loop) -> None:
    makes.configure(training_set={"name": "credit default"})

    ended = makes.run(SCRIPT, code=2)

    assert re.search(r"config.yaml:\d+: training_set.name: got 'credit default', expected letters", ended.stderr)


# Hash, types, difference.


def test_the_content_hash_follows_the_content_and_what_each_column_is(settings: Settings, tmp_path: Path) -> None:
    frame = training_set.content(DATA, settings.schema)
    parquet = tmp_path / "data.parquet"
    pd.read_csv(DATA).to_parquet(parquet)
    reference = training_set.content_hash(frame, settings.schema)

    assert training_set.content_hash(training_set.content(parquet, settings.schema), settings.schema) == reference
    assert training_set.content_hash(frame.iloc[::-1], settings.schema) != reference
    assert training_set.content_hash(frame.assign(age=frame["age"] + (frame.index == 999)), settings.schema) != reference
    assert training_set.content_hash(frame.rename(columns={"age": "years"}), settings.schema) != reference
    other = dataclasses.replace(settings.schema, features=[
        dataclasses.replace(f, type="numerical", group=None) if f.name == "savings_A61" else f for f in settings.schema.features
    ])  # fmt: skip
    assert training_set.content_hash(frame, other) != reference


def test_ids_are_text_however_they_are_stored_and_a_fraction_stays_a_fraction(settings: Settings, tmp_path: Path) -> None:
    source = pd.read_csv(DATA)
    path = tmp_path / "data.parquet"
    source.assign(customer_id=range(5_000_000, 5_001_000), age=source["age"] + 0.5).to_parquet(path)

    frame = training_set.content(path, settings.schema)

    assert frame["customer_id"].tolist()[:2] == ["5000000", "5000001"]
    assert (str(frame["customer_id"].dtype), str(frame["age"].dtype)) == ("str", "float64")
    assert frame["age"].tolist() == (source["age"] + 0.5).tolist()


def test_a_version_made_elsewhere_is_compared_as_far_as_it_is_known(settings: Settings) -> None:
    frame = training_set.content(DATA, settings.schema)
    columns = [name for name in frame.columns if name != "age"]
    elsewhere = Version(4, False, [*columns, "duration_months"], {}, None, "nowhere")

    found = training_set.difference(settings.schema, frame, elsewhere, None)

    assert found["rows"] == [None, 1000]
    assert (found["columns_added"], found["columns_removed"]) == (["age"], ["duration_months"])
    assert training_set.difference_text(found) == (
        "against version 4: rows unknown -> 1,000; columns +age -duration_months; shifts unknown: the data before can't be read"
    )


def test_a_feature_that_the_previous_version_lacked_has_no_shift_and_the_others_do(settings: Settings) -> None:
    frame = training_set.content(DATA, settings.schema)
    before = baseline.build(
        settings.schema, lambda: [frame.drop(columns="age")], source="s", number=1, content_hash="", created_at=""
    )

    found = training_set.difference(settings.schema, frame, Version(1, False, list(frame.columns), {}, None, ""), before)

    assert len(found["shifts"]) == 9
    assert "age" not in [shift["feature"] for shift in found["shifts"]]


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")
def test_the_commit_is_noted_and_marked_where_files_differ_from_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.test"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert training_set.git_commit(tmp_path) is None
    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    git("tag", "-a", "v1", "-m", "a tag must not stand in for the commit")

    assert training_set.git_commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("2")
    assert training_set.git_commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"
