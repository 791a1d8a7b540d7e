"""The bytes of an object as a stream."""

import time
from typing import Any

from monitoring.errors import ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.services.s3_connection import LIMITS
from monitoring.services.s3_deadline import Connections
from monitoring.services.server_text import server_text

_SLOWEST_BYTES_PER_SECOND = 1_000_000


class Body:
    """An object's bytes as a stream; what goes wrong is a ServiceError."""

    def __init__(self, uri: S3Uri, body: Any, connections: Connections) -> None:
        self._uri, self._body, self._connections = uri, body, connections
        # Only waiting counts, not what the reader does between two reads.
        self._bytes, self._waited_seconds = 0, 0.0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all by default; b"" at the end."""
        allowed = LIMITS.total_seconds + self._bytes / _SLOWEST_BYTES_PER_SECOND
        begin = time.monotonic()
        with self._connections.limit(allowed - self._waited_seconds) as limit:
            try:
                content: bytes = self._body.read(None if size < 0 else size)
            except Exception as error:  # as in s3_call; also urllib3's own
                raise self._broken("it took too long" if limit.is_over else error) from None
            if limit.is_over:
                raise self._broken("it took too long")

        self._waited_seconds += time.monotonic() - begin
        self._bytes += len(content)
        return content

    def _broken(self, reason: object) -> ServiceError:
        text = f"{self._uri}: the download broke off: {server_text(reason)}"
        return ServiceError(f"{text}; run again")
