"""S3 and what speaks like it, through boto3: read, list, and one conditional put.

Each call takes at most 60 seconds in all; a missing object is None, everything else that goes wrong is an error that names
the bucket, the key and what to mend.
"""

import base64
import contextlib
import functools
import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedRandom
from typing import IO, TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions as failures
import urllib3.exceptions
from botocore.parsers import ResponseParserError
from botocore.validate import ParamValidator

from monitoring.errors import ConfigError, CredentialsError, MonitoringError, RefusedError, ServiceError
from monitoring.http_client import PASSING_STATUSES, Limits, delay_seconds

if TYPE_CHECKING:
    from monitoring.config import S3

log = logging.getLogger("monitoring")
_LIMITS = Limits()
_PASSING_CODES = {"SlowDown", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted"}
_MISSING = {"NoSuchKey", "NotFound", "404"}
_CONDITION_FAILED = {"PreconditionFailed", "412"}
_NO_CONDITIONS = {"NotImplemented", "501"}
_DENIED = "the credentials may not do this, or there is no such bucket: allow it, use others, or mend the bucket's name"
_RENEW = "renew AWS_SESSION_TOKEN and its keys"
_REGION = "the bucket is in another region: mend s3.region or AWS_DEFAULT_REGION"
_REMEDIES = {
    "NoSuchBucket": "there is no such bucket: mend the s3:// address in config.yaml, or s3.endpoint_url",
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "ExpiredToken": f"the session token has expired: {_RENEW}",
    "InvalidToken": f"the session token is not valid: {_RENEW}",
    "InvalidAccessKeyId": "the access key is unknown there: mend AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not fit the access key: mend AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "this machine's clock is off: set it (chrony, ntpd), then rerun",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PreconditionFailed": "it has changed since it was looked at: run again",
}
_CREDENTIALS = {"ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_BROKEN = (failures.HTTPClientError, failures.ConnectionError, failures.FlexibleChecksumError, failures.ResponseStreamingError)
_NO_CREDENTIALS = (failures.NoCredentialsError, failures.CredentialRetrievalError, failures.TokenRetrievalError)


class Denied(CredentialsError):
    """The credentials are known there but may not do this; other things they may."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a HEAD tells of an object: its ETag (with quotes), size, user metadata, and hex SHA-256 where the store keeps it."""

    etag: str
    size_bytes: int
    metadata: Mapping[str, str]
    sha256: str | None


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of `s3://bucket/key`; raises ConfigError for anything else."""
    match = re.fullmatch(r"s3://([A-Za-z0-9._-]+)/(.+)", uri)
    if not match:
        raise ConfigError(f"got {uri!r}, expected s3://bucket/key")
    return match[1], match[2]


def client(settings: "S3") -> Any:
    """Return a boto3 client with the credentials of boto3's usual chain.

    Raises ConfigError, before anything is sent, where there are none, and for settings that boto3 does not take.
    """
    config = botocore.config.Config(
        connect_timeout=_LIMITS.connect_seconds,
        read_timeout=_LIMITS.read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},  # ours are counted against a total, boto3's are not
    )
    try:
        session = boto3.session.Session(region_name=settings.region)
        made = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
        credentials = session.get_credentials()
    except (failures.BotoCoreError, ValueError) as error:
        raise ConfigError(f"S3: {error}; mend the s3 settings or the AWS variables; nothing was sent") from None
    if credentials is None:
        raise ConfigError(
            "S3: no AWS credentials: looked in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, the files in ~/.aws"
            " and this machine's role; set one; nothing was sent"
        )
    arguments = {"Bucket": "bucket", "Key": "key", **settings.put_arguments}
    report = ParamValidator().validate(arguments, made.meta.service_model.operation_model("PutObject").input_shape)
    if report.has_errors():
        raise ConfigError(f"s3.put_arguments: {report.generate_report()}; expected arguments of PutObject; nothing was sent")
    return made


def head(store: Any, bucket: str, key: str) -> StoredObject | None:
    """Return what the store knows of an object, None where there is none; raises Denied where that may not be seen."""

    def look() -> Any:
        ask = functools.partial(store.head_object, Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        try:
            return ask()
        except failures.ClientError as error:
            if _code(error) not in ("301", "400", "403", "404"):
                raise
            # The answer to a HEAD has no body: a missing bucket looks like a missing key, a wrong secret like a denied read.
            store.get_object(Bucket=bucket, Key=key)["Body"].close()
            return ask()

    answer = _call(look, "HEAD", bucket, key)
    if answer is None:
        return None
    checksum = answer.get("ChecksumSHA256", "")
    is_whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" and "-" not in checksum
    sha256 = base64.b64decode(checksum).hex() if checksum and is_whole else None
    return StoredObject(answer["ETag"], answer["ContentLength"], answer.get("Metadata", {}), sha256)


@contextlib.contextmanager
def opened(store: Any, bucket: str, key: str, etag: str | None = None) -> Iterator[IO[bytes]]:
    """Give the object's bytes as a stream; with `etag` only while the object is still that one.

    Raises RefusedError where there is none or it has changed, ServiceError where the stream breaks off.
    """
    condition = {"IfMatch": etag} if etag else {}
    answer = _call(lambda: store.get_object(Bucket=bucket, Key=key, **condition), "GET", bucket, key)
    if answer is None:
        raise RefusedError(f"s3://{bucket}/{key}: no such object")
    try:
        with contextlib.closing(answer["Body"]) as body:
            yield body
    except (failures.BotoCoreError, urllib3.exceptions.HTTPError) as error:
        raise ServiceError(f"s3://{bucket}/{key}: the download broke off: {error}; run again") from None


def listed(store: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield key and size in bytes of every object under the prefix."""
    token: dict[str, str] = {}
    while True:
        page = _call(functools.partial(store.list_objects_v2, Bucket=bucket, Prefix=prefix, **token), "LIST", bucket, prefix)
        for item in page.get("Contents", []):
            yield item["Key"], item["Size"]
        if not page["IsTruncated"]:
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def usage(store: Any, prefix_uri: str) -> tuple[int | None, int | None]:
    """Return bytes and number of the objects under `s3://bucket/prefix`; None where the credentials may not list."""
    bucket, _, prefix = prefix_uri.removeprefix("s3://").partition("/")
    try:
        sizes = [size for _, size in listed(store, bucket, prefix)]
    except MonitoringError:
        return None, None
    return sum(sizes), len(sizes)


def put(
    store: Any,
    bucket: str,
    key: str,
    content: BufferedRandom,
    metadata: Mapping[str, str],
    arguments: Mapping[str, Any],
    replace_etag: str | None = None,
) -> str:
    """Store the content under a key that is free, or (with `replace_etag`) still holds that very object; return its ETag.

    content: a seekable binary file. Once: the put is conditional (If-None-Match: * or If-Match), and a refused condition is
    judged only after comparing, since it can be our own put whose answer was lost; the same content at the key is success.
    Raises RefusedError where other content stands there.
    """
    content.seek(0)
    sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    where = f"s3://{bucket}/{key}"

    def attempt(**condition: str) -> Any:
        content.seek(0)
        return store.put_object(
            Bucket=bucket, Key=key, Body=content, Metadata=dict(metadata), ChecksumAlgorithm="SHA256", **condition, **arguments
        )  # fmt: skip

    condition = {"IfMatch": replace_etag} if replace_etag else {"IfNoneMatch": "*"}
    expected = _CONDITION_FAILED | _NO_CONDITIONS | (_MISSING if replace_etag else set())
    answer = _call(lambda: attempt(**condition), "PUT", bucket, key, expected)
    if isinstance(answer, dict):
        return str(answer["ETag"])
    try:
        found = head(store, bucket, key)
        is_same = found is not None and (found.sha256 or _sha256(store, bucket, key, found.etag)) == sha256
    except CredentialsError as error:
        raise CredentialsError(
            f"{where}: can't be compared with ours: allow s3:GetObject (what stands there may be our own, of a run whose answer"
            f" was lost). {error}"
        ) from None
    if found and is_same:
        return found.etag
    if answer in _NO_CONDITIONS and (found.etag if found else None) == replace_etag:
        log.warning("%s: no conditional put in this store, so we only looked first: never run two at once", where)
        return str(_call(attempt, "PUT", bucket, key)["ETag"])
    if found is None:
        raise ServiceError(
            f"{where}: what stood there has gone meanwhile; nothing was stored; look who else writes there, rerun"
        )
    theirs = f"model {found.metadata.get('model', '?')}, day {found.metadata.get('day', '?')}, ETag {found.etag}"
    raise RefusedError(
        f"{where}: other content stands there ({theirs}); it was left alone: look at it, then move it away, or use --rerun to"
        " replace it"
    )


def _sha256(store: Any, bucket: str, key: str, etag: str) -> str:
    digest = hashlib.sha256()
    with opened(store, bucket, key, etag) as body:
        while chunk := body.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _call(request: Callable[[], Any], verb: str, bucket: str, key: str, expected: Collection[str] = ()) -> Any:
    """Return the answer, None for a missing object, or the error code where it is an expected one; try again what may pass."""
    where = f"{verb} s3://{bucket}/{key}"
    deadline = time.monotonic() + _LIMITS.total_seconds
    for attempt in range(1, _LIMITS.attempts + 1):
        try:
            answer = request()
            if (needed := "IsTruncated" if verb == "LIST" else "ETag") not in answer:
                raise ResponseParserError(f"no {needed} in the answer")
            return answer
        except ResponseParserError as error:  # a web page, say
            raise RefusedError(f"{where}: this is no S3 store ({error}): mend s3.endpoint_url or AWS_ENDPOINT_URL_S3") from None
        except failures.ClientError as error:
            code, status = _code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in expected:
                return code
            if code in _MISSING and verb in ("HEAD", "GET"):
                return None
            if code not in _PASSING_CODES and status not in PASSING_STATUSES | {500}:
                raise _refusal(where, code, status, error) from None
            problem = f"{code}: {error.response['Error'].get('Message', '')}"
        except _BROKEN as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(f"{where}: {error}; name your authority's file in AWS_CA_BUNDLE") from None
            problem = str(error)
        except failures.BotoCoreError as error:  # a role that no longer gives credentials, a name that no bucket can have
            kind = CredentialsError if isinstance(error, _NO_CREDENTIALS) else RefusedError
            raise kind(f"{where}: {error}; mend the s3 settings or the AWS variables") from None
        pause = delay_seconds(attempt)
        # A new try may last as long as both its limits, so it begins only where they still fit in.
        if time.monotonic() + pause + _LIMITS.connect_seconds + _LIMITS.read_seconds > deadline:
            break
        if attempt < _LIMITS.attempts:
            time.sleep(pause)
    raise ServiceError(f"{where} failed for now: {problem} ({attempt} tries); state is kept, run again")


def _code(error: failures.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(where: str, code: str, status: int, error: failures.ClientError) -> MonitoringError:
    message = error.response.get("Error", {}).get("Message") or "refused without a reason"
    remedy = _REMEDIES.get(code, f"{message}; mend the s3 settings")
    if code.startswith("KMS.") or (code == "AccessDenied" and "kms" in message.lower()):
        remedy = "the KMS key can't be used: mend s3.put_arguments, or the key's policy"
    kind = Denied if code in ("AccessDenied", "403") else CredentialsError if code in _CREDENTIALS else RefusedError
    return kind(f"{where}: refused ({status} {code}): {remedy}")
