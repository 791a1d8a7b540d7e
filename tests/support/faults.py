"""Faults that can't be made from outside, as statements that run in a script before its work.

The one place that patches the program by name: whoever moves a name changes it here alone. Each
function returns Python statements for `Loop.patched`, but for `limit_s3`, which works in the test's
own process.
"""

import textwrap

import pytest

from monitoring.services import s3, s3_body, s3_call, s3_connection
from monitoring.services.exchange import Limits


def limit_s3(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    """Give every call of the object store other limits of time."""
    for module in (s3, s3_body, s3_call, s3_connection):
        monkeypatch.setattr(module, "LIMITS", limits)


def kill_before_state(state: str) -> str:
    """Kill the process where the ledger is about to note that a day reached a state."""
    return textwrap.dedent(f"""
        import os
        from monitoring.ledger.entry import DayEntry
        def update(self, real=DayEntry.update, **changes):
            if changes.get("state") == {state!r}:
                os.kill(os.getpid(), 9)
            return real(self, **changes)
        DayEntry.update = update
    """)


def kill_before_upload() -> str:
    """Kill the process before the file is sent to the store."""
    return _kill_instead_of("monitoring.services.s3", "Store.put")


def kill_before_report() -> str:
    """Kill the process before the day's report is written."""
    return _kill_instead_of("monitoring.report.report", "write")


def kill_after_journal_write() -> str:
    """Kill the process after an answer was written, before the journal is synced."""
    return textwrap.dedent("""
        import os
        from monitoring.ledger import journal
        journal._SYNC_SECONDS = -1
        def fsync(number, real=os.fsync):
            if os.readlink(f"/proc/self/fd/{number}").endswith("scores.jsonl"):
                os.kill(os.getpid(), 9)
            real(number)
        os.fsync = fsync
    """)


def kill_at_manifest_rename(number: int, *, before: bool) -> str:
    """Kill the process before or after the n-th time (from 1) that a manifest is put in place."""
    return textwrap.dedent(f"""
        import os
        count = 0
        def replace(source, target, real=os.replace):
            global count
            count += str(target).endswith("manifest.json")
            if {before} and count == {number}:
                os.kill(os.getpid(), 9)
            real(source, target)
            if count == {number}:
                os.kill(os.getpid(), 9)
        os.replace = replace
    """)


def store_refuses_puts() -> str:
    """Have every put fail for now."""
    return textwrap.dedent("""
        from monitoring.errors import ServiceError
        from monitoring.services.s3 import Store
        def put(*arguments):
            raise ServiceError("the store is down")
        Store.put = put
    """)


def clock_at(moment: str, *, back_seconds: float = 0) -> str:
    """Have the program's clock run from a moment on (ISO 8601), and go back after 0.3 seconds.

    The clock of the libraries stays: a store refuses what is signed at another time.
    """
    return textwrap.dedent(f"""
        import time
        from datetime import datetime, timedelta
        from monitoring import clock
        start, began = datetime.fromisoformat({moment!r}), time.monotonic()
        def utc_now():
            seconds = time.monotonic() - began
            return start + timedelta(seconds=seconds - {back_seconds} * (seconds > 0.3))
        clock.utc_now = utc_now
    """)


def full_temporary_folder() -> str:
    """Have the folder for temporary files be full where the ground truth file is written."""
    return textwrap.dedent("""
        from monitoring.ground_truth import upload
        upload.TemporaryFile = lambda: open("/dev/full", "r+b", buffering=0)
    """)


def print_templates_compiled_late() -> str:
    """Print to stderr how many of the templates were compiled after the last answer."""
    return textwrap.dedent("""
        import atexit, sys, jinja2
        from monitoring.ledger.journal import Journal
        _compile, _append = jinja2.Environment.compile, Journal.append
        _late, _all = [], []
        def _compiling(environment, *arguments, **named):
            _late.append(arguments)
            _all.append(arguments)
            return _compile(environment, *arguments, **named)
        def _appending(journal, answer):
            _late.clear()
            _append(journal, answer)
        jinja2.Environment.compile, Journal.append = _compiling, _appending
        atexit.register(lambda: print(
            f"compiled after the last answer: {len(_late)} of {len(_all)}", file=sys.stderr))
    """)


def full_disk(max_file_bytes: int) -> str:
    """Have the kernel refuse every file's growth past a size, as a full disk does."""
    return textwrap.dedent(f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({max_file_bytes}, {max_file_bytes}))
    """)


def print_loaded_modules() -> str:
    """Have the process print the names of all loaded modules to stderr when it ends."""
    return textwrap.dedent("""
        import atexit, sys
        atexit.register(lambda: print("loaded:", *sys.modules, file=sys.stderr))
    """)


def _kill_instead_of(module: str, name: str) -> str:
    return textwrap.dedent(f"""
        import os
        import {module} as module
        module.{name} = lambda *arguments: os.kill(os.getpid(), 9)
    """)
