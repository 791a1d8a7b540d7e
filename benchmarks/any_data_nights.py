"""Nights of a user's own model on the sandbox, by the scripts themselves."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from benchmarks.any_data_model import OwnModel, write_config
from monitoring.batch import batch as batches
from monitoring.batch.batch import Batch
from monitoring.checks import record as records
from monitoring.checks.record import DayRecord
from monitoring.dataset.schema import numericals
from monitoring.ledger import manifest as manifests
from monitoring.ledger.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
FIRST_DAY = date(2026, 1, 1)
DAYS = 30
_SHIFTED_ROWS = 100
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class ScriptError(Exception):
    """A script that did not end with 0; its text is what it printed."""


class Ended(NamedTuple):
    """What a script took: seconds, and its peak of memory."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Runs the scripts with the variables of a sandbox."""

    environment: dict[str, str]

    def run(self, script: str, config: Path, *flags: str) -> Ended:
        """Run a script to its end; raises ScriptError where it fails."""
        began = time.monotonic()
        command = [sys.executable, str(ROOT / script), "--config", str(config), *flags]
        with (config.parent / "output.txt").open("w+") as output:
            process = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                output.seek(0)
                raise ScriptError(f"{script} ended with {process.returncode}: {output.read()}")
        return Ended(time.monotonic() - began, usage.ru_maxrss * _PEAK_UNIT)

    def workspace(self, model: str) -> Workspace:
        """Return where a model's state and reports are."""
        folders = (Path(self.environment[name]) for name in ("STATE_DIR", "REPORT_DIR"))
        return Workspace(*(folder / model for folder in folders))


@contextmanager
def rehearsal(own: OwnModel) -> Iterator[Rehearsal]:
    """Yield a sandbox with the model behind its endpoint, as `python -m sandbox --model` has it."""
    from sandbox import attach, variables
    from sandbox.model_choice import ModelChoice

    folder = own.config.parent / "sandbox"
    lease = attach.attach(folder, ModelChoice(file=own.file, config=own.config))
    try:
        yield Rehearsal(variables.child_environment(lease.variables))
    finally:
        lease.file.close()


class QuietDays(NamedTuple):
    """What days without any change gave; seconds: of one night."""

    batches: list[Batch]
    records: list[DayRecord]
    seconds: float
    peak_bytes: int


def quiet_days(runs: Rehearsal, own: OwnModel) -> QuietDays:
    """Create the training set and score thirty days."""
    runs.run("create_training_set.py", own.config)
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    days = ("--from", str(FIRST_DAY), "--to", str(last_day))
    ended = runs.run("daily_scoring.py", own.config, "--quiet", *days)

    workspace = runs.workspace(own.settings.model)
    known = workspace.known_days()
    return QuietDays(
        [_batch(workspace, own, day) for day in known],
        [records.read(workspace.record(day)) for day in known],
        ended.seconds / DAYS,
        ended.peak_bytes,
    )


def _batch(workspace: Workspace, own: OwnModel, day: date) -> Batch:
    manifest = manifests.read(workspace.manifest(day), day)
    sha256 = manifest.batch_sha256 if manifest else None
    return batches.read(workspace.batch(day), own.settings.schema, sha256, [])


def shifts_found(runs: Rehearsal, own: OwnModel) -> list[str]:
    """Return the numericals that alarm on a first day of 100 rows, half of them 1 sd higher.

    By drills: all numericals are shifted at once, each in other rows.
    """
    names = numericals(own.settings.schema)
    drills = [
        {"feature": name, "shift": float(own.source[name].std()), "share": 0.5, "from": FIRST_DAY}
        for name in names
    ]
    config: dict[str, Any] = yaml.safe_load(own.config.read_text(encoding="utf-8"))
    model = f"{config['model']}-shifted"
    path = own.config.with_name("shifted.yaml")
    write_config(path, config | {"model": model, "scoring": {"drift": drills}})

    day_flags = ("--date", str(FIRST_DAY), "--rows", str(_SHIFTED_ROWS))
    runs.run("daily_scoring.py", path, "--quiet", *day_flags)
    record = records.read(runs.workspace(model).record(FIRST_DAY))
    drifted = {alert.subject for alert in record.alerts if alert.family == "drift"}
    return [name for name in names if name in drifted]


def alarms(quiet: QuietDays) -> dict[str, list[str]]:
    """Return by day what alarmed, new or still."""
    return {
        record.day: [alert.name for alert in (*record.alerts, *record.ongoing)]
        for record in quiet.records
        if record.alerts or record.ongoing
    }


def balanced_accuracy(quiet: QuietDays) -> float:
    """Return the mean over the classes of the share of their rows that the model got right."""
    confusion = np.sum([record.counts.confusion for record in quiet.records], axis=0)
    return float(np.mean(np.diag(confusion) / confusion.sum(axis=1)))
