"""create_training_set.py as a person runs it, against the sandbox."""

import hashlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support import faults
from tests.support.loop import ROOT, Loop, wait_for
from tests.support.shipped import DATA
from tests.support.training_sets import Relay, clients_of, is_alive

SCRIPT = "create_training_set.py"

# What the vendor's client reads back: the first argument is the set, the version is 1.
READ_BACK = textwrap.dedent("""
    import json, sys
    from domino_data.training_sets import client
    version = client.get_training_set_version(sys.argv[1], 1)
    frame = version.load_raw_pandas()
    print(json.dumps({
        "keys": version.key_columns,
        "targets": version.target_columns,
        "excluded": version.exclude_columns,
        "categorical": version.monitoring_meta.categorical_columns,
        "timestamps": version.monitoring_meta.timestamp_columns,
        "meta": version.meta,
        "types": frame.dtypes.astype(str).to_dict(),
        "columns": frame.to_dict("list"),
    }))
""")


@pytest.fixture
def own(loop: Loop) -> Loop:
    """A set-up with a TrainingSet of its own: names are unique across a deployment."""
    loop.configure(training_set={"name": f"set-{uuid.uuid4().hex[:8]}"})
    return loop


@pytest.fixture
def relay(own: Loop) -> Iterator[Relay]:
    relay = Relay(own.sandbox.url)
    yield relay
    relay.close()


def writes(loop: Loop) -> list[str]:
    """Return method and status of each request that created or changed a version, in order."""
    version_path = re.compile(r"/trainingset/set-[^/]+(/\d+)?")
    calls = [call for call in loop.sandbox.requests() if version_path.fullmatch(call["path"])]
    return [f"{call['method']} {call['status']}" for call in calls]


def pinned(loop: Loop) -> dict[str, Any]:
    """Return the content of the pinned baseline."""
    path = loop.folder / "state" / "credit-default" / "baseline.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def other_data(loop: Loop, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    """Write the sample data with a change, name the file in the settings, and return its path."""
    frame = pd.read_csv(DATA, dtype=str)
    path = loop.folder / "other.csv"
    change(frame).to_csv(path, index=False)
    loop.configure(training_data=str(path))
    return path


# A version, its repeat, and the next one.


def test_a_version_is_created_once_and_the_second_run_finds_it(own: Loop) -> None:
    first = own.run(SCRIPT)
    versions = own.result(SCRIPT, "--list")["versions"]

    assert first.stdout.count("\n") == 1
    assert "version 1 created: 1,000 rows, 12 columns" in first.stdout
    assert writes(own) == ["POST 200", "PUT 200"]
    assert [(version["number"], version["pending"]) for version in versions] == [(1, False)]
    assert versions[0]["meta"]["rows"] == "1000"
    content = pinned(own)
    assert (content["source"], content["number"]) == (own.settings["training_set"]["name"], 1)
    assert content["content_hash"] == hashlib.sha256(DATA.read_bytes()).hexdigest()
    assert content["class_rows"] == [300, 700]

    shutil.rmtree(own.folder / "state")  # another machine: it knows nothing of the first run
    second = own.run(SCRIPT)

    assert "version 1 already holds this content, nothing was sent" in second.stdout
    assert writes(own) == ["POST 200", "PUT 200"]
    assert {**pinned(own), "created_at": ""} == {**content, "created_at": ""}


def test_what_is_sent_reads_back_equal_with_roles_types_and_notes(own: Loop) -> None:
    result = own.result(SCRIPT, "--meta", "model_version=7", "--meta", "why=a=b")

    assert (result["name"], result["number"]) == (own.settings["training_set"]["name"], 1)
    assert (result["rows"], result["columns"], result["warnings"]) == (1000, 12, [])
    features = [feature["name"] for feature in own.settings["schema"]["features"]]
    assert list(result["dmm_thresholds"]) == features
    assert all(limit > 0 for limit in result["dmm_thresholds"].values())

    command = [sys.executable, "-c", READ_BACK, result["name"]]
    ended = subprocess.run(command, env=own.env, capture_output=True, check=True)
    stored = json.loads(ended.stdout)
    columns, meta = stored["columns"], stored["meta"]
    assert (stored["keys"], stored["targets"]) == (["customer_id"], ["credit"])
    assert (stored["excluded"], stored["timestamps"]) == ([], [])
    assert set(stored["categorical"]) == set(columns) - {"customer_id", "age"}
    assert (meta["rows"], meta["model_version"], meta["why"]) == ("1000", "7", "a=b")
    assert re.fullmatch("[0-9a-f]{64}", meta["content_hash"])
    assert stored["types"] == dict.fromkeys(columns, "int64") | {"customer_id": "str"}

    source = pd.read_csv(DATA)
    assert columns["customer_id"] == [f"training_{row}" for row in range(1000)]
    assert columns["age"] == source["age"].tolist()
    assert columns["credit"] == source["credit"].tolist()
    assert columns["savings_A61"] == (source["savings"] == "A61").astype(int).tolist()


def test_other_content_creates_the_next_version_and_says_what_moved(own: Loop) -> None:
    own.run(SCRIPT)

    def older(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame["age"].astype(int) < 40, "age"] = "60"
        return frame.iloc[:900]

    path = other_data(own, older)
    ended = own.run(SCRIPT, "--json")

    result = json.loads(ended.stdout)
    difference = result["difference"]
    assert result["number"] == 2
    assert (difference["previous"], difference["rows"]) == (1, [1000, 900])
    assert (difference["columns_added"], difference["columns_removed"]) == ([], [])
    assert_shifts_are_those_of(pd.read_csv(DATA), pd.read_csv(path), difference)
    shares = "rows 1,000 -> 900; the same columns; class 0 30 % -> 29.8 %"
    assert f"against version 1: {shares}" in ended.stderr
    assert "largest shifts: age 35.5 -> " in ended.stderr
    assert pinned(own)["number"] == 2
    assert pinned(own)["content_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()

    own.configure(training_data=str(DATA))
    back = own.run(SCRIPT)
    held = "version 1 already holds this content, nothing was sent (newest: 2; --again creates"
    assert held in back.stdout
    assert pinned(own)["number"] == 1


def assert_shifts_are_those_of(
    before: pd.DataFrame, after: pd.DataFrame, difference: dict[str, Any]
) -> None:
    """Compare class shares and shifts with those that pandas gives."""
    for value in (0, 1):
        shares = [(frame["credit"] == value).mean() for frame in (before, after)]
        assert difference["class_shares"][str(value)] == pytest.approx(shares)

    shifts = {shift["feature"]: shift for shift in difference["shifts"]}
    age = shifts["age"]
    assert difference["shifts"][0] == age
    assert age["before"] == pytest.approx(before["age"].mean())
    assert age["after"] == pytest.approx(after["age"].mean())

    for column, level in (("savings", "A61"), ("property", "A121")):
        old, new = ((frame[column] == level).mean() for frame in (before, after))
        psi = (new - old) * math.log(new / old)
        psi += (old - new) * math.log((1 - new) / (1 - old))
        assert shifts[f"{column}_{level}"]["psi"] == pytest.approx(psi)


# Off Domino, dry runs, refusals.


def test_off_domino_every_variable_is_named_and_no_folder_is_created(own: Loop) -> None:
    ours = ("DOMINO_", "MODEL_", "DMM_", "AWS_")
    bare = {name: value for name, value in own.env.items() if not name.startswith(ours)}

    def run(*flags: str) -> "subprocess.CompletedProcess[str]":
        command = own.command(SCRIPT, *flags)
        return subprocess.run(
            command, env=bare, cwd="/", text=True, capture_output=True, check=False
        )

    real, dry = run(), run("--dry-run")

    assert (real.returncode, real.stdout) == (2, "")
    for name in ("API_HOST", "USER_API_KEY", "PROJECT_ID", "TRAINING_SET_PATH"):
        assert f"DOMINO_{name}" in real.stderr
    assert not Path("/var/opt/domino").exists()
    assert [path.name for path in own.folder.iterdir()] == ["config.yaml"]
    assert dry.returncode == 0, dry.stderr
    assert "a real run would end here (2)" in dry.stderr
    assert "nothing sent): 1,000 rows, 12 columns" in dry.stdout


def test_a_mount_that_is_missing_is_refused_before_anything_is_sent(own: Loop) -> None:
    mount = own.folder / "nowhere"

    ended = own.run(SCRIPT, code=2, DOMINO_TRAINING_SET_PATH=str(mount))

    assert f"DOMINO_TRAINING_SET_PATH: {mount} is not a writable folder" in ended.stderr
    assert own.sandbox.requests() == []
    assert not mount.exists()


def test_a_dry_run_shows_what_would_be_sent_and_sends_and_writes_nothing(own: Loop) -> None:
    ended = own.run(SCRIPT, "--dry-run", "--json", "--meta", "a=b")

    result = json.loads(ended.stdout)
    would_send = result["would_send"]
    features = [feature["name"] for feature in own.settings["schema"]["features"]]
    assert writes(own) == []
    assert [path.name for path in own.folder.iterdir()] == ["config.yaml"]
    assert result["number"] is None
    assert would_send["key_columns"] == ["customer_id"]
    assert list(would_send["columns"]) == ["customer_id", *features, "credit"]
    assert would_send["meta"]["a"] == "b"
    assert "PSI thresholds worth entering in DMM" in ended.stderr


def test_a_note_for_content_that_a_version_holds_is_said_to_be_stored_nowhere(own: Loop) -> None:
    own.run(SCRIPT, "--meta", "model_version=7")

    same = own.run(SCRIPT, "--meta", "model_version=7")
    dry = own.run(SCRIPT, "--dry-run", "--quiet", "--meta", "model_version=8")
    other = own.result(SCRIPT, "--meta", "model_version=8", "--meta", "why=test")
    own.run(SCRIPT, "--again", "--meta", "model_version=8")

    assert "nothing is stored" not in same.stderr
    expected = "--meta model_version=8, why=test: nothing is stored, since "
    assert other["warnings"][-1].startswith(expected)
    assert other["warnings"][-1].endswith("--again creates a version with it")
    assert "warning: --meta model_version=8: nothing is stored" in dry.stderr
    versions = own.result(SCRIPT, "--list")["versions"]
    assert [version["meta"]["model_version"] for version in versions] == ["7", "8"]


def test_a_dry_run_of_content_that_a_version_holds_would_send_nothing(own: Loop) -> None:
    own.run(SCRIPT)

    ended = own.run(SCRIPT, "--dry-run")

    assert "version 1 already holds this content, nothing would be sent" in ended.stdout


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--list", "--again"], "--list creates no version"),
        (["--list", "--meta", "a=b"], "--list creates no version"),
        (["--meta", "a"], "--meta: got 'a', expected K=V"),
        (["--meta", "=b"], "--meta: got '=b', expected K=V"),
        (["--meta", "rows=7"], "--meta rows: reserved"),
        (["--meta", "a=b", "--meta", "a=c"], "--meta a: given twice"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_the_settings_are_read(
    flags: list[str], expected: str
) -> None:
    command = [sys.executable, str(ROOT / SCRIPT), "--config", "/no/such/config.yaml", *flags]

    ended = subprocess.run(command, text=True, capture_output=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr


def test_data_that_fail_the_lint_are_refused_with_every_fault_and_nothing_is_sent(
    own: Loop,
) -> None:
    def faulty(frame: pd.DataFrame) -> pd.DataFrame:
        ids = [f"c{row}" for row in range(len(frame))]
        ids[7], ids[12] = "", "c8"
        savings = frame["savings"].where(frame.index > 4)
        return frame.assign(customer_id=ids, property="A121", savings=savings)

    other_data(own, faulty)
    result = own.result(SCRIPT, code=6)

    assert own.sandbox.requests() == []
    assert not (own.folder / "state").exists()
    assert (result["number"], result["rows"], result["columns"]) == (
        None,
        995,
        12,
    )  # five have no savings
    empty, repeated = result["errors"]
    assert empty.startswith("customer_id: empty ids: 1 of 995, the first in row 7: give every row")
    assert repeated.startswith("customer_id: repeated ids: 1, the first (c8) in rows 8 and 12")
    assert [warning.split(":")[0] for warning in result["warnings"]] == ["savings", "property_A121"]
    assert list(result) == ["name", "number", "rows", "columns", "warnings", "errors"]


def test_data_that_the_night_would_refuse_make_no_version(own: Loop) -> None:
    """A version can't be undone."""

    def three_bad_customers(frame: pd.DataFrame) -> pd.DataFrame:
        is_good = frame["credit"].astype(str) == "1"
        return pd.concat([frame[~is_good].head(3), frame[is_good]])

    other_data(own, three_bad_customers)
    ended = own.run(SCRIPT, code=6)

    assert "no batch can be made of" in ended.stderr
    assert "class 0 has 3 training rows, scoring.neighbors 3 needs 4" in ended.stderr
    assert own.sandbox.requests() == []
    assert not (own.folder / "state").exists()


def test_a_name_that_domino_refuses_is_a_configuration_error_with_its_line(own: Loop) -> None:
    own.configure(training_set={"name": "credit default"})

    ended = own.run(SCRIPT, code=2)

    message = r"config.yaml:\d+: training_set.name: got 'credit default', expected letters"
    assert re.search(message, ended.stderr)


def test_quiet_means_silent_and_help_loads_nothing_heavy(own: Loop) -> None:
    ended = own.run(SCRIPT, "--quiet")
    assert (ended.stdout, ended.stderr) == ("", "")

    statements = [
        "import sys, create_training_set",
        "try: create_training_set.main()",
        "except SystemExit: pass",
        "heavy = {'pandas', 'numpy', 'pydantic', 'yaml', 'requests', 'domino_data'}",
        "print(sorted(heavy & sys.modules.keys()))",
    ]
    command = [sys.executable, "-c", "\n".join(statements), "--help"]
    ended = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    for flag in ("--meta", "--list", "--again", "--dry-run", "exit codes:"):
        assert flag in ended.stdout


# Cut off, and what goes wrong at the server.


def test_a_run_killed_between_the_two_calls_leaves_a_version_pending_that_the_next_names(
    own: Loop, relay: Relay
) -> None:
    process = own.start(SCRIPT, DOMINO_API_HOST=relay.url)
    assert relay.stalled.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    versions = own.result(SCRIPT, "--list")["versions"]
    assert [version["pending"] for version in versions] == [True]
    own.sandbox.clear_requests()

    ended = own.run(SCRIPT, "--json", code=6)

    message = json.loads(ended.stderr.splitlines()[-1])["message"]
    assert f"{own.settings['training_set']['name']} version 1 is pending" in message
    assert json.loads(ended.stdout)["number"] is None
    assert writes(own) == []

    # One way on: delete it, with the very command that the message gives.
    command = shlex.split(re.findall(r"\((python -c .*)\), or", message)[0])
    subprocess.run([sys.executable, *command[1:]], env=own.env, check=True, capture_output=True)
    assert own.result(SCRIPT)["number"] == 2


def test_a_pending_version_may_be_left_behind_with_again(own: Loop) -> None:
    own.sandbox.switch(training_set="fail_finish")
    first = own.run(SCRIPT, code=5)
    assert "may have left a version pending" in first.stderr
    own.sandbox.switch(training_set="served")

    assert own.result(SCRIPT, code=6)["number"] is None
    assert own.result(SCRIPT, "--again")["number"] == 2
    rows = [line.split()[:3] for line in own.run(SCRIPT, "--list").stdout.splitlines()[1:]]
    assert rows == [["1", "pending", "1000"], ["2", "complete", "1000"]]

    # The pending one was decided about: it stops nobody any more.
    other_data(own, lambda frame: frame.iloc[:800])
    assert own.result(SCRIPT)["number"] == 3


def test_a_server_in_trouble_is_5_and_a_refused_key_6_and_neither_shows_the_key(
    own: Loop,
) -> None:
    own.sandbox.switch(training_set="fail_create")
    trouble = own.run(SCRIPT, "-v", code=5)
    refused = own.run(SCRIPT, "-v", code=6, DOMINO_USER_API_KEY="a-wrong-key-of-mine")

    assert "answered 500" in trouble.stderr
    assert writes(own) == ["POST 500"]
    assert "answered 401" in refused.stderr
    assert "DOMINO_USER_API_KEY" in refused.stderr
    for text in (trouble.stderr, refused.stderr, trouble.stdout, refused.stdout):
        assert own.env["DOMINO_USER_API_KEY"] not in text
        assert "a-wrong-key-of-mine" not in text
    assert not (own.folder / "state").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_ends_the_run_and_its_client_at_once(
    own: Loop, relay: Relay, number: int, code: int
) -> None:
    process = own.start(SCRIPT, DOMINO_API_HOST=relay.url)
    assert relay.stalled.wait(60)
    (client,) = clients_of(process.pid)
    begin = time.monotonic()

    process.send_signal(number)
    process.communicate(timeout=20)

    assert process.returncode == code
    assert time.monotonic() - begin < 10
    wait_for(lambda: not is_alive(client))


def test_a_schema_is_proposed_for_any_table_and_nothing_is_sent(own: Loop, tmp_path: Path) -> None:
    rows = "".join(
        f"{number % 7},{'red' if number % 3 else 'NA'},{number % 2}\n" for number in range(90)
    )
    (tmp_path / "mine.csv").write_text(f"size,color,bought\n{rows}")

    text = own.run(SCRIPT, "--propose", str(tmp_path / "mine.csv"), "--target", "bought")
    alone = own.run(SCRIPT, "--target", "bought", code=2)

    assert "  target: {name: bought, classes: [0, 1], positive: 1}" in text.stdout
    assert "    - {name: color, type: nominal}" in text.stdout
    assert own.sandbox.requests() == []
    assert "--target goes with --propose" in alone.stderr


def test_a_full_temporary_folder_is_5_and_nothing_is_created(loop: Loop) -> None:
    """The rows go to the vendor's client through a temporary file, never twice in memory."""
    ended = loop.patched(SCRIPT, faults.full_disk(6000))

    assert ended.returncode == 5, ended.stderr
    assert "TMPDIR" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (loop.day_folder().parent / "baseline.json").exists()
