"""Runs the three scripts as a scheduler would, against a sandbox, in folders of their own."""

import functools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.sandbox import RunningSandbox
from tests.support.warm import WarmProcess, WarmServer


@functools.cache
def warm_server() -> WarmServer:
    """Return this test process's server of warm processes."""
    return WarmServer()


ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-03-01"


@dataclass
class Loop:
    """A user's set-up: settings and state in a temporary folder, a project in the sandbox."""

    sandbox: RunningSandbox
    folder: Path
    env: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    is_warm: bool = True

    def configure(self, **sections: Any) -> None:
        """Change settings; a mapping changes only the keys that it names."""
        for name, value in sections.items():
            self.settings[name] = self.settings[name] | value if isinstance(value, dict) else value
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.settings, sort_keys=False))

    def command(self, script: str, *arguments: str) -> list[str]:
        return [
            sys.executable,
            str(ROOT / script),
            "--config",
            str(self.folder / "config.yaml"),
            *arguments,
        ]

    def start(
        self, script: str, *arguments: str, **env: str
    ) -> "subprocess.Popen[str] | WarmProcess":
        """Start a script and return its process."""
        return self._start(self.command(script, *arguments), None, env)

    def run(
        self, script: str, *arguments: str, code: int | None = 0, **env: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script; its exit code must be `code` (None: any)."""
        ended = self._ended(self.command(script, *arguments), None, env)
        assert code is None or ended.returncode == code, (
            f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        )
        return ended

    def result(self, script: str, *arguments: str, code: int = 0, **env: str) -> dict[str, Any]:
        """Run a script with --json and return its object: all that stdout may hold."""
        result: dict[str, Any] = json.loads(
            self.run(script, "--json", *arguments, code=code, **env).stdout
        )
        return result

    def patched(
        self, script: str, patch: str, *arguments: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script after the statements of `patch` (tests/support/faults.py)."""
        lines = [
            "import sys",
            f"sys.path.insert(0, {str(ROOT)!r})",
            f"sys.argv = {self.command(script, *arguments)[1:]!r}",
            patch,
        ]
        lines += [f"import {Path(script).stem} as script", "sys.exit(script.main())"]
        code = "\n".join(lines)
        return self._ended([sys.executable, "-c", code], code, {})

    def _start(
        self, command: list[str], code: str | None, env: dict[str, str]
    ) -> "subprocess.Popen[str] | WarmProcess":
        if self.is_warm:
            return warm_server().start(command[1:], self.env | env, code)
        return subprocess.Popen(
            command,
            env=self.env | env,
            cwd="/",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _ended(
        self, command: list[str], code: str | None, env: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        process = self._start(command, code, env)
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(command, process.wait(), out, err)

    def day_folder(self, day: str = DAY) -> Path:
        return self.folder / "state" / str(self.settings["model"]) / day

    def manifest(self, day: str = DAY) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.day_folder(day) / "manifest.json").read_text())
        return manifest

    def object_key(self, day: str = DAY) -> str:
        return f"{self.env['DOMINO_PROJECT_ID']}_{day}.csv"

    def objects(self) -> dict[str, str]:
        """Return the text of every object of this project by key."""
        store = self.sandbox.s3_client()
        page = store.list_objects_v2(Bucket="se-demo-data", Prefix=self.env["DOMINO_PROJECT_ID"])
        return {
            item["Key"]: store.get_object(Bucket="se-demo-data", Key=item["Key"])["Body"]
            .read()
            .decode()
            for item in page.get("Contents", [])
        }

    def sent_rows(self) -> list[str]:
        """Return the id of each raw request that the model endpoint got, in order."""
        calls = [
            call["body"] for call in self.sandbox.requests() if call["path"].startswith("/models/")
        ]
        bodies = [
            json.loads(body) if isinstance(body, str) else body for body in calls if body
        ]  # none: killed while sending
        return [body["data"]["customer_id"] for body in bodies]


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def bare_environment(env: dict[str, str]) -> dict[str, str]:
    """Return what cron gives a job, with the variables that configure the scripts."""
    # COVERAGE_: so that these runs are measured too.
    ours = ("DOMINO_", "MODEL_", "DMM_", "AWS_", "STATE_", "REPORT_", "COVERAGE_")
    return (
        {"PATH": "/usr/bin:/bin"}
        | {name: value for name, value in env.items() if name.startswith(ours)}
        | {"HOME": os.devnull}
    )
