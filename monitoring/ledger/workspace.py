"""Every path of a model's state and reports, each in one place."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple, Self

from monitoring import files
from monitoring.settings.model import Settings

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PAGE = re.compile(r"(\d{4}-\d\d-\d\d)\.html")


class Workspace(NamedTuple):
    """The folders of one model: `<state_dir>/<model>` and `<report_dir>/<model>`."""

    state: Path
    reports: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the folders that the settings name; they need not exist."""
        return cls(settings.state_dir / settings.model, settings.report_dir / settings.model)

    # --- one day's state

    def day_folder(self, day: date) -> Path:
        """The folder of a day's state."""
        return self.state / day.isoformat()

    def manifest(self, day: date) -> Path:
        """What is known of the day."""
        return self.day_folder(day) / "manifest.json"

    def batch(self, day: date) -> Path:
        """The day's rows."""
        return self.day_folder(day) / "batch.csv"

    def journal(self, day: date) -> Path:
        """The answers to the day's rows."""
        return self.day_folder(day) / "scores.jsonl"

    def files_of(self, day: date) -> tuple[Path, ...]:
        """Every file that a day's run reads back from the state."""
        day_files = self.manifest(day), self.batch(day), self.journal(day)
        return (*day_files, self.baseline, self.cache)

    def lock(self, day: date) -> Path:
        """The day's lock: beside its folder, since --rerun moves that away."""
        return self.state / f".{day}.lock"

    def archived_day_folders(self, day: date) -> Iterator[Path]:
        """Where earlier runs of a day are kept: `<day>.1`, `<day>.2` and so on, without end."""
        number = 1
        while True:
            yield self.state / f"{day}.{number}"
            number += 1

    def known_days(self) -> list[date]:
        """Return the days that have a manifest, oldest first."""
        names = filter(_DAY.fullmatch, files.names_in(self.state))
        return _dates(name for name in names if files.exists(f"{self.state}/{name}/manifest.json"))

    def sweep(self, day: date) -> None:
        """Remove temporary files that killed runs left; under the day's lock."""
        files.sweep(self.day_folder(day))
        # Runs of other days may be writing here: only what no run can still be at.
        for shared in (self.state, self.cache, self.reports):
            files.sweep(shared, older_than_seconds=3600)

    # --- state of all days

    @property
    def baseline(self) -> Path:
        """The pinned baseline that the days are compared with."""
        return self.state / "baseline.json"

    @property
    def cache(self) -> Path:
        """What was read of the training data; may be removed at any time."""
        return self.state / "cache"

    @property
    def limits(self) -> Path:
        """Simulated limits, a cache."""
        return self.state / "limits.json"

    @property
    def alerts_memory(self) -> Path:
        """When each alert was sent to each channel."""
        return self.state / "alerts.json"

    @property
    def dmm_memory(self) -> Path:
        """What worked with DMM."""
        return self.state / "monitor.json"

    @property
    def file_entries(self) -> Path:
        """What is known of files made elsewhere, a file each."""
        return self.state / "files"

    @property
    def pruned(self) -> Path:
        """The days whose folders were removed."""
        return self.state / "pruned.json"

    @property
    def store_memory(self) -> Path:
        """What was found out about object stores."""
        return self.state / "store.json"

    # --- reports

    def record(self, day: date) -> Path:
        """The record of a day's checks."""
        return self.reports / f"{day}.json"

    def page(self, day: date) -> Path:
        """The page of a day."""
        return self.reports / f"{day}.html"

    def days_with_page(self) -> list[date]:
        """Return the days that have a page, oldest first."""
        pages = map(_PAGE.fullmatch, files.names_in(self.reports))
        return _dates(page[1] for page in pages if page)

    @property
    def overview(self) -> Path:
        """The page of all days."""
        return self.reports / "index.html"

    @property
    def history(self) -> Path:
        """The metrics of every day."""
        return self.reports / "history.csv"

    def state_bytes(self) -> int:
        """Return the size of all that is kept of the model's days."""
        return files.size_of(self.state)


def _dates(names: Iterable[str]) -> list[date]:
    """Return the days that are named, oldest first, without names of no day."""
    days = []
    for name in names:
        with contextlib.suppress(ValueError):
            days.append(date.fromisoformat(name))
    return sorted(days)
