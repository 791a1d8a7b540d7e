"""Soak: a year of days with 2 % faults: complete, memory flat, the size of state stated."""

from pathlib import Path

from tests.reliability import bench
from tests.reliability.proof import Part, by_form
from tests.support import relay
from tests.support.loop import Loop, warm_server
from tests.support.relay import Relay
from tests.support.sandbox import RunningSandbox

DAYS = by_form(2, 365)
SHARE = 0.02
MOST_TRIES = 6
_MEGABYTE = 1_000_000
_FLAT = 1.15
"""The memory of the last days may be this much of that of the first ones."""

FAULTS = (relay.drop, relay.lose, relay.cut, relay.answer_with(503), relay.answer_with(500))


def test_a_year_with_faults_is_complete_and_its_memory_flat(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    with Part("soak", f"{DAYS} days, {SHARE:.0%} faults") as part:
        loop = bench.new_loop(sandbox, tmp_path / "year", model_api={"attempts": 3})
        loop.run(bench.TRAINING_SET)
        sandbox.switch(
            fail_share=SHARE,
            fail_kinds=["429", "502", "503", "504", "drop", "lost"],
            retry_after_seconds=0,
            job_seconds=0,
        )
        peaks: list[int] = []
        with _Faulty(part, sandbox.url) as domino, _Faulty(part, sandbox.s3) as store:
            loop.env |= {"DMM_URL": domino.url, "AWS_ENDPOINT_URL_S3": store.url}
            for number in range(DAYS, 0, -1):
                peaks.append(_one_day(part, loop, bench.past_day(number)))
            sandbox.clear_requests()
        sandbox.switch(fail_share=0)
        _run(part, loop, bench.REGISTRATION, "--pending")
        _check_days(part, loop)
        _state_sizes(part, loop, peaks)


class _Faulty(Relay):
    """A relay that breaks its share of the requests."""

    def __init__(self, part: Part, upstream_url: str) -> None:
        super().__init__(upstream_url)
        self._part = part

    def take_fault(self, method: str, path: str) -> relay.Fault | None:
        """Return a fault for 2 % of the requests."""
        self._part.count("requests to S3 and DMM")
        if self._part.chance.random() >= SHARE:
            return None
        self._part.count("of them broken")
        return self._part.chance.choice(FAULTS)


def _one_day(part: Part, loop: Loop, day: str) -> int:
    """Score and register a day, again where the run ends with 5; return the peak of memory."""
    loop.sandbox.clear_requests()
    peak = 0
    for script, arguments in (
        (bench.SCORING, ("--date", day)),
        (bench.REGISTRATION, ("--pending",)),
    ):
        for _ in range(MOST_TRIES):
            code, bytes_used = _run(part, loop, script, *arguments)
            peak = max(peak, bytes_used) if script == bench.SCORING else peak
            if code != 5:
                break
            part.count("runs again after a fault")
    return peak


def _run(part: Part, loop: Loop, script: str, *arguments: str) -> tuple[int, int]:
    process = warm_server().start(loop.command(script, *arguments)[1:], loop.env)
    _, errors = process.communicate(timeout=120)
    code = process.wait()
    part.count(f"exit {code}")
    is_wrong = code not in (0, 3, 5) or bench.is_traceback(errors)
    part.promise("wrong exit codes", is_wrong, f"{arguments}: {code}: {errors}")
    return code, process.peak_bytes


def _check_days(part: Part, loop: Loop) -> None:
    objects = loop.objects()
    for number in range(DAYS, 0, -1):
        day = bench.past_day(number)
        manifest = loop.manifest(day)
        part.count("days")
        is_late = manifest["state"] not in ("registered", "ingested")
        part.promise("days not registered", is_late, f"{day}: {manifest['state']}")
        part.count("days ingested", manifest["state"] == "ingested")
        rows = objects.get(loop.object_key(day), "").count("\n") - 1
        part.promise("rows lost", manifest["scored"] - rows, day)
        part.count("rows", rows)
        part.count("rows failed for good", manifest["failed"])
    part.promise("objects that belong to no day", len(objects) - DAYS)


def _state_sizes(part: Part, loop: Loop, peaks: list[int]) -> None:
    quarter = max(1, len(peaks) // 4)
    first, last = sorted(peaks[:quarter])[quarter // 2], sorted(peaks[-quarter:])[quarter // 2]
    part.count("memory of a run at first, MB", first // _MEGABYTE)
    part.count("memory of a run at last, MB", last // _MEGABYTE)
    part.promise("memory that grows", last > first * _FLAT, f"{first} to {last}")
    for name in ("state", "reports"):
        folder = loop.folder / name
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        part.count(f"{name}, KB a day", size // DAYS // 1000)
    part.promise("stray files", len(bench.shared_strays(loop)))
    part.promise("processes left", len(left := bench.orphans(loop)), left)
