"""What a store does with an object that is written and removed: for `--check --probe`."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from monitoring.errors import MonitoringError
from monitoring.s3_uri import S3Uri
from monitoring.services import s3_errors
from monitoring.services.s3_connection import connect
from monitoring.services.s3_errors import CONDITION_FAILED, NO_CONDITIONS, error_code
from monitoring.settings.model import S3

_CONTENT = b"written by --check --probe\n"


class StoreProbe(NamedTuple):
    """What was seen; honours_conditions: a put to a taken key was refused, as it was to be."""

    honours_conditions: bool
    is_removed: bool


def probe(settings: S3, uri: S3Uri) -> StoreProbe:
    """Write an object under a free key, as a day's file is written, once more, and remove it.

    One try each. Raises what a refused or failed put of a day's file raises; an object that may not
    be removed stays.
    """
    client = connect(settings)
    put = partial(
        client.put_object,
        Bucket=uri.bucket,
        Key=uri.key,
        Body=_CONTENT,
        ChecksumAlgorithm="SHA256",
        **settings.put_arguments,
    )
    code = _refusal(f"PUT {uri}", partial(put, IfNoneMatch="*"), NO_CONDITIONS)
    if code:
        _refusal(f"PUT {uri}", put)

    try:
        again = code or _refusal(
            f"PUT {uri}", partial(put, IfNoneMatch="*"), CONDITION_FAILED | NO_CONDITIONS
        )
    finally:
        is_removed = _is_removed(client, uri)
    return StoreProbe(again in CONDITION_FAILED, is_removed)


def _is_removed(client: Any, uri: S3Uri) -> bool:
    try:
        _refusal(f"DELETE {uri}", partial(client.delete_object, Bucket=uri.bucket, Key=uri.key))
    except MonitoringError:
        return False
    return True


def _refusal(where: str, request: Callable[[], Any], expected: frozenset[str] = frozenset()) -> str:
    """Send a request; return "", or the code of a refusal that is among the expected ones."""
    try:
        request()
    except ClientError as error:
        code = error_code(error)
        if code in expected:
            return code
        raise s3_errors.from_client_error(where, error) from None
    except s3_errors.BROKEN_CONNECTION as error:
        raise s3_errors.from_broken_connection(where, error) from None
    except BotoCoreError as error:
        raise s3_errors.from_boto_error(where, error) from None
    return ""
