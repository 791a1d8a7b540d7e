"""S3 and what speaks like it, through boto3: read, list, and one conditional put.

Each call takes at most 60 seconds in all, a listing too; reading a body may take 60 seconds of
waiting and one more for each megabyte. A missing object is None, everything else that goes wrong is
an error that names the bucket, the key and what to fix.
"""

import base64
import contextlib
import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedRandom
from typing import IO, Any

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
from monitoring.services.s3_deadline import Connections
from monitoring.services.s3_errors import (
    CONDITION_FAILED,
    MISSING,
    NO_CONDITIONS,
    DeniedError,
    error_code,
)
from monitoring.services.server_text import server_text
from monitoring.settings import model as settings_model
from monitoring.text import format_count

log = logging.getLogger("monitoring")

_READ_BYTES = 1 << 20
_MAX_METADATA = 2048  # S3's own limit for all of them
_MAX_PAGES = 1_000  # of a listing, 1,000 objects each
_SLOWEST_BYTES_PER_SECOND = 1_000_000
_SHOWN_ETAG = re.compile(r"[ -~]{1,200}")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a HEAD says of an object.

    etag: with its quotes. metadata: the user's own. sha256: hex, where the store keeps it.
    """

    etag: str
    size_bytes: int
    metadata: Mapping[str, str]
    sha256: str | None


class KeyTakenError(RefusedError):
    """A key holds other content than was to be stored; `existing` says whose."""

    def __init__(self, text: str, existing: StoredObject) -> None:
        super().__init__(text)
        self.existing = existing


class Store:
    """An object store with the credentials of boto3's usual chain.

    Raises ConfigError, before anything is sent, where there are none, and for settings that boto3
    does not take.
    """

    def __init__(self, settings: settings_model.S3) -> None:
        self._client = connect(settings)
        self._connections = Connections(self._client)
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
            sha256 = _hex(checksum)
        metadata = {
            server_text(name): server_text(value, _MAX_METADATA)
            for name, value in answer.get("Metadata", {}).items()
        }
        size_bytes = answer.get("ContentLength", 0)
        return StoredObject(answer["ETag"], size_bytes, metadata, sha256)

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
            stream: Any = _Body(uri, body, self._connections)
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
        budget: Budget | None = None,
    ) -> Any:
        """Return the answer, None for a missing object, or the error code where it is expected.

        Tries again what may pass; the last try gets what is left of the time. Raises ServiceError,
        RefusedError, CredentialsError.
        """
        where = f"{verb} {uri}"
        budget = budget or Budget.lasting(LIMITS.total_seconds)
        tries = 0

        def attempt() -> Any:
            nonlocal tries
            tries += 1
            with self._connections.limit(budget.seconds_left) as limit:
                try:
                    answer = _one_try(verb, where, request, expected_codes)
                except Exception:
                    if limit.is_over:  # whatever the cut connection looked like
                        raise _timeout() from None
                    raise
                if limit.is_over:
                    raise _timeout()
                return answer

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
        _check_answer(verb, answer)
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
    except Exception as error:
        # boto3 lets through whatever its parsers stumble over: ValueError, KeyError, TypeError ...
        raise RefusedError(
            f"{where}: this is no S3 store, its answer can't be read ({type(error).__name__}:"
            f" {server_text(error)}): fix s3.endpoint_url or AWS_ENDPOINT_URL_S3"
        ) from None


def _check_answer(verb: str, answer: Mapping[str, Any]) -> None:
    if verb == "LIST":
        if "IsTruncated" not in answer:
            raise ResponseParserError("no IsTruncated in the answer")
    elif verb != "DELETE" and not _SHOWN_ETAG.fullmatch(str(answer.get("ETag", ""))):
        raise ResponseParserError("no ETag in the answer")


def _listed(prefix: S3Uri, item: Mapping[str, Any]) -> tuple[str, int]:
    key, size_bytes = item.get("Key"), item.get("Size")
    if not isinstance(key, str) or not isinstance(size_bytes, int) or size_bytes < 0:
        raise RefusedError(
            f"LIST {prefix}: this is no S3 store, an object without key or size is listed: fix"
            " s3.endpoint_url or AWS_ENDPOINT_URL_S3"
        )
    return key, size_bytes


def _hex(checksum: str) -> str | None:
    """Return a checksum in base64 as hex, None where it is none of SHA-256."""
    try:
        digest = base64.b64decode(checksum, validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _timeout() -> TransientError:
    return TransientError(f"no whole answer within {LIMITS.total_seconds:g} s", kind="timeout")


class _Body:
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
            except Exception as error:  # as in _one_try; also urllib3's own
                raise self._broken("it took too long" if limit.is_over else error) from None
            if limit.is_over:
                raise self._broken("it took too long")

        self._waited_seconds += time.monotonic() - begin
        self._bytes += len(content)
        return content

    def _broken(self, reason: object) -> ServiceError:
        text = f"{self._uri}: the download broke off: {server_text(reason)}"
        return ServiceError(f"{text}; run again")


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
