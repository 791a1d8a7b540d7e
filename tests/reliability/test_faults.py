"""Fault matrix: every outside call meets every fault; then the script runs again without it."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.reliability import bench
from tests.reliability.broken_calls import Case
from tests.reliability.outside_calls import CALLS, Call
from tests.reliability.proof import LONG, SEED, Part, by_form
from tests.reliability.wire_faults import WireFault, all_faults
from tests.support.loop import Loop
from tests.support.sandbox import RunningSandbox

AT_ONCE = by_form(2, 8)  # most of a case is waiting
SAMPLE = random.Random(SEED).sample(CALLS, 8)
GROUPS: list[tuple[Call, ...]] = by_form([tuple(SAMPLE)], [(call,) for call in CALLS])


@pytest.mark.parametrize("calls", GROUPS, ids=lambda calls: f"{len(calls)}: {calls[0].name}")
def test_every_fault_of_every_call_has_its_exit_code_message_and_rerun(
    sandbox: RunningSandbox, tmp_path: Path, calls: tuple[Call, ...]
) -> None:
    sandbox.switch(ground_truth_endpoint="served", job_seconds=0)
    name = calls[0].name if LONG else "a sample of the calls"
    with Part("faults", name) as part:
        first = bench.new_loop(sandbox, tmp_path / "first")
        first.run(bench.SCORING, "--date", bench.past_day(1))
        cases = [
            Case(part, call, fault, _loop(sandbox, tmp_path / f"{call.name}-{number}", first))
            for call in calls
            for number, fault in enumerate(_faults(part, call))
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Case.run, cases))


def _faults(part: Part, call: Call) -> list[WireFault]:
    """Return all faults, the slow ones first; in the short form one quick fault of each call."""
    faults = [fault for fault in all_faults() if call.can_meet(fault)]
    if LONG:
        return sorted(faults, key=lambda fault: not fault.is_slow)
    return [part.chance.choice([fault for fault in faults if not fault.is_slow])]


def _loop(sandbox: RunningSandbox, folder: Path, first: Loop) -> Loop:
    name = "".join(sign if sign.isalnum() else "-" for sign in folder.name)
    loop = bench.new_loop(sandbox, folder.with_name(name), alerts={"timeout_seconds": 5})
    bench.share_limits(first, loop)
    return loop
