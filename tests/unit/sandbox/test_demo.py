"""The story of the demo, and that its settings are the shipped ones."""

from datetime import date
from pathlib import Path

import yaml

from sandbox import demo, switching
from sandbox.attach import Lease
from sandbox.switches import Switches, changed
from tests.support.loop import ROOT


def test_the_story_has_forty_days_in_order_and_one_of_them_is_missing() -> None:
    days = [
        day for chapter in demo.STORY for day in range(chapter.days[0], chapter.days[1] - 1, -1)
    ]

    assert days == sorted(set(days), reverse=True)
    assert (days[0], days[-1]) == (demo.LEAST_DAYS, 1)
    assert set(range(1, demo.LEAST_DAYS + 1)) - set(days) == {19}


def test_the_story_switches_only_what_the_sandbox_knows() -> None:
    for chapter in demo.STORY:
        for changes in (chapter.switches, chapter.jobs, demo.QUICK_JOBS):
            assert changed(Switches(), changes) != Switches() or not changes


def test_the_settings_are_the_shipped_ones_with_another_drill(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w") as file:
        author = demo._Author(tmp_path, Lease(file, 0, "", {}, []), date(2026, 1, 31))
        author.write_config(drift="[{feature: age, shift: 10, share: 0.5, from: 2026-01-10}]")

    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())

    assert Path(written["training_data"]) == ROOT / "data" / "german_credit.csv"
    assert written["scoring"]["drift"][0]["feature"] == "age"
    changed_sections = {name for name in shipped if shipped[name] != written[name]}
    assert changed_sections == {"training_data", "scoring", "model_monitor"}


def test_a_value_is_json_and_else_text() -> None:
    texts = ["latency_ms=20", "job_fails=no such column", 'model_reply_rows=["a=b"]', "seed="]

    assert switching.parse(texts) == {
        "latency_ms": 20,
        "job_fails": "no such column",
        "model_reply_rows": ["a=b"],
        "seed": "",
    }
