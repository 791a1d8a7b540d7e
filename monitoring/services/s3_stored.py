"""An object as its store describes it."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from monitoring.errors import RefusedError
from monitoring.services.server_text import server_text

_MAX_METADATA = 2048  # S3's own limit for all of them


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a HEAD says of an object.

    etag: with its quotes. metadata: the user's own. sha256: hex, where the store keeps it.
    """

    etag: str
    size_bytes: int
    metadata: Mapping[str, str]
    sha256: str | None

    @classmethod
    def from_head(cls, answer: Mapping[str, Any]) -> Self:
        """Return what boto3's answer to a HEAD says; the server's text is made harmless."""
        checksum = answer.get("ChecksumSHA256", "")
        is_whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
        sha256 = None
        if checksum and is_whole and "-" not in checksum:
            sha256 = _hex(checksum)

        metadata = {
            server_text(name): server_text(value, _MAX_METADATA)
            for name, value in answer.get("Metadata", {}).items()
        }
        return cls(answer["ETag"], answer.get("ContentLength", 0), metadata, sha256)


class KeyTakenError(RefusedError):
    """A key holds other content than was to be stored; `existing` says whose."""

    def __init__(self, text: str, existing: StoredObject) -> None:
        super().__init__(text)
        self.existing = existing


def _hex(checksum: str) -> str | None:
    """Return a checksum in base64 as hex, None where it is none of SHA-256."""
    try:
        digest = base64.b64decode(checksum, validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None
