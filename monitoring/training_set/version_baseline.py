"""The counts of a version: of new rows, read back, or pinned for the days to come."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from monitoring import clock
from monitoring.dataset import counting
from monitoring.dataset import schema as columns
from monitoring.dataset.baseline import Baseline, from_json, to_json
from monitoring.dataset.table_file import CHUNK_ROWS
from monitoring.errors import RefusedError
from monitoring.files import write_atomically
from monitoring.ledger.workspace import Workspace
from monitoring.services.training_sets import TrainingSets, Version
from monitoring.settings.model import Settings


def count_version(settings: Settings, frame: pd.DataFrame, content_hash: str) -> Baseline:
    """Return the counts of a version's rows; its number is not known yet.

    content_hash: of the file that the rows are from. Raises RefusedError for a class without rows.
    """
    return counting.build(
        settings.schema,
        lambda: _chunks(frame),
        source=settings.training_set.name,
        content_hash=content_hash,
        created_at=clock.timestamp(),
    )


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows in parts: as numbers they are several times as large as they are."""
    for first_row in range(0, max(1, len(frame)), CHUNK_ROWS):
        yield frame.iloc[first_row : first_row + CHUNK_ROWS]


def load_version_baseline(
    settings: Settings, training_sets: TrainingSets, version: Version
) -> Baseline | None:
    """Return a version's counts: the pinned ones, else those of its data on the mount.

    None where neither can be read.
    """
    name, path, schema = training_sets.name, Workspace.of(settings).baseline, settings.schema
    try:
        pinned = from_json(path.read_text(encoding="utf-8"), path)
        if (pinned.source, pinned.number) == (name, version.number):
            return pinned
    except (OSError, ValueError, RefusedError):
        pass  # whatever it is, it is about to be replaced

    try:
        captured = pd.read_parquet(training_sets.mount / version.container_path / "data.parquet")
        names = {columns.endpoint_name(feature): feature.name for feature in schema.features}
        frame = captured.rename(columns=names)
        return replace(count_version(settings, frame, content_hash=""), number=version.number)
    except (OSError, ValueError, KeyError, RefusedError):
        return None


def pin(settings: Settings, baseline: Baseline, version: Version) -> Path:
    """Write the version's counts, atomically, as what the days are compared with; return the path.

    Raises ServiceError where the disk is full.
    """
    path = Workspace.of(settings).baseline
    write_atomically(path, to_json(replace(baseline, number=version.number)))
    return path
