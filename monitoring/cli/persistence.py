"""Whether what is written outlasts the run: inside Domino, the working folder does not."""

import os
from collections.abc import Sequence
from pathlib import Path

REMEDY = "put state_dir (STATE_DIR) into a dataset"


def state_warning(state_dir: Path) -> str | None:
    """Return what to know of a state folder that is gone after this run, None for others."""
    if not ends_with_run(state_dir):
        return None
    return (
        f"{state_dir} is gone after this Domino run: the next one will not know what this one"
        f" scored and registered, nor its baseline: {REMEDY}"
    )


def ends_with_run(folder: Path) -> bool:
    """Whether a folder is gone after a Domino run (contracts 11).

    Datasets stay, the working folder does not.
    """
    if not os.environ.get("DOMINO_RUN_ID"):
        return False
    persistent = [
        os.environ.get(name) for name in ("DOMINO_DATASETS_DIR", "DOMINO_IMPORTED_DATA_DIR")
    ]
    persistent += ["/domino/datasets", "/mnt/data", "/mnt/imported"]
    ephemeral = [os.environ.get("DOMINO_WORKING_DIR"), "/mnt", "/tmp"]
    return _is_below(folder, ephemeral) and not _is_below(folder, persistent)


def _is_below(folder: Path, mounts: Sequence[str | None]) -> bool:
    return any(folder.resolve().is_relative_to(mount) for mount in mounts if mount)
