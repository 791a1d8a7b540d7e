#!/usr/bin/env python3
"""Measure where a night's time goes, by phase.

    python benchmarks/phases.py

One night of daily_scoring.py on the sandbox, 300 rows at 20 ms with 8 workers, and the day after
it: medians of five runs. Functions and imports are timed from outside, in the main thread, each
without those within it. Prints a table of docs/performance.md and JSON.
"""

import atexit
import functools
import importlib.abc
import importlib.machinery
import json
import runpy
import statistics
import subprocess
import sys
import threading
import time
import types
import uuid
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

RUNS, ROWS, LATENCY_MS = 5, 300, 20
DAY = date(2026, 1, 1)
FUNCTIONS = {
    "monitoring.cli.main": {"load_settings": "settings"},
    "monitoring.services.s3": {
        "Store.__init__": "the store's client",
        "Store.head": "a look at the day's key",
        "Store.usage": "the size of what is stored",
    },
    "monitoring.batch.generate": {"generate": "making the batch"},
    "monitoring.scoring.workers": {"score_rows": "waiting for the endpoint"},
    "monitoring.ground_truth.upload": {"upload": "uploading"},
    "monitoring.checks.gather": {
        "make_limits": "limits, while waiting",
        "with_answers": "reading earlier answers and the ledger",
    },
    "monitoring.checks.evaluate": {"evaluate": "checks"},
    "monitoring.report.rendering": {"compile_templates": "templates, while waiting"},
    "monitoring.report.report": {"write": "record, history and page"},
    "monitoring.report.refresh": {"refresh": "overview"},
}
"""By module and function: the phase that its time belongs to."""

IMPORTS = {
    "monitoring.batch.smoten": "importing SMOTEN",
    "pandas": "importing pandas",
    "boto3": "importing boto3",
    "jinja2": "importing Jinja2, while waiting",
}
_REST = "the rest: Python, other imports, between the steps"


class Stopwatch:
    """Adds up the seconds of phases, each without those within it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open = [_REST]
        self._since = time.monotonic()

    def enter(self, phase: str) -> None:
        """Begin a phase within the one that is open."""
        self._close()
        self._open.append(phase)

    def leave(self) -> None:
        """End the phase that is open."""
        self._close()
        self._open.pop()

    def _close(self) -> None:
        now = time.monotonic()
        phase = self._open[-1]
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now


class Finder(importlib.abc.MetaPathFinder):
    """Has the modules that are timed be loaded by a loader that times them."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module's spec as the path finder does, with its loading timed."""
        if name not in FUNCTIONS and name not in IMPORTS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        spec.loader.exec_module = functools.partial(  # type: ignore[method-assign]
            self._execute, spec.loader.exec_module
        )
        return spec

    def _execute(self, execute: Callable[[types.ModuleType], None], module: Any) -> None:
        phase = IMPORTS.get(module.__name__)
        if phase and threading.current_thread() is threading.main_thread():
            self.watch.enter(phase)
            execute(module)
            self.watch.leave()
        else:
            execute(module)
        for path, of_function in FUNCTIONS.get(module.__name__, {}).items():
            *owner_path, name = path.split(".")
            owner = functools.reduce(getattr, owner_path, module)
            setattr(owner, name, self._timed(getattr(owner, name), of_function))

    def _timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self.watch.enter(phase)
            try:
                return function(*arguments, **named)
            finally:
                self.watch.leave()

        return timed


def run_timed(script: str, arguments: list[str]) -> None:
    """Run a script in this process; print the seconds of its phases as JSON at the end."""
    watch = Stopwatch()
    sys.meta_path.insert(0, Finder(watch))

    def show() -> None:
        watch.enter("")
        print(json.dumps(watch.seconds))

    atexit.register(show)
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def main() -> int:
    if sys.argv[1:2] == ["--run"]:
        run_timed(sys.argv[2], sys.argv[3:])

    from benchmarks.processes import ROOT, machine, running_sandbox, table_row

    days = {"first day": DAY, "later day": DAY + timedelta(days=1)}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in days}
    with running_sandbox() as (sandbox, folder):
        sandbox.switch(latency_ms=LATENCY_MS)
        for run in range(RUNS):
            env = sandbox.environment(
                DOMINO_PROJECT_ID=uuid.uuid4().hex[:24],
                STATE_DIR=str(folder / f"state-{run}"),
                REPORT_DIR=str(folder / f"reports-{run}"),
            )
            for name, day in days.items():
                flags = ["-q", "--rows", str(ROWS), "--date", str(day)]
                command = [sys.executable, __file__, "--run", str(ROOT / "daily_scoring.py")]
                ended = subprocess.run(
                    [*command, *flags], env=env, capture_output=True, text=True, check=True
                )
                measured[name].append(json.loads(ended.stdout.splitlines()[-1]))

    medians = {name: medians_of(runs) for name, runs in measured.items()}
    print(table_row("phase", *days))
    print(table_row("---", *("---:" for _ in days)))
    for phase in phases():
        cells = [f"{medians[name].get(phase, 0):.2f} s" for name in days]
        print(table_row(phase, *cells))
    print(json.dumps({**machine(), "rows": ROWS, "latency_ms": LATENCY_MS, **medians}))
    return 0


def phases() -> list[str]:
    """Return the phases in the order of a night."""
    of_functions = [phase for module in FUNCTIONS.values() for phase in module.values()]
    return [_REST, *IMPORTS.values(), *of_functions]


def medians_of(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the median seconds of each phase."""
    names = {name for run in runs for name in run}
    return {name: round(statistics.median(run.get(name, 0.0) for run in runs), 3) for name in names}


if __name__ == "__main__":
    sys.exit(main())
