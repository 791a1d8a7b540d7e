"""What was found out about object stores, kept in `<state_dir>/<model>/store.json`."""

import json
from pathlib import Path

import msgspec

from monitoring.files import write_atomically

_Content = dict[str, bool]


class StoreMemory:
    """Whether the store of a bucket honours the condition of a put."""

    def __init__(self, path: Path, endpoint_url: str, bucket: str) -> None:
        self.path, self.name = path, f"{endpoint_url}/{bucket}"

    @property
    def honours_conditions(self) -> bool | None:
        """Whether it does, None where that was not tried yet."""
        return self._read().get(self.name)

    @property
    def warning(self) -> str | None:
        """What to know of a store that replaces what is there though asked not to."""
        if self.honours_conditions is not False:
            return None
        return (
            f"{self.name}: this store ignores the condition of a put (If-None-Match: *): two runs"
            " at once can replace each other's file unseen: never run two for one model, or use a"
            " store that honours it"
        )

    def remember(self, *, honours: bool | None) -> None:
        """Note what was found out; raises ServiceError where the disk is full."""
        if honours is not None:
            known = self._read() | {self.name: honours}
            write_atomically(self.path, json.dumps(known, indent=1) + "\n")

    def _read(self) -> _Content:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except (OSError, ValueError, RecursionError):
            return {}  # it is found out again by the next put
