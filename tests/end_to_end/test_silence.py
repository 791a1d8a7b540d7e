"""Silence means that all is well: what is reported until it is fixed or given up."""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.loop import Loop

SCORING, REGISTRATION = "daily_scoring.py", "gt_registration.py"
BUCKET = "se-demo-data"
TODAY = datetime.now(UTC).date()


def ago(days: int) -> str:
    return str(TODAY - timedelta(days=days))


def upload(loop: Loop, name: str, day: str, metadata: dict[str, str] | None = None) -> str:
    """Put a ground truth file of three rows under a key of this project; return its address."""
    rows = "".join(f"{day}_{index},1\n" for index in range(3))
    body = f"event_id,credit_GT\n{rows}".encode()
    sums = {"rows": "3", "sha256": hashlib.sha256(body).hexdigest()}
    key = f"{loop.env['DOMINO_PROJECT_ID']}{name}"
    loop.sandbox.s3_client().put_object(
        Bucket=BUCKET, Key=key, Body=body, Metadata=sums | (metadata or {})
    )
    return f"s3://{BUCKET}/{key}"


@pytest.fixture
def quick(loop: Loop) -> Loop:
    """A set-up with small batches, whose jobs end at once."""
    loop.configure(scoring={"rows": [30, 30]}, model_monitor={"poll_seconds": 0.5})
    loop.sandbox.switch(job_seconds=0.2)
    return loop


def fail_ingestion(loop: Loop, day: str) -> None:
    """Score and register a day whose ingestion fails."""
    loop.run(SCORING, "--date", day)
    loop.sandbox.switch(job_fails="the cluster ran out of disk")
    loop.run(REGISTRATION, "--date", day, "--wait", "20", code=6)
    assert loop.manifest(day)["state"] == "failed"


# A failed ingestion.


def test_a_failed_ingestion_is_named_by_every_run_until_it_is_registered_again(
    quick: Loop,
) -> None:
    fail_ingestion(quick, ago(1))

    for _ in range(2):
        pending = quick.run(REGISTRATION, "--pending", "--quiet", code=6)
        assert f"{ago(1)}.csv: the cluster ran out of disk" in pending.stderr
    scored = quick.result(SCORING, code=0)
    failed = [alert for alert in scored["alerts"] if alert["metric"] == "ingestion_failed"]
    assert [alert["family"] for alert in failed] == ["pipeline"]
    assert f"gt_registration.py --date {ago(1)} --again" in failed[0]["text"]

    quick.sandbox.switch(job_fails="")
    quick.run(REGISTRATION, "--date", ago(1), "--again", "--wait", "20")
    quick.run(REGISTRATION, "--date", str(TODAY), "--wait", "20")
    ended = quick.run(REGISTRATION, "--pending", "--quiet")
    assert (ended.stdout, ended.stderr) == ("", "")


def test_a_failure_of_more_than_90_days_ago_is_past(quick: Loop) -> None:
    fail_ingestion(quick, ago(91))

    assert quick.run(REGISTRATION, "--pending", "--quiet").stderr == ""


# Giving up.


def test_a_failed_day_that_is_given_up_is_no_longer_named(quick: Loop) -> None:
    fail_ingestion(quick, ago(1))

    ended = quick.run(REGISTRATION, "--date", ago(1), "--skip")

    assert f"given up: {ago(1)}" in ended.stdout
    assert quick.manifest(ago(1))["state"] == "skipped"
    assert quick.run(REGISTRATION, "--pending", "--quiet").stderr == ""
    assert quick.result(SCORING)["alerts"] == []
    # Registering it undoes it.
    assert "disk" in quick.run(REGISTRATION, "--date", ago(1), code=6).stderr
    assert quick.manifest(ago(1))["state"] == "failed"


def test_days_that_were_never_scored_are_given_up_in_a_range_and_scoring_one_undoes_it(
    quick: Loop,
) -> None:
    quick.run(SCORING, "--date", ago(5))
    quick.run(SCORING, "--date", ago(2), code=6, MODEL_API_TOKEN="wrong")

    quick.run(SCORING, "--from", ago(5), "--to", ago(1), "--skip")

    assert quick.manifest(ago(5))["state"] == "uploaded"
    assert [quick.manifest(ago(back))["state"] for back in (4, 3, 2, 1)] == ["skipped"] * 4
    assert quick.run(SCORING, "--quiet").stderr == ""
    for back in (3, 2):  # never scored, half scored
        assert quick.result(SCORING, "--date", ago(back))["state"] == "uploaded"


def test_a_day_that_dmm_has_is_not_given_up(quick: Loop) -> None:
    quick.run(SCORING, "--date", ago(1))
    quick.run(REGISTRATION, "--date", ago(1), "--wait", "20")

    ended = quick.run(SCORING, "--date", ago(1), "--skip", code=6)

    assert "DMM has ingested it" in ended.stderr
    assert quick.manifest(ago(1))["state"] == "ingested"


@pytest.mark.parametrize(
    ("script", "flags"),
    [
        (SCORING, ["--skip"]),
        (REGISTRATION, ["--skip"]),
        (SCORING, ["--skip", "--date", ago(1), "--rerun"]),
        (SCORING, ["--skip", "--date", ago(1), "--rows", "10"]),
        (REGISTRATION, ["--skip", "--pending"]),
        (REGISTRATION, ["--skip", "--date", ago(1), "--wait", "1"]),
    ],
)
def test_giving_up_needs_days_and_nothing_else(loop: Loop, script: str, flags: list[str]) -> None:
    assert "--skip" in loop.run(script, *flags, code=2).stderr
    assert not (loop.folder / "state").exists()


def test_a_dry_run_gives_nothing_up(quick: Loop) -> None:
    ended = quick.run(SCORING, "--date", ago(1), "--skip", "--dry-run")

    assert f"would be given up: {ago(1)}" in ended.stdout
    assert not quick.day_folder(ago(1)).exists()


# Gaps.


def test_gaps_are_one_line_with_ranges_and_commands_in_every_run(quick: Loop) -> None:
    quick.run(SCORING, "--date", ago(9))
    quick.run(SCORING, "--date", ago(5), code=6, MODEL_API_TOKEN="wrong")
    quick.run(SCORING, "--date", ago(4))
    expected = (
        f"not scored: {ago(8)} to {ago(5)}, {ago(3)} to {ago(1)} (7 days); score them:"
        f" daily_scoring.py --from {ago(8)} --to {ago(5)};"
        f" daily_scoring.py --from {ago(3)} --to {ago(1)};"
        " or give them up: add --skip"
    )

    for _ in range(2):
        ended = quick.run(SCORING, "--quiet")
        assert ended.stderr.count(expected) == 1
        assert ended.stderr.count("not scored") == 1

    quick.run(SCORING, "--from", ago(8), "--to", ago(5))
    quick.run(SCORING, "--from", ago(3), "--to", ago(1), "--skip")
    assert quick.run(SCORING, "--quiet").stderr == ""


# State lost.


def test_a_domino_run_whose_state_ends_with_it_warns_in_every_run(loop: Loop) -> None:
    in_domino: Any = {"DOMINO_RUN_ID": "r", "DOMINO_WORKING_DIR": str(loop.folder)}
    kept: Any = {**in_domino, "DOMINO_DATASETS_DIR": str(loop.folder)}

    for script, flags in ((SCORING, ["--dry-run"]), (REGISTRATION, ["--pending"])):
        lost = loop.run(script, *flags, "--quiet", **in_domino)
        assert "is gone after this Domino run" in lost.stderr, script
        assert "put state_dir (STATE_DIR) into a dataset" in lost.stderr
        assert "Domino run" not in loop.run(script, *flags, "--quiet", **kept).stderr


def test_files_in_the_bucket_whose_days_are_not_known_are_named_by_pending(quick: Loop) -> None:
    for back in (3, 2):
        quick.run(SCORING, "--date", ago(back))
    upload(quick, f"_{ago(1)}.csv", ago(1), {"model": "another", "day": ago(1)})
    upload(quick, "_notes.csv", ago(1))
    assert quick.run(REGISTRATION, "--pending", "--quiet").stderr == ""
    shutil.rmtree(quick.folder / "state")

    ended = quick.run(REGISTRATION, "--pending", "--quiet")

    assert f"2 files of this model in the store, whose days are not known here: {ago(3)} to" in (
        ended.stderr
    )
    assert f"{ago(3)} to {ago(2)}" in ended.stderr
    assert f"gt_registration.py --from {ago(3)} --to {ago(2)}" in ended.stderr
    assert ended.stderr.count("not known here") == 1


# Files made elsewhere.


def test_a_file_made_elsewhere_is_followed_by_pending_and_shown_by_status(quick: Loop) -> None:
    quick.sandbox.switch(job_never_ends=True)
    uri = upload(quick, "/labels.csv", ago(1))
    quick.run(REGISTRATION, "--uri", uri)

    going = quick.result(REGISTRATION, "--pending")["days"]
    assert [(file["uri"], file["outcome"]) for file in going] == [(uri, "already_registered")]
    shown = quick.result(REGISTRATION, "--status")["days"]
    assert [(line["day"], line["uri"], line["state"]) for line in shown] == [
        (None, uri, "registered")
    ]

    quick.sandbox.switch(job_never_ends=False)
    ended = quick.result(REGISTRATION, "--pending", "--wait", "20")["days"]
    assert [file["outcome"] for file in ended] == ["ingested"]
    assert quick.result(REGISTRATION, "--pending") == {"days": []}
    assert "1 file made elsewhere; --all" in quick.run(REGISTRATION, "--status").stdout
    assert "labels.csv" in quick.run(REGISTRATION, "--status", "--all").stdout


def test_a_file_made_elsewhere_that_failed_is_named_until_it_is_given_up(quick: Loop) -> None:
    quick.sandbox.switch(job_fails="columns missing")
    uri = upload(quick, "/labels.csv", ago(1))
    quick.run(REGISTRATION, "--uri", uri, "--wait", "20", code=6)

    for _ in range(2):
        pending = quick.run(REGISTRATION, "--pending", "--quiet", code=6)
        assert f"{uri}: columns missing" in pending.stderr
        assert f"gt_registration.py --uri {uri} --skip" in pending.stderr

    quick.run(REGISTRATION, "--uri", uri, "--skip")
    assert quick.run(REGISTRATION, "--pending", "--quiet").stderr == ""
    assert quick.result(REGISTRATION, "--status")["days"][0]["state"] == "skipped"
