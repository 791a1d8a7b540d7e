#!/usr/bin/env python3
"""Measure a whole night against its own floor, on the sandbox: prints JSON, exits 1 past twice the limit.

    python benchmarks/scoring_cost.py

Floor: importing pandas, boto3, requests and SMOTEN, and 300 rows at 20 ms through 8 workers. Limit: 1.6 times that. Also the
time that reading a million rows of training data takes (limit 6 s). Medians of three; run it on an idle machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
ROWS, LATENCY_MS, WORKERS, RUNS = 300, 20, 8, 3
IMPORTS = "import pandas, boto3, requests; from imblearn.over_sampling import SMOTEN"
SAMPLING = """
import time; from pathlib import Path; import numpy as np; from monitoring import config, training_data
schema = config.load(Path("config.yaml"), ["project_id", "model_api", "model_monitor"])[0].schema
began = time.monotonic(); training_data.sample(Path({path!r}), schema, np.random.default_rng(0))
print(time.monotonic() - began)
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imports = statistics.median(seconds([sys.executable, "-c", IMPORTS], os.environ) for _ in range(RUNS))
        night = statistics.median(nights(folder))
        million = folder / "million.csv"
        header, *rows = (ROOT / "data" / "german_credit.csv").read_text().splitlines(keepends=True)
        million.write_text(header + "".join(rows) * 1000)
        sampling = float(subprocess.check_output([sys.executable, "-c", SAMPLING.format(path=str(million))], cwd=ROOT))
    floor = imports + ROWS * LATENCY_MS / 1000 / WORKERS
    figures = {
        "night_seconds": round(night, 2),
        "night_limit_seconds": round(1.6 * floor, 2),
        "imports_seconds": round(imports, 2),
        "sample_of_a_million_rows_seconds": round(sampling, 2),
        "sample_limit_seconds": 6.0,
    }
    print(json.dumps(figures))
    return int(night > 2 * 1.6 * floor or sampling > 2 * 6)


def seconds(command, env) -> float:
    began = time.monotonic()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, cwd="/")
    return time.monotonic() - began


def nights(folder: Path):
    """Yield how long daily_scoring.py takes, each time on a day of its own."""
    from conftest import start_sandbox

    lease, sandbox = start_sandbox(folder / "sandbox")
    try:
        sandbox.switch(latency_ms=LATENCY_MS)
        env = sandbox.environment(
            DOMINO_PROJECT_ID=uuid.uuid4().hex[:24], STATE_DIR=str(folder / "state"), REPORT_DIR=str(folder / "reports")
        )
        for day in range(1, RUNS + 1):
            yield seconds(
                [sys.executable, str(ROOT / "daily_scoring.py"), "-q", "--date", f"2026-01-0{day}", "--rows", str(ROWS)], env
            )
    finally:
        lease.file.close()


if __name__ == "__main__":
    sys.exit(main())
