"""What the services share while the sandbox runs."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.identity import Identity
from sandbox.model_endpoint.model import LinearModel
from sandbox.model_endpoint.own_model import OwnModel
from sandbox.model_monitor.captured import Captured
from sandbox.store import Store
from sandbox.switches import Switches

MAX_REQUESTS_KEPT = 50_000


def _no_requests() -> deque[dict[str, Any]]:
    return deque(maxlen=MAX_REQUESTS_KEPT)


@dataclass(slots=True)
class Sandbox:
    """What the services share.

    port: of this server. objects_url: the S3 endpoint. objects_kind: "seaweedfs" or "moto".
    own_model: the user's, which then runs behind the endpoint. requests: as recorded, oldest first.
    held: the page's buttons that are pressed, the latest last. captured: the captures, counted.
    """

    identity: Identity
    store: Store
    model: LinearModel
    port: int
    objects_url: str
    objects_kind: str
    own_model: OwnModel | None = None
    switches: Switches = field(default_factory=Switches)
    requests: deque[dict[str, Any]] = field(default_factory=_no_requests)
    held: Sequence[str] = ()
    captured: Captured = field(default_factory=Captured)
    _tries: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of this server."""
        return f"http://127.0.0.1:{self.port}"

    def set_switches(self, switches: Switches, held: Sequence[str] = ()) -> None:
        """Replace the switches; the tries of every row are counted from the start again.

        held: the page's buttons that set them.
        """
        self.switches, self.held = switches, held
        self._tries = {}

    def forget_requests(self) -> None:
        """Start a new list of requests; one that is being answered goes to the list it came for."""
        self.requests = _no_requests()

    def count_try(self, row_id: str) -> int:
        """Count one more try of a row and return its number, from 1."""
        with self.store.lock:
            number = self._tries.get(row_id, 0) + 1
            self._tries[row_id] = number
            return number
