"""A day's folder when files are torn, foreign or gone, the disk is full, and settings change between two steps."""

import dataclasses
import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from monitoring import config, day, scoring
from monitoring.config import Secret, Settings
from monitoring.day import Journal, Manifest
from monitoring.errors import RefusedError
from monitoring.model_api import Answer

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2026, 3, 1)
SHA256 = "0" * 64


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    loaded = config.load(ROOT / "config.yaml", ["project_id", "model_api", "model_monitor"])[0]
    rows = dataclasses.replace(loaded.scoring, rows=(12, 12))
    return dataclasses.replace(loaded, state_dir=tmp_path / "state", report_dir=tmp_path / "reports", scoring=rows)


def answer(index: Any, **changes: Any) -> Answer:
    return dataclasses.replace(Answer(index, 1, 0.5, 1.0, 1, None, None, "2026-03-01T00:00:00+00:00"), **changes)


def journal_of(tmp_path: Path, *answers: Answer) -> Path:
    path = tmp_path / "scores.jsonl"
    lines = [json.dumps({"batch": SHA256[:16], **dataclasses.asdict(one)}) for one in answers]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("index", [12, -1, "3", True, 3.0])
def test_an_answer_to_a_row_that_the_batch_does_not_have_is_refused_with_its_line(tmp_path: Path, index: Any) -> None:
    path = journal_of(tmp_path, answer(0), answer(index))

    with pytest.raises(RefusedError, match=r"scores.jsonl:2: .*expected 0 to 11"):
        Journal(path, SHA256, 12)


def test_of_several_answers_to_a_row_the_last_counts_and_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = journal_of(tmp_path, answer(0, error="503", passing=True), answer(1), answer(0))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"batch": "00')

    journal = Journal(path, SHA256, 12)
    journal.append(answer(2))
    journal.close()

    assert journal.answers[0].error is None
    assert sorted(journal.answers) == [0, 1, 2]
    assert path.read_bytes().startswith(whole)
    assert len(path.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"null", b'{"day": "2026', b"\xff\xfe", b'{"day": "2020-01-01", "state": "scored"}']
)
def test_a_manifest_that_cannot_be_read_is_told_and_holds_up_no_other_day(
    settings: Settings, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    torn = day.folder(settings, DAY) / "manifest.json"
    day.write_atomically(torn, content)
    day.write_manifest(settings, Manifest("2026-03-02", settings.model, "scored"))

    with caplog.at_level(logging.WARNING):
        assert day.unfinished_before(settings, date(2026, 3, 3)) == [date(2026, 3, 2)]

    assert f"{torn}: not a manifest of {DAY}" in caplog.text
    assert day.summary(settings, DAY)["state"] is None
    with pytest.raises(RefusedError, match="restore it, or move the folder away"):
        day.read_manifest(settings, DAY)


def test_a_registered_day_without_its_time_counts_as_overdue(settings: Settings) -> None:
    path = day.folder(settings, DAY) / "manifest.json"
    day.write_atomically(path, json.dumps({"day": str(DAY), "model": settings.model, "state": "registered"}))

    assert day.overdue_before(settings, date(2026, 3, 9)) == [DAY]


def test_a_lock_is_held_on_a_full_disk_too(settings: Settings) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    path = settings.state_dir / settings.model / f".{DAY}.lock"
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")

    with day.locked(settings, DAY):
        pass


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    day.write_atomically(path, "old")

    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        day.write_atomically(path, "new")

    assert [found.name for found in tmp_path.iterdir()] == ["manifest.json"]
    assert path.read_text() == "old"


def test_a_scored_day_whose_rows_no_longer_fit_the_schema_is_refused_by_name(settings: Settings) -> None:
    manifest, _, _ = scoring.begin(settings, DAY, None, None, dry_run=False)
    manifest = day.write_manifest(settings, manifest, state="scored")
    again, _, changes = scoring.begin(settings, DAY, manifest, None, dry_run=False)
    assert (again, changes) == (manifest, [])
    noisier = dataclasses.replace(settings, scoring=dataclasses.replace(settings.scoring, label_noise=0.5))
    assert scoring.begin(noisier, DAY, manifest, None, dry_run=False)[2] == ["label_noise: 0.0 then, 0.5 now"]

    renamed = dataclasses.replace(settings, schema=dataclasses.replace(settings.schema, key="another_id"))
    with pytest.raises(RefusedError, match=f"{DAY} is scored and would not go on as it began .schema: "):
        scoring.begin(renamed, DAY, manifest, None, dry_run=False)


def test_a_day_without_one_scored_row_is_never_uploaded_whatever_share_may_fail(settings: Settings, httpserver: Any) -> None:
    httpserver.expect_request("/model").respond_with_data("<html>", content_type="text/html")
    api = dataclasses.replace(
        settings.model_api, url=httpserver.url_for("/model"), token=Secret("t"), max_failed_share=1.0, workers=2
    )
    settings = dataclasses.replace(settings, model_api=api)
    manifest, made, changes = scoring.begin(settings, DAY, None, None, dry_run=False)

    with pytest.raises(RefusedError, match="12 rows failed, 11 may; nothing is uploaded"):
        scoring.score(settings, DAY, manifest, made, changes, lambda rows: None)

    kept = day.read_manifest(settings, DAY)
    assert kept
    assert (kept.state, kept.scored, kept.failed) == ("generated", 0, 12)


def test_what_is_still_to_be_sent_follows_from_state_changes_and_answers(settings: Settings) -> None:
    manifest, made, _ = scoring.begin(settings, DAY, None, 4, dry_run=True)
    answers = {0: answer(0), 1: answer(1, error="503", passing=True), 2: answer(2, error="html")}

    def left(state: str, changes: list[str]) -> list[int]:
        return scoring.rows_to_send(dataclasses.replace(manifest, state=state), made, changes, answers)

    assert left("generated", []) == [1, 3]
    assert left("scored", []) == [1, 3]
    assert left("scored", ["seed: 0 then, 1 now"]) == []
    assert left("uploaded", []) == []
