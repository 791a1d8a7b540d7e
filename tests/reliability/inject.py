"""Statements that run in a script's process before its work: they act when it touches its files.

They listen to Python's audit events (open for writing, rename, remove, mkdir) and to os.fsync;
nothing of the program itself is changed.
"""

import textwrap
from pathlib import Path

_EVENTS = """
    import os, sys
    _root, _count = {root!r}, 0
    def _touch(path):
        global _count
        if isinstance(path, bytes):
            path = path.decode(errors="replace")
        if path is not None and not str(path).startswith(_root):
            return
        _count += 1
        _act(_count)
    def _listen(event, arguments):
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, bytes)) and flags & (os.O_WRONLY | os.O_RDWR):
                _touch(path)
        elif event in ("os.rename", "os.remove", "os.mkdir", "os.truncate"):
            if isinstance(arguments[0], (str, bytes)):
                _touch(arguments[0])
    def _fsync(number, real=os.fsync):
        _touch(None)
        real(number)
    os.fsync = _fsync
    sys.addaudithook(_listen)
"""


def count_events(folder: Path) -> str:
    """Print to stderr, at the end, how many events there were below the folder."""
    return _with_events(
        folder,
        """
        import atexit
        def _act(count):
            pass
        atexit.register(lambda: print("events:", _count, file=sys.stderr))
        """,
    )


def signal_at(event: int, number: int, folder: Path) -> str:
    """Send the process a signal at the n-th event below the folder."""
    return _with_events(
        folder,
        f"""
        def _act(count):
            if count == {event}:
                os.kill(os.getpid(), {number})
        """,
    )


def remove_at(event: int, removed: Path, folder: Path) -> str:
    """Have a folder disappear at the n-th event below the folder."""
    return _with_events(
        folder,
        f"""
        import shutil
        def _act(count):
            if count == {event}:
                shutil.rmtree({str(removed)!r}, ignore_errors=True)
        """,
    )


def die_past(file_bytes: int) -> str:
    """Have the kernel end the process in the middle of the write that takes a file past a size."""
    return textwrap.dedent(f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, {file_bytes}))
    """)


def _with_events(folder: Path, act: str) -> str:
    return textwrap.dedent(act) + textwrap.dedent(_EVENTS.format(root=str(folder)))
