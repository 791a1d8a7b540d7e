"""What a version is created with beside its rows: what each column is to DMM, and notes."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitoring.dataset.schema import endpoint_name
from monitoring.errors import ConfigError
from monitoring.settings.model import Schema, Settings

RESERVED = ("rows", "content_hash", "schema_hash", "git_commit")
"""The names of notes that are set automatically."""

_GIT_SECONDS = 10


def categorical_columns(schema: Schema) -> list[str]:
    """Return the columns that DMM must not take for numbers (contracts 8.2), as it names them.

    The indicators, the nominal features and, for a classifier, the target.
    """
    categorical = [
        endpoint_name(feature) for feature in schema.features if feature.type != "numerical"
    ]
    return [*categorical, schema.target.name]


def description(settings: Settings, meta: Mapping[str, str]) -> dict[str, Any]:
    """Return what a version is created with beside its name and rows, as plain values.

    They are arguments of the vendor's client.
    """
    return {
        "description": settings.training_set.description,
        "key_columns": [settings.schema.key],
        "target_columns": [settings.schema.target.name],
        "monitoring_meta": {"categorical_columns": categorical_columns(settings.schema)},
        "meta": dict(meta),
    }


def parse_meta(texts: Sequence[str]) -> dict[str, str]:
    """Return the --meta flags, K=V each, by name; raises ConfigError for one that is not."""
    meta: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ConfigError(f"--meta: got {text!r}, expected K=V")
        if name in RESERVED:
            raise ConfigError(f"--meta {name}: reserved: set automatically; use another name")
        if name in meta:
            raise ConfigError(f"--meta {name}: given twice; use another name")
        meta[name] = value
    return meta


def git_commit(folder: Path) -> str | None:
    """Return the commit that a folder is at, `-dirty` where tracked files differ from it.

    None where there is no repository, or no git.
    """
    # --exclude: a tag must not take the commit's place.
    options = ["--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        described = subprocess.run(
            ["git", "-C", str(folder), "describe", *options],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
        return described.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
