"""The sandbox's commands: `run`, `env`, the foreground."""

import json
import os
import signal
from pathlib import Path

import pytest
import requests

from sandbox import attach, paths, variables
from sandbox.__main__ import print_variables
from sandbox.identity import Identity, Keys
from tests.support.sandbox import start_sandbox, wait_until_gone
from tests.support.sandbox_processes import command, run_command, run_script, start_command

ECHO = """
import sys
print(sys.argv[1:], sys.stdin.read())
print("complaint", file=sys.stderr)
sys.exit(75)
"""
PUT_AND_PRINT_ENVIRONMENT = """
import boto3, json, os
boto3.client("s3").put_object(Bucket="se-demo-data", Key="k", Body=b"x")
print(json.dumps(dict(os.environ)))
"""
DIVERTING = {
    "DOMINO_API_PROXY": "http://real.example",
    "AWS_SESSION_TOKEN": "real",
    "AWS_PROFILE": "production",
    "AWS_ENDPOINT_URL": "http://real.example",
    "AWS_ENDPOINT_URL_S3": "http://real.example",
    "DMM_URL": "http://real",
    "DOMINO_TOKEN_FILE": "/real",
    "ALERT_WEBHOOK_URL": "http://real",
    "PING_URL": "http://real",
    "NO_PROXY": "inner",
    "HTTP_PROXY": "http://real.example:1",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}


def test_run_passes_arguments_streams_and_the_exit_code_through(folder: Path) -> None:
    ended = run_script(folder, ECHO, "--from", "a b", "-q", input="typed")

    assert ended.returncode == 75
    assert ended.stdout == "['--from', 'a b', '-q'] typed\n"
    assert ended.stderr == "complaint\n"


def test_run_sets_what_a_user_would_set_and_removes_what_would_lead_past_it(folder: Path) -> None:
    ended = run_script(folder, PUT_AND_PRINT_ENVIRONMENT, env=os.environ | DIVERTING)

    assert ended.returncode == 0, ended.stderr
    env = json.loads(ended.stdout)
    for name in (
        "DOMINO_API_HOST",
        "MODEL_API_URL",
        "DMM_URL",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
    ):
        assert env[name].startswith("http://127.0.0.1:")
    for name in (
        "DOMINO_PROJECT_ID",
        "DOMINO_USER_API_KEY",
        "MODEL_API_TOKEN",
        "DMM_API_KEY",
        "DMM_MODEL_ID",
        "DMM_DATA_SOURCE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    ):
        assert env[name]
    assert (env["STATE_DIR"], env["REPORT_DIR"]) == (f"{folder}/state", f"{folder}/reports")
    assert env["DOMINO_TRAINING_SET_PATH"] == f"{folder}/training_sets"
    assert env["NO_PROXY"] == env["no_proxy"] == "127.0.0.1,localhost"
    assert "DOMINO_API_PROXY" not in env
    untouched = ("HTTP_PROXY", "PYTEST_CURRENT_TEST")
    others = [value for name, value in env.items() if name not in untouched]
    assert "real" not in " ".join(others)


def test_days_of_the_default_folder_stay_in_it_by_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    default = tmp_path / "var" / "sandbox"
    monkeypatch.setattr(paths, "DEFAULT_FOLDER", default)
    default.mkdir(parents=True)
    identity = Identity("", "", "", "", "", "", "", {}, {"writer": Keys("", "")})

    env = variables.user_variables(default, "", "", identity, "")

    assert (env["STATE_DIR"], env["REPORT_DIR"]) == ("var/sandbox/state", "var/sandbox/reports")


def test_env_prints_what_a_shell_can_take_over_and_2_where_none_runs(folder: Path) -> None:
    nothing = run_command(command(folder, "env"))
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "python -m sandbox" in nothing.stderr
    # It started and created nothing.
    assert sorted(path.name for path in folder.iterdir()) == ["model.json"]
    lease, running = start_sandbox(folder)

    shown = '"$DMM_URL $AWS_SECRET_ACCESS_KEY $PING_URL ${DOMINO_API_PROXY-unset}"'
    shell = f'eval "$("$@")" && echo {shown}'
    env = os.environ | {"DOMINO_API_PROXY": "x", "PING_URL": "x"}
    ended = run_command(["sh", "-c", shell, "sh", *command(folder, "env")], env=env)

    secret = running.env["AWS_SECRET_ACCESS_KEY"]
    assert ended.stdout == f"{running.url} {secret}  unset\n", ended.stderr
    printed = run_command(command(folder, "env"))
    assert f"export DMM_URL='{running.url}'" in printed.stdout.splitlines()
    lease.file.close()
    wait_until_gone(running.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_prints_its_address_and_ends_on_a_signal(folder: Path, number: int) -> None:
    process = start_command(command(folder), start_new_session=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    assert requests.get(address, timeout=5).status_code == 200

    os.killpg(process.pid, number)

    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_switch_changes_the_running_sandbox_and_prints_every_switch(folder: Path) -> None:
    assert run_command(command(folder, "switch", "latency_ms=20")).returncode == 2  # none runs
    lease, running = start_sandbox(folder)

    ended = run_command(command(folder, "switch", "latency_ms=20", "job_fails=no such column"))

    assert ended.returncode == 0, ended.stderr
    switches = json.loads(ended.stdout)
    assert (switches["latency_ms"], switches["job_fails"]) == (20, "no such column")
    for wrong, named in {"latncy_ms=1": "latency_ms", "latency_ms": "NAME=VALUE"}.items():
        refused = run_command(command(folder, "switch", wrong))
        assert (refused.returncode, refused.stdout) == (2, "")
        assert named in refused.stderr
    assert json.loads(run_command(command(folder, "switch")).stdout) == switches
    assert json.loads(run_command(command(folder, "switch", "--reset")).stdout)["latency_ms"] == 0
    lease.file.close()
    wait_until_gone(running.pid)


def test_a_demo_needs_40_days_and_leaves_days_that_exist_alone(folder: Path) -> None:
    short = run_command(command(folder, "demo", "--days", "39"))
    (folder / "state").mkdir()

    again = run_command(command(folder, "demo"))

    assert (short.returncode, again.returncode) == (2, 1)
    assert "expected 40 or more" in short.stderr
    assert "has days already" in again.stderr


def test_env_prints_absolute_folders_so_that_there_is_one_ledger(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the default folder they are relative to config.yaml: each would have its own ledger."""
    server = {"variables": {"STATE_DIR": "var/sandbox/state", "REPORT_DIR": "var/sandbox/reports"}}
    monkeypatch.setattr(attach, "running", lambda _: server)

    assert print_variables(folder) == 0

    lines = capsys.readouterr().out.splitlines()
    assert f"export STATE_DIR='{paths.ROOT}/var/sandbox/state'" in lines
    assert f"export REPORT_DIR='{paths.ROOT}/var/sandbox/reports'" in lines


def test_a_second_foreground_says_that_it_joined_the_first(folder: Path) -> None:
    processes, texts = [], []
    for _ in range(2):
        process = start_command(command(folder), start_new_session=True)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while lines[-1] and "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        processes.append(process)
        texts.append("".join(lines))
    for process in processes:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)

    assert "joined" not in texts[0]
    assert "It was running already: this one joined it; it ends with its last user." in texts[1]
