"""Death matrix: each script killed at random moments and at every write and rename."""

import itertools
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability import bench, inject
from tests.reliability.killed_days import (
    SIGNALS,
    KilledDay,
    RegistrationDay,
    ScoringDay,
    TrainingSetRun,
    check_end,
    killed_after,
    patched,
    plain_run,
)
from tests.reliability.proof import Part, by_form
from tests.support.loop import Loop
from tests.support.relay import Relay
from tests.support.sandbox import RunningSandbox

SCRIPTS = (bench.SCORING, bench.REGISTRATION, bench.TRAINING_SET)
SIGNAL_GROUPS: list[tuple[str, ...]] = by_form([tuple(SIGNALS)], [("KILL",), ("TERM", "INT")])
"""Those of a group take turns; TERM and INT are handled by the same lines of the scripts."""
KILLS_PER_DAY = by_form(3, 5)
DAYS_PER_LOOP = 30
KILLS = by_form(
    {bench.SCORING: 4, bench.REGISTRATION: 2, bench.TRAINING_SET: 1}, dict.fromkeys(SCRIPTS, 200)
)
EVERY_EVENT = by_form(
    {bench.SCORING: 36, bench.REGISTRATION: 13, bench.TRAINING_SET: 8}, dict.fromkeys(SCRIPTS, 1)
)
TORN_WRITES = by_form({bench.SCORING: 2}, {bench.SCORING: 48, bench.REGISTRATION: 24})


class Days:
    """An endless row of days of a script, each to be killed and finished."""

    def __init__(self, part: Part, script: str, sandbox: RunningSandbox, folder: Path) -> None:
        self.part, self.script, self.sandbox, self.folder = part, script, sandbox, folder
        self.store, self.domino = Relay(sandbox.s3), Relay(sandbox.url)
        self.first: Loop | None = None
        self.loops = 0

    def __iter__(self) -> Iterator[KilledDay]:
        while True:
            loop = self._new_loop()
            for number in range(DAYS_PER_LOOP):
                yield self._day(loop, bench.past_day(DAYS_PER_LOOP - number))

    def _new_loop(self) -> Loop:
        loop = bench.new_loop(self.sandbox, self.folder / f"loop-{self.loops}")
        self.loops += 1
        loop.env |= {"AWS_ENDPOINT_URL_S3": self.store.url, "DMM_URL": self.domino.url}
        self.store.forwarded.clear()
        self.domino.forwarded.clear()
        if self.script != bench.TRAINING_SET:
            if self.first:
                bench.share_limits(self.first, loop)
            self.first = self.first or loop
        return loop

    def _day(self, loop: Loop, day: str) -> KilledDay:
        if self.script == bench.SCORING:
            return ScoringDay(self.part, loop, self.store, day)
        if self.script == bench.REGISTRATION:
            return RegistrationDay(self.part, loop, self.domino, day)
        return TrainingSetRun(self.part, loop)


MakeDays = Callable[[Part, str], Days]


@pytest.fixture
def days(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[MakeDays]:
    """Make rows of days; their relays end with the test."""
    made: list[Days] = []

    def make(part: Part, script: str) -> Days:
        made.append(Days(part, script, sandbox, tmp_path))
        for relay in (made[-1].store, made[-1].domino):
            relay.__enter__()
        return made[-1]

    yield make
    for row in made:
        for relay in (row.store, row.domino):
            relay.__exit__(None, None, None)


@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_at_random_moments_every_day_ends_whole(
    days: MakeDays, sandbox: RunningSandbox, script: str
) -> None:
    with Part("death", f"{script}: {' '.join(SIGNALS)} at random moments") as part:
        sandbox.switch(latency_ms=20, job_seconds=0)
        row = iter(days(part, script))
        _duration(next(row))  # the first day makes the limits as well
        seconds = _duration(next(row))
        numbers = itertools.cycle(SIGNALS.values())
        wanted = KILLS[script]
        while part.counts["kills"] < wanted and part.counts["signals sent"] < 2 * wanted:
            day = next(row)
            for number in itertools.islice(numbers, KILLS_PER_DAY):
                ended = day.watch(killed_after(day, number, part.chance.uniform(0, seconds)))
                check_end(part, ended, number)
                if part.counts["kills"] == wanted or day.is_over:
                    break
            day.finish()
        day.finish_again()


@pytest.mark.parametrize("names", SIGNAL_GROUPS, ids=" ".join)
@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_at_every_write_and_rename_every_day_ends_whole(
    days: MakeDays, script: str, names: tuple[str, ...]
) -> None:
    with Part("death", f"{script}: {' '.join(names)} at every write and rename") as part:
        row = iter(days(part, script))
        next(row).finish()  # the first day makes the limits as well
        day = next(row)
        _, errors = day.watch(patched(day, inject.count_events(day.loop.folder)))
        events = int(re.findall(r"events: (\d+)", errors)[-1])
        part.count("opens for writing, syncs, renames, removals of a run", events)
        day.finish()

        numbers = itertools.cycle(SIGNALS[name] for name in names)
        first = part.chance.randrange(1, EVERY_EVENT[script] + 1)
        for event in range(first, events + 1, EVERY_EVENT[script]):
            day, number = next(row), next(numbers)
            ended = day.watch(patched(day, inject.signal_at(event, number, day.loop.folder)))
            check_end(part, ended, number)
            day.finish()
        day.finish_again()


@pytest.mark.parametrize("script", TORN_WRITES)
def test_killed_in_the_middle_of_a_write_every_day_ends_whole(days: MakeDays, script: str) -> None:
    with Part("death", f"{script}: killed in the middle of a write") as part:
        row = iter(days(part, script))
        for _ in range(TORN_WRITES[script]):
            day = next(row)
            # Of the journal mostly (24 lines of 240 bytes), else of whatever is longer.
            most = part.chance.choice((2_000, 6_000, 6_000, 200_000))
            patch = inject.die_past(part.chance.randrange(1, most))
            code, errors = day.watch(patched(day, patch))
            part.count("kills", code == -signal.SIGXFSZ)
            is_as_expected = code in (-signal.SIGXFSZ, 0)
            part.promise("wrong exit codes", not is_as_expected, f"{code}: {errors}")
            day.finish()


def _duration(day: KilledDay) -> float:
    """Return how long a whole run takes."""
    began = time.monotonic()
    day.watch(lambda: plain_run(day.loop, day.script, *day.arguments))
    return time.monotonic() - began
