"""What the parts share, and what outlives a restart: ids and keys in a file of their own, the records in SQLite."""

import json
import secrets
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.switches import Switches
from sandbox.wire import Refused

MOST_REQUESTS_KEPT = 50_000
TABLES = """
CREATE TABLE IF NOT EXISTS documents (number INTEGER PRIMARY KEY, kind TEXT, id TEXT, value TEXT, UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS captures (number INTEGER PRIMARY KEY, model_id TEXT, event_id TEXT, at REAL, record TEXT);
"""


class Store:
    """JSON documents by kind and id, and captured predictions. Holding `lock` makes several steps one."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Without a sync per row a killed process still loses nothing; only a machine that loses its power does.
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + TABLES)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return what it gives."""
        with self.lock:
            return self._database.execute(statement, values).fetchall()

    def put(self, kind: str, key: str, value: Any) -> None:
        """Write a document; one that stands keeps its place in the order."""
        statement = "INSERT INTO documents (kind, id, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        self.rows(statement, kind, key, json.dumps(value))

    def get(self, kind: str, key: str) -> Any:
        """Read a document. Raises Refused with 404 where there is none."""
        for (value,) in self.rows("SELECT value FROM documents WHERE kind = ? AND id = ?", kind, key):
            return json.loads(value)
        raise Refused(404, f"{kind} {key} not found.")

    def all(self, kind: str) -> list[Any]:
        """Read every document of a kind, oldest first."""
        return [json.loads(row[0]) for row in self.rows("SELECT value FROM documents WHERE kind = ? ORDER BY number", kind)]

    def delete(self, kind: str, key: str) -> None:
        """Remove a document."""
        self.rows("DELETE FROM documents WHERE kind = ? AND id = ?", kind, key)


@dataclass(slots=True)
class Sandbox:
    """What the parts share. `switches` and `tries` (of each row, since the last change of switches) are replaced whole."""

    identity: dict[str, Any]
    store: Store
    model: dict[str, Any]
    port: int
    objects_url: str
    objects_kind: str
    switches: Switches = field(default_factory=Switches)
    tries: dict[str, int] = field(default_factory=dict)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_REQUESTS_KEPT))


def new_id() -> str:
    """Make an id as Domino's are: 24 hex digits (contracts 1)."""
    return secrets.token_hex(12)


def load_identity(folder: Path) -> dict[str, Any]:
    """Read the ids, keys and ports of this state folder; make them the first time."""
    path = folder / "identity.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    identity: dict[str, Any] = {f"{name}_id": new_id() for name in ("project", "model_api", "model_version", "dmm_model")}
    identity |= {"api_key": secrets.token_urlsafe(24), "model_token": secrets.token_urlsafe(24), "ports": {}}
    identity["access_token"] = ".".join(secrets.token_urlsafe(16) for _ in range(3))  # the three parts of a JWT
    names = ("writer", "monitor", "write_only", "read_only")
    identity["s3"] = {name: {"access_key": secrets.token_hex(8), "secret_key": secrets.token_urlsafe(24)} for name in names}
    return identity
