"""A boto3 client with the credentials of boto3's usual chain, checked before anything is sent."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
from botocore.exceptions import BotoCoreError
from botocore.validate import ParamValidator

from monitoring.errors import ConfigError
from monitoring.services.exchange import Limits
from monitoring.settings.model import S3
from monitoring.settings.rules import is_loopback

LIMITS = Limits()
"""How long and how often the store is asked."""


def connect(settings: S3) -> Any:
    """Return a client; raises ConfigError where there are no credentials."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if os.environ.get(name) == "":
            raise ConfigError(
                f"S3: {name} is set but empty: unset it, or name a profile of ~/.aws/config;"
                " nothing was sent"
            )
    config = botocore.config.Config(
        proxies=_proxies(settings),
        connect_timeout=LIMITS.connect_seconds,
        read_timeout=LIMITS.read_seconds,
        # Our own tries are counted against a total, boto3's are not.
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    try:
        session = boto3.session.Session(region_name=settings.region)
        client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
        credentials = session.get_credentials()
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"S3: {error}; fix the s3 settings or the AWS variables; nothing was sent"
        ) from None

    if credentials is None:
        raise ConfigError(
            "S3: no AWS credentials: looked in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " AWS_PROFILE, the files in ~/.aws and this machine's role; set one; nothing was sent"
        )
    return client


def _proxies(settings: S3) -> dict[str, str] | None:
    """Return no proxy for a store on this machine; None leaves it to the environment."""
    variables = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    url = settings.endpoint_url or next(filter(None, map(os.environ.get, variables)), "")
    return {} if is_loopback(urlsplit(url or "").hostname or "") else None


def check_put_arguments(client: Any, put_arguments: Mapping[str, Any]) -> None:
    """Raise ConfigError for arguments that PutObject does not take."""
    arguments = {"Bucket": "bucket", "Key": "key", **put_arguments}
    shape = client.meta.service_model.operation_model("PutObject").input_shape
    report = ParamValidator().validate(arguments, shape)
    if report.has_errors():
        raise ConfigError(
            f"s3.put_arguments: {report.generate_report()}; expected arguments of PutObject;"
            " nothing was sent"
        )
