#!/usr/bin/env python3
"""Measure how much memory create_training_set.py takes; prints JSON, exits 1 past its limit.

    python benchmarks/training_set_memory.py [--rows N]

A million rows of 128 features, nine of ten indicators as in the sample data, from a CSV to a
version on the sandbox. The peak is that of the script or of the vendor's client, which runs in a
process of its own, whichever is higher. A few minutes: it is no part of `make bench`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it runs as a script: imports of the project come after this

LIMIT_BYTES = 700_000_000
ROWS, DIFFERENT_ROWS = 1_000_000, 10_000
GROUPS, LEVELS, NUMERICALS = 29, 4, 12
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="default: %(default)s")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "train.csv", rows)
        (folder / "config.yaml").write_text(json.dumps(config()))  # JSON is YAML
        began = time.monotonic()
        peak_bytes = peak_of_creating(folder)
    figures = {
        "rows": rows,
        "features": GROUPS * LEVELS + NUMERICALS,
        "peak_bytes": peak_bytes,
        "limit_bytes": LIMIT_BYTES,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures))
    return int(peak_bytes > LIMIT_BYTES)


def write_table(path: Path, rows: int) -> None:
    """Write a CSV of indicators in groups, numericals and a class; its rows are repeated."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    levels = random.integers(0, LEVELS + 1, (DIFFERENT_ROWS, GROUPS))
    columns: dict[str, Any] = {
        f"group{group}_{level}": (levels[:, group] == level).astype(int)
        for group in range(GROUPS)
        for level in range(LEVELS)
    }
    for index in range(NUMERICALS):
        normal = random.standard_normal(DIFFERENT_ROWS).round(3)
        columns[f"number{index}"] = normal if index % 2 else (100 * normal).astype(int)
    columns["good"] = random.integers(0, 2, DIFFERENT_ROWS)
    header, _, lines = pd.DataFrame(columns).to_csv(index=False).partition("\n")
    with path.open("w") as file:
        file.write(f"{header}\n")
        for _ in range(rows // DIFFERENT_ROWS):
            file.write(lines)


def config() -> dict[str, Any]:
    """Return the settings, but for what the sandbox sets."""
    indicators = [
        {"name": f"group{group}_{level}", "type": "categorical", "group": f"group{group}"}
        for group in range(GROUPS)
        for level in range(LEVELS)
    ]
    numbers = [{"name": f"number{index}", "type": "numerical"} for index in range(NUMERICALS)]
    return {
        "model": "wide",
        "training_data": "train.csv",
        "schema": {
            "target": {"name": "good", "classes": [0, 1], "positive": 1},
            "features": [*indicators, *numbers],
        },
        "training_set": {"name": "wide-training"},
    }


def peak_of_creating(folder: Path) -> int:
    """Return the peak of memory of creating a version, in bytes."""
    from tests.support.sandbox import start_sandbox

    lease, sandbox = start_sandbox(folder / "sandbox")
    script, config_file = str(ROOT / "create_training_set.py"), str(folder / "config.yaml")
    command = [sys.executable, script, "--config", config_file]
    try:
        process = subprocess.Popen(
            command, env=sandbox.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr
        messages = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        lease.file.close()
    if process.returncode:
        sys.exit(f"create_training_set.py ended with {process.returncode}: {messages}")
    return usage.ru_maxrss * _PEAK_UNIT


if __name__ == "__main__":
    sys.exit(main())
