"""A script's day that is killed again and again, then finished: what was lost, sent twice, left.

A `Day` knows how its script is started, what one run of it may not do, and how a day must end.
"""

import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

import requests

from tests.reliability import bench
from tests.reliability.proof import Part
from tests.support.loop import Loop
from tests.support.relay import Relay

SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
_ENDS = {
    signal.SIGKILL: {-9},
    signal.SIGTERM: {143, -15},
    signal.SIGINT: {130, -2},
}
"""How a killed run may end, beside having been done before; by the signal itself: before the
script's first statement."""

Run = Callable[[], tuple[int, str]]
"""Runs a script, in whatever way it is killed; returns its exit code and stderr."""


class ScoringDay:
    """A day of daily_scoring.py."""

    script = bench.SCORING

    def __init__(self, part: Part, loop: Loop, store: Relay, day: str) -> None:
        self.part, self.loop, self.store, self.day = part, loop, store, day
        self.arguments = ("--date", day)
        self.ever_scored: set[str] = set()
        self.tries = 0

    def watch(self, run: Run) -> tuple[int, str]:
        """Run once, and count what it did with rows that had an answer."""
        before = bench.final_rows(self.loop, self.day)
        self.loop.sandbox.clear_requests()
        ended = run()
        sent = bench.sent_counts(self.loop, self.day)
        self.tries += sum(sent.values())
        self.part.promise("recorded rows sent again", len(before & set(sent)), self.day)
        answers = bench.journal_answers(self.loop, self.day)
        self.ever_scored |= {row for row, answer in answers.items() if not answer["error"]}
        return ended

    def finish(self) -> None:
        """Run to the end and count what became of the day."""
        part, loop, day = self.part, self.loop, self.day
        code, errors = self.watch(lambda: plain_run(loop, self.script, *self.arguments))
        part.promise("reruns that did not finish the day", code != 0, f"{day}: {code} {errors}")
        rows = [row["event_id"] for row in bench.stored_rows(loop, day)]
        expected = [f"{day}_{index}" for index in range(bench.ROWS)]
        part.promise("rows lost", len(set(expected) - set(rows)), day)
        part.promise("answers lost", len(self.ever_scored - set(rows)), day)
        part.promise("rows twice in an object", len(rows) - len(set(rows)), day)
        part.promise("objects replaced", max(0, self.puts() - 1), day)
        part.promise("stray files", len(strays := bench.stray_files(loop, day)), strays)
        part.count("days")
        part.count("rows", len(rows))
        part.count("rows sent again whose answer was lost", self.tries - len(set(rows)))

    def finish_again(self) -> None:
        """Run a day that is done: nothing may be sent."""
        loop, day = self.loop, self.day
        _, errors = self.watch(lambda: plain_run(loop, self.script, *self.arguments))
        sent = bench.sent_counts(loop, day)
        self.part.promise("done days that send again", bool(sent), errors)
        self.part.promise("objects replaced", max(0, self.puts() - 1), day)

    @property
    def is_over(self) -> bool:
        """Whether another kill would only meet a day that is done."""
        return bool(bench.known_state(self.loop, self.day).get("report"))

    def puts(self) -> int:
        """How often the store took the day's file."""
        key = self.loop.object_key(self.day)
        return sum(
            forwarded.method == "PUT" and key in forwarded.path and forwarded.status == 200
            for forwarded in self.store.forwarded
        )


class RegistrationDay:
    """A day of gt_registration.py, whose file was stored by daily_scoring.py."""

    script = bench.REGISTRATION

    def __init__(self, part: Part, loop: Loop, dmm: Relay, day: str) -> None:
        self.part, self.loop, self.dmm, self.day = part, loop, dmm, day
        self.arguments = ("--date", day)
        loop.run(bench.SCORING, "--date", day)
        self.before = loop.objects()

    def watch(self, run: Run) -> tuple[int, str]:
        """Run once."""
        return run()

    def finish(self) -> None:
        """Run to the end and count what became of the day."""
        part, loop, day = self.part, self.loop, self.day
        code, errors = plain_run(loop, self.script, *self.arguments)
        part.promise("reruns that did not finish the day", code != 0, f"{day}: {code} {errors}")
        datasets = self._accepted()
        part.count("days")
        part.count("datasets", datasets)
        part.promise("days without a dataset", datasets < 1, day)
        part.promise("datasets twice", max(0, datasets - 1), day)
        part.promise("objects changed", loop.objects() != self.before, day)
        part.promise("stray files", len(strays := bench.stray_files(loop, day)), strays)
        state = loop.manifest(day)["state"]
        part.promise("wrong states", state not in ("registered", "ingested"), f"{day}: {state}")

    def finish_again(self) -> None:
        """Run a day that is registered: no second dataset may come of it."""
        code, errors = plain_run(self.loop, self.script, *self.arguments)
        self.part.promise("wrong exit codes", code != 0, errors)
        self.part.promise("datasets twice", max(0, self._accepted() - 1), self.day)

    @property
    def is_over(self) -> bool:
        """Whether another kill would only meet a day that is done."""
        return bench.known_state(self.loop, self.day).get("state") == "ingested"

    def _accepted(self) -> int:
        """How often DMM took the day's file as a new dataset."""
        key = self.loop.object_key(self.day).encode()
        return sum(
            forwarded.method in ("PUT", "POST")
            and forwarded.status == 200
            and key in forwarded.body
            and b"datasetDetails" in forwarded.body
            for forwarded in self.dmm.forwarded
        )


class TrainingSetRun:
    """A version of create_training_set.py; each has a set of its own."""

    script = bench.TRAINING_SET

    def __init__(self, part: Part, loop: Loop) -> None:
        self.part, self.loop, self.day = part, loop, "a version"
        self.arguments: tuple[str, ...] = ()
        self._next_set()

    def watch(self, run: Run) -> tuple[int, str]:
        """Run once; a run must not add a version to one that is pending or complete."""
        before = self._versions()
        ended = run()
        added = len(self._versions()) - len(before)
        self.part.promise("versions beside one that is there", bool(before) and added, ended[1])
        return ended

    def finish(self) -> None:
        """Run to the end, with --again where a version is pending, and count what is there."""
        part, loop = self.part, self.loop
        known = self._versions()
        is_pending = bool(known) and known[-1]["pending"]
        code, errors = self.watch(lambda: plain_run(loop, self.script))
        if is_pending:
            part.count("versions left pending, named by the next run")
            part.promise("pending versions not named", code != 6 or "pending" not in errors, errors)
            code, errors = plain_run(loop, self.script, "--again")
        part.promise("reruns that did not finish the version", code != 0, f"{code} {errors}")
        complete = [version for version in self._versions() if not version["pending"]]
        part.count("versions complete", len(complete))
        part.promise("versions lost", not complete)
        part.promise("versions twice", max(0, len(complete) - 1))
        baseline = loop.day_folder("x").parent / "baseline.json"
        part.promise("versions without a pinned baseline", not baseline.exists())
        part.promise("processes left", len(left := bench.orphans(loop)), left)
        part.promise("stray files", len(strays := bench.stray_files(loop, "x")), strays)

    def finish_again(self) -> None:
        """Run once more: the version holds the same content."""
        code, errors = self.watch(lambda: plain_run(self.loop, self.script))
        self.part.promise("wrong exit codes", code != 0, errors)

    @property
    def is_over(self) -> bool:
        """Whether another kill would only meet a version that is there."""
        return bool(self._versions())

    def _versions(self) -> list[dict[str, Any]]:
        return versions_of(self.loop)

    def _next_set(self) -> None:
        self.loop.configure(training_set={"name": f"set-{uuid.uuid4().hex[:12]}"})


KilledDay = ScoringDay | RegistrationDay | TrainingSetRun


def versions_of(loop: Loop) -> list[dict[str, Any]]:
    """Return the versions of the loop's TrainingSet by number, as the server has them."""
    reply = requests.post(
        f"{loop.sandbox.url}/trainingset/version/find",
        params={"offset": "0", "limit": "10000", "asc": "true"},
        json={
            "projectId": loop.env["DOMINO_PROJECT_ID"],
            "trainingSetName": loop.settings["training_set"]["name"],
            "trainingSetMeta": {},
            "meta": {},
        },
        headers={"X-Domino-Api-Key": loop.env["DOMINO_USER_API_KEY"]},
        timeout=10,
    )
    if reply.status_code == 500:  # as Domino answers for a set that there is not
        return []
    versions: list[dict[str, Any]] = reply.json()
    return sorted(versions, key=lambda version: version["number"])


def plain_run(loop: Loop, script: str, *arguments: str) -> tuple[int, str]:
    """Run a script to its end; return its exit code and stderr."""
    ended = loop.run(script, *arguments, code=None)
    return ended.returncode, ended.stderr


def plain(day: KilledDay) -> Run:
    """Return a run that nothing disturbs."""
    return lambda: plain_run(day.loop, day.script, *day.arguments)


def killed_after(day: KilledDay, number: int, seconds: float) -> Run:
    """Return a run that gets a signal so many seconds after its start."""

    def run() -> tuple[int, str]:
        process = day.loop.start(day.script, *day.arguments)
        time.sleep(seconds)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode is not None
        return process.returncode, errors

    return run


def patched(day: KilledDay, patch: str) -> Run:
    """Return a run after these statements."""

    def run() -> tuple[int, str]:
        ended = day.loop.patched(day.script, patch, *day.arguments)
        return ended.returncode, ended.stderr

    return run


def check_end(part: Part, ended: tuple[int, str], number: int) -> bool:
    """Count how a killed run ended; return whether by its signal, or done before that came."""
    code, errors = ended
    part.count("signals sent")
    is_by_signal = code in _ENDS[signal.Signals(number)]
    part.count("kills", is_by_signal)
    part.promise("wrong exit codes", not is_by_signal and code not in (0, 6), f"{code}: {errors}")
    # Python's own, where the signal came before the script's first statement.
    is_too_early = code == -2 and "InterruptedRun" not in errors
    part.promise("tracebacks", bench.is_traceback(errors) and not is_too_early, errors)
    return is_by_signal
