"""What worked with DMM, kept in `<state_dir>/<model>/monitor.json`: it only saves requests."""

import json
import logging
from pathlib import Path
from typing import Any

from monitoring import clock
from monitoring.errors import ServiceError
from monitoring.files import write_atomically

log = logging.getLogger("monitoring")


class DmmMemory:
    """The endpoint that serves each DMM host, and the body form that each DMM model takes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def endpoint(self, host: str) -> str | None:
        """Return the endpoint that took a registration at this host, None where none did yet."""
        return self._read().get("endpoint", {}).get(host)

    def knows_variables(self, model_id: str) -> bool:
        """Whether this model has its ground truth variables already."""
        return model_id in self._read().get("form", {})

    def remember(self, host: str, endpoint: str, model_id: str) -> None:
        """Note a registration that worked."""
        known = self._read()
        updated = {
            **known,
            "endpoint": {**known.get("endpoint", {}), host: endpoint},
            "form": {**known.get("form", {}), model_id: "later"},
        }
        if updated == known:
            return
        try:
            write_atomically(self.path, json.dumps(updated, indent=1) + "\n")
        except ServiceError as error:  # it only saves requests; the file is registered
            log.warning("%s; the next registration asks again", error)

    def note_no_jobs(self, host: str) -> bool:
        """Note that this host lists no jobs; return whether that is news."""
        known = self._read()
        no_jobs = known.get("no_jobs", {})
        if host in no_jobs:
            return False
        kept: dict[str, dict[str, Any]] = {"endpoint": {}, "form": {}, **known}
        updated = {**kept, "no_jobs": {**no_jobs, host: str(clock.today())}}
        write_atomically(self.path, json.dumps(updated, indent=1) + "\n")
        return True

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            known = {name: dict(content[name]) for name in ("endpoint", "form")}
            if "no_jobs" in content:
                known["no_jobs"] = dict(content["no_jobs"])
            return known
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("%s: left out, DMM is asked again: %s", self.path, type(error).__name__)
            return {}
