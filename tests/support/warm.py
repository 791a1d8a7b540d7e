"""Runs scripts as processes without paying for their imports each time.

A server process imports the heavy libraries once (none of the project's own modules) and forks for
each run. What runs is the unchanged script in a process of its own: its own environment, folder,
streams, signals and exit status. What a test says about imports, start-up or memory needs a cold
process: `Loop.is_warm = False`.
"""

import atexit
import contextlib
import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "boto3.s3.inject",
    "botocore.validate",
    "dotenv",
    "imblearn.over_sampling",
    "jinja2",
    "msgspec",
    "pandas",
    "pandas.io.formats.csvs",
    "pyarrow.csv",
    "pyarrow.parquet",
    "requests",
    "tqdm",
    "yaml",
)
_LENGTH_BYTES = 8
_START_SECONDS = 60


class WarmProcess:
    """A running script; the part of subprocess.Popen that the tests use."""

    def __init__(self, connection: socket.socket, pid: int, out: io.FileIO, err: io.FileIO) -> None:
        self._connection, self.pid, self._out, self._err = connection, pid, out, err
        self.returncode: int | None = None
        self.peak_bytes = 0  # of memory, known once the process has ended

    def send_signal(self, number: int) -> None:
        """Send the process a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended between these lines
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        self._connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self._read_status()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process and return its exit code."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self._read_status()
            except TimeoutError:
                raise subprocess.TimeoutExpired("warm process", timeout or 0) from None
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their end, wait, and return what was written."""
        texts: dict[str, str] = {}

        def read(name: str, stream: io.FileIO) -> None:
            with stream:
                texts[name] = stream.readall().decode()

        streams = {"out": self._out, "err": self._err}
        readers = [
            threading.Thread(target=read, args=item, daemon=True) for item in streams.items()
        ]
        deadline = None if timeout is None else time.monotonic() + timeout
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("warm process", timeout or 0)
        self.wait(None if deadline is None else max(0.1, deadline - time.monotonic()))
        return texts["out"], texts["err"]

    def _read_status(self) -> None:
        if self.returncode is not None:
            return
        line = self._connection.recv(64)
        assert line, "the process that watches the script has gone"
        code, peak_kilobytes = line.split()
        self.returncode, self.peak_bytes = int(code), int(peak_kilobytes) * 1024
        self._connection.close()


class WarmServer:
    """The server that forks; started at the first run, ended with this process."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="warm-")
        self._path = f"{self._folder}/socket"
        # Not measured: the libraries would be traced while they are imported.
        quiet = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
        command = [sys.executable, "-m", "tests.support.warm", self._path]
        self._server = subprocess.Popen(command, cwd=ROOT, env=quiet, stdin=subprocess.PIPE)
        atexit.register(self.end)
        deadline = time.monotonic() + _START_SECONDS
        while not Path(self._path).exists():
            assert self._server.poll() is None, "the warm server ended while it started"
            assert time.monotonic() < deadline, "the warm server did not start"
            time.sleep(0.01)

    def start(
        self, arguments: Sequence[str], env: Mapping[str, str], code: str | None = None
    ) -> WarmProcess:
        """Start a script (its path, then its arguments), or with `code` these statements."""
        request = {"argv": list(arguments), "env": dict(env), "code": code}
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._path)
        socket.send_fds(connection, [b"x"], [out_write, err_write])
        os.close(out_write)
        os.close(err_write)
        body = json.dumps(request).encode()
        connection.sendall(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
        pid = int(connection.recv(64))
        return WarmProcess(connection, pid, io.FileIO(out_read), io.FileIO(err_read))

    def end(self) -> None:
        """End the server."""
        self._server.kill()
        self._server.wait()
        with contextlib.suppress(OSError):
            Path(self._path).unlink(missing_ok=True)
            Path(self._folder).rmdir()


# --- the server


def serve(path: str) -> None:
    """Import the libraries, then fork for each connection until the parent has gone."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a fork must not lose threads
    for name in LIBRARIES:
        __import__(name)
    sys.path.remove(str(ROOT))
    gc.freeze()  # what was imported stays: a fork must not look through it, nor copy it for that

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.new")
    listener.listen()
    Path(f"{path}.new").rename(path)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _watch(connection)
            os._exit(0)
        connection.close()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _watch(connection: socket.socket) -> None:
    """Fork the script's own process, send its id, wait for it, and send how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, (out, err), _, _ = socket.recv_fds(connection, 1, 2)
    length = int.from_bytes(_receive(connection, _LENGTH_BYTES), "big")
    request = json.loads(_receive(connection, length))

    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(request, out, err)
    os.close(out)
    os.close(err)
    connection.sendall(str(pid).encode())
    _, status, usage = os.wait4(pid, 0)
    with contextlib.suppress(OSError):  # nobody may be interested any more
        code = os.waitstatus_to_exitcode(status)
        connection.sendall(f"{code} {usage.ru_maxrss}".encode())


def _receive(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += connection.recv(length - len(data))
    return data


def _become(request: Mapping[str, Any], out: int, err: int) -> None:
    """Turn this process into the script, as Python would start it, and end with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
        os.close(source)
    # Ctrl-C must find the script, not this preparation; _exit_code lets it through.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir("/")
    sys.stdin, sys.stdout = open(0), open(1, "w", closefd=False)
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.argv = request["argv"]

    with _measured():
        code = _exit_code(request)
        threading._shutdown()  # type: ignore[attr-defined]  # joins threads, as at Python's exit
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
    os._exit(code)


@contextlib.contextmanager
def _measured() -> Iterator[None]:
    """Measure coverage where the environment asks for it."""
    measuring = None
    if any(name.startswith("COVERAGE_PROCESS") for name in os.environ):
        import coverage

        measuring = coverage.process_startup(force=True)
    yield
    if measuring:
        measuring.stop()
        with contextlib.suppress(Exception):  # a test may have made the disk full
            measuring.save()


def _exit_code(request: Mapping[str, Any]) -> int:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        if request["code"] is not None:
            exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__"})
        else:
            script = request["argv"][0]
            sys.path.insert(0, str(Path(script).parent))
            runpy.run_path(script, run_name="__main__")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except KeyboardInterrupt:  # as Python does where nobody catches it
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
