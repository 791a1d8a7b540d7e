"""Set-ups for the proof: loops of their own on one sandbox, and what is left behind by a day."""

import csv
import json
import os
import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.support.loop import ROOT, Loop
from tests.support.sandbox import RunningSandbox

ROWS = 24
SCORING, REGISTRATION = "daily_scoring.py", "gt_registration.py"
TRAINING_SET = "create_training_set.py"

_TEMPORARY = re.compile(r"\..+\.\d+")


def new_loop(sandbox: RunningSandbox, folder: Path, **sections: Any) -> Loop:
    """Return a set-up with a project, a TrainingSet and temporary files of its own.

    A day has 24 rows; what may pass is tried twice. sections: other settings.
    """
    folder.mkdir(parents=True)
    (folder / "tmp").mkdir()
    env = sandbox.environment(
        DOMINO_PROJECT_ID=uuid.uuid4().hex[:24],
        STATE_DIR="state",
        REPORT_DIR="reports",
        TMPDIR=str(folder / "tmp"),
    )
    loop = Loop(sandbox, folder, env, yaml.safe_load((ROOT / "config.yaml").read_text()))
    loop.configure(
        training_data=str(ROOT / "data" / "german_credit.csv"),
        scoring={"rows": [ROWS, ROWS]},
        model_api={"attempts": 2, "timeout_seconds": 5, "workers": 4},
        model_monitor={"poll_seconds": 0.5},
        training_set={"name": f"set-{uuid.uuid4().hex[:8]}"},
    )
    loop.configure(**sections)
    return loop


def past_day(number: int) -> str:
    """Return the n-th day before today, which is due at once."""
    return str(datetime.now(UTC).date() - timedelta(days=number))


def share_limits(source: Loop, target: Loop) -> None:
    """Give a loop the simulated limits of another one: a cache, which costs half a second."""
    folder = target.day_folder("x").parent
    folder.mkdir(parents=True, exist_ok=True)
    limits = source.day_folder("x").parent / "limits.json"
    (folder / "limits.json").write_bytes(limits.read_bytes())


def journal_answers(loop: Loop, day: str) -> dict[str, dict[str, Any]]:
    """Return the last whole line of each row of a day's journal, by the row's id."""
    try:
        lines = (loop.day_folder(day) / "scores.jsonl").read_bytes().split(b"\n")[:-1]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    answers = map(json.loads, lines)
    return {f"{day}_{answer['index']}": answer for answer in answers}


def known_state(loop: Loop, day: str) -> dict[str, Any]:
    """Return a day's manifest, nothing where there is none."""
    path = loop.day_folder(day) / "manifest.json"
    known: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return known


def final_rows(loop: Loop, day: str) -> set[str]:
    """Return the rows that have an answer and are not to be sent again."""
    answers = journal_answers(loop, day)
    return {row for row, answer in answers.items() if not answer.get("passing")}


def stored_rows(loop: Loop, day: str) -> list[dict[str, str]]:
    """Return the rows of a day's object, none where there is none."""
    text = loop.objects().get(loop.object_key(day), "")
    return list(csv.DictReader(text.splitlines()))


def sent_counts(loop: Loop, day: str) -> Counter[str]:
    """Return how often each row of a day was sent since the requests were cleared."""
    return Counter(row for row in loop.sent_rows() if row.startswith(f"{day}_"))


def stray_files(loop: Loop, day: str) -> list[str]:
    """Return the temporary files that a day's runs left where they are swept at once.

    Not the file of four bytes by which Python's tempfile tries whether TMPDIR can be written.
    """
    folders = [loop.day_folder(day), loop.folder / "tmp"]
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return [
        str(path)
        for path in files
        if _TEMPORARY.fullmatch(path.name) or (path.parent.name == "tmp" and not _is_probe(path))
    ]


def _is_probe(path: Path) -> bool:
    is_named_so = re.fullmatch("[a-z0-9_]{8}", path.name) is not None
    return is_named_so and path.is_file() and path.read_bytes() in (b"", b"blat")


def shared_strays(loop: Loop) -> list[Path]:
    """Return the temporary files in folders of all days, which are swept after an hour."""
    model = str(loop.settings["model"])
    folders = [loop.folder / "state" / model, loop.folder / "reports" / model]
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return [path for path in files if _TEMPORARY.fullmatch(path.name)]


def orphans(loop: Loop, seconds: float = 3.0) -> list[str]:
    """Return the processes that the loop's runs started and that do not end within the time.

    Found by the project in their environment; none where the system has no /proc.
    """
    marker = loop.env["DOMINO_PROJECT_ID"].encode()
    deadline = time.monotonic() + seconds
    while left := _processes_with(marker):
        if time.monotonic() > deadline:
            return left
        time.sleep(0.1)
    return []


def _processes_with(marker: bytes) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.name != str(os.getpid()) and marker in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended, or is another user's
    return found


def is_traceback(text: str) -> bool:
    """Whether an output shows a bug."""
    return "Traceback" in text or "this is a bug" in text


def as_date(day: str) -> date:
    """Return a day as a date."""
    return date.fromisoformat(day)


def changed_env(loop: Loop, changes: Mapping[str, str]) -> None:
    """Change variables of every later run."""
    loop.env = {**loop.env, **changes}
