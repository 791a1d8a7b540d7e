"""What the services keep over a restart: JSON documents and captured predictions, in SQLite."""

import json
import secrets
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sandbox.wire import Refused

TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, kind TEXT, id TEXT, value TEXT, UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS captures (
    number INTEGER PRIMARY KEY, model_id TEXT, event_id TEXT, at REAL, record TEXT
);
"""
PUT = """
INSERT INTO documents (kind, id, value) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value
"""


class Store:
    """JSON documents by kind and id, and captured predictions.

    Every method is one step; holding `lock` makes several steps one.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Without a sync per row a killed process still loses nothing; only a machine that loses
        # its power does.
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
        self._database.executescript(TABLES)

    def put(self, kind: str, key: str, value: Any) -> None:
        """Write a document; one that exists keeps its place in the order."""
        self._run(PUT, kind, key, json.dumps(value))

    def get(self, kind: str, key: str) -> Any:
        """Return a document. Raises Refused with 404 where there is none."""
        rows = self._run("SELECT value FROM documents WHERE kind = ? AND id = ?", kind, key)
        if not rows:
            raise Refused(404, f"{kind} {key} not found.")
        return json.loads(rows[0][0])

    def all(self, kind: str) -> list[Any]:
        """Return every document of a kind, oldest first."""
        rows = self._run("SELECT value FROM documents WHERE kind = ? ORDER BY number", kind)
        return [json.loads(value) for (value,) in rows]

    def ids_without(self, kind: str, field: str) -> list[str]:
        """Return the ids of the documents of a kind in which a field is null."""
        statement = "SELECT id FROM documents WHERE kind = ? AND json_extract(value, ?) IS NULL"
        return [key for (key,) in self._run(statement, kind, f"$.{field}")]

    def delete(self, kind: str, key: str) -> None:
        """Remove a document."""
        self._run("DELETE FROM documents WHERE kind = ? AND id = ?", kind, key)

    def add_capture(self, model_id: str, event_id: str, at: float, record: Any) -> None:
        """Keep a captured prediction; at: seconds since 1970."""
        statement = "INSERT INTO captures (model_id, event_id, at, record) VALUES (?, ?, ?, ?)"
        self._run(statement, model_id, event_id, at, json.dumps(record))

    def captures(self) -> list[Any]:
        """Return every captured prediction, oldest first, repeats included."""
        rows = self._run("SELECT record FROM captures ORDER BY number")
        return [json.loads(record) for (record,) in rows]

    def captures_after(self, number: int) -> list[tuple[int, Any]]:
        """Return the captured predictions that came later, each with its number, oldest first."""
        statement = "SELECT number, record FROM captures WHERE number > ? ORDER BY number"
        return [(each, json.loads(record)) for each, record in self._run(statement, number)]

    def count_captures(self) -> int:
        """Return the number of captured predictions."""
        return int(self._run("SELECT COUNT(*) FROM captures")[0][0])

    def first_capture_at(self, model_id: str) -> float | None:
        """Return the time of a model's first captured prediction, None where it has none."""
        at: float | None
        ((at,),) = self._run("SELECT MIN(at) FROM captures WHERE model_id = ?", model_id)
        return at

    def captured_ids(self, model_id: str, since: float) -> set[str]:
        """Return the different event ids captured for a model since a time."""
        statement = "SELECT DISTINCT event_id FROM captures WHERE model_id = ? AND at >= ?"
        return {event_id for (event_id,) in self._run(statement, model_id, since)}

    def clear(self) -> None:
        """Remove everything."""
        with self.lock:
            self._run("DELETE FROM documents")
            self._run("DELETE FROM captures")

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._database.execute(statement, values).fetchall()


def new_id() -> str:
    """Return a new id in Domino's form: 24 hex digits (contracts 1)."""
    return secrets.token_hex(12)
