"""Death matrix, the surroundings: a full or read-only disk, a lost folder, clocks, two at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.reliability import bench, inject
from tests.reliability.killed_days import ScoringDay, patched, plain, plain_run
from tests.reliability.proof import Part, by_form
from tests.support import faults
from tests.support.loop import Loop
from tests.support.relay import Relay
from tests.support.sandbox import RunningSandbox

FULL_DISKS = by_form(1, 24)
REMOVALS = by_form(1, 40)
PAIRS = by_form(1, 24)
MIDNIGHTS = by_form(1, 10)

_CAN_MOUNT = sys.platform == "linux" and os.geteuid() == 0
_needs_mounts = pytest.mark.skipif(not _CAN_MOUNT, reason="needs to mount a tmpfs: Linux, root")


@pytest.fixture
def loop(sandbox: RunningSandbox, tmp_path: Path) -> Loop:
    """A set-up of its own."""
    return bench.new_loop(sandbox, tmp_path / "own")


@pytest.fixture
def disk(loop: Loop) -> Iterator[Path]:
    """A small disk for the loop's state and reports."""
    path = loop.folder / "disk"
    path.mkdir()
    ended = _mount("-t", "tmpfs", "-o", "size=4k", "tmpfs", str(path))
    if ended.returncode:
        pytest.skip(f"can't mount a tmpfs: {ended.stderr.strip()}")
    for name in ("state", "reports"):
        (path / name).mkdir()
    bench.changed_env(loop, {"STATE_DIR": str(path / "state"), "REPORT_DIR": str(path / "reports")})
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=False)


def _mount(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


class _Moved(Loop):
    """A loop whose state is on another disk."""

    def day_folder(self, day: str = "") -> Path:
        return Path(self.env["STATE_DIR"]) / str(self.settings["model"]) / day


def _on_disk(loop: Loop) -> Loop:
    return _Moved(loop.sandbox, loop.folder, loop.env, loop.settings)


@_needs_mounts
def test_a_disk_that_is_full_at_any_size_loses_nothing(loop: Loop, disk: Path) -> None:
    with Part("surroundings", "full disk") as part, Relay(loop.sandbox.s3) as store:
        moved = _on_disk(loop)
        moved.env = moved.env | {"AWS_ENDPOINT_URL_S3": store.url}
        for number in range(FULL_DISKS):
            day = ScoringDay(part, moved, store, bench.past_day(FULL_DISKS - number))
            used = _used_kilobytes(disk)
            size = used + part.chance.randrange(4, 100)
            _mount("-o", f"remount,size={size}k", str(disk))
            code, errors = day.watch(plain(day))
            part.count("runs on a full disk", code == 5)
            is_wrong = code not in (0, 5) or bench.is_traceback(errors)
            part.promise("wrong exit codes", is_wrong, f"{size - used} KB: {code}: {errors}")
            part.promise("disks not named", code == 5 and str(disk) not in errors, errors)
            _mount("-o", "remount,size=100m", str(disk))
            day.finish()


@_needs_mounts
def test_a_disk_that_must_not_be_written_is_5_and_nothing_is_sent(loop: Loop, disk: Path) -> None:
    with Part("surroundings", "read-only state") as part, Relay(loop.sandbox.s3) as store:
        moved = _on_disk(loop)
        _mount("-o", "remount,ro", str(disk))
        day = ScoringDay(part, moved, store, bench.past_day(1))
        for script in (bench.SCORING, bench.REGISTRATION, bench.TRAINING_SET):
            arguments = () if script == bench.TRAINING_SET else day.arguments
            moved.sandbox.clear_requests()
            code, errors = plain_run(moved, script, *arguments)
            part.count(f"exit {code}")
            part.promise("tracebacks", code == 1 or bench.is_traceback(errors), errors)
            part.promise("wrong exit codes", code not in (5, 75), f"{script}: {code}: {errors}")
            part.promise("rows sent", len(moved.sent_rows()), errors)
        _mount("-o", "remount,rw,size=100m", str(disk))
        moved.env = moved.env | {"AWS_ENDPOINT_URL_S3": store.url}
        day.finish()


def test_a_state_folder_that_goes_under_the_run_replaces_no_object(
    sandbox: RunningSandbox, loop: Loop
) -> None:
    with Part("surroundings", "state removed under the run") as part, Relay(sandbox.s3) as store:
        loop.env = loop.env | {"AWS_ENDPOINT_URL_S3": store.url}
        state = loop.folder / "state"
        for number in range(REMOVALS):
            day = ScoringDay(part, loop, store, bench.past_day(REMOVALS - number))
            event = part.chance.randrange(4, 120)
            patch = inject.remove_at(event, state, loop.folder)
            # Not `watch`: rows whose journal is gone are sent again.
            code, errors = patched(day, patch)()
            part.count(f"exit {code}")
            is_wrong = code not in (0, 5, 6) or bench.is_traceback(errors)
            part.promise("wrong exit codes", is_wrong, f"event {event}: {code}: {errors}")
            code, errors = plain_run(loop, day.script, *day.arguments)
            part.promise("reruns that did not finish the day", code not in (0, 6), errors)
            rows = [row["event_id"] for row in bench.stored_rows(loop, day.day)]
            is_whole = rows == [f"{day.day}_{index}" for index in range(bench.ROWS)]
            part.promise("files not whole", not is_whole, f"event {event}: {len(rows)}: {errors}")
            part.promise("objects replaced", max(0, day.puts() - 1), day.day)


def test_a_clock_that_passes_midnight_or_goes_back_moves_no_row_to_another_day(
    sandbox: RunningSandbox, loop: Loop
) -> None:
    with Part("surroundings", "clock over midnight and backwards") as part:
        today = datetime.now(UTC).date()
        midnight = datetime.combine(today, datetime.min.time(), UTC)
        for number in range(MIDNIGHTS):
            before = midnight - timedelta(milliseconds=part.chance.uniform(100, 900))
            _run_at(part, loop, faults.clock_at(before.isoformat()), number)
            noon = datetime.now(UTC) - timedelta(days=number)
            back = faults.clock_at(noon.isoformat(), back_seconds=7200)
            _run_at(part, loop, back, number)


def _run_at(part: Part, loop: Loop, patch: str, number: int) -> None:
    """Score today by the process's own clock, and look at what became of it."""
    loop = bench.new_loop(loop.sandbox, loop.folder / f"clock-{number}-{part.counts['runs']}")
    part.count("runs")
    ended = loop.patched(bench.SCORING, patch)
    errors = ended.stderr
    is_wrong = ended.returncode not in (0, 6) or bench.is_traceback(errors)
    part.promise("wrong exit codes", is_wrong, f"{ended.returncode}: {errors}")
    part.count("runs that finished", ended.returncode == 0)
    for key, text in loop.objects().items():
        day = key.rpartition("_")[2].removesuffix(".csv")
        rows = [line.partition(",")[0] for line in text.splitlines()[1:]]
        expected = [f"{day}_{index}" for index in range(bench.ROWS)]
        part.promise("files not whole, or of two days", rows != expected, f"{key}: {rows[:3]}")


def test_two_runs_at_once_score_a_day_once_and_replace_nothing(
    sandbox: RunningSandbox, loop: Loop
) -> None:
    with Part("surroundings", "two runs at once") as part, Relay(sandbox.s3) as store:
        loop.env = loop.env | {"AWS_ENDPOINT_URL_S3": store.url}
        for number in range(PAIRS):
            day = ScoringDay(part, loop, store, bench.past_day(PAIRS - number))
            loop.sandbox.clear_requests()
            first = loop.start(day.script, *day.arguments)
            second = loop.start(day.script, *day.arguments)
            ended = [process.communicate(timeout=60) for process in (first, second)]
            codes = sorted(process.returncode or 0 for process in (first, second))
            part.count(f"exits {codes[0]} and {codes[1]}")
            errors = "".join(error for _, error in ended)
            part.promise("wrong exit codes", codes not in ([0, 11], [0, 0]), f"{codes}: {errors}")
            sent = bench.sent_counts(loop, day.day)
            day.tries += sum(sent.values())
            part.promise("rows sent twice", sum(sent.values()) - len(sent), day.day)
            day.finish()


def test_two_machines_at_once_replace_nothing(sandbox: RunningSandbox, loop: Loop) -> None:
    with Part("surroundings", "two machines at once") as part, Relay(sandbox.s3) as store:
        loop.env = loop.env | {"AWS_ENDPOINT_URL_S3": store.url}
        for number in range(PAIRS):
            day = ScoringDay(part, loop, store, bench.past_day(PAIRS - number))
            first = loop.start(day.script, *day.arguments)
            second = loop.start(
                day.script, *day.arguments, STATE_DIR="state2", REPORT_DIR="reports2"
            )
            ended = [process.communicate(timeout=60) for process in (first, second)]
            codes = sorted(process.returncode or 0 for process in (first, second))
            part.count(f"exits {codes[0]} and {codes[1]}")
            errors = "".join(error for _, error in ended)
            is_wrong = codes not in ([0, 6], [0, 0]) or bench.is_traceback(errors)
            part.promise("wrong exit codes", is_wrong, f"{codes}: {errors}")
            rows = [row["event_id"] for row in bench.stored_rows(loop, day.day)]
            expected = [f"{day.day}_{index}" for index in range(bench.ROWS)]
            part.promise("files not whole", rows != expected, day.day)
            part.promise("objects replaced", max(0, day.puts() - 1), day.day)


def _used_kilobytes(path: Path) -> int:
    status = os.statvfs(path)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // 1024
