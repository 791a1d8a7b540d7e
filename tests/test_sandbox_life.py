"""The sandbox as processes: `run`, `env`, the foreground; that it outlives its users and kill -9, and nothing is left."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from conftest import start_sandbox, wait_until_gone

from sandbox import attach

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")


@pytest.fixture
def folder(sandbox: Any, tmp_path: Path) -> Iterator[Path]:
    """A state folder of its own, with the model that another one fitted; at the end nothing may run there."""
    made = tmp_path / "own"
    made.mkdir()
    shutil.copy(sandbox.folder / "model.json", made)
    yield made
    wait_for(lambda: not processes_of(made), "processes are left")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def processes_of(folder: Path) -> list[str]:
    """Every living process whose command names the folder."""
    shown = subprocess.run(["ps", "-ww", "-eo", "pid=,stat=,command="], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if str(folder) in line and line.split()[1][0] != "Z"]


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "--dir", str(folder), *arguments]


def run_script(folder: Path, code: str, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    (folder.parent / "script.py").write_text(code)
    line = command(folder, "run", str(folder.parent / "script.py"), *arguments)
    return subprocess.run(line, cwd=attach.ROOT, capture_output=True, text=True, timeout=60, check=False, **options)


def start_script(folder: Path, code: str) -> "subprocess.Popen[str]":
    """Start a script in a process group of its own, as a shell does, and wait for its first line."""
    (folder.parent / "script.py").write_text(code)
    line = command(folder, "run", str(folder.parent / "script.py"))
    process = subprocess.Popen(line, cwd=attach.ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


ORDERLY_END = """
import os, signal, sys, time, urllib.request
def end(number, frame):
    time.sleep(0.5)  # the sandbox must still be there
    print("answer", urllib.request.urlopen(os.environ["DMM_URL"] + "/version").status, flush=True)
    sys.exit(128 + number)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
WAIT = "import sys\nprint('ready', flush=True)\nsys.stdin.read()\nimport time\ntime.sleep(60)"


def test_run_passes_arguments_streams_and_the_exit_code_through(folder: Path) -> None:
    code = "import sys; print(sys.argv[1:], sys.stdin.read()); print('complaint', file=sys.stderr); sys.exit(75)"

    ended = run_script(folder, code, "--from", "a b", "-q", input="typed")

    assert (ended.returncode, ended.stdout, ended.stderr) == (75, "['--from', 'a b', '-q'] typed\n", "complaint\n")


def test_run_sets_what_a_user_would_set_and_removes_what_would_lead_past_it(folder: Path) -> None:
    diverting = {"DOMINO_API_PROXY": "http://real.example", "AWS_SESSION_TOKEN": "real", "AWS_PROFILE": "production"}
    diverting |= {
        "AWS_ENDPOINT_URL": "http://real.example",
        "AWS_ENDPOINT_URL_S3": "http://real.example",
        "DMM_URL": "http://real",
    }
    diverting |= {
        "DOMINO_TOKEN_FILE": "/real",
        "ALERT_WEBHOOK_URL": "http://real",
        "PING_URL": "http://real",
        "NO_PROXY": "inner",
    }
    diverting |= {"HTTP_PROXY": "http://real.example:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    code = "import boto3, json, os\nboto3.client('s3').put_object(Bucket='se-demo-data', Key='k', Body=b'x')\n"

    ended = run_script(folder, code + "print(json.dumps(dict(os.environ)))", env=os.environ | diverting)

    assert ended.returncode == 0, ended.stderr
    env = json.loads(ended.stdout)
    loopback = ("DOMINO_API_HOST", "MODEL_API_URL", "DMM_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
    assert all(env[name].startswith("http://127.0.0.1:") for name in loopback)
    needed = "DOMINO_PROJECT_ID DOMINO_USER_API_KEY MODEL_API_TOKEN DMM_API_KEY DMM_MODEL_ID DMM_DATA_SOURCE AWS_ACCESS_KEY_ID"
    assert all(env[name] for name in f"{needed} AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION".split())
    assert (env["STATE_DIR"], env["REPORT_DIR"]) == (f"{folder}/state", f"{folder}/reports")
    assert env["DOMINO_TRAINING_SET_PATH"] == f"{folder}/training_sets"
    assert "real" not in " ".join(value for name, value in env.items() if name not in ("HTTP_PROXY", "PYTEST_CURRENT_TEST"))
    assert "DOMINO_API_PROXY" not in env
    assert env["NO_PROXY"] == env["no_proxy"] == "127.0.0.1,localhost"


def test_days_of_the_default_folder_stay_in_it_by_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "ROOT", tmp_path)
    monkeypatch.setattr(attach, "DEFAULT_FOLDER", tmp_path / "var" / "sandbox")
    identity = {"project_id": "", "api_key": "", "model_api_id": "", "model_token": "", "dmm_model_id": ""}
    writer = {"s3": {"writer": {"access_key": "", "secret_key": ""}}}
    attach.DEFAULT_FOLDER.mkdir(parents=True, exist_ok=True)

    variables = attach.user_variables(attach.DEFAULT_FOLDER, "", "", identity | writer, "")

    assert (variables["STATE_DIR"], variables["REPORT_DIR"]) == ("var/sandbox/state", "var/sandbox/reports")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_ends_the_script_orderly_and_then_the_sandbox(folder: Path, number: int) -> None:
    script = start_script(folder, ORDERLY_END)

    os.killpg(script.pid, number)

    assert script.communicate(timeout=20)[0] == "answer 200\n"
    assert script.returncode == 128 + number


def test_a_killed_script_takes_the_sandbox_with_it(folder: Path) -> None:
    script = start_script(folder, WAIT)
    assert len(processes_of(folder)) >= 2  # server and object store; the script's command names its own folder's parent

    script.kill()

    script.communicate(timeout=20)
    wait_for(lambda: not processes_of(folder), "the sandbox runs on", seconds=3)


@LINUX
def test_a_killed_server_takes_the_object_store_with_it(folder: Path) -> None:
    lease, running = start_sandbox(folder)

    os.kill(running.pid, signal.SIGKILL)

    wait_until_gone(running.pid)
    wait_for(lambda: not processes_of(folder), "the object store runs on", seconds=3)
    lease.file.close()


def test_two_users_share_one_sandbox_and_the_first_to_end_leaves_it_to_the_second(folder: Path) -> None:
    lease, running = start_sandbox(folder)
    second, same = start_sandbox(folder)
    assert same.pid == running.pid
    ended = run_script(folder, "import os; print(os.environ['DMM_URL'])")
    assert ended.stdout == f"{running.url}\n"

    lease.file.close()

    time.sleep(0.5)
    assert requests.get(f"{running.url}/version", timeout=5).status_code == 200
    second.file.close()
    wait_until_gone(running.pid)


def test_two_that_start_at_once_get_the_same_sandbox(folder: Path) -> None:
    (folder.parent / "script.py").write_text("import os, time; print(os.environ['DMM_URL'], flush=True); time.sleep(1)")
    line = command(folder, "run", str(folder.parent / "script.py"))
    both = [subprocess.Popen(line, cwd=attach.ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    first, second = (process.communicate(timeout=60)[0] for process in both)

    assert first.startswith("http://127.0.0.1:")
    assert first == second


def test_a_run_right_after_another_finds_or_starts_a_sandbox_that_answers(folder: Path) -> None:
    code = "import os, urllib.request; print(urllib.request.urlopen(os.environ['DMM_URL'] + '/version').status)"
    for _ in range(3):
        ended = run_script(folder, code)
        assert ended.stdout == "200\n", ended.stderr


def test_everything_stands_after_kill_9_of_all_and_a_restart(folder: Path) -> None:
    from test_sandbox_endpoint import ask
    from test_sandbox_model_monitor import TRUTH, call, jobs, put, register

    lease, before = start_sandbox(folder)
    key = {"X-Domino-Api-Key": before.env["DOMINO_USER_API_KEY"]}
    version = {"keyColumns": [], "targetColumns": [], "excludeColumns": [], "allColumns": ["a"], "meta": {}}
    version |= {"monitoringMeta": {"timestampColumns": [], "categoricalColumns": [], "ordinalColumns": []}}
    for index in range(20):
        ask(before, f"k_{index}")
    put(before, "k.csv", "event_id,credit_GT\nk_0,1\n")
    before.switch(job_seconds=1.0)
    assert register(before, "k.csv", variables=[TRUTH]).status_code == 200
    made = requests.post(f"{before.url}/trainingset/t", json=version, headers=key, timeout=10).json()
    lines = [line.split() for line in processes_of(folder)]
    for line in lines:
        os.kill(int(line[0]), signal.SIGKILL)
    wait_for(lambda: not processes_of(folder), "kill -9 did not end it")
    lease.file.close()
    wait_for(lambda: attach.running(folder) is None, "its lock outlived it")

    lease, after = start_sandbox(folder)

    assert after.pid != before.pid
    assert after.env == before.env  # ids, keys and, being free, ports
    assert [record["event_id"] for record in after.captured()] == [f"k_{index}" for index in range(20)]
    assert requests.get(f"{after.url}/trainingset/t/1", headers=key, timeout=10).json() == made
    assert after.s3_client().get_object(Bucket="se-demo-data", Key="k.csv")["Body"].read().startswith(b"event_id")
    assert register(after, "k.csv").json() == ["Dataset already registered with the model."]
    wait_for(lambda: jobs(after)[0]["status"] == "Done", "the job that was due while nothing ran")
    assert jobs(after)[0]["matched"] == 1
    model = {"model_id": after.env["DMM_MODEL_ID"]}
    wait_for(lambda: call(after, "GET", "/model", params=model).json()["ingestionStatus"] == "prediction", "its live data")
    lease.file.close()
    wait_until_gone(after.pid)


def test_an_object_store_left_behind_is_ended_and_a_stranger_with_its_number_is_not(folder: Path) -> None:
    left, stranger = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        for process, words in ((left, "sleep 60"), (stranger, "weed mini")):
            (folder / "objects.pid").write_text(json.dumps({"pid": process.pid, "command": words}))
            assert run_script(folder, "").returncode == 0
        assert left.poll() == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        left.kill()
        stranger.kill()
        left.wait()
        stranger.wait()


def test_env_prints_what_a_shell_can_take_over_and_2_where_none_runs(folder: Path) -> None:
    nothing = subprocess.run(command(folder, "env"), cwd=attach.ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "python -m sandbox" in nothing.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["model.json"]  # it started and made nothing
    lease, running = start_sandbox(folder)

    shell = 'eval "$("$@")" && echo "$DMM_URL $AWS_SECRET_ACCESS_KEY $PING_URL ${DOMINO_API_PROXY-unset}"'
    line = ["sh", "-c", shell, "sh", *command(folder, "env")]
    env = os.environ | {"DOMINO_API_PROXY": "x", "PING_URL": "x"}
    ended = subprocess.run(line, cwd=attach.ROOT, capture_output=True, text=True, timeout=30, check=False, env=env)

    assert ended.stdout == f"{running.url} {running.env['AWS_SECRET_ACCESS_KEY']}  unset\n", ended.stderr
    printed = subprocess.run(command(folder, "env"), cwd=attach.ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert f"export DMM_URL='{running.url}'" in printed.stdout.splitlines()
    lease.file.close()
    wait_until_gone(running.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_prints_its_address_and_ends_on_a_signal(folder: Path, number: int) -> None:
    process = subprocess.Popen(command(folder), cwd=attach.ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    assert requests.get(address, timeout=5).status_code == 200

    os.killpg(process.pid, number)

    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_a_sandbox_that_cannot_start_says_why(folder: Path) -> None:
    (folder / "records.sqlite3").write_text("this is no database, and it is long enough to be seen as one" * 40)

    ended = run_script(folder, "print('never')")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "file is not a database" in ended.stderr


def test_its_files_are_its_users_alone_and_no_process_shows_a_secret(sandbox: Any) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in sandbox.folder.rglob("*") if not path.is_symlink()}
    secrets = [sandbox.env[name] for name in ("DMM_API_KEY", "MODEL_API_TOKEN", "AWS_SECRET_ACCESS_KEY")]
    shown = subprocess.run(["ps", "-ww", "-eo", "command="], capture_output=True, text=True, check=True).stdout

    assert stat.S_IMODE(sandbox.folder.stat().st_mode) == 0o700
    assert [path.name for path, mode in modes.items() if path.suffix == ".json" and mode & 0o077] == []
    assert str(sandbox.folder) in shown
    assert [secret for secret in secrets if secret in shown] == []
    assert [secret for secret in secrets if secret in (sandbox.folder / "server.log").read_text()] == []


def test_each_s3_identity_may_do_what_its_name_says_and_no_more(sandbox: Any) -> None:
    if sandbox.objects != "seaweedfs":
        pytest.skip("moto's server takes any key for everything")
    sandbox.s3_client().put_object(Bucket="se-demo-data", Key="rights", Body=b"x")

    def may(identity: str) -> dict[str, bool]:
        store, found = sandbox.s3_client(identity), {}
        for name, method, arguments in (
            ("list", "list_objects_v2", {}),
            ("read", "get_object", {"Key": "rights"}),
            ("head", "head_object", {"Key": "rights"}),
            ("write", "put_object", {"Key": "rights", "Body": b"x"}),
            ("elsewhere", "put_object", {"Key": "rights", "Body": b"x", "Bucket": "other"}),
        ):
            try:
                getattr(store, method)(**({"Bucket": "se-demo-data"} | arguments))
                found[name] = True
            except ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
                found[name] = False
        return found

    assert may("writer") == {"list": True, "read": True, "head": True, "write": True, "elsewhere": False}
    assert may("monitor") == {"list": False, "read": True, "head": True, "write": False, "elsewhere": False}
    assert may("read_only") == {"list": True, "read": True, "head": True, "write": False, "elsewhere": False}
    assert may("write_only") == {"list": False, "read": False, "head": False, "write": True, "elsewhere": False}
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        from sandbox.object_store import client

        keys = sandbox.s3_identities["writer"]
        client(sandbox.s3, keys["access_key"], "wrong").get_object(Bucket="se-demo-data", Key="rights")


def test_everything_listens_on_loopback_only(sandbox: Any) -> None:
    shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False) if shutil.which("ss") else None
    if shown is None or shown.returncode:
        pytest.skip("this machine has no ss")
    pids = {line.split()[0] for line in processes_of(sandbox.folder)}
    own = [line.split()[3] for line in shown.stdout.splitlines() if any(f"pid={pid}," in line for pid in pids)]

    assert len(own) >= 6
    assert [address for address in own if not address.startswith("127.0.0.1:")] == []
