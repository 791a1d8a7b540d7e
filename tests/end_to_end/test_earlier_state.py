"""State folders that earlier versions wrote are read and gone on with."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.loop import ROOT, Loop

DATA = ROOT / "tests" / "data" / "state-1.0"
PROJECT = "ef0e2cc5bfd8be166517b40f"
HOST = "127.0.0.1:21897"
MODEL_URL = f"http://{HOST}/models/1f590a1df662616f3e82b99f/latest/model"


@pytest.fixture
def earlier(loop: Loop) -> Loop:
    """A set-up with the state and the reports of version 1.0, as if its services were these."""
    for name in ("state", "reports"):
        shutil.copytree(DATA / name, loop.folder / name)
    for path in loop.folder.rglob("*"):
        if path.is_file() and loop.folder / "config.yaml" != path:
            text = path.read_text().replace(MODEL_URL, loop.sandbox.model_url)
            path.write_text(text.replace(HOST, loop.sandbox.url.removeprefix("http://")))
    loop.env["DOMINO_PROJECT_ID"] = PROJECT
    loop.configure(
        scoring={"rows": [12, 12]},
        # The record must go on with the inputs of then: the same file, whatever its path.
        training_data=str(ROOT / "data" / "german_credit.csv"),
    )
    return loop


def test_a_scored_day_is_uploaded_before_the_next_one_begins(earlier: Loop) -> None:
    ended = earlier.run("daily_scoring.py", "--date", "2026-11-16")

    assert "2026-11-14 credit-default: 12 of 12 rows scored, uploaded" in ended.stdout
    assert "2026-11-16 credit-default: 12 of 12 rows scored, uploaded" in ended.stdout
    assert "2026-11-15" in ended.stderr
    assert {row.rpartition("_")[0] for row in earlier.sent_rows()} == {"2026-11-16"}
    record = json.loads((earlier.folder / "reports/credit-default/2026-11-16.json").read_text())
    assert record["performance"]["reference"]["days"][0] == "2026-11-10"
    assert record["baseline"]["pinned"]


def test_a_half_scored_day_sends_only_the_rows_without_an_answer(earlier: Loop) -> None:
    result = earlier.result("daily_scoring.py", "--date", "2026-11-15")

    assert (result["state"], result["scored"]) == ("uploaded", 12)
    assert earlier.sent_rows() == ["2026-11-15_6"]


@pytest.mark.parametrize(
    ("day", "state"),
    [("10", "ingested"), ("11", "failed"), ("12", "registered"), ("13", "uploaded")],
)
def test_a_finished_day_stays_as_it_is(earlier: Loop, day: str, state: str) -> None:
    before = (earlier.day_folder(f"2026-11-{day}") / "manifest.json").read_bytes()

    ended = earlier.run("daily_scoring.py", "--date", f"2026-11-{day}")

    assert f"already {state}" in ended.stdout
    assert earlier.sandbox.requests() == []
    assert (earlier.day_folder(f"2026-11-{day}") / "manifest.json").read_bytes() == before


def test_status_knows_every_day(earlier: Loop) -> None:
    days = earlier.result("gt_registration.py", "--status")["days"]

    states = [day["state"] for day in days[:6]]
    assert states == ["ingested", "failed", "registered", "uploaded", "scored", "generated"]


def test_a_failed_day_is_registered_again_from_its_object(earlier: Loop) -> None:
    rows = "".join(f"2026-11-11_{row},{row % 2},1,0.5,t\n" for row in range(12))
    text = "event_id,credit_GT,prediction,score,scored_at\n" + rows
    key = f"{PROJECT}_2026-11-11.csv"
    earlier.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=text.encode())
    manifest = earlier.manifest("2026-11-11") | {"sha256": None}
    path: Path = earlier.day_folder("2026-11-11") / "manifest.json"
    path.write_text(json.dumps(manifest))

    days = earlier.result("gt_registration.py", "--date", "2026-11-11", "--again")["days"]

    assert days[0]["outcome"] == "accepted"
    assert earlier.manifest("2026-11-11")["object_key"] == f"{PROJECT}_2026-11-11.r2.csv"
