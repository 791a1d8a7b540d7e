"""What a day's key may hold already: our own file of a lost run, another machine's or model's."""

import json
import shutil
from typing import Any

import pytest

from tests.support import faults
from tests.support.loop import DAY, Loop
from tests.support.relay import Answer, Exchange, Relay, lose

SCRIPT = "daily_scoring.py"
BUCKET = "se-demo-data"
RETRYABLE_FAILURES: Any = {"fail_share": 0.2, "fail_kinds": ["503"], "fail_tries": 1}


def kill_between_put_and_manifest(loop: Loop) -> dict[str, Any]:
    """Leave a day whose file is stored, unnoticed, without some retryable rows; its manifest."""
    loop.configure(scoring={"rows": [40, 40]}, model_api={"attempts": 1, "max_failed_share": 1.0})
    loop.sandbox.switch(**RETRYABLE_FAILURES)
    loop.patched(SCRIPT, faults.kill_before_state("uploaded"), "--date", DAY)
    loop.sandbox.switch(fail_share=0.0)
    loop.sandbox.clear_requests()

    manifest = loop.manifest()
    assert manifest["state"] == "scored"
    assert manifest["failed"] > 0
    assert loop.object_key() in loop.objects()
    return manifest


def etag(loop: Loop) -> str:
    head = loop.sandbox.s3_client().head_object(Bucket=BUCKET, Key=loop.object_key())
    return str(head["ETag"])


# Our own file, stored unnoticed.


def test_a_file_that_was_stored_unnoticed_is_the_days_and_no_row_is_sent_again(
    loop: Loop,
) -> None:
    killed = kill_between_put_and_manifest(loop)
    stored = loop.objects()

    result = loop.result(SCRIPT, "--date", DAY, code=3)

    assert loop.sent_rows() == []
    assert loop.objects() == stored
    assert loop.manifest()["state"] == "uploaded"
    assert loop.manifest()["etag"] == etag(loop)
    assert loop.manifest()["failures"].keys() == killed["failures"].keys()
    assert (result["scored"], result["failed"]) == (40 - killed["failed"], killed["failed"])
    assert loop.run(SCRIPT, "--date", DAY).stdout.count("already uploaded, nothing sent") == 1


def test_a_day_that_was_wedged_by_an_earlier_version_heals_by_itself(loop: Loop) -> None:
    """Its journal has answers that came after the file was stored: they are not in the file."""
    killed = kill_between_put_and_manifest(loop)
    journal = loop.day_folder() / "scores.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    scored = next(line for line in lines if line["error"] is None)
    with journal.open("a") as file:
        for line in lines:
            if line["error"] is not None:
                file.write(json.dumps(scored | {"index": line["index"]}) + "\n")
    (loop.day_folder() / "manifest.json").write_text(
        json.dumps(killed | {"failed": 0, "scored": 40, "failures": {}})
    )

    result = loop.result(SCRIPT, "--date", DAY, code=3)

    assert (result["scored"], result["failed"]) == (40 - killed["failed"], killed["failed"])
    assert loop.sent_rows() == []
    manifest = loop.manifest()
    assert all("not in the stored file" in error for error in manifest["failures"].values())
    assert manifest["failures"].keys() == killed["failures"].keys()


def test_a_put_whose_answers_were_all_lost_is_noticed_by_the_next_run(loop: Loop) -> None:
    loop.configure(scoring={"rows": [40, 40]}, model_api={"attempts": 1, "max_failed_share": 1.0})
    loop.sandbox.switch(**RETRYABLE_FAILURES)
    with Relay(loop.sandbox.s3) as relay:
        relay.break_next(lose, method="PUT", times=20)
        loop.run(SCRIPT, "--date", DAY, code=5, AWS_ENDPOINT_URL_S3=relay.url)
    loop.sandbox.switch(fail_share=0.0)
    loop.sandbox.clear_requests()

    loop.run(SCRIPT, "--date", DAY, code=3)

    assert loop.sent_rows() == []
    assert loop.manifest()["state"] == "uploaded"


def test_a_later_night_uploads_nothing_anew_for_a_file_that_was_stored_unnoticed(
    loop: Loop,
) -> None:
    kill_between_put_and_manifest(loop)
    stored = loop.objects()[loop.object_key()]

    loop.run(SCRIPT, "--date", "2026-03-02", "--rows", "30", code=3)

    assert loop.manifest()["state"] == "uploaded"
    assert loop.objects()[loop.object_key()] == stored
    assert all(row.startswith("2026-03-02_") for row in loop.sent_rows())


def test_a_stored_file_that_is_no_longer_as_we_wrote_it_is_not_taken_for_ours(loop: Loop) -> None:
    kill_between_put_and_manifest(loop)
    store = loop.sandbox.s3_client()
    metadata = store.head_object(Bucket=BUCKET, Key=loop.object_key())["Metadata"]
    store.put_object(Bucket=BUCKET, Key=loop.object_key(), Body=b"cut", Metadata=metadata)

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert f"{loop.object_key()}: this run's own file, but" in ended.stderr
    assert loop.sent_rows() == []


# Another machine's.


def test_of_two_machines_at_the_same_moment_the_loser_says_so_once(loop: Loop) -> None:
    """Both score the day; the second comes too late with its file."""
    other = loop.folder / "other"
    loop.patched(SCRIPT, faults.kill_before_upload(), "--date", DAY)
    loop.run(SCRIPT, "--date", DAY, STATE_DIR=str(other))
    winner = loop.objects()[loop.object_key()]
    loop.sandbox.clear_requests()

    first = loop.run(SCRIPT, "--date", DAY, code=6)
    later = loop.run(SCRIPT, "--date", "2026-03-02", "--quiet")
    again = loop.run(SCRIPT, "--date", DAY, "--quiet")

    assert "another run stored its file first" in first.stderr
    assert "captured" in first.stderr
    assert "twice" in first.stderr
    assert (later.stderr, again.stderr) == ("", "")
    assert loop.objects()[loop.object_key()] == winner
    assert loop.manifest()["state"] == "uploaded"
    assert (loop.day_folder().with_name(f"{DAY}.1") / "scores.jsonl").exists()
    assert all(row.startswith("2026-03-02_") for row in loop.sent_rows())


def test_the_loser_of_a_race_for_the_put_itself_says_so_once(loop: Loop) -> None:
    """The other file comes between our look and our put."""

    def other_first(exchange: Exchange) -> None:
        loop.run(SCRIPT, "--date", DAY, STATE_DIR=str(loop.folder / "other"))
        exchange.send(exchange.forward())

    with Relay(loop.sandbox.s3) as relay:
        relay.break_next(other_first, method="PUT")
        ended = loop.run(SCRIPT, "--date", DAY, code=6, AWS_ENDPOINT_URL_S3=relay.url)

    assert "another run stored its file first" in ended.stderr
    assert loop.run(SCRIPT, "--date", DAY, "--quiet").stderr == ""


def test_a_half_scored_day_that_another_machine_finished_is_closed_without_a_request(
    loop: Loop,
) -> None:
    loop.configure(scoring={"rows": [40, 40]})
    loop.sandbox.switch(model_reply="unauthorized", model_reply_rows=[f"{DAY}_20"])
    loop.run(SCRIPT, "--date", DAY, code=6)
    loop.sandbox.switch(model_reply="normal")
    loop.run(SCRIPT, "--date", DAY, STATE_DIR=str(loop.folder / "other"))
    loop.sandbox.clear_requests()

    ended = loop.run(SCRIPT, "--date", DAY, code=6)

    assert "another run stored its file first" in ended.stderr
    assert loop.sent_rows() == []
    assert loop.run(SCRIPT, "--date", DAY, "--quiet").stderr == ""


# --rerun.


def test_a_rerun_of_a_day_whose_state_is_lost_is_refused_with_both_ways_on(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    stored = loop.objects()
    shutil.rmtree(loop.folder / "state")
    loop.sandbox.clear_requests()

    ended = loop.run(SCRIPT, "--date", DAY, "--rerun", code=6)

    assert "bring back" in ended.stderr
    assert f"aws s3 rm s3://{BUCKET}/{loop.object_key()}" in ended.stderr
    assert loop.objects() == stored
    assert loop.sent_rows() == []


def test_a_rerun_of_a_day_that_was_done_elsewhere_is_refused_too(loop: Loop) -> None:
    """That the day is noted here as uploaded does not mean that its state is here."""
    loop.run(SCRIPT, "--date", DAY, STATE_DIR=str(loop.folder / "other"))
    loop.run(SCRIPT, "--date", DAY)
    assert loop.manifest()["state"] == "uploaded"

    loop.run(SCRIPT, "--date", DAY, "--rerun", code=6)


def test_a_rerun_replaces_the_file_that_this_state_folder_stored(loop: Loop) -> None:
    loop.run(SCRIPT, "--date", DAY)
    before = etag(loop)
    loop.configure(scoring={"seed": 1})

    loop.run(SCRIPT, "--date", DAY, "--rerun")

    assert etag(loop) != before
    assert loop.manifest()["etag"] == etag(loop)


@pytest.mark.parametrize("flags", [[], ["--rerun"]])
def test_two_models_that_share_a_key_never_replace_each_others_file(
    loop: Loop, flags: list[str]
) -> None:
    loop.run(SCRIPT, "--date", DAY)
    stored = loop.objects()
    loop.configure(model="credit-second")
    loop.sandbox.clear_requests()

    ended = loop.run(SCRIPT, "--date", DAY, *flags, code=6)

    assert "model credit-default" in ended.stderr
    assert "put {model} into ground_truth.uri" in ended.stderr
    assert "--rerun" not in ended.stderr
    assert loop.objects() == stored
    assert loop.sent_rows() == []


# A store without conditions.


def ignore_conditions(loop: Loop) -> Any:
    """Return what a store does that ignores If-None-Match: it replaces what is at the key."""

    def replace(exchange: Exchange) -> None:
        answer = exchange.forward()
        if answer.status == 412:
            loop.sandbox.s3_client().delete_object(Bucket=BUCKET, Key=loop.object_key())
            answer = exchange.forward()
        exchange.send(answer)

    return replace


def test_a_store_that_ignores_conditions_is_noticed_and_warned_about_in_every_run(
    loop: Loop,
) -> None:
    with Relay(loop.sandbox.s3) as relay:
        relay.break_next(ignore_conditions(loop), method="PUT", times=20)
        first = loop.run(SCRIPT, "--date", DAY, "--quiet", AWS_ENDPOINT_URL_S3=relay.url)
        again = loop.run(SCRIPT, "--date", DAY, "--quiet", AWS_ENDPOINT_URL_S3=relay.url)
        checked = loop.run(SCRIPT, "--check", AWS_ENDPOINT_URL_S3=relay.url)

    assert "ignores the condition" in first.stderr
    assert "ignores the condition" in again.stderr
    assert "ignores the condition" in checked.stderr


def test_a_store_that_ignores_conditions_does_not_lose_anothers_file(loop: Loop) -> None:
    """It is looked at right before the put: what came while the rows were scored is seen."""

    def other_first(exchange: Exchange) -> None:
        store = loop.sandbox.s3_client()
        store.put_object(
            Bucket=BUCKET, Key=loop.object_key(), Body=b"theirs", Metadata={"model": "other"}
        )
        exchange.send(exchange.forward())

    def nothing_yet(exchange: Exchange) -> None:
        exchange.send(exchange.forward())

    with Relay(loop.sandbox.s3) as relay:
        relay.break_next(nothing_yet, method="HEAD")  # before the first row
        relay.break_next(other_first, method="HEAD")  # before the put
        relay.break_next(ignore_conditions(loop), method="PUT", times=20)
        ended = loop.run(SCRIPT, "--date", DAY, code=6, AWS_ENDPOINT_URL_S3=relay.url)

    assert "model other" in ended.stderr
    assert loop.objects()[loop.object_key()] == "theirs"


def test_a_store_that_honours_conditions_is_asked_once(loop: Loop) -> None:
    puts: list[int] = []

    def count(exchange: Exchange) -> None:
        answer: Answer = exchange.forward()
        puts.append(answer.status)
        exchange.send(answer)

    with Relay(loop.sandbox.s3) as relay:
        relay.break_next(count, method="PUT", times=20)
        for day in (DAY, "2026-03-02"):
            ended = loop.run(SCRIPT, "--date", day, "--quiet", AWS_ENDPOINT_URL_S3=relay.url)
            assert ended.stderr == ""

    assert puts == [200, 412, 200]
