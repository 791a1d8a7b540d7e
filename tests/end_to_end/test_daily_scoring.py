"""daily_scoring.py as a scheduler runs it: real HTTP, real S3, raw requests counted."""

import csv
import hashlib
import io
import json
import random
import signal
import subprocess
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.support import faults
from tests.support.loop import DAY, ROOT, Loop, bare_environment, wait_for

SCRIPT = "daily_scoring.py"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_first_night_scores_every_row_and_stores_the_file(loop: Loop) -> None:
    result = loop.result(SCRIPT, "--date", DAY)

    assert result["state"] == "uploaded"
    assert result["rows"] == result["scored"] == loop.manifest()["rows"]
    assert (result["failed"], result["retried"]) == (0, 0)
    assert result["ground_truth_uri"] == f"s3://se-demo-data/{loop.object_key()}"
    text = loop.objects()[loop.object_key()]
    rows = table(text)
    assert text.splitlines()[0] == "event_id,credit_GT,prediction,score,scored_at"
    assert "\r" not in text
    assert [row["event_id"] for row in rows] == [
        f"{DAY}_{index}" for index in range(result["rows"])
    ]
    captured = {record["event_id"]: record for record in loop.sandbox.captured()}
    for row in rows:
        assert int(row["prediction"]) == captured[row["event_id"]]["predictions"]["credit"]
        assert 0 <= float(row["score"]) <= 1
        assert abs(datetime.fromisoformat(row["scored_at"]) - datetime.now(UTC)) < timedelta(
            minutes=5
        )
    kept = table((loop.day_folder() / "batch.csv").read_text())
    assert [row["credit"] for row in kept] == [row["credit_GT"] for row in rows]
    assert sorted(loop.sent_rows()) == sorted(row["event_id"] for row in rows)


def test_the_object_carries_its_metadata_and_the_ledger_its_hash(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)

    head = loop.sandbox.s3_client().head_object(Bucket="se-demo-data", Key=loop.object_key())
    manifest = loop.manifest()
    text = loop.objects()[loop.object_key()]
    assert head["Metadata"] == {
        "model": "credit-default",
        "day": DAY,
        "rows": str(manifest["rows"]),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "schema-hash": manifest["schema_hash"],
        "run-id": manifest["run_id"],
    }
    assert head["ETag"] == manifest["etag"]
    assert (manifest["bucket"], manifest["object_key"]) == ("se-demo-data", loop.object_key())
    assert set(manifest["times"]) == {"generated", "scored", "uploaded"}
    for path in loop.day_folder().iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert loop.day_folder().stat().st_mode & 0o777 == 0o700


def test_a_second_run_sends_nothing_and_says_so(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    loop.sandbox.clear_requests()

    again = loop.run(SCRIPT, "--date", DAY)

    assert f"{DAY} credit-default: already uploaded, nothing sent" in again.stdout
    assert loop.sandbox.requests() == []


def test_a_day_done_on_another_machine_is_found_in_the_store(loop: Loop) -> None:
    first = loop.result(SCRIPT, "--date", DAY)
    loop.sandbox.clear_requests()

    second = loop.result(SCRIPT, "--date", DAY, STATE_DIR="elsewhere")

    assert (second["state"], second["rows"], second["scored"]) == ("uploaded", first["rows"], None)
    assert loop.sent_rows() == []


def test_two_fresh_folders_make_the_same_batch_byte_for_byte(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    kept = (loop.day_folder() / "batch.csv").read_bytes()

    loop.run(SCRIPT, "--date", DAY, DOMINO_PROJECT_ID="another", STATE_DIR="elsewhere")

    assert (loop.folder / "elsewhere" / "credit-default" / DAY / "batch.csv").read_bytes() == kept


def test_a_foreign_object_at_the_key_is_left_alone_and_nothing_is_sent(loop: Loop) -> None:
    store = loop.sandbox.s3_client()
    store.put_object(
        Bucket="se-demo-data",
        Key=loop.object_key(),
        Body=b"theirs",
        Metadata={"model": "other", "day": DAY},
    )

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert (
        f"s3://se-demo-data/{loop.object_key()}: the object belongs to another model or day"
        f" (model other, day {DAY})" in ended.stderr
    )
    assert loop.objects()[loop.object_key()] == "theirs"
    assert loop.sent_rows() == []


def test_a_rerun_replaces_the_days_file_and_keeps_the_old_folder(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    first = loop.objects()[loop.object_key()]

    ended = loop.run(SCRIPT, "--date", DAY, "--rerun")

    assert "the endpoint captures its ids a second time" in ended.stderr
    assert "to be replaced: ETag" in ended.stderr
    assert len(table(loop.objects()[loop.object_key()])) == len(table(first))
    assert (loop.day_folder().with_name(f"{DAY}.1") / "manifest.json").exists()


def test_a_rerun_leaves_an_object_alone_that_does_not_say_whose_it_is(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    loop.sandbox.s3_client().put_object(
        Bucket="se-demo-data", Key=loop.object_key(), Body=b"theirs"
    )

    ended = loop.run(SCRIPT, "--date", DAY, "--rerun", code=6)

    assert f"move it away (aws s3 mv s3://se-demo-data/{loop.object_key()} ...)" in ended.stderr
    assert loop.objects()[loop.object_key()] == "theirs"


def test_a_rerun_of_a_day_that_dmm_accepted_is_refused(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    manifest = loop.manifest() | {"state": "registered", "dmm_model_id": "m", "dmm_host": "h"}
    (loop.day_folder() / "manifest.json").write_text(json.dumps(manifest))

    ended = loop.run(SCRIPT, "--date", DAY, "--rerun", code=6)

    assert "--rerun is not allowed" in ended.stderr


def test_a_rerun_whose_object_changed_meanwhile_is_refused(loop: Loop) -> None:
    """The ETag read before row 0 is the one that is replaced, also over an interruption."""
    loop.run(SCRIPT, "--date", DAY)
    loop.patched(
        SCRIPT,
        faults.kill_before_upload(),
        "--date",
        DAY,
        "--rerun",
    )
    assert loop.manifest()["replaces_etag"]
    loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=loop.object_key(), Body=b"newer")

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert "the object belongs to another model or day (model unnamed" in ended.stderr
    assert loop.objects()[loop.object_key()] == "newer"
    loop.sandbox.s3_client().delete_object(Bucket="se-demo-data", Key=loop.object_key())
    loop.run(
        SCRIPT, "--date", DAY
    )  # taken away meanwhile: the key is free, nothing is to be protected
    assert len(table(loop.objects()[loop.object_key()])) == loop.manifest()["rows"]


def test_a_rerun_that_can_make_no_batch_leaves_the_day_as_it_was(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    before = loop.manifest()
    loop.configure(training_data=str(loop.folder / "none.csv"))

    loop.run(SCRIPT, "--date", DAY, "--rerun", code=2)

    assert loop.manifest() == before
    assert not loop.day_folder().with_name(f"{DAY}.1").exists()


def test_a_torn_manifest_and_a_torn_baseline_spoil_no_other_day(loop: Loop) -> None:
    loop.day_folder().mkdir(parents=True)
    (loop.day_folder() / "manifest.json").write_bytes(b"")
    (loop.day_folder().parent / "baseline.json").write_bytes(b"\xff\x00{")

    ended = loop.run(SCRIPT, "--json", "--from", DAY, "--to", "2026-03-02", code=6)

    days = json.loads(ended.stdout)["days"]
    assert [(day["day"], day["state"]) for day in days] == [(DAY, None), ("2026-03-02", "uploaded")]
    assert f"manifest.json: not a manifest of {DAY}" in ended.stderr
    assert "baseline.json: not a whole baseline of version 1" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_temporary_folder_is_5_and_named(loop: Loop) -> None:

    ended = loop.patched(SCRIPT, faults.full_temporary_folder(), "--date", DAY)

    assert ended.returncode == 5, ended.stderr
    assert "No space left on device" in ended.stderr
    assert "TMPDIR" in ended.stderr
    assert loop.manifest()["state"] == "scored"


def test_a_wrong_token_ends_the_run_after_one_request(loop: Loop) -> None:
    result = loop.result(SCRIPT, "--date", DAY, code=6, MODEL_API_TOKEN="wrong-token")
    ended = loop.run(SCRIPT, "--date", DAY, code=6, MODEL_API_TOKEN="wrong-token")

    assert len(loop.sent_rows()) == 2
    assert "check MODEL_API_TOKEN" in ended.stderr
    assert "wrong-token" not in ended.stderr
    assert (result["state"], result["scored"]) == ("generated", 0)
    assert loop.objects() == {}


def test_a_token_refused_in_the_middle_keeps_what_was_answered(loop: Loop) -> None:
    loop.configure(scoring={"rows": [40, 40]})
    loop.sandbox.switch(model_reply="unauthorized", model_reply_rows=[f"{DAY}_20"])
    loop.run(SCRIPT, "--date", DAY, code=6)
    scored = loop.manifest()["scored"]
    assert 12 <= scored < 40
    loop.sandbox.switch(model_reply="normal")
    loop.sandbox.clear_requests()
    assert loop.result(SCRIPT, "--date", DAY, "--dry-run")["would_send"] == 40 - scored

    loop.run(SCRIPT, "--date", DAY)

    assert len(loop.sent_rows()) == 40 - scored


def test_a_redirect_is_never_followed(loop: Loop) -> None:
    loop.sandbox.switch(model_reply="redirect")

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert "redirects to" in ended.stderr
    assert len(loop.sent_rows()) == 1


def test_an_endpoint_that_is_down_is_5_and_nothing_is_uploaded(loop: Loop) -> None:
    loop.configure(model_api={"attempts": 2, "timeout_seconds": 2})

    result = loop.result(
        SCRIPT, "--date", DAY, code=5, MODEL_API_URL="http://127.0.0.1:9/models/x/latest/model"
    )

    assert (result["state"], result["scored"]) == ("generated", 0)
    assert loop.objects() == {}


def test_a_fifth_of_the_first_tries_failing_costs_no_row(loop: Loop) -> None:
    loop.configure(scoring={"rows": [100, 100]}, model_api={"workers": 16})
    loop.sandbox.switch(fail_share=0.2, retry_after_seconds=1)

    result = loop.result(SCRIPT, "--date", DAY)

    assert (result["scored"], result["failed"]) == (100, 0)
    assert 10 <= result["retried"] <= 32
    sent = loop.sent_rows()
    assert len(sent) == 100 + result["retried"]
    journal = [
        json.loads(line) for line in (loop.day_folder() / "scores.jsonl").read_text().splitlines()
    ]
    assert sorted(line["index"] for line in journal) == list(range(100))


def test_a_lost_answer_is_asked_for_again_and_recorded_once(loop: Loop) -> None:
    loop.sandbox.switch(fail_share=0.3, fail_kinds=["lost"])

    result = loop.result(SCRIPT, "--date", DAY)

    assert result["retried"] > 0
    assert result["scored"] == len(table(loop.objects()[loop.object_key()]))


def test_an_impossible_class_for_one_row_is_partial(loop: Loop) -> None:
    loop.configure(scoring={"rows": [60, 60]})
    loop.sandbox.switch(model_reply="impossible_class", model_reply_rows=[f"{DAY}_7"])

    result = loop.result(SCRIPT, "--date", DAY, code=3)

    assert (result["state"], result["scored"], result["failed"]) == ("uploaded", 59, 1)
    assert (result["advice"], result["because"]) == ("look", ["1 row failed, see below"])
    assert "expected one of [0, 1] as the class" in loop.manifest()["failures"][f"{DAY}_7"]
    assert f"{DAY}_7" not in [row["event_id"] for row in table(loop.objects()[loop.object_key()])]
    assert "already uploaded" in loop.run(SCRIPT, "--date", DAY).stdout


@pytest.mark.parametrize("reply", ["html", "error_in_200", "huge", "broken_json"])
def test_an_answer_that_is_none_is_the_rows_failure_with_its_reason(loop: Loop, reply: str) -> None:
    loop.sandbox.switch(model_reply=reply)

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert "1 row failed (limit 0), nothing uploaded. POST http://" in ended.stderr
    assert "a rerun will not help" in ended.stderr
    assert loop.objects() == {}
    reasons = {
        "html": "<",
        "error_in_200": "error",
        "huge": "larger than 1000000 bytes",
        "broken_json": "expected JSON",
    }
    assert all(reasons[reply] in reason for reason in loop.manifest()["failures"].values())


@pytest.mark.parametrize(
    ("form", "prediction", "probability"),
    [
        ("object", "class", "score"),
        ("number", "", None),
        ("list", "0", None),
        ("nested_list", "0.0", None),
    ],
)
def test_the_class_is_found_in_every_form_of_result(
    loop: Loop, form: str, prediction: str, probability: Any
) -> None:
    loop.configure(model_api={"prediction": prediction, "probability": probability})
    loop.sandbox.switch(result_form=form)

    assert loop.result(SCRIPT, "--date", DAY)["failed"] == 0


def test_a_rerun_sends_only_rows_that_failed_for_a_passing_reason(loop: Loop) -> None:
    loop.configure(scoring={"rows": [40, 40]}, model_api={"attempts": 1, "max_failed_share": 1.0})
    loop.sandbox.switch(fail_share=0.2, fail_kinds=["503"], fail_tries=1)
    assert loop.patched(SCRIPT, faults.store_refuses_puts(), "--date", DAY).returncode == 5
    manifest = loop.manifest()
    assert manifest["state"] == "scored"
    assert manifest["failed"] > 0
    loop.sandbox.clear_requests()

    result = loop.result(SCRIPT, "--date", DAY)

    assert sorted(loop.sent_rows()) == sorted(manifest["failures"])
    assert (result["scored"], result["failed"]) == (40, 0)


def test_a_half_scored_day_is_refused_when_a_setting_that_matters_changed_and_only_then(
    loop: Loop,
) -> None:
    loop.configure(scoring={"rows": [40, 40]})
    loop.sandbox.switch(model_reply="unauthorized", model_reply_rows=[f"{DAY}_20"])
    loop.run(SCRIPT, "--date", DAY, code=6)
    loop.sandbox.switch(model_reply="normal")
    loop.sandbox.clear_requests()

    loop.configure(scoring={"seed": 1, "neighbors": 2}, model_api={"prediction": "label"})
    ended = loop.run(SCRIPT, "--date", DAY, code=6)
    assert (
        "seed: 0 then, 1 now; neighbors: 3 then, 2 now; prediction: 'class' then, 'label' now"
        in ended.stderr
    )
    assert loop.sent_rows() == []

    loop.configure(
        scoring={"seed": 0, "neighbors": 3},
        model_api={"prediction": "class", "workers": 2, "timeout_seconds": 5},
    )
    assert loop.result(SCRIPT, "--date", DAY)["scored"] == 40


def test_a_mistyped_address_is_fixed_and_the_day_begins_anew(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY, code=6, MODEL_API_URL=loop.env["MODEL_API_URL"] + "l")

    assert loop.result(SCRIPT, "--date", DAY)["state"] == "uploaded"


def test_an_address_where_nobody_answers_is_fixed_and_the_day_begins_anew(loop: Loop) -> None:
    loop.configure(model_api={"attempts": 1})
    loop.run(SCRIPT, "--date", DAY, code=5, MODEL_API_URL="http://127.0.0.1:1/models/m/latest")
    assert (loop.day_folder() / "scores.jsonl").read_text().count("\n") == 1  # it failed for now

    assert loop.result(SCRIPT, "--date", DAY)["state"] == "uploaded"


def test_a_half_scored_day_is_named_by_every_later_run(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", "2026-02-28", code=6, MODEL_API_TOKEN="wrong")

    ended = loop.run(SCRIPT, "--date", DAY, "--quiet")

    assert "not scored: 2026-02-28" in ended.stderr
    assert json.loads((loop.folder / "reports" / "credit-default" / f"{DAY}.json").read_text())[
        "pipeline"
    ]["days_missing"]


def test_another_number_of_rows_than_the_days_own_is_refused(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY, "--rows", "33")

    assert loop.manifest()["rows"] == 33
    assert "33 rows" in loop.run(SCRIPT, "--date", DAY, "--rows", "34", code=2).stderr
    loop.run(SCRIPT, "--date", DAY, "--rows", "33")
    loop.run(SCRIPT, "--date", DAY)


def test_earlier_scored_days_are_uploaded_first_and_missing_days_are_named(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", "2026-02-25")
    loop.patched(
        SCRIPT,
        faults.kill_before_upload(),
        "--date",
        "2026-02-27",
    )
    assert loop.manifest("2026-02-27")["state"] == "scored"

    result = loop.run(SCRIPT, "--date", DAY)

    assert loop.manifest("2026-02-27")["state"] == "uploaded"
    assert "not scored: 2026-02-26, 2026-02-28 (2 days)" in result.stderr
    assert set(loop.objects()) == {
        loop.object_key(day) for day in ("2026-02-25", "2026-02-27", DAY)
    }
    assert "not scored to the end" not in loop.run(SCRIPT, "--date", "2026-03-02").stderr


def test_a_backfill_tries_every_day_and_the_worst_decides(loop: Loop) -> None:
    store = loop.sandbox.s3_client()
    store.put_object(Bucket="se-demo-data", Key=loop.object_key("2026-03-02"), Body=b"theirs")

    ended = loop.run(SCRIPT, "--json", "--from", "2026-03-01", "--to", "2026-03-03", code=6)

    days = json.loads(ended.stdout)["days"]
    assert [(day["day"], day["state"]) for day in days] == [
        ("2026-03-01", "uploaded"),
        ("2026-03-02", None),
        ("2026-03-03", "uploaded"),
    ]
    assert "these days will show up under today" in ended.stderr


def test_a_backfill_stops_at_a_refused_credential(loop: Loop) -> None:
    result = loop.result(
        SCRIPT, "--from", "2026-03-01", "--to", "2026-03-05", code=6, MODEL_API_TOKEN="wrong"
    )

    assert [day["day"] for day in result["days"]] == ["2026-03-01"]
    assert len(loop.sent_rows()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--date", "2999-01-01"], "is in the future"),
        (["--date", DAY, "--from", DAY, "--to", DAY], "exclude each other"),
        (["--from", DAY], "give both"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "swap them"),
        (["--date", "1.3.2026"], "expected a day as YYYY-MM-DD"),
        (["--rows", "0"], "expected 1 to 1,000,000"),
        (["--rows", "1000001"], "expected 1 to 1,000,000"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_anything_else(
    loop: Loop, arguments: list[str], message: str
) -> None:
    ended = loop.run(SCRIPT, *arguments, code=2)

    assert message in ended.stderr
    assert loop.sandbox.requests() == []
    assert not (loop.folder / "state").exists()


def test_a_dry_run_sends_writes_and_locks_nothing(loop: Loop) -> None:
    result = loop.result(SCRIPT, "--date", DAY, "--dry-run")
    text = loop.run(SCRIPT, "--date", DAY, "--dry-run").stdout

    assert result["state"] is None
    first = json.loads(result["first_row"])["data"]
    assert first["customer_id"] == f"{DAY}_0"
    assert "dry run, nothing sent" in text
    assert loop.sent_rows() == []
    assert loop.objects() == {}
    assert not (loop.folder / "state").exists()
    loop.run(SCRIPT, "--date", DAY)
    row = table((loop.day_folder() / "batch.csv").read_text())[0]
    assert {name: str(value) for name, value in first.items()} == {
        name: row[name] for name in first
    }


def test_a_second_run_at_the_same_time_is_locked_out(loop: Loop) -> None:
    loop.sandbox.switch(latency_ms=300)
    running = loop.start(SCRIPT, "--date", DAY)
    try:
        wait_for((loop.day_folder() / "scores.jsonl").exists)
        ended = loop.run(SCRIPT, "--date", DAY, code=11)
    finally:
        running.communicate(timeout=60)

    assert f"process {running.pid}" in ended.stderr
    assert running.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_rows_and_a_rerun_sends_the_others(
    loop: Loop, number: int, code: int
) -> None:
    loop.configure(scoring={"rows": [60, 60]}, model_api={"workers": 4, "timeout_seconds": 5})
    loop.sandbox.switch(latency_ms=150)
    running = loop.start(SCRIPT, "--date", DAY)
    journal = loop.day_folder() / "scores.jsonl"
    wait_for(lambda: journal.exists() and journal.read_text().count("\n") > 10)
    running.send_signal(number)
    began = time.monotonic()
    _, errors = running.communicate(timeout=60)

    assert running.returncode == code
    assert time.monotonic() - began < 5
    assert "rerun to continue" in errors
    assert "Traceback" not in errors
    recorded = journal.read_text().count("\n")
    sent = len(loop.sent_rows())
    assert sent == recorded  # what was in flight was waited for
    loop.sandbox.switch(latency_ms=0)
    loop.run(SCRIPT, "--date", DAY)
    assert sorted(loop.sent_rows()) == sorted(f"{DAY}_{index}" for index in range(60)), (
        journal.read_text()  # says why a row was sent twice
    )


def recorded_rows(loop: Loop) -> set[str]:
    """Return the ids of the whole lines of the journal."""
    try:
        lines = (loop.day_folder() / "scores.jsonl").read_text().split("\n")[:-1]
    except FileNotFoundError:
        return set()
    return {f"{DAY}_{json.loads(line)['index']}" for line in lines}


KILLS = {
    "after the journal's write, before its sync": faults.kill_after_journal_write(),
    "between PUT and manifest": faults.kill_before_state("uploaded"),
    "before the manifest's rename": faults.kill_at_manifest_rename(3, before=True),
    "after the manifest's rename": faults.kill_at_manifest_rename(2, before=False),
}


@pytest.mark.parametrize("moment", KILLS)
def test_after_a_kill_at_a_bad_moment_no_recorded_row_is_sent_again(
    loop: Loop, moment: str
) -> None:
    killed = loop.patched(SCRIPT, KILLS[moment], "--date", DAY)
    assert killed.returncode == -9, killed.stderr
    recorded = recorded_rows(loop)
    loop.sandbox.clear_requests()

    loop.run(SCRIPT, "--date", DAY)

    assert recorded & set(loop.sent_rows()) == set()
    rows = table(loop.objects()[loop.object_key()])
    assert [row["event_id"] for row in rows] == [
        f"{DAY}_{index}" for index in range(loop.manifest()["rows"])
    ]
    assert loop.manifest()["state"] == "uploaded"


def test_killed_at_twelve_random_moments_the_day_ends_whole(loop: Loop) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    moments = random.Random(seed)
    loop.configure(scoring={"rows": [300, 300]}, model_api={"workers": 4})
    loop.sandbox.switch(latency_ms=60)
    recorded: set[str] = set()
    for _ in range(12):
        running = loop.start(SCRIPT, "--date", DAY)
        before = len(recorded)
        wait = moments.uniform(0.2, 1.2)
        if moments.random() < 0.75:  # most in the middle of scoring, some while starting
            wait_for(
                lambda before=before, running=running: (
                    len(recorded_rows(loop)) > before or running.poll() is not None
                )
            )
            wait /= 4
        time.sleep(wait)
        running.kill()
        running.communicate()
        again = recorded & set(loop.sent_rows())
        assert again == set()
        recorded = recorded_rows(loop)
        loop.sandbox.clear_requests()
    loop.sandbox.switch(latency_ms=0)
    print(f"{len(recorded)} of 300 rows recorded over 12 kills")

    loop.run(SCRIPT, "--date", DAY)

    assert recorded & set(loop.sent_rows()) == set()
    rows = table(loop.objects()[loop.object_key()])
    assert [row["event_id"] for row in rows] == [f"{DAY}_{index}" for index in range(300)]


def test_a_torn_last_line_is_cut_off_and_a_torn_middle_refused(loop: Loop) -> None:
    loop.patched(SCRIPT, KILLS["between PUT and manifest"], "--date", DAY)
    journal = loop.day_folder() / "scores.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    manifest = loop.manifest() | {"state": "generated"}
    (loop.day_folder() / "manifest.json").write_text(json.dumps(manifest))
    loop.sandbox.s3_client().delete_object(Bucket="se-demo-data", Key=loop.object_key())
    loop.sandbox.clear_requests()

    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    loop.run(SCRIPT, "--date", DAY)
    assert loop.sent_rows() == [f"{DAY}_{json.loads(lines[-1])['index']}"]

    (loop.day_folder() / "manifest.json").write_text(json.dumps(manifest))
    journal.write_bytes(lines[0][:20] + b"\n" + b"".join(lines[1:]))
    assert (
        "scores.jsonl:1: not an answer of this batch"
        in loop.run(SCRIPT, "--date", DAY, code=6).stderr
    )
    journal.write_bytes(lines[0].replace(b'"batch":"', b'"batch":"0') + b"".join(lines[1:]))
    assert "it belongs to another batch" in loop.run(SCRIPT, "--date", DAY, code=6).stderr


def test_a_full_disk_stops_with_5_and_room_made_a_rerun_goes_on(loop: Loop) -> None:
    """RLIMIT_FSIZE makes the kernel refuse the journal's growth as a full disk does."""
    ended = loop.patched(SCRIPT, faults.full_disk(6000), "--date", DAY)

    assert ended.returncode == 5, ended.stderr
    assert "scores.jsonl" in ended.stderr
    assert "free some space" in ended.stderr
    recorded = recorded_rows(loop)
    assert 0 < len(recorded) < 40
    loop.sandbox.clear_requests()
    loop.run(SCRIPT, "--date", DAY)
    assert recorded & set(loop.sent_rows()) == set()


def test_the_templates_are_compiled_while_the_endpoint_is_waited_for(loop: Loop) -> None:
    loop.sandbox.switch(latency_ms=300)

    ended = loop.patched(SCRIPT, faults.print_templates_compiled_late(), "--date", DAY)

    assert ended.returncode == 0, ended.stderr
    assert "compiled after the last answer: 0 of " in ended.stderr
    assert "0 of 0" not in ended.stderr


def test_a_folder_that_cannot_be_written_is_5_and_named(loop: Loop) -> None:
    (loop.folder / "state").write_text("a file where the folder should be")

    ended = loop.run(SCRIPT, "--date", DAY, code=5)

    assert str(loop.folder / "state") in ended.stderr
    assert loop.sent_rows() == []


def test_cron_s_bare_environment_from_the_root_folder_works_silently(loop: Loop) -> None:
    command = loop.command(SCRIPT, "--date", DAY, "--quiet")
    ended = subprocess.run(
        command,
        env=bare_environment(loop.env),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_no_secret_is_in_any_file_or_output(loop: Loop) -> None:
    ended = loop.run(SCRIPT, "--date", DAY, "--verbose")
    loop.sandbox.switch(model_reply="html")
    failed = loop.run(SCRIPT, "--date", "2026-03-02", "--verbose", code=6)

    texts = [ended.stdout, ended.stderr, failed.stdout, failed.stderr]
    texts += [path.read_text(errors="replace") for path in loop.folder.rglob("*") if path.is_file()]
    for name in ("MODEL_API_TOKEN", "AWS_SECRET_ACCESS_KEY", "DOMINO_USER_API_KEY", "DMM_API_KEY"):
        assert not any(loop.env[name] in text for text in texts), name


def test_a_lost_answer_to_the_put_is_judged_by_comparing(loop: Loop) -> None:
    """The object may be ours though the store says 412: the same content at the key is success."""
    loop.patched(SCRIPT, KILLS["between PUT and manifest"], "--date", DAY)
    assert loop.manifest()["state"] == "scored"
    etag = loop.sandbox.s3_client().head_object(Bucket="se-demo-data", Key=loop.object_key())[
        "ETag"
    ]
    loop.sandbox.clear_requests()

    loop.run(SCRIPT, "--date", DAY)

    assert loop.sent_rows() == []
    assert loop.manifest()["etag"] == etag


def test_the_day_is_utc_and_fixed_at_the_start(loop: Loop) -> None:
    today = datetime.now(UTC).date()
    result = loop.result(SCRIPT, TZ="Pacific/Kiritimati")

    assert date.fromisoformat(result["day"]) in (today, today + timedelta(days=1))
    assert result["day"] == str(datetime.now(UTC).date()) or result["day"] == str(today)


def test_a_write_only_key_can_upload_after_a_warning(loop: Loop) -> None:
    identity = loop.sandbox.s3_identities["write_only"]
    keys: Any = {
        "AWS_ACCESS_KEY_ID": identity["access_key"],
        "AWS_SECRET_ACCESS_KEY": identity["secret_key"],
    }

    ended = loop.run(SCRIPT, "--date", DAY, **keys)

    assert "can't check whether" in ended.stderr
    assert loop.manifest()["state"] == "uploaded"


def test_the_report_and_the_result_say_how_the_day_went(loop: Loop) -> None:
    result = loop.result(SCRIPT, "--date", DAY)

    page = loop.folder / "reports" / "credit-default" / f"{DAY}.html"
    assert result["report"] == str(page)
    assert "<script" not in page.read_text()
    assert page.with_suffix(".json").exists()
    assert (page.parent / "history.csv").exists()
    assert set(result["latency_ms"]) == {"p50", "p95", "p99", "max"}
    assert result["availability"] == 1.0
    assert len(result["releases"]) == 1
    assert result["alerts"] == []
    assert "training data" in page.read_text()  # no baseline is pinned: said
    pipeline = json.loads(page.with_suffix(".json").read_text())["pipeline"]
    assert (pipeline["storage_objects"], pipeline["storage_bytes"]) == (
        1,
        len(loop.objects()[loop.object_key()]),
    )


def test_a_model_worse_than_chance_is_an_alert_on_the_first_day(loop: Loop) -> None:
    loop.configure(scoring={"rows": [100, 100]})
    loop.sandbox.switch(swapped_labels=True)

    result = loop.result(SCRIPT, "--date", DAY, "--fail-on-alert", code=4)

    assert ("model", "model") in [(alert["family"], alert["subject"]) for alert in result["alerts"]]
    assert result["state"] == "uploaded"
    assert "already uploaded" in loop.run(SCRIPT, "--date", DAY, "--fail-on-alert").stdout


def test_a_condition_that_goes_on_is_said_every_day_and_its_end_once(loop: Loop) -> None:
    loop.configure(scoring={"rows": [100, 100]})
    loop.sandbox.switch(swapped_labels=True)
    report = loop.folder / "reports" / "credit-default"

    first = loop.run(SCRIPT, "--date", DAY, "--quiet")
    second = loop.run(SCRIPT, "--date", "2026-03-02", "--json", "--fail-on-alert", code=4)
    loop.sandbox.switch(swapped_labels=False)
    third = loop.run(SCRIPT, "--date", "2026-03-03", "--quiet")
    fourth = loop.run(SCRIPT, "--date", "2026-03-04", "--quiet")

    alert = f"warning: {DAY} credit-default: alert: model: balanced accuracy "
    (line,) = [line for line in first.stderr.splitlines() if line.startswith(alert)]
    assert line.endswith(f"; report {report / DAY}.html")
    assert first.stdout.startswith(f"{DAY} credit-default: 100 of 100 rows scored, uploaded to s3:")
    assert "advice: look" in first.stdout

    result = json.loads(second.stdout)
    assert result["alerts"] == []
    assert "balanced_accuracy" in [alert["metric"] for alert in result["ongoing"]]
    assert "2026-03-02 credit-default: still: model: balanced accuracy " in second.stderr

    recovered = "warning: 2026-03-03 credit-default: recovered: model, balanced_accuracy: "
    assert recovered in third.stderr
    assert "1 ongoing" not in third.stdout
    assert (fourth.stdout, fourth.stderr) == ("", "")


def test_a_day_that_is_done_repeats_its_verdict_and_its_report(loop: Loop) -> None:
    loop.configure(scoring={"rows": [100, 100]})
    loop.run(SCRIPT, "--date", "2026-03-02")
    loop.sandbox.switch(swapped_labels=True)
    loop.run(SCRIPT, "--date", DAY)

    again = loop.run(SCRIPT, "--date", DAY)
    quiet = loop.run(SCRIPT, "--date", DAY, "--quiet")
    good = loop.run(SCRIPT, "--date", "2026-03-02")
    good_and_quiet = loop.run(SCRIPT, "--date", "2026-03-02", "--quiet")

    report = loop.folder / "reports" / "credit-default"
    assert "already uploaded, nothing sent" in again.stdout
    assert "2 new alerts (model), advice: look" in again.stdout
    assert again.stdout.endswith(f"; report {report / DAY}.html\n")
    assert quiet.stdout == again.stdout
    assert "; no alerts; report" in good.stdout
    assert good_and_quiet.stdout == ""


def test_a_run_cut_off_before_its_report_makes_it_the_next_time_and_sends_nothing(
    loop: Loop,
) -> None:
    loop.patched(
        SCRIPT,
        faults.kill_before_report(),
        "--date",
        DAY,
    )
    assert loop.manifest()["state"] == "uploaded"
    loop.sandbox.clear_requests()

    assert loop.result(SCRIPT, "--date", DAY)["report"]
    assert loop.sent_rows() == []


def test_days_are_judged_against_the_pinned_baseline_by_name_and_changed_data_are_told(
    loop: Loop,
) -> None:
    (loop.folder / "sets").mkdir()
    loop.run("create_training_set.py", DOMINO_TRAINING_SET_PATH=str(loop.folder / "sets"))
    loop.run(SCRIPT, "--date", DAY)
    record = json.loads((loop.folder / "reports" / "credit-default" / f"{DAY}.json").read_text())
    assert (
        "version" in record["baseline"]["source"]
        or "credit-default-training" in record["baseline"]["source"]
    )
    assert not record["baseline"]["independent"]

    data = loop.folder / "changed.csv"
    data.write_text(
        "".join((ROOT / "data" / "german_credit.csv").read_text().splitlines(keepends=True)[:901])
    )
    loop.configure(training_data=str(data))
    result = loop.result(SCRIPT, "--date", "2026-03-02")

    assert any("training data" in alert["text"] for alert in result["alerts"]), result["alerts"]


def test_the_watchdog_hears_start_and_end_and_a_dead_one_costs_a_warning_only(
    loop: Loop, httpserver: Any
) -> None:
    for path in ("/ping/start", "/ping", "/ping/6"):
        httpserver.expect_request(path).respond_with_data("ok")
    url = httpserver.url_for("/ping")

    loop.run(SCRIPT, "--date", DAY, PING_URL=url)
    loop.run(SCRIPT, "--date", "2026-03-02", PING_URL=url, MODEL_API_TOKEN="wrong", code=6)
    dead = loop.run(SCRIPT, "--date", DAY, PING_URL="http://127.0.0.1:9/secret-path")

    assert [request.path for request, _ in httpserver.log] == [
        "/ping/start",
        "/ping",
        "/ping/start",
        "/ping/6",
    ]
    assert "could not be sent" in dead.stderr
    assert "secret-path" not in dead.stderr
