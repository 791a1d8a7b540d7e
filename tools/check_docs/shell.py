"""One shell for the commands of a page: what one of them sets, the next one sees."""

import contextlib
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

_LIMIT_SECONDS = 120.0


class Shell:
    """A running bash with aliases."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._folder = process, folder

    def run(self, commands: str) -> tuple[str, int]:
        """Run these lines; return what they printed on both streams, and the first code not 0.

        Raises RuntimeError where the shell itself ends, or the lines take longer than two minutes.
        """
        assert self._process.stdin and self._process.stdout
        end = uuid.uuid4().hex
        script = self._folder.parent / "commands.sh"
        script.write_text(commands + "\n", encoding="utf-8")
        self._process.stdin.write(
            "_failed=0; trap '_code=$?; [ $_failed = 0 ] && _failed=$_code' ERR\n"
            f"source '{script}' </dev/null\ntrap - ERR; echo \"{end} $_failed\"\n"
        )
        self._process.stdin.flush()

        lines: list[str] = []
        watchdog = threading.Timer(_LIMIT_SECONDS, self.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                before, mark, code = line.partition(end)
                if mark:
                    return "".join([*lines, before]), int(code)
                lines.append(line)
        finally:
            watchdog.cancel()
            script.unlink()
        raise RuntimeError(f"the shell ended, or was stopped:\n{commands}\n{''.join(lines)}")

    def kill(self) -> None:
        """Kill the shell with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@contextlib.contextmanager
def shell(folder: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
    """Give a shell in a folder."""
    process = subprocess.Popen(
        ["bash", "--norc", "-O", "expand_aliases"],
        cwd=folder,
        env=dict(environment),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    running = Shell(process, folder)
    try:
        yield running
    finally:
        running.kill()
        process.wait()
