"""Brings the pages up to the ledger: the overview, the days' links, the state of their files."""

import contextlib
import logging
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitoring import clock
from monitoring.errors import MonitoringError
from monitoring.files import write_atomically
from monitoring.ledger import manifest as manifests
from monitoring.ledger.workspace import Workspace
from monitoring.settings.model import Settings

log = logging.getLogger("monitoring")


def refresh(workspace: Workspace, settings: Settings, *, every_page: bool = False) -> None:
    """Rewrite what is older than the manifest that it shows; each file atomically.

    every_page: also the pages that are not, where pages beside them were removed.

    Never raises for a file or folder that can't be read or written: that is a warning.
    """
    try:
        pages = workspace.days_with_page()
        outdated = pages if every_page else _outdated_pages(workspace, pages)
        for day in _with_neighbors(outdated, pages):
            _fill(workspace, day, pages)
        if outdated or every_page or _is_overview_outdated(workspace):
            # jinja2 is not worth loading where nothing changed.
            from monitoring.report import overview

            overview.write(workspace, settings, clock.today())
    except (OSError, ValueError, MonitoringError) as error:
        log.warning("the overview was not written: %s; the next run tries again", error)


def _outdated_pages(workspace: Workspace, pages: Sequence[date]) -> list[date]:
    return [
        day
        for day in pages
        if _changed_at(workspace.manifest(day)) > _changed_at(workspace.page(day))
    ]


def _with_neighbors(outdated: Sequence[date], pages: Sequence[date]) -> list[date]:
    """Return the days whose page shows one of them: also those before and after."""
    shown = set(outdated)
    return [
        day for index, day in enumerate(pages) if shown & set(pages[max(0, index - 1) : index + 2])
    ]


def _fill(workspace: Workspace, day: date, pages: Sequence[date]) -> None:
    from monitoring.report.around import filled

    path, manifest = workspace.page(day), None
    with contextlib.suppress(MonitoringError):
        manifest = manifests.read(workspace.manifest(day), day)
    old = path.read_text(encoding="utf-8")
    new = filled(old, day, pages, manifest)
    if new == old:
        os.utime(path)  # or it would be looked at again
    else:
        write_atomically(path, new, private=False)


def _is_overview_outdated(workspace: Workspace) -> bool:
    written = _changed_at(workspace.overview)
    known = map(workspace.manifest, workspace.known_days())
    return any(_changed_at(path) > written for path in known)


def _changed_at(path: Path) -> int:
    """Return the time of a file's last change in nanoseconds, 0 where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0
