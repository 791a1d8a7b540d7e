#!/usr/bin/env python3
"""Measure the batch's choices: neighbors, merged or whole source columns, bins. Prints the table of docs/daily-scoring.md.

    python benchmarks/batch_choice.py [DAYS]     every choice, 200 days each by default: about 20 minutes
    python benchmarks/batch_choice.py seeds      the default choice under 20 seeds, 60 days each: at most 22 days may alarm

A quiet day alarms when a feature passes its limit at the 1 % setting (tests/quiet_limits.py: SciPy, exact or simulated).
"""

import dataclasses
import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
UNUSED = ["project_id", "model_api", "model_monitor"]


def main() -> None:
    from monitoring import batch, config

    settings, _ = config.load(ROOT / "config.yaml", UNUSED)
    if sys.argv[1:] == ["seeds"]:
        sys.exit(many_seeds(settings))
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{days} days of 300 rows, 150 of each class\n")
    print("| neighbors | columns | bins | raking | days that alarm | pooled PSI, highest | mean age off | distinct | real |")
    print("|---|---|---|---|---|---|---|---|---|")
    for neighbors in range(1, 6):
        for whole in (False, True):
            print_row(settings, days, neighbors, whole, batch.BINS)
    for bins in (3, 4, 6, 7, 8, 9, 10):
        print_row(settings, days, 3, False, bins)
    for neighbors in (3, 5):
        print_row(settings, days, neighbors, False, batch.BINS, raking=False)


def many_seeds(settings, seeds=20, days=60, may_alarm=22) -> int:
    """Print what the default choice gives under many seeds; return 1 where a bound of the worst seed or the sum is passed."""
    found = [measure(settings, days, seed=seed) for seed in range(seeds)]
    alarms = int(sum(figures["alarms"] for figures in found))
    worst = {name: max(figures[name] for figures in found) for name in ("pooled_psi", "age_off", "real")}
    worst["distinct"] = min(figures["distinct"] for figures in found)
    print(json.dumps({"seeds": seeds, "days": days, "alarms": alarms, "may_alarm": may_alarm, "worst_seed": worst}))
    bounds = worst["pooled_psi"] <= 0.01 and worst["age_off"] <= 0.5 and worst["real"] <= 0.6 and worst["distinct"] >= 0.75
    return int(alarms > may_alarm or not bounds)


def print_row(settings, days, neighbors, whole, bins, raking=True) -> None:
    from monitoring.errors import RefusedError

    row = f"| {neighbors} | {'whole' if whole else 'merged'} | {bins} | {'yes' if raking else 'no'} |"
    try:
        figures = measure(settings, days, neighbors=neighbors, whole=whole, bins=bins, raking=raking)
    except RefusedError as error:
        print(f"{row} refused: {str(error).split(':')[0]} | | | | |", flush=True)
        return
    print(
        f"{row} {figures['alarms'] / days:.1%} | {figures['pooled_psi']:.4f} | {figures['age_off']:.2f} |"
        f" {figures['distinct']:.0%} | {figures['real']:.0%} |",
        flush=True,
    )


def measure(settings, days, *, neighbors=3, whole=False, bins=5, raking=True, seed=0, rows=300) -> dict[str, float]:
    """Return the figures of `days` quiet days: alarms, highest PSI of the pooled days, and how the rows differ."""
    import numpy as np
    import pandas as pd
    import quiet_limits

    from monitoring import batch, training_data

    plain = settings.schema
    names = [feature.name for feature in plain.features]
    settings = dataclasses.replace(settings, scoring=dataclasses.replace(settings.scoring, neighbors=neighbors, seed=seed))
    if whole:
        settings = dataclasses.replace(settings, schema=with_every_level(plain, settings.training_data))
    first = date(2026, 1, 1)
    sample = training_data.sample(Path(settings.training_data), settings.schema, np.random.default_rng(0))
    training, classes = sample.frame, sample.frame[plain.target.name]
    rows_by_class = dict.fromkeys(plain.target.classes, rows // 2)
    rate = 0.01 / (2 * (len(names) + 2))  # half of the day's rate, over all features, score and predicted class
    limits = {name: quiet_limits.quiet_limit(training[name], classes, rows_by_class, rate) for name in names}
    real = set(map(tuple, training[names].to_numpy()))
    bins_before, weights_before, batch.BINS = batch.BINS, batch.raking_weights, bins
    if not raking:
        batch.raking_weights = lambda made, *_: np.full(len(made), 1 / len(made))
    try:
        made = [batch.make(settings, sample, first + timedelta(days=offset), rows).frame for offset in range(days)]
    finally:
        batch.BINS, batch.raking_weights = bins_before, weights_before
    alarms = sum(
        any(quiet_limits.statistic(frame[name], training[name], classes, rows_by_class) > limits[name] for name in names)
        for frame in made
    )
    pooled = pd.concat(made, ignore_index=True)
    pooled_by_class = {value: count * days for value, count in rows_by_class.items()}
    psi = {}
    for name in names:
        cut, count = training[name], pooled[name]
        if cut.nunique() > 2:  # PSI wants bins
            edges = np.unique(np.quantile(cut, np.linspace(0, 1, 11)[1:-1]))
            cut, count = (pd.Series(np.searchsorted(edges, values, side="right")) for values in (cut, count))
        psi[name] = pooled_psi(count, cut, classes.reset_index(drop=True), pooled_by_class)
    age_off = max(
        abs(pooled["age"][pooled[plain.target.name] == value].mean() - training["age"][classes == value].mean())
        for value in plain.target.classes
    )
    rows_of = [list(map(tuple, frame[names].to_numpy())) for frame in made]
    return {
        "alarms": alarms,
        "pooled_psi": max(psi.values()),
        "age_off": age_off,
        "distinct": float(np.mean([len(set(day)) / rows for day in rows_of])),
        "real": float(np.mean([sum(row in real for row in day) / rows for day in rows_of])),
    }


def pooled_psi(column, training, classes, rows_by_class) -> float:
    """Return the PSI of pooled days against the training data weighted to their classes."""
    import numpy as np
    import quiet_limits

    total = sum(rows_by_class.values())
    cells = np.unique(training)
    expected = sum(
        np.bincount(np.searchsorted(cells, training[classes == value]), minlength=len(cells))
        / (classes == value).sum()
        * count
        / total
        for value, count in rows_by_class.items()
    )
    return float(quiet_limits.psi(np.bincount(np.searchsorted(cells, column), minlength=len(cells)), expected))


def with_every_level(schema, data):
    """Return the schema with a feature for every level of every group: nothing is merged."""
    import pandas as pd

    from monitoring.config import Feature

    frame = pd.read_csv(data)
    features = list(schema.features)
    known = {feature.name for feature in features}
    for group in dict.fromkeys(feature.group for feature in features if feature.group):
        for level in sorted(frame[group].unique()):
            if f"{group}_{level}" not in known:
                features.append(Feature(name=f"{group}_{level}", type="categorical", group=group))
    return dataclasses.replace(schema, features=features)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
