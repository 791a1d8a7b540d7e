#!/usr/bin/env python3
"""Measure a whole night against its own floor, on the sandbox.

    python benchmarks/scoring_cost.py

Prints JSON, exits 1 past twice a limit. Floor: importing pandas, boto3, requests and SMOTEN, and
300 rows at 20 ms through 8 workers. Limit: 1.6 times that. Also the time that reading a million
rows of training data takes (limit 6 s). Medians of three; run it on an idle machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it runs as a script: imports of the project come after this

ROWS, LATENCY_MS, WORKERS, RUNS = 300, 20, 8, 3
NIGHT_LIMIT_RATIO = 1.6
SAMPLE_LIMIT_SECONDS = 6.0
DATA = ROOT / "data" / "german_credit.csv"
DATA_COPIES = 1000
IMPORTS = "import pandas, boto3, requests; from imblearn.over_sampling import SMOTEN"
SAMPLE = """
import sys, time
from pathlib import Path
import numpy as np
from monitoring.dataset.sample import draw_sample
from monitoring.settings import loader

unused = ["project_id", "model_api", "model_monitor"]
settings, _ = loader.load(Path("config.yaml"), unused)
started = time.monotonic()
draw_sample(Path(sys.argv[1]), settings.schema, np.random.default_rng(0))
print(time.monotonic() - started)
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imports = [command_seconds(["-c", IMPORTS], os.environ) for _ in range(RUNS)]
        imports_seconds = statistics.median(imports)
        night_seconds = statistics.median(nights(folder))
        sample_seconds = seconds_to_sample(folder)

    floor = imports_seconds + ROWS * LATENCY_MS / 1000 / WORKERS
    night_limit = NIGHT_LIMIT_RATIO * floor
    figures = {
        "night_seconds": round(night_seconds, 2),
        "night_limit_seconds": round(night_limit, 2),
        "imports_seconds": round(imports_seconds, 2),
        "sample_of_a_million_rows_seconds": round(sample_seconds, 2),
        "sample_limit_seconds": SAMPLE_LIMIT_SECONDS,
    }
    print(json.dumps(figures))
    return int(night_seconds > 2 * night_limit or sample_seconds > 2 * SAMPLE_LIMIT_SECONDS)


def command_seconds(arguments: Sequence[str], env: Mapping[str, str]) -> float:
    """Return how long a Python process takes; it must succeed."""
    command = [sys.executable, *arguments]
    started = time.monotonic()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, cwd="/")
    return time.monotonic() - started


def nights(folder: Path) -> Iterator[float]:
    """Yield how long daily_scoring.py takes, each time on a day of its own."""
    from tests.support.sandbox import start_sandbox

    script = str(ROOT / "daily_scoring.py")
    lease, sandbox = start_sandbox(folder / "sandbox")
    try:
        sandbox.switch(latency_ms=LATENCY_MS)
        env = sandbox.environment(
            DOMINO_PROJECT_ID=uuid.uuid4().hex[:24],
            STATE_DIR=str(folder / "state"),
            REPORT_DIR=str(folder / "reports"),
        )
        for day in range(1, RUNS + 1):
            flags = ["-q", "--date", f"2026-01-0{day}", "--rows", str(ROWS)]
            yield command_seconds([script, *flags], env)
    finally:
        lease.file.close()


def seconds_to_sample(folder: Path) -> float:
    """Return how long the sample of a million rows takes, in a process of its own."""
    header, *rows = DATA.read_text().splitlines(keepends=True)
    million = folder / "million.csv"
    million.write_text(header + "".join(rows) * DATA_COPIES)
    return float(subprocess.check_output([sys.executable, "-c", SAMPLE, str(million)], cwd=ROOT))


if __name__ == "__main__":
    sys.exit(main())
