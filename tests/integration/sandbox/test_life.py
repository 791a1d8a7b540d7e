"""How long a sandbox lives: it outlives its users and kill -9, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from sandbox import attach
from tests.support.loop import wait_for
from tests.support.sandbox import start_sandbox, wait_until_gone
from tests.support.sandbox_calls import (
    BUCKET,
    TIMEOUT_SECONDS,
    TRUTH,
    call_dmm,
    captured_ids,
    dmm_jobs,
    predict,
    put_object,
    register,
)
from tests.support.sandbox_processes import (
    pids_of,
    processes_of,
    run_script,
    script_command,
    start_command,
    start_script,
)

LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends a child with its parent"
)
ORDERLY_END = """
import os, signal, sys, time, urllib.request
def end(number, frame):
    time.sleep(0.5)  # the sandbox must still be there
    answer = urllib.request.urlopen(os.environ["DMM_URL"] + "/version")
    os.write(1, f"answer {answer.status}\\n".encode())
    os._exit(128 + number)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
os.write(1, b"ready\\n")  # not print: the signal may come before it has returned
time.sleep(60)
"""
WAIT = """
import sys, time
print("ready", flush=True)
sys.stdin.read()
time.sleep(60)
"""
PRINT_URL = "import os; print(os.environ['DMM_URL'], flush=True)"
PRINT_STATUS = """
import os, urllib.request
print(urllib.request.urlopen(os.environ["DMM_URL"] + "/version").status)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_ends_the_script_orderly_and_then_the_sandbox(
    folder: Path, number: int
) -> None:
    script = start_script(folder, ORDERLY_END)

    os.killpg(script.pid, number)

    assert script.communicate(timeout=20)[0] == "answer 200\n"
    assert script.returncode == 128 + number


def test_a_killed_script_takes_the_sandbox_with_it(folder: Path) -> None:
    script = start_script(folder, WAIT)
    # Server and object store; the script's command names the folder's parent.
    assert len(processes_of(folder)) >= 2

    script.kill()

    script.communicate(timeout=20)
    wait_for(lambda: not processes_of(folder), seconds=3)


@LINUX
def test_a_killed_server_takes_the_object_store_with_it(folder: Path) -> None:
    lease, running = start_sandbox(folder)

    os.kill(running.pid, signal.SIGKILL)

    wait_until_gone(running.pid)
    wait_for(lambda: not processes_of(folder), seconds=3)
    lease.file.close()


def test_two_users_share_one_sandbox_and_the_first_to_end_leaves_it_to_the_second(
    folder: Path,
) -> None:
    lease, running = start_sandbox(folder)
    second, same = start_sandbox(folder)
    assert same.pid == running.pid
    ended = run_script(folder, PRINT_URL)
    assert ended.stdout == f"{running.url}\n"

    lease.file.close()

    time.sleep(0.5)
    assert requests.get(f"{running.url}/version", timeout=5).status_code == 200
    second.file.close()
    wait_until_gone(running.pid)


def test_two_that_start_at_once_get_the_same_sandbox(folder: Path) -> None:
    command = script_command(folder, f"{PRINT_URL}\nimport time; time.sleep(1)")
    both = [start_command(command) for _ in range(2)]

    first, second = (process.communicate(timeout=60)[0] for process in both)

    assert first.startswith("http://127.0.0.1:")
    assert first == second


def test_a_run_right_after_another_finds_or_starts_a_sandbox_that_answers(folder: Path) -> None:
    for _ in range(3):
        ended = run_script(folder, PRINT_STATUS)
        assert ended.stdout == "200\n", ended.stderr


def test_everything_is_still_there_after_kill_9_of_all_and_a_restart(folder: Path) -> None:
    lease, before = start_sandbox(folder)
    headers = {"X-Domino-Api-Key": before.env["DOMINO_USER_API_KEY"]}
    rows = [f"k_{index}" for index in range(20)]
    for row in rows:
        predict(before, row)
    put_object(before, "k.csv", "event_id,credit_GT\nk_0,1\n")
    before.switch(job_seconds=1.0)
    assert register(before, "k.csv", variables=[TRUTH]).status_code == 200
    set_url = f"{before.url}/trainingset/t"
    version = requests.post(set_url, json=VERSION, headers=headers, timeout=TIMEOUT_SECONDS).json()

    for pid in pids_of(folder):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes_of(folder))
    lease.file.close()
    wait_for(lambda: attach.running(folder) is None)
    lease, after = start_sandbox(folder)

    assert after.pid != before.pid
    assert after.env == before.env  # ids, keys and, being free, ports
    assert captured_ids(after) == rows
    read = requests.get(f"{set_url}/1", headers=headers, timeout=TIMEOUT_SECONDS)
    assert read.json() == version
    stored = after.s3_client().get_object(Bucket=BUCKET, Key="k.csv")["Body"].read()
    assert stored.startswith(b"event_id")
    assert register(after, "k.csv").json() == ["Dataset already registered with the model."]
    wait_for(lambda: dmm_jobs(after)[0]["status"] == "Done")  # it was due while nothing ran
    assert dmm_jobs(after)[0]["matched"] == 1
    model = {"model_id": after.env["DMM_MODEL_ID"]}
    wait_for(
        lambda: (
            call_dmm(after, "GET", "/model", params=model).json()["ingestionStatus"] == "prediction"
        )
    )
    lease.file.close()
    wait_until_gone(after.pid)


VERSION = {
    "keyColumns": [],
    "targetColumns": [],
    "excludeColumns": [],
    "allColumns": ["a"],
    "meta": {},
    "monitoringMeta": {"timestampColumns": [], "categoricalColumns": [], "ordinalColumns": []},
}


def test_an_object_store_left_behind_is_ended_and_a_stranger_with_its_number_is_not(
    folder: Path,
) -> None:
    left, stranger = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        for process, words in ((left, "sleep 60"), (stranger, "weed mini")):
            content = json.dumps({"pid": process.pid, "command": words})
            (folder / "objects.pid").write_text(content)
            assert run_script(folder, "").returncode == 0
        assert left.poll() == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()


def test_a_killed_object_store_ends_the_sandbox_which_says_so(folder: Path) -> None:
    lease, running = start_sandbox(folder)
    (objects,) = [pid for pid in pids_of(folder) if pid != running.pid]

    os.kill(objects, signal.SIGKILL)

    wait_until_gone(running.pid)
    assert "the object store exited; see objects.log" in (folder / "server.log").read_text()
    lease.file.close()


def test_a_sandbox_that_cannot_start_says_why(folder: Path) -> None:
    words = "this is no database, and it is long enough to be seen as one"
    (folder / "records.sqlite3").write_text(words * 40)

    ended = run_script(folder, "print('never')")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "file is not a database" in ended.stderr
