"""gt_registration.py as a person and a scheduler run it, against the strict sandbox."""

import fcntl
import hashlib
import json
import signal
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import faults
from tests.support.loop import Loop, bare_environment, wait_for

SCRIPT = "gt_registration.py"
TODAY = datetime.now(UTC).date()
DAY, NEXT = str(TODAY - timedelta(days=3)), str(TODAY - timedelta(days=2))
GROUND_TRUTH = "/api/modelMonitor/v2/groundTruth"


@pytest.fixture
def own(loop: Loop) -> Loop:
    """A set-up whose DMM model is new, so that nothing is declared or registered there."""
    variables = [
        ("age", "feature", "numerical"),
        ("credit", "prediction", "categorical"),
        ("event_id", "row_identifier", "string"),
    ]
    body = {
        "variables": [
            {"name": name, "variableType": kind, "valueType": type_}
            for name, kind, type_ in variables
        ],
        "datasetDetails": details("baseline.csv"),
        "modelMetadata": {"name": uuid.uuid4().hex, "modelType": "classification", "version": "1"},
    }
    loop.env["DMM_MODEL_ID"] = dmm(loop, "PUT", "/model", body)["id"]
    loop.configure(model_monitor={"poll_seconds": 0.5})
    loop.sandbox.clear_requests()
    return loop


def dmm(loop: Loop, method: str, path: str, body: Any = None) -> Any:
    """Call the sandbox's DMM as another client would."""
    import requests

    headers = {"X-Domino-Api-Key": loop.env["DMM_API_KEY"]}
    url = f"{loop.sandbox.url}/model-monitor/v2/api{path}"
    reply = requests.request(
        method, url, json=body, headers=headers, timeout=10, proxies={"http": ""}
    )
    assert reply.status_code == 200, reply.text
    return reply.json()


def details(name: str, source: str = "credit-monitoring") -> dict[str, Any]:
    config = {"path": name, "fileFormat": "csv"}
    return {
        "name": name,
        "datasetType": "file",
        "datasetConfig": config,
        "datasourceName": source,
        "datasourceType": "s3",
    }


def rows(day: str, count: int = 5) -> str:
    header = "event_id,credit_GT,prediction,score,scored_at\n"
    return header + "".join(
        f"{day}_{index},{index % 2},1,0.5,{day}T10:00:00+00:00\n" for index in range(count)
    )


def upload(
    loop: Loop,
    day: str = DAY,
    text: str | None = None,
    key: str | None = None,
    metadata: dict[str, str] | None = None,
) -> str:
    """Put a day's file where daily_scoring.py does; return its key.

    metadata: what differs from the true ones.
    """
    body = (rows(day) if text is None else text).encode()
    sums = {"rows": str(body.count(b"\n") - 1), "sha256": hashlib.sha256(body).hexdigest()}
    metadata = {"model": loop.settings["model"], "day": day, **sums} | (metadata or {})
    key = key or loop.object_key(day)
    loop.sandbox.s3_client().put_object(
        Bucket="se-demo-data", Key=key, Body=body, Metadata=metadata
    )
    return key


def ledger(loop: Loop, day: str = DAY, **changes: Any) -> None:
    """Write a day's manifest as daily_scoring.py leaves it."""
    manifest = {
        "day": day,
        "model": loop.settings["model"],
        "state": "uploaded",
        "rows": 5,
        "scored": 5,
        "times": {},
    } | changes
    path = loop.day_folder(day) / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))


def calls(loop: Loop) -> list[dict[str, Any]]:
    """Return the raw requests that DMM got, with their bodies as JSON."""
    found = [call for call in loop.sandbox.requests() if not call["path"].startswith("/_sandbox")]
    return [{**call, "body": json.loads(call["body"] or "null")} for call in found]


def registrations(loop: Loop) -> list[dict[str, Any]]:
    return [
        call
        for call in calls(loop)
        if call["path"] == GROUND_TRUTH or "register-dataset" in call["path"]
    ]


def jobs(loop: Loop) -> list[dict[str, Any]]:
    body = {"pagination": {"order": 1, "page": 1, "size": 100}}
    listed: list[dict[str, Any]] = dmm(
        loop, "POST", f"/{loop.env['DMM_MODEL_ID']}/dataset-jobs", body
    )["jobs"]
    return listed


def registered(loop: Loop) -> list[str]:
    """Return the name of each dataset that DMM itself has, in order of registration."""
    return [job["dataset_name"] for job in jobs(loop)]


def forms(loop: Loop) -> list[tuple[int, list[str]]]:
    """Return status and declared variable types of each registration request, in order."""
    return [
        (
            call["status"],
            [variable["variableType"] for variable in call["body"].get("variables", [])],
        )
        for call in registrations(loop)
    ]


def outcomes(result: dict[str, Any]) -> list[str]:
    return [day["outcome"] for day in result["days"]]


# The way of a file.

ENDPOINTS = ("served", "401", "403", "404", "405", "html", "redirect")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_first_day_declares_the_variable_the_second_does_not_and_repeats_are_told(
    own: Loop, endpoint: str
) -> None:
    own.sandbox.switch(ground_truth_endpoint=endpoint)
    keys = [upload(own, DAY), upload(own, NEXT)]

    result = own.result(SCRIPT, "--from", DAY, "--to", NEXT)

    days = dict(zip((DAY, NEXT), keys, strict=True))
    assert result["days"] == [
        {"day": day, "uri": f"s3://se-demo-data/{key}", "outcome": "accepted", "rows": 5}
        for day, key in days.items()
    ]
    assert registered(own) == keys
    sent = forms(own)
    probe = [] if endpoint == "served" else [sent[0]]
    assert sent == [*probe, (400, []), (200, ["ground_truth"]), (200, [])]
    for day, key in days.items():
        manifest = own.manifest(day)
        assert (
            manifest["state"],
            manifest["object_key"],
            manifest["dataset"],
            manifest["rows"],
        ) == ("registered", key, key, 5)
        assert manifest["dmm_model_id"] == own.env["DMM_MODEL_ID"]
        assert manifest["dmm_host"] == own.env["DMM_URL"].removeprefix("http://")
        assert (
            manifest["etag"]
            == own.sandbox.s3_client().head_object(Bucket="se-demo-data", Key=key)["ETag"]
        )

    # The same from a machine without a ledger: DMM is asked again, and knows it.
    own.sandbox.clear_requests()
    elsewhere = own.result(SCRIPT, "--date", DAY, STATE_DIR="elsewhere")
    assert outcomes(elsewhere)[0] in ("already_registered", "ingested")
    assert registrations(own)[-1]["status"] == 400
    assert registered(own) == keys


@pytest.mark.parametrize(
    ("shape", "status", "by", "field", "words", "header", "taken"),
    [
        (
            "string",
            409,
            "path",
            "state",
            ("waiting", "RUNNING", "COMPLETED", "ERROR"),
            "X-DMM-API-KEY",
            "X-DMM-API-KEY",
        ),
        (
            "message",
            400,
            "both",
            "status",
            ("0", "?", "success", "failed"),
            "Authorization",
            "Bearer",
        ),
        (
            "errors",
            409,
            "name",
            "state",
            ("new", "busy", "Succeeded", "Error"),
            "X-Domino-Api-Key",
            "X-Domino-Api-Key",
        ),
    ],
)
def test_what_is_unverified_about_dmm_may_be_either_way(
    own: Loop,
    shape: str,
    status: int,
    by: str,
    field: str,
    words: tuple[str, ...],
    header: str,
    taken: str,
) -> None:
    own.configure(model_monitor={"api_key_header": header})
    own.sandbox.switch(
        error_shape=shape,
        repeat_status=status,
        repeat_by=by,
        job_status_field=field,
        job_seconds=0.5,
    )
    key = upload(own)
    # The tests' own calls stay with the usual header.
    own.sandbox.switch(job_words=list(words), key_headers=sorted({taken, "X-Domino-Api-Key"}))

    first = own.result(SCRIPT, "--date", DAY, "--wait", "20")
    again = own.result(SCRIPT, "--date", DAY, "--wait", "20", STATE_DIR="elsewhere")

    assert outcomes(first) == outcomes(again) == ["ingested"]
    assert first["days"][0]["dmm"] == words[2]
    assert [call["status"] for call in registrations(own)][-1] == status
    assert registered(own) == [key]


def test_a_day_that_the_ledger_has_as_registered_is_not_sent_again(own: Loop) -> None:
    own.sandbox.switch(job_never_ends=True)
    upload(own)
    own.run(SCRIPT, "--date", DAY)
    own.sandbox.clear_requests()

    again = own.run(SCRIPT, "--date", DAY)

    assert registrations(own) == []
    assert "registered already, its job in DMM: " in again.stdout


def test_with_wait_a_file_is_followed_until_dmm_has_it(own: Loop) -> None:
    own.sandbox.switch(job_seconds=1.0)
    upload(own)

    result = own.result(SCRIPT, "--date", DAY, "--wait", "20")

    assert result["days"][0]["outcome"] == "ingested"
    assert result["days"][0]["dmm"] == "Done"
    assert own.manifest(DAY)["state"] == "ingested"
    own.sandbox.clear_requests()
    assert "ingested by DMM already, nothing was sent" in own.run(SCRIPT, "--date", DAY).stdout
    assert calls(own) == []


def test_what_daily_scoring_stored_is_ingested_and_every_row_meets_its_prediction(
    loop: Loop,
) -> None:
    loop.configure(model_monitor={"poll_seconds": 0.5})
    scored = loop.result("daily_scoring.py", "--date", str(TODAY))["scored"]

    result = loop.result(SCRIPT, "--wait", "30")

    assert [(day["day"], day["outcome"], day["rows"]) for day in result["days"]] == [
        (str(TODAY), "ingested", scored)
    ]
    (job,) = [job for job in jobs(loop) if job["dataset_path"] == loop.object_key(str(TODAY))]
    assert (job["matched"], job["unmatched"], job["duplicate"]) == (scored, 0, 0)


def test_a_failed_job_is_6_with_dmms_reason_and_again_registers_the_same_rows_under_r2(
    own: Loop,
) -> None:
    own.sandbox.switch(
        job_seconds=0.5, job_fails="the cluster ran out of disk", ground_truth_endpoint="served"
    )
    key = upload(own)

    result = own.result(SCRIPT, "--date", DAY, "--wait", "20", code=6)

    assert result["days"][0]["outcome"] == "failed"
    assert "the cluster ran out of disk" in result["days"][0]["error"]
    assert f"--date {DAY} --again" in result["days"][0]["error"]
    assert (own.manifest(DAY)["state"], own.manifest(DAY)["reason"]) == (
        "failed",
        "the cluster ran out of disk",
    )
    # Nothing but --again sends it once more, and the reason is kept.
    assert "the cluster ran out of disk" in own.run(SCRIPT, "--date", DAY, code=6).stderr
    assert registered(own) == [key]

    own.sandbox.switch(job_fails="")
    second = key.replace(".csv", ".r2.csv")
    planned = own.result(SCRIPT, "--date", DAY, "--again", "--dry-run")["days"][0]
    assert planned["requests"][0]["body"]["datasetDetails"]["name"] == second
    assert second not in own.objects()

    result = own.result(SCRIPT, "--date", DAY, "--again", "--wait", "20")

    assert result["days"][0] == {
        "day": DAY,
        "uri": f"s3://se-demo-data/{second}",
        "outcome": "ingested",
        "rows": 5,
        "dmm": "Done",
    }
    assert own.objects()[second] == own.objects()[key]
    assert registered(own) == [key, second]
    assert (
        own.manifest(DAY)["state"],
        own.manifest(DAY)["object_key"],
        own.manifest(DAY)["reason"],
    ) == (
        "ingested",
        second,
        None,
    )


def test_a_second_failure_goes_on_to_r3(own: Loop) -> None:
    own.sandbox.switch(job_seconds=0.3, job_fails="no")
    key = upload(own)
    own.run(SCRIPT, "--date", DAY, "--wait", "10", code=6)
    own.run(SCRIPT, "--date", DAY, "--again", "--wait", "10", code=6)

    own.run(SCRIPT, "--date", DAY, "--again", "--wait", "10", code=6)

    assert registered(own) == [key, key.replace(".csv", ".r2.csv"), key.replace(".csv", ".r3.csv")]


def test_again_is_refused_for_a_day_that_has_not_failed_and_for_changed_rows(own: Loop) -> None:
    upload(own)

    assert "unknown here" in own.run(SCRIPT, "--date", DAY, "--again", code=6).stderr
    ledger(
        own, state="failed", bucket="se-demo-data", object_key=own.object_key(DAY), sha256="0" * 64
    )
    assert "has changed" in own.run(SCRIPT, "--date", DAY, "--again", code=6).stderr
    assert calls(own) == []


def test_a_registration_whose_job_failed_long_ago_is_not_called_success_on_a_new_machine(
    own: Loop,
) -> None:
    own.sandbox.switch(job_seconds=0.2, job_fails="columns missing")
    upload(own)
    own.run(SCRIPT, "--date", DAY, "--wait", "10", code=6)

    result = own.result(SCRIPT, "--date", DAY, code=6, STATE_DIR="elsewhere")

    assert result["days"][0]["outcome"] == "failed"
    assert "columns missing" in result["days"][0]["error"]


def test_a_job_that_never_ends_is_75_and_pending_goes_on_from_there(own: Loop) -> None:
    own.sandbox.switch(
        job_never_ends=True, job_words=["Queued", "Someday", "Done", "Failed"], job_seconds=0.2
    )
    upload(own)

    ended = own.result(SCRIPT, "--date", DAY, "--wait", "1.5", code=75)

    assert ended["days"][0]["outcome"] == "not_yet"
    assert "its job in DMM: Someday; the model's ingestion status: " in ended["days"][0]["error"]
    assert own.manifest(DAY)["state"] == "registered"
    # Without --wait a day that is still going is no failure.
    assert outcomes(own.result(SCRIPT, "--pending")) == ["already_registered"]

    own.sandbox.switch(job_never_ends=False)
    assert outcomes(own.result(SCRIPT, "--pending", "--wait", "20")) == ["ingested"]
    assert own.result(SCRIPT, "--pending") == {"days": []}


def test_trouble_in_polling_fails_no_accepted_registration(own: Loop) -> None:
    own.sandbox.switch(job_never_ends=True)
    upload(own)
    own.run(SCRIPT, "--date", DAY)

    # The key was revoked meanwhile, so DMM tells nothing of its jobs.
    ended = own.run(SCRIPT, "--date", DAY, DMM_API_KEY="revoked")

    assert "registered already, DMM could not be asked: " in ended.stdout
    assert "DMM_API_KEY" in ended.stdout
    assert (
        "not ingested within 0 s (DMM could not be asked"
        in own.run(SCRIPT, "--date", DAY, "--wait", "0", code=75, DMM_API_KEY="revoked").stderr
    )
    assert own.manifest(DAY)["state"] == "registered"


def test_a_dmm_without_the_jobs_call_is_said_to_be_one_once_and_is_still_dmm(own: Loop) -> None:
    own.sandbox.switch(jobs_endpoint="404")
    upload(own)
    own.run(SCRIPT, "--date", DAY)

    first = own.run(SCRIPT, "--pending", "--quiet")
    second = own.run(SCRIPT, "--pending", "--quiet")
    shown = own.run(SCRIPT, "--pending")

    assert "this DMM lists no jobs: see Ingest History" in first.stderr
    assert "lists no jobs" not in second.stderr
    assert "this is not DMM" not in first.stderr + shown.stderr + shown.stdout
    assert own.manifest(DAY)["state"] == "registered"
    memory = json.loads((own.day_folder(DAY).parent / "monitor.json").read_text())
    assert set(memory) == {"endpoint", "form", "no_jobs"}


# Interruptions.


def test_killed_between_dmms_answer_and_the_ledgers_write_there_is_one_registration(
    own: Loop,
) -> None:
    key = upload(own)

    killed = own.patched(
        SCRIPT,
        faults.kill_before_state("registered"),
        "--date",
        DAY,
    )
    assert killed.returncode == -9, killed.stderr
    assert registered(own) == [key]
    assert not (own.day_folder(DAY) / "manifest.json").exists()

    assert outcomes(own.result(SCRIPT, "--date", DAY))[0] in ("already_registered", "ingested")
    assert registered(own) == [key]
    assert own.manifest(DAY)["state"] in ("registered", "ingested")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_wait_keeps_the_state(own: Loop, number: signal.Signals, code: int) -> None:
    own.sandbox.switch(job_never_ends=True)
    upload(own)
    process = own.start(SCRIPT, "--date", DAY, "--wait", "600")
    wait_for(lambda: any("dataset-jobs" in call["path"] for call in own.sandbox.requests()))

    process.send_signal(number)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == code
    assert "Traceback" not in errors
    assert own.manifest(DAY)["state"] == "registered"


def test_a_days_lock_is_held_while_it_is_registered_and_not_while_waiting(own: Loop) -> None:
    own.sandbox.switch(job_never_ends=True)
    upload(own)
    process = own.start(SCRIPT, "--date", DAY, "--wait", "600")
    wait_for(lambda: any("dataset-jobs" in call["path"] for call in own.sandbox.requests()))
    assert own.run(SCRIPT, "--date", DAY).returncode == 0
    process.send_signal(signal.SIGTERM)
    process.wait(20)

    upload(own, NEXT)
    with (own.day_folder(NEXT).parent / f".{NEXT}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = own.result(SCRIPT, "--date", NEXT, code=11)
        assert outcomes(result) == ["not_yet"]
        assert own.run(SCRIPT, "--date", NEXT, "--dry-run").returncode == 0
        assert own.run(SCRIPT, "--status").returncode == 0


# What is due.


def test_pending_takes_what_is_uploaded_and_due_and_what_is_accepted(own: Loop) -> None:
    lag = 2
    own.configure(ground_truth={"lag_days": lag})
    days = [str(TODAY - timedelta(days=back)) for back in (5, 4, 3, 2, 1)]
    for day, state in zip(
        days, ("ingested", "failed", "scored", "uploaded", "uploaded"), strict=True
    ):
        key = upload(own, day)
        ledger(own, day, state=state, bucket="se-demo-data", object_key=key)

    result = own.result(SCRIPT, "--pending", code=6)

    assert [(day["day"], day["outcome"]) for day in result["days"]] == [
        (days[1], "failed"),
        (days[3], "accepted"),
    ]
    assert registered(own) == [own.object_key(days[3])]
    again = own.result(SCRIPT, "--pending", code=6)
    assert [day["day"] for day in again["days"]] == [days[1], days[3]]


def test_an_accepted_day_is_followed_under_the_model_id_that_it_was_registered_with(
    own: Loop,
) -> None:
    own.sandbox.switch(job_seconds=0.1)
    upload(own)
    own.run(SCRIPT, "--date", DAY)
    own.sandbox.clear_requests()

    result = own.result(SCRIPT, "--pending", "--wait", "10", DMM_MODEL_ID="0" * 24)

    assert outcomes(result) == ["ingested"]
    assert {
        call["path"].rpartition("model_id=")[2].split("/")[4 if "jobs" in call["path"] else 0]
        for call in calls(own)
    } == {own.env["DMM_MODEL_ID"]}


def test_pending_with_nothing_to_do_is_an_empty_list_and_silent_with_quiet(own: Loop) -> None:
    assert own.result(SCRIPT, "--pending") == {"days": []}
    quiet = own.run(SCRIPT, "--pending", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_cron_hears_nothing_of_a_good_run_in_its_bare_environment(own: Loop) -> None:
    upload(own)
    ledger(own)

    own.is_warm = False
    own.env = bare_environment(own.env)
    ended = own.run(SCRIPT, "--pending", "--quiet")

    assert (ended.stdout, ended.stderr) == ("", "")
    assert own.manifest(DAY)["state"] == "registered"


def test_the_default_day_is_today_less_the_lag_and_an_earlier_one_is_not_due(own: Loop) -> None:
    own.configure(ground_truth={"lag_days": 3})
    upload(own, DAY)

    result = own.result(SCRIPT, "--dry-run")
    early = own.result(SCRIPT, "--date", NEXT, code=75)

    assert [day["day"] for day in result["days"]] == [DAY]
    assert outcomes(early) == ["not_yet"]
    assert f"due on {TODAY + timedelta(days=1)}" in early["days"][0]["error"]
    assert calls(own) == []


def test_a_missing_object_is_75_while_it_may_come_and_6_once_it_will_not(own: Loop) -> None:
    ledger(own, NEXT, state="scored")

    assert outcomes(own.result(SCRIPT, "--date", str(TODAY), code=75)) == ["not_yet"]
    assert outcomes(own.result(SCRIPT, "--date", NEXT, code=75)) == ["not_yet"]
    gone = own.result(SCRIPT, "--date", DAY, code=6)
    assert outcomes(gone) == ["failed"]
    assert f"s3://se-demo-data/{own.object_key(DAY)}" in gone["days"][0]["error"]


def test_every_day_of_a_range_is_tried_and_the_worst_code_decides(own: Loop) -> None:
    upload(own, NEXT)
    days = [DAY, NEXT, str(TODAY - timedelta(days=1)), str(TODAY)]

    ended = own.run(SCRIPT, "--json", "--from", DAY, "--to", str(TODAY), code=6)

    assert [(day["day"], day["outcome"]) for day in json.loads(ended.stdout)["days"]] == list(
        zip(days, ("failed", "accepted", "failed", "not_yet"), strict=True)
    )
    assert ended.stderr.count("no such object") == 2


def test_days_older_than_90_days_are_warned_about(own: Loop) -> None:
    old, recent = str(TODAY - timedelta(days=91)), str(TODAY - timedelta(days=90))
    for day in (old, recent):
        upload(own, day)

    ended = own.run(SCRIPT, "--from", old, "--to", recent)

    assert f"warning: {old}: over 90 days old" in ended.stderr
    assert f"warning: {recent}" not in ended.stderr


# The file.


@pytest.mark.parametrize(
    ("text", "metadata", "expected"),
    [
        (rows(DAY) + f"{DAY}_0,1,1,0.5,t\n", {}, ":7: id '"),
        (rows(DAY).replace(",1,1,", ",9,1,"), {}, "got '9', expected one of 0, 1"),
        (rows(DAY), {"rows": "6"}, "rows: got 5, the object's metadata say 6"),
        (rows(DAY), {"day": NEXT}, f"day {NEXT}, expected credit-default, {DAY}"),
        (rows(DAY), {"model": "other"}, "the file of model other"),
    ],
    ids=["a repeated id", "a foreign label", "fewer rows", "another day", "another model"],
)
def test_a_file_that_is_not_sound_is_refused_before_dmm_hears_of_it(
    own: Loop, text: str, metadata: dict[str, str], expected: str
) -> None:
    upload(own, text=text, metadata=metadata)

    ended = own.run(SCRIPT, "--date", DAY, code=6)

    assert expected in ended.stderr
    assert calls(own) == []
    assert not (own.day_folder(DAY) / "manifest.json").exists()


def test_a_file_that_changed_since_its_upload_is_warned_about_and_registered_as_it_stands(
    own: Loop,
) -> None:
    upload(own)
    ledger(own, sha256="0" * 64)

    ended = own.run(SCRIPT, "--date", DAY)

    assert "has changed" in ended.stderr
    assert own.manifest(DAY)["sha256"] == hashlib.sha256(rows(DAY).encode()).hexdigest()


def test_a_file_made_elsewhere_is_registered_and_joined_to_the_days_scored_here(own: Loop) -> None:
    ledger(own, DAY, rows=4, scored=3, failures={f"{DAY}_2": "answered 500"})
    text = "credit_GT,event_id\n" + "".join(
        f"1,{row_id}\n" for row_id in (f"{DAY}_0", f"{DAY}_1", f"{DAY}_2", "elsewhere")
    )
    key = upload(own, text=text, key=f"{own.env['DOMINO_PROJECT_ID']}/labels.csv")
    before = own.manifest(DAY)

    first, again = (own.result(SCRIPT, "--uri", f"s3://se-demo-data/{key}") for _ in range(2))

    assert (first["days"][0]["day"], first["days"][0]["outcome"], first["days"][0]["rows"]) == (
        None,
        "accepted",
        4,
    )
    assert first["days"][0]["coverage"] == {
        "expected": 3,
        "matched": 2,
        "unknown": 2,
        "duplicate": 0,
        "late": 0,
    }
    assert outcomes(again)[0] in ("already_registered", "ingested")
    assert registered(own) == ["labels.csv"]
    assert own.manifest(DAY) == before


def test_a_faulty_file_made_elsewhere_is_refused_with_its_coverage(own: Loop) -> None:
    key = upload(
        own,
        text=f"event_id,credit_GT\n{DAY}_0,1\n{DAY}_0,0\n",
        key=f"{own.env['DOMINO_PROJECT_ID']}/twice.csv",
    )

    result = own.result(SCRIPT, "--uri", f"s3://se-demo-data/{key}", code=6)

    assert result["days"][0]["outcome"] == "failed"
    assert result["days"][0]["coverage"] == {
        "expected": 0,
        "matched": 0,
        "unknown": 2,
        "duplicate": 1,
        "late": 0,
    }
    assert calls(own) == []


def test_another_file_of_the_same_name_is_not_taken_for_a_repeat(own: Loop) -> None:
    project = own.env["DOMINO_PROJECT_ID"]
    first, second = (
        upload(own, text=rows(DAY), key=f"{project}/{folder}/labels.csv") for folder in "ab"
    )
    own.run(SCRIPT, "--uri", f"s3://se-demo-data/{first}")

    ended = own.run(SCRIPT, "--uri", f"s3://se-demo-data/{second}", code=6)

    assert f"another file under the name labels.csv ({first})" in ended.stderr


# What is shown.


def test_a_dry_run_prints_the_requests_that_are_then_sent_and_touches_nothing(own: Loop) -> None:
    upload(own)

    planned = own.result(SCRIPT, "--date", DAY, "--dry-run")["days"][0]["requests"]
    text = own.run(SCRIPT, "--date", DAY, "--dry-run").stdout
    assert calls(own) == []
    assert not (own.folder / "state").exists()

    own.run(SCRIPT, "--date", DAY)

    sent = [
        (call["method"], own.env["DMM_URL"] + call["path"], call["body"])
        for call in registrations(own)
    ]
    assert [
        (one["method"], one["url"], one["body"])
        for one in planned
        if one["when"] != planned[1]["when"] or one == planned[3]
    ] == sent
    for one in planned:
        assert one["headers"]["X-Domino-Api-Key"] == "***"
        assert f"{one['method']} {one['url']}" in text
        assert json.dumps(one["body"]) in text
    # What worked is remembered: the next day's request is known.
    upload(own, NEXT)
    (only,) = own.result(SCRIPT, "--date", NEXT, "--dry-run")["days"][0]["requests"]
    assert "variables" not in only["body"]


def test_status_shows_ledger_dmms_word_gaps_and_changed_objects_and_changes_nothing(
    own: Loop,
) -> None:
    days = [str(TODAY - timedelta(days=back)) for back in (5, 4, 3, 2, 1)]
    own.sandbox.switch(job_seconds=0.2)
    upload(own, days[0])
    own.run(SCRIPT, "--date", days[0], "--wait", "10")
    own.sandbox.switch(job_fails="bad column")
    upload(own, days[1])
    own.run(SCRIPT, "--date", days[1])
    wait_for(lambda: "Failed" in json.dumps(own.result(SCRIPT, "--status")["days"][1]))
    upload(own, days[3])
    ledger(own, days[3])
    upload(own, days[0], text=rows(days[0]).replace(",1,1,", ",0,1,"))
    before = {path: path.read_bytes() for path in own.folder.rglob("*") if path.is_file()}

    result = own.result(SCRIPT, "--status")
    text = own.run(SCRIPT, "--status", "--all").stdout

    shown = [
        [day[name] for name in ("day", "state", "rows", "dmm", "reason", "object")]
        for day in result["days"]
    ]
    assert shown == [
        [days[0], "ingested", 5, "Done", None, "changed"],
        [days[1], "registered", 5, "Failed", "bad column", "same"],
        [days[2], "missing", None, None, None, None],
        [days[3], "uploaded", 5, None, None, None],
        [days[4], "missing", None, None, None, None],
    ]
    assert [day["registered_at"] is not None for day in result["days"]] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert f"fix the cause, then --date {days[1]} --again" in result["days"][1]["expect"]
    assert result["days"][3]["expect"] == "to be registered: --pending"
    counts, _, *lines = text.splitlines()
    assert counts.startswith("5 days: 1 ingested, 1 accepted, 1 to register, 2 missing")
    assert [line[:10] for line in lines if line.startswith("20")] == days
    assert max(map(len, text.splitlines())) <= 100
    assert {path: path.read_bytes() for path in own.folder.rglob("*") if path.is_file()} == before


def test_a_manifest_that_cannot_be_read_is_one_days_error_and_the_other_days_go_on(
    own: Loop,
) -> None:
    upload(own, NEXT)
    ledger(own, NEXT)
    ledger(own, DAY, state="gone mad")

    result = own.result(SCRIPT, "--pending", code=6)

    assert [(day["day"], day["outcome"]) for day in result["days"]] == [
        (DAY, "failed"),
        (NEXT, "accepted"),
    ]
    assert "manifest.json: not a manifest" in result["days"][0]["error"]
    assert own.result(SCRIPT, "--status")["days"][0]["state"] == "unreadable"


def test_an_uploaded_day_is_registered_where_it_was_uploaded_though_the_template_changed(
    own: Loop,
) -> None:
    key = upload(own)
    ledger(own, bucket="se-demo-data", object_key=key)
    own.configure(ground_truth={"uri": "s3://se-demo-data/new/{date}.csv"})

    assert own.result(SCRIPT, "--date", DAY)["days"][0]["uri"] == f"s3://se-demo-data/{key}"


def test_status_without_dmm_still_shows_the_ledger(own: Loop) -> None:
    upload(own)
    own.run(SCRIPT, "--date", DAY)

    ended = own.run(SCRIPT, "--status", "--date", DAY, DMM_API_KEY="revoked")

    assert "registered" in ended.stdout
    assert "warning: DMM could not be asked" in ended.stderr


@pytest.mark.parametrize("refusal", ["403", "401", "redirect", "html"])
def test_a_refused_key_names_its_variable_and_stops_the_other_days(own: Loop, refusal: str) -> None:
    own.sandbox.switch(key_refusal=refusal)
    for day in (DAY, NEXT):
        upload(own, day)

    result = own.result(
        SCRIPT, "--from", DAY, "--to", NEXT, code=6, DMM_API_KEY="a-key-that-expired"
    )

    assert [day["day"] for day in result["days"]] == [DAY]
    assert "DMM_API_KEY" in result["days"][0]["error"]
    assert len(registrations(own)) == 2


def test_an_unknown_model_and_an_unknown_data_source_are_told_apart(own: Loop) -> None:
    upload(own)

    project = own.run(SCRIPT, "--date", DAY, code=6, DMM_MODEL_ID=own.env["DOMINO_PROJECT_ID"])
    source = own.run(SCRIPT, "--date", DAY, code=6, DMM_DATA_SOURCE="se-demo-data")

    assert (
        f"DMM knows no model {own.env['DOMINO_PROJECT_ID']} (this is the project's id)"
        in project.stderr
    )
    assert "only credit-monitoring, not se-demo-data (this is the bucket's name)" in source.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pending", "--uri", "s3://b/k"],
        ["--pending", "--date", DAY],
        ["--uri", "s3://b/k", "--date", DAY],
        ["--again", "--status"],
        ["--status", "--wait", "5"],
        ["--uri", "b/k"],
        ["--wait", "soon"],
        ["--wait", "-1"],
        ["--date", DAY, "--from", DAY, "--to", DAY],
    ],
    ids=lambda arguments: " ".join(arguments).replace(DAY, "D"),
)
def test_flags_that_make_no_sense_are_2_and_nothing_is_sent(
    own: Loop, arguments: list[str]
) -> None:
    own.run(SCRIPT, *arguments, code=2)

    assert calls(own) == []


def test_an_address_inside_the_cluster_is_2_and_nothing_is_sent(own: Loop) -> None:
    upload(own)

    ended = own.run(
        SCRIPT, "--date", DAY, code=2, DMM_URL="https://nucleus-frontend.domino-platform:80"
    )

    assert "inside the cluster" in ended.stderr


def test_the_model_endpoints_settings_are_not_needed(own: Loop) -> None:
    upload(own)
    for name in ("MODEL_API_URL", "MODEL_API_TOKEN"):
        del own.env[name]

    assert outcomes(own.result(SCRIPT, "--date", DAY)) == ["accepted"]


def test_the_keys_are_in_no_output_and_no_state(own: Loop) -> None:
    upload(own)
    ended = own.run(SCRIPT, "--date", DAY, "--verbose", "--wait", "10")
    secrets = [own.env["DMM_API_KEY"], own.env["AWS_SECRET_ACCESS_KEY"]]

    kept = "".join(path.read_text() for path in (own.folder / "state").rglob("*") if path.is_file())

    assert len(kept) > 100
    for secret in secrets:
        assert secret not in ended.stdout + ended.stderr + kept


def test_no_heavy_library_is_imported(own: Loop) -> None:
    upload(own)
    own.is_warm = False

    ended = own.patched(SCRIPT, faults.print_loaded_modules(), "--date", DAY, "--wait", "10")

    assert ended.returncode == 0, ended.stderr
    loaded = set(ended.stderr.rpartition("loaded:")[2].split())
    assert {"boto3", "requests"} <= loaded
    assert not loaded & {"pandas", "numpy", "scipy", "sklearn", "pyarrow", "imblearn", "tqdm"}


def test_help_names_every_flag_and_exit_code(own: Loop) -> None:
    text = own.run(SCRIPT, "--help").stdout

    for flag in (
        "--date",
        "--from",
        "--to",
        "--pending",
        "--uri",
        "--wait",
        "--status",
        "--again",
        "--dry-run",
        "--json",
    ):
        assert flag in text
    assert "75  not yet" in text
