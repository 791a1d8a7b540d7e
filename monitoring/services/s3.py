"""S3 and what speaks like it, through boto3: read, list, and one conditional put.

Each call takes at most 60 seconds in all; a missing object is None, everything else that goes
wrong is an error that names the bucket, the key and what to fix.
"""

import base64
import contextlib
import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedRandom
from typing import IO, Any

import urllib3.exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from monitoring.errors import (
    CredentialsError,
    MonitoringError,
    RefusedError,
    ServiceError,
    TransientError,
)
from monitoring.s3_uri import S3Uri
from monitoring.services import s3_errors
from monitoring.services.retry import Budget, with_retries
from monitoring.services.s3_connection import LIMITS, check_put_arguments, connect
from monitoring.services.s3_errors import CONDITION_FAILED, MISSING, NO_CONDITIONS, error_code
from monitoring.services.server_text import server_text
from monitoring.settings import model as settings_model
from monitoring.text import format_count

log = logging.getLogger("monitoring")

_READ_BYTES = 1 << 20
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


class Store:
    """An object store with the credentials of boto3's usual chain.

    Raises ConfigError, before anything is sent, where there are none, and for settings that boto3
    does not take.
    """

    def __init__(self, settings: settings_model.S3) -> None:
        self._client = connect(settings)
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
        if answer is None:
            return None

        checksum = answer.get("ChecksumSHA256", "")
        is_whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
        sha256 = None
        if checksum and is_whole and "-" not in checksum:
            sha256 = base64.b64decode(checksum).hex()
        metadata = {
            server_text(name): server_text(value, _MAX_METADATA)
            for name, value in answer.get("Metadata", {}).items()
        }
        return StoredObject(answer["ETag"], answer["ContentLength"], metadata, sha256)

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

        try:
            with contextlib.closing(answer["Body"]) as body:
                yield body
        except (BotoCoreError, urllib3.exceptions.HTTPError) as error:
            raise ServiceError(
                f"{uri}: the download broke off: {server_text(error)}; run again"
            ) from None

    def list_objects(self, prefix: S3Uri) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object under the prefix."""
        arguments = {"Bucket": prefix.bucket, "Prefix": prefix.key}
        while True:
            page = self._call("LIST", prefix, partial(self._client.list_objects_v2, **arguments))
            for item in page.get("Contents", []):
                yield item["Key"], item["Size"]
            if not page["IsTruncated"]:
                return
            arguments["ContinuationToken"] = page["NextContinuationToken"]

    def usage(self, prefix_uri: str) -> tuple[int | None, int | None]:
        """Return bytes and number of the objects under `s3://bucket/prefix`.

        None for both where the credentials may not list.
        """
        bucket, _, prefix = prefix_uri.removeprefix("s3://").partition("/")
        try:
            sizes = [size for _, size in self.list_objects(S3Uri(bucket, prefix))]
        except MonitoringError:
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
        Raises RefusedError where the key holds other content.
        """
        content.seek(0)
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        condition = {"IfMatch": replace_etag} if replace_etag else {"IfNoneMatch": "*"}
        send = partial(self._put, uri, content, metadata)

        expected = CONDITION_FAILED | NO_CONDITIONS | (MISSING if replace_etag else frozenset())
        answer = self._call("PUT", uri, partial(send, **condition), expected)
        if isinstance(answer, dict):
            return str(answer["ETag"])

        try:
            existing = self.head(uri)
            is_same = existing is not None and self._sha256(uri, existing) == sha256
        except CredentialsError as error:
            raise CredentialsError(
                f"{uri}: can't be compared with ours: allow s3:GetObject (the object may be our"
                f" own, of a run whose answer was lost). {error}"
            ) from None
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
        raise _conflict(uri, existing)

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

    def _sha256(self, uri: S3Uri, stored: StoredObject) -> str:
        if stored.sha256:
            return stored.sha256
        digest = hashlib.sha256()
        with self.open(uri, stored.etag) as body:
            while chunk := body.read(_READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def _call(
        self,
        verb: str,
        uri: S3Uri,
        request: Callable[[], Any],
        expected_codes: Collection[str] = (),
    ) -> Any:
        """Return the answer, None for a missing object, or the error code where it is expected.

        Tries again what may pass. Raises ServiceError, RefusedError, CredentialsError.
        """
        where = f"{verb} {uri}"
        # A try may last as long as both its limits: a new one starts only where they still fit in.
        one_try = LIMITS.connect_seconds + LIMITS.read_seconds
        budget = Budget.lasting(LIMITS.total_seconds - one_try)
        tries = 0

        def attempt() -> Any:
            nonlocal tries
            tries += 1
            return _one_try(verb, where, request, expected_codes)

        try:
            return with_retries(attempt, attempts=LIMITS.attempts, budget=budget)
        except TransientError as error:
            raise ServiceError(
                f"{where} failed for now: {error} ({format_count(tries, 'try', 'tries')}); state is"
                " kept, run again"
            ) from None


def _one_try(
    verb: str, where: str, request: Callable[[], Any], expected_codes: Collection[str]
) -> Any:
    try:
        answer = request()
        needed = "IsTruncated" if verb == "LIST" else "ETag"
        if needed not in answer:
            raise ResponseParserError(f"no {needed} in the answer")
        return answer
    except ResponseParserError as error:  # a web page, say
        raise RefusedError(
            f"{where}: this is no S3 store ({server_text(error)}): fix s3.endpoint_url or"
            " AWS_ENDPOINT_URL_S3"
        ) from None
    except ClientError as error:
        code = error_code(error)
        if code in expected_codes:
            return code
        if code in MISSING and verb in ("HEAD", "GET"):
            return None
        raise s3_errors.from_client_error(where, error) from None
    except s3_errors.BROKEN_CONNECTION as error:
        raise s3_errors.from_broken_connection(where, error) from None
    except BotoCoreError as error:
        raise s3_errors.from_boto_error(where, error) from None


def _conflict(uri: S3Uri, existing: StoredObject | None) -> MonitoringError:
    if existing is None:
        return ServiceError(
            f"{uri}: the object that was there has gone meanwhile; nothing was stored; check who"
            " else writes there, then rerun"
        )
    metadata = existing.metadata
    theirs = (
        f"model {metadata.get('model', '?')}, day {metadata.get('day', '?')}, ETag {existing.etag}"
    )
    return RefusedError(
        f"{uri}: the key holds other content ({theirs}); it was left alone: check it, then move it"
        " away, or use --rerun to replace it"
    )
