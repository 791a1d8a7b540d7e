"""What a version of the TrainingSet holds, what is wrong with it, and how it differs from the one before."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from monitoring import baseline as baselines
from monitoring import metrics, training_data
from monitoring.baseline import Baseline
from monitoring.config import Schema, Settings
from monitoring.errors import RefusedError
from monitoring.schema import column_names
from monitoring.training_set_client import Version


def content(path: Path, schema: Schema) -> pd.DataFrame:
    """Return what a version holds: key (text), features, target, one row for each of the file's; the index counts them from 0.

    Without a key in the file the ids are `training_<row>`. Indicators and whole numerals are int64, as the endpoint gets them.
    Raises RefusedError as training_data.chunks does, and for a file without rows.
    """
    chunks = [chunk for chunk in training_data.chunks(path, schema, with_key=True) if len(chunk)]
    if not chunks:
        raise RefusedError(f"{path}: got no rows, expected the training data")
    frame = pd.concat(chunks)
    if schema.key not in frame:
        frame[schema.key] = "training_" + frame.index.astype(str)
    frame = frame[[schema.key, *column_names(schema), schema.target.name]]
    for name in column_names(schema):
        if (frame[name] == frame[name].round()).all():
            frame[name] = frame[name].astype("int64")
    whole = all(isinstance(value, int) for value in schema.target.classes)
    frame[schema.target.name] = frame[schema.target.name].astype("int64" if whole else str)
    return frame


def categorical_columns(schema: Schema) -> list[str]:
    """Return what DMM must be told is no number: the indicators and, for a classifier, the target (contracts 8.2)."""
    return [*(feature.name for feature in schema.features if feature.type == "categorical"), schema.target.name]


def content_hash(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the SHA-256 (hex) of the rows in order, the columns' names, and what each is to DMM."""
    roles = {"key": schema.key, "target": schema.target.name, "categorical": categorical_columns(schema)}
    digest = hashlib.sha256(json.dumps(roles).encode())
    for first in range(0, len(frame), 100_000):
        digest.update(frame.iloc[first : first + 100_000].to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()


def description(settings: Settings, meta: Mapping[str, str]) -> dict[str, Any]:
    """Return what a version is made with beside its name and rows: arguments of the vendor's client, as plain values."""
    return {
        "description": settings.training_set.description,
        "key_columns": [settings.schema.key],
        "target_columns": [settings.schema.target.name],
        "monitoring_meta": {"categorical_columns": categorical_columns(settings.schema)},
        "meta": dict(meta),
    }


def lint(frame: pd.DataFrame, schema: Schema, missing: Mapping[str, tuple[int, int]]) -> tuple[list[str], list[str]]:
    """Return what makes a version useless (errors) and what one should know before it is made (warnings).

    frame: what would be sent; missing: as of training_data.missing. Each text names its column and the remedy.
    """
    rows, features = len(frame), column_names(schema)
    errors = [
        f"{name}: the endpoint does not capture it (it gets {schema.key} and the features), and a baseline column that is never"
        " captured makes every ingestion fail: leave it out"
        for name in frame.columns.difference([schema.key, *features, schema.target.name], sort=False)
    ]
    ids = frame[schema.key]
    if (ids == "").any():
        errors.append(
            f"{schema.key}: {(ids == '').sum()} of {rows} ids are empty, the first in row {ids.index[ids == ''][0]}: give every"
            " row one, or take the column out of the training data (the ids are then training_<row>)"
        )
    twice = ids[(ids != "") & ids.duplicated(keep=False)]
    if len(twice):
        first, second = twice.index[twice == twice.iloc[0]][:2]
        errors.append(
            f"{schema.key}: {twice.nunique()} ids stand more than once, the first ({twice.iloc[0]}) in rows {first} and"
            f" {second}: it identifies a row to DMM, so leave the repeats out, or name another schema.key"
        )
    target = frame[schema.target.name]
    absent = [value for value in schema.target.classes if not (target.astype(str) == str(value)).any()]
    if absent:
        errors.append(
            f"{schema.target.name}: no row of class {', '.join(map(str, absent))}, expected rows of each of"
            f" {schema.target.classes}: give such rows, or mend schema.target.classes"
        )
    warnings = []
    for name, (count, first) in missing.items():
        if count == rows:
            errors.append(f"{name}: no row has a value: fill the column, or take its features out of schema.features")
        else:
            warnings.append(
                f"{name}: {count} of {rows} values are missing ({count / rows:.1%}), the first in row {first}; an indicator"
                " made from it is 0 there, a number stays missing: fill them in, or leave those rows out"
            )
    for name in features:
        if frame[name].nunique() == 1:
            warnings.append(
                f"{name}: constant, every row has {frame[name].dropna().iloc[0]:g}: no shift can be measured against it; take"
                " rows in which it varies, or take it out of schema.features"
            )
    return errors, warnings


def pinned_path(settings: Settings) -> Path:
    """Return where the baseline stands that the days are judged against."""
    return settings.state_dir / settings.model / "baseline.json"


def counts_of(settings: Settings, environment: Mapping[str, str], version: Version) -> Baseline | None:
    """Return a version's counts from the pinned baseline, else from its data on the mount; None where neither can be read."""
    name, path = settings.training_set.name, pinned_path(settings)
    try:
        pinned = baselines.from_json(path.read_text(encoding="utf-8"), path)
        if (pinned.source, pinned.number) == (name, version.number):
            return pinned
    except (OSError, ValueError, RefusedError):
        pass  # a torn file is about to be replaced
    try:
        frame = pd.read_parquet(Path(environment["DOMINO_TRAINING_SET_PATH"], version.container_path, "data.parquet"))
        return baselines.build(
            settings.schema, lambda: [frame], source=name, number=version.number, content_hash="", created_at=""
        )
    except (OSError, ValueError, KeyError, RefusedError):
        return None


def difference(schema: Schema, frame: pd.DataFrame, previous: Version, before: Baseline | None) -> dict[str, Any]:
    """Return how these rows differ from a previous version's, as plain JSON values; what is not known of it is null.

    rows and each class's share: [before, after]. shifts: per feature its PSI (usual formula, the previous version's bins) and
    its share of 1 or mean before and after, the largest first.
    """
    known = previous.meta.get("rows", "")
    found: dict[str, Any] = {
        "previous": previous.number,
        "rows": [before.rows if before else int(known) if known.isdigit() else None, len(frame)],
        "columns_added": [name for name in frame.columns if name not in previous.columns],
        "columns_removed": [name for name in previous.columns if name not in frame.columns],
        "class_shares": {},
        "shifts": [],
    }
    if before is None:
        return found
    codes = baselines.class_codes(frame[schema.target.name], before.classes)
    for code, value in enumerate(before.classes):
        found["class_shares"][str(value)] = [float(before.class_rows[code] / before.rows), float((codes == code).mean())]
    for feature in schema.features:
        old = before.columns.get(feature.name)
        if old is None or not old.counts.any() or (old.numbers is None) != (feature.type == "categorical"):
            continue
        new = baselines.count(frame, feature, old.numbers, codes, len(before.classes))
        if not new.counts.any():
            continue
        if old.numbers and new.numbers:
            cells = (new.numbers.bins.sum(axis=0), old.numbers.bins.sum(axis=0))
            values = [float(column.sums.sum() / part.counts.sum()) for column, part in ((old.numbers, old), (new.numbers, new))]
        else:
            cells = (new.counts.sum(axis=0), old.counts.sum(axis=0))
            values = [float(part.counts[:, 1].sum() / part.counts.sum()) for part in (old, new)]
        shift = {"feature": feature.name, "psi": float(metrics.psi_dmm(*cells)), "before": values[0], "after": values[1]}
        found["shifts"].append(shift)
    found["shifts"].sort(key=lambda shift: -shift["psi"])
    return found


def difference_text(found: Mapping[str, Any]) -> str:
    """Return the difference as one line for people."""
    rows = [f"{count:,}" if count is not None else "unknown" for count in found["rows"]]
    parts = [f"rows {rows[0]} -> {rows[1]}" if rows[0] != rows[1] else f"{rows[1]} rows as before"]
    changed = [f"+{name}" for name in found["columns_added"]] + [f"-{name}" for name in found["columns_removed"]]
    parts.append(f"columns {' '.join(changed)}" if changed else "the same columns")
    for value, (before, after) in found["class_shares"].items():
        parts.append(f"class {value} {before:.1%} -> {after:.1%}")
    shifts = [f"{s['feature']} {s['before']:.3g} -> {s['after']:.3g} (PSI {s['psi']:.2g})" for s in found["shifts"][:3]]
    parts.append(f"largest shifts: {', '.join(shifts)}" if shifts else "shifts unknown: the data before can't be read")
    return f"against version {found['previous']}: {'; '.join(parts)}"


def git_commit(folder: Path) -> str | None:
    """Return the commit that a folder stands at, `-dirty` where tracked files differ from it; None where there is none."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
