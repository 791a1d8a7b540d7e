"""Forty days of every kind, made through the three scripts: for pictures, and to look around."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import switching, variables
from sandbox.attach import Lease
from sandbox.paths import ROOT

LEAST_DAYS = 40
SCORING, REGISTRATION = "daily_scoring.py", "gt_registration.py"
CONFIG, LOG = "config.yaml", "demo.log"
WAIT_SECONDS = 300  # for the files of a year
MOST_ROWS = 300  # of a day by the shipped settings
QUICK_JOBS = {"job_seconds": 0.1}

# The shipped settings, but for these lines.
_TRAINING_DATA = "training_data: data/german_credit.csv"
_DRIFT, _POLL = "drift: []", "poll_seconds: 30"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Some days in a row that are alike; the days between two chapters are missing.

    days: the first and the last one, counted from the end of the history, whose last day is 1.
    switches: of the sandbox while they are scored. jobs: the same while DMM gets their files.
    ends: the exit codes of scoring and of registration; no second one: they are not registered.
    refused_from: the first row for which the endpoint refuses the token.
    """

    title: str
    days: tuple[int, int]
    switches: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Any] = field(default_factory=dict)
    ends: tuple[int, ...] = (0, 0)
    is_drill: bool = False
    refused_from: int | None = None


_SECOND = {"release_version": 2}
_HIGH = {"release_version": 2, "score_shift": 0.2}
_UNSTEADY = {"fail_share": 0.2, "fail_kinds": ["502", "503"]}
_NO_COLUMN = {"job_fails": "no such column: credit_GT"}

STORY = (
    Chapter("quiet; the first seven become the model's reference", (40, 31)),
    Chapter("a drill: half of the customers are ten years older", (30, 29), is_drill=True),
    Chapter("quiet again, the drill still in the window", (28, 24)),
    Chapter("one row in five fails at first", (23, 23), _UNSTEADY),
    Chapter("quiet; then a day is missing", (22, 20)),
    Chapter("DMM can't read the file", (18, 18), jobs=_NO_COLUMN, ends=(0, 6)),
    Chapter("quiet", (17, 16)),
    Chapter("the labels are swapped", (15, 15), {"swapped_labels": True}),
    Chapter("another release", (14, 4), _SECOND),
    Chapter("half-way the token is refused", (3, 3), _SECOND, ends=(6,), refused_from=60),
    Chapter(
        "scores 0.2 higher; DMM has not read the file yet",
        (2, 2),
        _HIGH,
        jobs={"job_never_ends": True},
        ends=(0, 75),
    ),
    Chapter("scores 0.2 higher; not registered yet", (1, 1), _HIGH, ends=(0,)),
)


def create(folder: Path, lease: Lease, days: int, story: Sequence[Chapter] = STORY) -> Path:
    """Score and register such a history, which ends today; return the folder of its reports.

    folder: the sandbox's, without any day. days: as many as the story has; if more, quiet ones come
    first. Raises ValueError where the folder has days, RuntimeError for a run that ends otherwise
    than the story has it; the log is in the folder.
    """
    if (folder / "state").exists() or (folder / "reports").exists():
        raise ValueError(f"{folder} has days already: remove it, or name another one with --dir")
    author = _Author(folder, lease, today=datetime.now(UTC).date())

    author.write_config(drift="[]")
    author.run("create_training_set.py", exit_code=0)
    for chapter in story:
        first, last = chapter.days
        author.play(chapter, days if chapter is story[0] else first, last)
    author.switch(_SECOND)
    return folder / "reports"


@dataclass(frozen=True, slots=True)
class _Author:
    folder: Path
    lease: Lease
    today: date

    def play(self, chapter: Chapter, first: int, last: int) -> None:
        """Score and register a chapter's days, and print how long that took."""
        began = time.monotonic()
        from_day, to_day = self._day(first), self._day(last)
        drill = f"[{{feature: age, shift: 10, share: 0.5, from: {from_day}}}]"
        self.write_config(drift=drill if chapter.is_drill else "[]")
        days = ["--from", str(from_day), "--to", str(to_day)]
        scored, *registered = chapter.ends

        self.switch({**chapter.switches, **_refusal(chapter, from_day)})
        self.run(SCORING, *days, exit_code=scored)
        for exit_code in registered:
            self.switch({**chapter.switches, **chapter.jobs})
            wait = 1 if "job_never_ends" in chapter.jobs else WAIT_SECONDS
            self.run(REGISTRATION, *days, "--wait", str(wait), exit_code=exit_code)
        seconds = time.monotonic() - began
        span = str(to_day) if first == last else f"{from_day} to {to_day}"
        print(f"{span}: {chapter.title} ({seconds:.0f} s)", flush=True)

    def switch(self, changes: Mapping[str, Any]) -> None:
        """Make these changes to the default switches."""
        url = self.lease.variables["DMM_URL"]
        switching.reset(url)
        switching.change(url, {**QUICK_JOBS, **changes})

    def write_config(self, drift: str) -> None:
        """Write the shipped settings with this drill."""
        settings = (ROOT / CONFIG).read_text(encoding="utf-8")
        data = json.dumps(str(ROOT / "data" / "german_credit.csv"))
        for line, changed in (
            (_TRAINING_DATA, f"training_data: {data}"),
            (_DRIFT, f"drift: {drift}"),
            (_POLL, "poll_seconds: 1"),
        ):
            assert settings.count(line) == 1, f"{CONFIG} has another line than {line!r}"
            settings = settings.replace(line, changed)
        (self.folder / CONFIG).write_text(settings, encoding="utf-8")

    def run(self, script: str, *arguments: str, exit_code: int) -> None:
        """Run a script; raises RuntimeError where it ends with another exit code."""
        config = ["--config", str(self.folder / CONFIG)]
        command = [sys.executable, str(ROOT / script), *config, *arguments]
        environment = variables.child_environment(self.lease.variables)
        # Of the sandbox's own folder they are relative to where the scripts are.
        environment["STATE_DIR"] = str(self.folder / "state")
        environment["REPORT_DIR"] = str(self.folder / "reports")

        log = self.folder / LOG
        with log.open("a") as lines:
            print("$", script, *arguments, file=lines, flush=True)
            ended = subprocess.run(
                command, check=False, env=environment, stdout=lines, stderr=lines
            )
        if ended.returncode != exit_code:
            raise RuntimeError(
                f"{script} {' '.join(arguments)} ended with {ended.returncode}, expected"
                f" {exit_code}: see {log}"
            )

    def _day(self, number: int) -> date:
        return self.today - timedelta(days=number - 1)


def _refusal(chapter: Chapter, day: date) -> dict[str, Any]:
    if chapter.refused_from is None:
        return {}
    rows = [f"{day}_{index}" for index in range(chapter.refused_from, MOST_ROWS)]
    return {"model_reply": "unauthorized", "model_reply_rows": rows}
