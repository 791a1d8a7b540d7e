#!/usr/bin/env python3
"""Measure what registration costs; prints JSON lines, exits 1 past twice a limit.

    python benchmarks/registration_cost.py [--rows N]

Registering a file of 300 rows: runs of the whole script, against the sandbox, alternate with a
process that only imports what it needs (requests, PyYAML, python-dotenv, a boto3 client). The
quickest of each counts: what else the machine does can only add. Reading a large file: the
script's own check, on rows made as they are read, in a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it runs as a script: imports of the project come after this

LIMIT_SECONDS = 0.3
LIMIT_BYTES = 60_000_000
RUNS = 9
ROWS = 300
LARGE_ROWS = 500_000
BUCKET = "se-demo-data"
HEADER = "event_id,credit_GT,prediction,score,scored_at\n"
IMPORTS = "import argparse, dotenv, requests, yaml, boto3; boto3.session.Session().client('s3')"
CHECK = """
import io, resource, sys
sys.path.insert(0, sys.argv[1])
from monitoring.ground_truth.validate import check_file
from monitoring.settings.model import Feature, Schema, Settings, Target

class Rows(io.RawIOBase):
    def __init__(self, count, header):
        self.left, self.kept = count, header.encode()

    def read(self, size=-1):
        while self.left and len(self.kept) < size:
            self.left -= 1
            row_id = self.left * 2654435761 % 2**32
            self.kept += b"%032x,0,1,0.5,2026-03-01T10:00:00+00:00\\n" % row_id
        block, self.kept = self.kept[:size], self.kept[size:]
        return block

schema = Schema(Target("credit", [0, 1], 1), [Feature("age", "numerical")])
rows = Rows(int(sys.argv[2]), sys.argv[3])
assert not check_file(Settings(schema=schema), rows, "a.csv", {}).problems
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


class Cost(NamedTuple):
    """What a command took. processor_seconds: of all processors. output: what it printed."""

    seconds: float
    processor_seconds: float
    output: str


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=LARGE_ROWS,
        help="rows of the large file (default: %(default)s)",
    )
    rows = parser.parse_args().rows
    are_within_limits = [measure_registering(), measure_checking(rows)]
    return int(not all(are_within_limits))


def measure_registering() -> bool:
    """Measure the whole script on a small file; return whether it is within twice its limit."""
    imports, registrations = registering_costs()
    # The first run writes byte code and declares the variable; neither happens again.
    imports_seconds = min(cost.seconds for cost in imports[1:])
    seconds = min(cost.seconds for cost in registrations[1:]) - imports_seconds
    processor_seconds = min(cost.processor_seconds for cost in registrations[1:])
    processor_seconds -= min(cost.processor_seconds for cost in imports[1:])
    figures = {
        "what": f"registering {ROWS} rows, beyond imports",
        "seconds": round(seconds, 3),
        "limit_seconds": LIMIT_SECONDS,
        "processor_seconds": round(processor_seconds, 3),
        "imports_seconds": round(imports_seconds, 3),
        "runs": RUNS,
        "load": [round(load, 1) for load in os.getloadavg()],
    }
    print(json.dumps(figures))
    return seconds <= 2 * LIMIT_SECONDS


def registering_costs() -> tuple[list[Cost], list[Cost]]:
    """Return the costs of the imports alone and of registering a day's file, run by run."""
    from tests.support.sandbox import start_sandbox

    script = str(ROOT / "gt_registration.py")
    imports, registrations = [], []
    with tempfile.TemporaryDirectory() as folder:
        lease, sandbox = start_sandbox(Path(folder))
        store = sandbox.s3_client()
        project = f"cost{time.time_ns()}"
        env = sandbox.environment(
            DOMINO_PROJECT_ID=project,
            STATE_DIR=f"{folder}/own-state",
            # Byte code is kept, as where the script is at home, wherever this runs.
            PYTHONPYCACHEPREFIX=f"{folder}/pycache",
            PYTHONDONTWRITEBYTECODE="",
        )
        for age_days in range(RUNS + 1):
            day = datetime.now(UTC).date() - timedelta(days=age_days)
            content = file_content(day).encode()
            store.put_object(Bucket=BUCKET, Key=f"{project}_{day}.csv", Body=content)
            imports.append(command_cost(["-c", IMPORTS], env))
            registrations.append(command_cost([script, "--date", str(day)], env))
        lease.file.close()
    return imports, registrations


def file_content(day: date) -> str:
    """Return a day's ground truth file."""
    rows = [f"{day}_{index},{index % 2},1,0.5,{day}T00:00:00+00:00\n" for index in range(ROWS)]
    return HEADER + "".join(rows)


def measure_checking(rows: int) -> bool:
    """Measure the check of a large file; return whether its memory is within twice its limit."""
    cost = command_cost(["-c", CHECK, str(ROOT), str(rows), HEADER], os.environ)
    peak_bytes = int(cost.output)
    figures = {
        "what": f"checking {rows} rows",
        "seconds": round(cost.seconds, 1),
        "peak_bytes": peak_bytes,
        "limit_bytes": LIMIT_BYTES,
    }
    print(json.dumps(figures))
    return peak_bytes <= 2 * LIMIT_BYTES


def command_cost(arguments: list[str], env: Mapping[str, str]) -> Cost:
    """Run a Python process, which must succeed, and return its cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, *arguments],
        env=env,
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user_seconds = after.ru_utime - before.ru_utime
    system_seconds = after.ru_stime - before.ru_stime
    return Cost(seconds, user_seconds + system_seconds, ended.stdout)


if __name__ == "__main__":
    sys.exit(main())
