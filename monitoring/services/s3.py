"""S3 and what speaks like it, through boto3: read, list, and one conditional put.

Each call takes at most 60 seconds in all, a listing too; reading a body may take 60 seconds of
waiting and one more for each megabyte. A missing object is None, everything else that goes wrong is
an error that names the bucket, the key and what to fix.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BufferedRandom
from typing import IO, Any

from botocore.exceptions import ClientError

from monitoring.errors import CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.services.retry import Budget
from monitoring.services.s3_body import Body
from monitoring.services.s3_call import Caller
from monitoring.services.s3_connection import LIMITS, check_put_arguments, connect
from monitoring.services.s3_deadline import Connections
from monitoring.services.s3_errors import (
    CONDITION_FAILED,
    MISSING,
    NO_CONDITIONS,
    DeniedError,
    error_code,
)
from monitoring.services.s3_stored import KeyTakenError, StoredObject
from monitoring.settings import model as settings_model

log = logging.getLogger("monitoring")

_READ_BYTES = 1 << 20
_MAX_PAGES = 1_000  # of a listing, 1,000 objects each


class Store:
    """An object store with the credentials of boto3's usual chain.

    Raises ConfigError, before anything is sent, where there are none, and for settings that boto3
    does not take.
    """

    def __init__(self, settings: settings_model.S3) -> None:
        self._client = connect(settings)
        self._connections = Connections(self._client)
        self._call = Caller(self._connections)
        self._put_arguments = settings.put_arguments
        check_put_arguments(self._client, settings.put_arguments)

    @property
    def endpoint_url(self) -> str:
        """The address that requests go to."""
        return str(self._client.meta.endpoint_url)

    def on_reply(self, listen: Callable[[Mapping[str, str]], None]) -> None:
        """Have `listen` called with the headers of every answer."""

        def after_call(http_response: Any, **_: Any) -> None:
            listen(http_response.headers)

        self._client.meta.events.register("after-call.s3", after_call)

    def head(self, uri: S3Uri) -> StoredObject | None:
        """Return what the store knows of an object, None where there is none.

        Raises DeniedError where the credentials may not see that.
        """
        answer = self._call("HEAD", uri, partial(self._head, uri))
        return None if answer is None else StoredObject.from_head(answer)

    @contextlib.contextmanager
    def open(self, uri: S3Uri, etag: str | None = None) -> Iterator[IO[bytes]]:
        """Give the object's bytes as a stream; with `etag` only while it is still that object.

        Raises RefusedError where there is none or it has changed, ServiceError where the stream
        breaks off.
        """
        condition = {"IfMatch": etag} if etag else {}
        get = partial(self._client.get_object, Bucket=uri.bucket, Key=uri.key, **condition)
        answer = self._call("GET", uri, get)
        if answer is None:
            raise RefusedError(f"{uri}: no such object")

        with contextlib.closing(answer["Body"]) as body:
            stream: Any = Body(uri, body, self._connections)
            yield stream

    def list_objects(self, prefix: S3Uri) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object under the prefix.

        Raises ServiceError where the listing does not end within 60 s or 1,000 pages, RefusedError
        where it is none.
        """
        arguments = {"Bucket": prefix.bucket, "Prefix": prefix.key}
        budget = Budget.lasting(LIMITS.total_seconds)
        tokens = set[str]()
        for _ in range(_MAX_PAGES):
            list_page = partial(self._client.list_objects_v2, **arguments)
            page = self._call("LIST", prefix, list_page, budget=budget)
            for item in page.get("Contents", []):
                yield _listed(prefix, item)
            if not page["IsTruncated"]:
                return

            token = page.get("NextContinuationToken", "")
            if not token or token in tokens:
                break
            tokens.add(token)
            arguments["ContinuationToken"] = token
        raise ServiceError(f"LIST {prefix}: the listing does not end; check the store")

    def usage(self, prefix_uri: str) -> tuple[int | None, int | None]:
        """Return bytes and number of the objects under `s3://bucket/prefix`.

        None for both, and a warning, where it can't be listed: the figure is an extra.
        """
        bucket, _, prefix = prefix_uri.removeprefix("s3://").partition("/")
        try:
            sizes = [size for _, size in self.list_objects(S3Uri(bucket, prefix))]
        except DeniedError:
            return None, None  # a key that may only write is enough
        except MonitoringError as error:
            log.warning("how much is stored under %s is unknown: %s", prefix_uri, error)
            return None, None
        return sum(sizes), len(sizes)

    def put(
        self,
        uri: S3Uri,
        content: BufferedRandom,
        metadata: Mapping[str, str],
        replace_etag: str | None = None,
    ) -> str:
        """Store the content under a free key, or in place of the object with `replace_etag`.

        content: a seekable binary file. Returns the ETag. Once: the put is conditional
        (If-None-Match: * or If-Match). A refused condition is judged only after comparing, since
        it can be our own put whose answer was lost; the same content at the key is success.
        Raises KeyTakenError where the key holds other content.
        """
        content.seek(0)
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        condition = {"IfMatch": replace_etag} if replace_etag else {"IfNoneMatch": "*"}
        send = partial(self._put, uri, content, metadata)

        expected = CONDITION_FAILED | NO_CONDITIONS | (MISSING if replace_etag else frozenset())
        answer = self._call("PUT", uri, partial(send, **condition), expected)
        if isinstance(answer, dict):
            return str(answer["ETag"])

        existing, is_same = self._compare(uri, sha256)
        if existing and is_same:
            return existing.etag
        is_as_expected = (existing.etag if existing else None) == replace_etag
        if answer in NO_CONDITIONS and is_as_expected:
            log.warning(
                "%s: this store has no conditional put, so we only looked first: never run two at"
                " once",
                uri,
            )
            return str(self._call("PUT", uri, send)["ETag"])
        raise _key_taken_error(uri, existing)

    def honours_conditions(
        self, uri: S3Uri, content: BufferedRandom, metadata: Mapping[str, str]
    ) -> bool | None:
        """Whether the store honours the condition of a put, tried on an object that was just put.

        The same content is put once more where nothing may be replaced: anything but a refusal
        means that it does not. None where a put with a condition is refused as such (`put` warns
        of that). Raises what a put raises.
        """
        again = partial(self._put, uri, content, metadata, IfNoneMatch="*")
        answer = self._call("PUT", uri, again, CONDITION_FAILED | NO_CONDITIONS)
        if isinstance(answer, dict):
            return False
        return True if answer in CONDITION_FAILED else None

    def remove(self, uri: S3Uri) -> None:
        """Remove an object; one that is not there is no error."""
        self._call(
            "DELETE", uri, partial(self._client.delete_object, Bucket=uri.bucket, Key=uri.key)
        )

    # --- requests

    def _head(self, uri: S3Uri) -> Any:
        head = partial(
            self._client.head_object, Bucket=uri.bucket, Key=uri.key, ChecksumMode="ENABLED"
        )
        try:
            return head()
        except ClientError as error:
            if error_code(error) not in ("301", "400", "403", "404"):
                raise
            # The answer to a HEAD has no body: a missing bucket looks like a missing key, a wrong
            # secret like a denied read. A GET tells them apart.
            self._client.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].close()
            return head()

    def _put(
        self, uri: S3Uri, content: BufferedRandom, metadata: Mapping[str, str], **condition: str
    ) -> Any:
        content.seek(0)
        return self._client.put_object(
            Bucket=uri.bucket,
            Key=uri.key,
            Body=content,
            Metadata=dict(metadata),
            ChecksumAlgorithm="SHA256",
            **condition,
            **self._put_arguments,
        )

    def _compare(self, uri: S3Uri, sha256: str) -> tuple[StoredObject | None, bool]:
        """Return what is stored under a key, and whether that is the content with this SHA-256."""
        try:
            existing = self.head(uri)
            return existing, existing is not None and self._sha256(uri, existing) == sha256
        except CredentialsError as error:
            raise CredentialsError(
                f"{uri}: can't be compared with ours: allow s3:GetObject (the object may be our"
                f" own, of a run whose answer was lost). {error}"
            ) from None

    def _sha256(self, uri: S3Uri, stored: StoredObject) -> str:
        if stored.sha256:
            return stored.sha256
        digest = hashlib.sha256()
        with self.open(uri, stored.etag) as body:
            while chunk := body.read(_READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()


def _listed(prefix: S3Uri, item: Mapping[str, Any]) -> tuple[str, int]:
    key, size_bytes = item.get("Key"), item.get("Size")
    if not isinstance(key, str) or not isinstance(size_bytes, int) or size_bytes < 0:
        raise RefusedError(
            f"LIST {prefix}: this is no S3 store, an object without key or size is listed: fix"
            " s3.endpoint_url or AWS_ENDPOINT_URL_S3"
        )
    return key, size_bytes


def _key_taken_error(uri: S3Uri, existing: StoredObject | None) -> MonitoringError:
    if existing is None:
        return ServiceError(
            f"{uri}: the object that was there has gone meanwhile; nothing was stored; check who"
            " else writes there, then rerun"
        )
    metadata = existing.metadata
    theirs = (
        f"model {metadata.get('model', '?')}, day {metadata.get('day', '?')}, ETag {existing.etag}"
    )
    return KeyTakenError(
        f"{uri}: the key holds other content ({theirs}); it was left alone: check it, then move it"
        " away and rerun",
        existing,
    )
