"""Canaries: every secret is planted, every server shows it, every output is searched."""

import subprocess
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.reliability import bench
from tests.reliability.proof import LONG, Part, by_form
from tests.support import canaries
from tests.support.loop import Loop
from tests.support.relay import Answer, Exchange, Relay, echo
from tests.support.sandbox import RunningSandbox

STATUSES = by_form((400,), (200, 400, 401, 403, 404, 409, 412, 422, 429, 500, 502, 503))
WORDS = ("webhook", "ping")


def test_no_secret_comes_out_anywhere_in_any_form(sandbox: RunningSandbox, tmp_path: Path) -> None:
    with Part("canaries", "servers that show the request") as part, _ProcessList() as processes:
        for status in STATUSES:
            loop = bench.new_loop(sandbox, tmp_path / str(status), alerts={"domino_metrics": True})
            secrets = _plant(loop)
            outputs = _run_all(part, loop, status)
            outputs |= canaries.files_below(loop.folder / "state", loop.folder / "reports")
            outputs["process list"] = processes.seen()
            part.count("outputs searched", len(outputs))
            part.count("secrets", len(secrets))
            part.count("forms of each", len(canaries.forms("x")))
            leaks = canaries.leaks(secrets.values(), outputs)
            part.promise("leaks", len(leaks), f"{status}: {leaks} of {list(secrets)}")


def _plant(loop: Loop) -> Mapping[str, str]:
    """Return the secrets by name; the addresses of alerts are secret too."""
    names = ("MODEL_API_TOKEN", "DMM_API_KEY", "AWS_SECRET_ACCESS_KEY", "DOMINO_USER_API_KEY")
    return {name: loop.env[name] for name in names} | {
        f"{word} address": f"{word}-{uuid.uuid5(uuid.NAMESPACE_URL, word).hex}" for word in WORDS
    }


def _run_all(part: Part, loop: Loop, status: int) -> dict[str, bytes]:
    """Run the scripts in many ways against servers that answer with what they were sent."""
    day, outputs = bench.past_day(2), dict[str, bytes]()
    secret = {word: f"{word}-{uuid.uuid5(uuid.NAMESPACE_URL, word).hex}" for word in WORDS}
    runs: list[tuple[str, ...]] = [
        (bench.TRAINING_SET, "-v"),
        (bench.SCORING, "-v", "--date", day),
        (bench.SCORING, "--json", "--rerun", "--date", day),
        (bench.REGISTRATION, "-v", "--date", day),
        (bench.REGISTRATION, "--json", "--dry-run", "--date", day),
        (bench.REGISTRATION, "--status"),
        (bench.SCORING, "--check", "-v"),
        (bench.REGISTRATION, "--check", "-v"),
    ]
    with Relay(loop.sandbox.url) as domino, Relay(loop.sandbox.s3) as store:
        env = {
            "MODEL_API_URL": loop.env["MODEL_API_URL"].replace(loop.sandbox.url, domino.url),
            "DMM_URL": domino.url,
            "DOMINO_API_HOST": domino.url,
            "AWS_ENDPOINT_URL_S3": store.url,
            "ALERT_WEBHOOK_URL": f"{domino.url}/{secret['webhook']}",
            "PING_URL": f"{domino.url}/{secret['ping']}",
        }
        for script, *arguments in runs:
            # Once without a fault, so that there is something to search.
            for breaks in (False, True) if LONG or "-v" in arguments else (True,):
                if breaks:
                    _break(domino, store, status)
                ended = loop.run(script, *arguments, code=None, **env)
                part.count("runs")
                where = f"{status} {script} {arguments}: {ended.stderr[-1500:]}"
                is_bug = ended.returncode == 1 or bench.is_traceback(ended.stderr)
                part.promise("tracebacks", is_bug, where)
                name = f"{script} {' '.join(arguments)} {breaks}"
                outputs[f"{name} out"] = ended.stdout.encode()
                outputs[f"{name} err"] = ended.stderr.encode()
                domino.heal()
                store.heal()
        part.count("answers that showed a secret", len(domino.broken) + len(store.broken))
    return outputs


def _break(domino: Relay, store: Relay, status: int) -> None:
    """Let every service answer with the request, secrets included."""
    for method in ("POST", "PUT", "GET", "OPTIONS"):
        domino.break_all(echo(status), method=method)
    for method in ("PUT", "GET"):
        store.break_all(_echo_as_s3(status), method=method)


def _echo_as_s3(status: int) -> Any:
    def answer(exchange: Exchange) -> None:
        text = exchange.request_head
        body = f"<Error><Code>Odd</Code><Message>{text}</Message></Error>".encode()
        exchange.send(Answer(status, body, {"Content-Type": "application/xml"}))

    return answer


class _ProcessList:
    """Looks at the process list all the time, as every user of the machine can."""

    def __enter__(self) -> "_ProcessList":
        self._lines, self._stop = set[bytes](), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def seen(self) -> bytes:
        """Return every command line that was there."""
        return b"\n".join(self._lines)

    def _look(self) -> None:
        while not self._stop.wait(0.3):
            listing = subprocess.run(
                ["ps", "-A", "-ww", "-o", "args="], capture_output=True, check=True
            )
            self._lines |= set(listing.stdout.splitlines())
