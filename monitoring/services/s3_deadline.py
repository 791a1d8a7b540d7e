"""Time limits for whole calls to S3, however slowly their answers come.

A socket's own limit is for each read: a server that drips would never reach it, and botocore reads
in more places than one could replace. So the connection is cut from outside when the time is over.
"""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool

_MOST_CONNECTIONS = 8


class Limit:
    """A time limit that runs; `is_over`: it has passed, and the connections were cut."""

    is_over = False


class Connections:
    """The connections of a boto3 client, to be cut when a call takes too long."""

    def __init__(self, client: Any) -> None:
        self._sockets: deque[socket.socket] = deque()
        # botocore has no setting for it. Its session and every proxy share this table.
        pools = client._endpoint.http_session._pool_classes_by_scheme
        pools["http"] = self._watched(AWSHTTPConnectionPool)
        pools["https"] = self._watched(AWSHTTPSConnectionPool)

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[Limit]:
        """Cut every connection when the block takes longer; looking up a name can't be cut."""
        limit = Limit()

        def end() -> None:
            limit.is_over = True
            for watched in list(self._sockets):
                with contextlib.suppress(OSError):  # the other side has closed it
                    watched.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(0.0, seconds), end)
        timer.daemon = True
        timer.start()
        try:
            yield limit
        finally:
            timer.cancel()

    def _watched(self, pool_class: Any) -> Any:
        """Return a pool whose connections are known here."""

        def _new_conn(connection: Any) -> Any:
            created = pool_class.ConnectionCls._new_conn(connection)
            # A second handle: TLS takes the first one away, and so does a body that is still read.
            self._sockets.append(created.dup())
            if len(self._sockets) > _MOST_CONNECTIONS:
                self._sockets.popleft().close()
            return created

        watched = type("Connection", (pool_class.ConnectionCls,), {"_new_conn": _new_conn})
        return type("Pool", (pool_class,), {"ConnectionCls": watched})
