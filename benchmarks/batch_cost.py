#!/usr/bin/env python3
"""Measure what a wide batch costs.

    python benchmarks/batch_cost.py

Prints JSON, exits 1 past twice the limit: 1,200 rows of 120 columns (60 groups, 60 numericals that
go together) in 3 s of processor time, without imports. Median of three.
"""

import json
import os
import statistics
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it runs as a script: imports of the project come after this

if TYPE_CHECKING:
    from monitoring.dataset.sample import Sample
    from monitoring.settings.model import Settings

ROWS, COLUMNS, TRAINING_ROWS, RUNS = 1200, 120, 20_000, 3
LIMIT_SECONDS = 3.0
FIRST_DAY = date(2026, 1, 1)


def main() -> int:
    from monitoring.batch.generate import make_batch

    settings, sample = wide_table()
    make_batch(settings, sample, FIRST_DAY, 10)  # imports
    runs = []
    for run in range(RUNS):
        started = time.process_time()
        make_batch(settings, sample, FIRST_DAY + timedelta(days=run), ROWS)
        runs.append(time.process_time() - started)

    seconds = statistics.median(runs)
    figures = {
        "rows": ROWS,
        "columns": COLUMNS,
        "processor_seconds": round(seconds, 2),
        "limit_seconds": LIMIT_SECONDS,
    }
    print(json.dumps(figures))
    return int(seconds > 2 * LIMIT_SECONDS)


def wide_table() -> "tuple[Settings, Sample]":
    """Return settings and a sample of two classes, one four times as large as the other."""
    import numpy as np
    import pandas as pd

    from monitoring.dataset.sample import Sample
    from monitoring.settings import loader
    from monitoring.settings.model import Feature, Schema, Target
    from monitoring.settings.rules import Label

    random = np.random.default_rng(0)
    good = (random.random(TRAINING_ROWS) < 0.8).astype(int)
    common = random.standard_normal((TRAINING_ROWS, 1)) + good[:, None]
    normal = common + random.standard_normal((TRAINING_ROWS, COLUMNS))
    half = COLUMNS // 2

    columns = {f"number_{index}": normal[:, index] for index in range(half)}
    features = [Feature(name, "numerical") for name in columns]
    for index in range(half, COLUMNS):
        level = np.digitize(normal[:, index], [-1, 0, 1, 2])
        for code in range(1, 5):
            name = f"group_{index}_{code}"
            columns[name] = (level == code).astype(np.int8)
            features.append(Feature(name, "categorical", f"group_{index}"))

    frame = pd.DataFrame({**columns, "good": good})
    unused = ("project_id", "model_api", "model_monitor")
    settings = loader.load(ROOT / "config.yaml", unused)[0]
    settings = replace(settings, schema=Schema(Target("good", [0, 1], 1), features))
    class_rows: dict[Label, int] = {value: int((good == value).sum()) for value in (0, 1)}
    return settings, Sample(frame, random.random(TRAINING_ROWS), class_rows)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
