"""Finding free ports on loopback."""

import contextlib
import random
import socket
from collections.abc import Sequence

# Below 32768, with port + 10000: from there Linux takes the ports of outgoing connections.
FIRST_PORT, PORTS_END = 11000, 22000
SECOND_PORT_OFFSET = 10000
ATTEMPTS = 200


def free_port(preferred: int | None = None) -> int:
    """Return a port that is free on loopback, as port + 10000 is; `preferred` if it can be.

    Raises RuntimeError.
    """
    candidates = random.sample(range(FIRST_PORT, PORTS_END), ATTEMPTS)
    if preferred:
        candidates.insert(0, preferred)
    for port in candidates:
        if _are_free((port, port + SECOND_PORT_OFFSET)):
            return port
    raise RuntimeError(f"no free port on 127.0.0.1 between {FIRST_PORT} and {PORTS_END}")


def _are_free(ports: Sequence[int]) -> bool:
    with contextlib.ExitStack() as sockets:
        for port in ports:
            probe = sockets.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
