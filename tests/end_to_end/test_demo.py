"""A short history through the real scripts, as the demo makes its long one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import __main__ as command_line
from sandbox import attach, demo, paths
from sandbox.demo import Chapter
from tests.support.html import Parsed

SHORT_STORY = (
    Chapter("quiet; then a day is missing", (4, 3)),
    Chapter("the labels are swapped", (1, 1), {"swapped_labels": True}, ends=(0,)),
)


def test_a_short_story_is_scored_registered_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = datetime.now(UTC).date()
    lease = attach.attach(tmp_path)
    try:
        reports = demo.create(tmp_path, lease, 4, SHORT_STORY) / "credit-default"
        with pytest.raises(ValueError, match="has days already"):
            demo.create(tmp_path, lease, 4, SHORT_STORY)
    finally:
        lease.file.close()

    days = [str(today - timedelta(days=number - 1)) for number in (4, 3, 1)]
    records = [json.loads((reports / f"{day}.json").read_text()) for day in days]
    assert sorted(path.stem for path in reports.glob("*.html")) == [*days, "index"]
    assert "worse than chance" in str(records[-1]["alerts"])
    assert "worse than chance" not in str(records[0]["alerts"])
    overview = Parsed((reports / "index.html").read_text()).text
    missing = today - timedelta(days=1)
    assert f"daily_scoring.py --date {missing}" in overview
    assert overview.count("in DMM") > 2
    assert "quiet; then a day is missing (" in capsys.readouterr().out
    assert (tmp_path / demo.LOG).read_text().count("$ daily_scoring.py") == len(SHORT_STORY)


@pytest.mark.parametrize(
    ("flags", "folder"),
    [
        (["demo"], paths.DEMO_FOLDER),
        (["--dir", str(paths.DEFAULT_FOLDER), "demo"], paths.DEFAULT_FOLDER),
        ([], paths.DEFAULT_FOLDER),
    ],
)
def test_the_folder_is_the_named_one(
    flags: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def no_sandbox(asked_for: Path, _model: object) -> attach.Lease:
        asked.append(asked_for)
        raise RuntimeError("none here")

    monkeypatch.setattr(attach, "attach", no_sandbox)

    assert command_line.main(flags) == 1
    assert asked == [folder]
