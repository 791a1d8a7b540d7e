"""What a refusal of S3 means, and what to do about it."""

import botocore.exceptions
from botocore.exceptions import ClientError

from monitoring.errors import CredentialsError, MonitoringError, RefusedError, TransientError
from monitoring.services.retry import RETRYABLE_STATUSES
from monitoring.services.server_text import server_text

MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
CONDITION_FAILED = frozenset({"PreconditionFailed", "412"})
NO_CONDITIONS = frozenset({"NotImplemented", "501"})

_MAX_CODE = 100

BROKEN_CONNECTION = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.FlexibleChecksumError,
    botocore.exceptions.ResponseStreamingError,
)
_NO_CREDENTIALS = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.CredentialRetrievalError,
    botocore.exceptions.TokenRetrievalError,
)

_RETRYABLE_CODES = {
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
}
_FAILED_STATUSES = {500, 507}  # 507: the store's own disk is full
_CREDENTIALS_CODES = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}

_DENIED = (
    "the credentials may not do this, or there is no such bucket: allow it, use others, or fix the"
    " bucket's name"
)
_RENEW = "renew AWS_SESSION_TOKEN and its keys"
_REGION = "the bucket is in another region: set s3.region or AWS_DEFAULT_REGION"
_REMEDIES = {
    "403": _DENIED,
    "AccessDenied": _DENIED,
    "AuthorizationHeaderMalformed": _REGION,
    "ExpiredToken": f"the session token has expired: {_RENEW}",
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": "the access key is unknown there: check AWS_ACCESS_KEY_ID",
    "InvalidToken": f"the session token is not valid: {_RENEW}",
    "NoSuchBucket": (
        "there is no such bucket: fix the s3:// address in config.yaml, or s3.endpoint_url"
    ),
    "PermanentRedirect": _REGION,
    "PreconditionFailed": "it has changed since it was read: run again",
    "RequestTimeTooSkewed": "this machine's clock is off: set it (chrony, ntpd), then rerun",
    "SignatureDoesNotMatch": (
        "the secret does not fit the access key: check AWS_SECRET_ACCESS_KEY"
    ),
}


class DeniedError(CredentialsError):
    """The credentials are known there but may not do this; other things they may."""


def error_code(error: ClientError) -> str:
    """Return S3's word for what is wrong, such as "NoSuchKey"; a HEAD gives only the status."""
    return server_text(error.response.get("Error", {}).get("Code", ""), _MAX_CODE)


def error_message(error: ClientError) -> str:
    """Return S3's sentence about what is wrong, "" where it gives none."""
    return server_text(error.response.get("Error", {}).get("Message") or "")


def from_client_error(where: str, error: ClientError) -> MonitoringError:
    """Return what S3's refusal means, as TransientError, DeniedError or another RefusedError."""
    code, message = error_code(error), error_message(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _RETRYABLE_CODES or status in RETRYABLE_STATUSES | _FAILED_STATUSES:
        return TransientError(f"{code}: {message}", kind=str(status))

    remedy = _REMEDIES.get(code, f"{message or 'refused without a reason'}; fix the s3 settings")
    if code.startswith("KMS.") or (code == "AccessDenied" and "kms" in message.lower()):
        remedy = "the KMS key can't be used: fix s3.put_arguments, or the key's policy"

    text = f"{where}: refused ({status} {code}): {remedy}"
    if code in ("AccessDenied", "403"):
        return DeniedError(text)
    if code in _CREDENTIALS_CODES:
        return CredentialsError(text)
    return RefusedError(text)


def from_broken_connection(where: str, error: Exception) -> MonitoringError:
    """Return TransientError, or RefusedError where the server's certificate is not trusted."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        text = server_text(error)
        return RefusedError(f"{where}: {text}; name your authority's file in AWS_CA_BUNDLE")
    return TransientError(server_text(error), kind="connection")


def from_boto_error(where: str, error: Exception) -> MonitoringError:
    """Return the error for what boto3 itself refuses, such as a name that no bucket can have."""
    text = f"{where}: {server_text(error)}; fix the s3 settings or the AWS variables"
    if isinstance(error, _NO_CREDENTIALS):  # a role that no longer gives any
        return CredentialsError(text)
    return RefusedError(text)
