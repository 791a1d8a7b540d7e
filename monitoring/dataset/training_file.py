"""The training data as a file on disk, fetched and hashed when first asked for."""

import contextlib
import hashlib
import tempfile
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from monitoring.errors import ConfigError
from monitoring.s3_uri import S3Uri
from monitoring.settings.model import Settings

_READ_BYTES = 1 << 20


class TrainingFile:
    """The training data; an object in S3 is fetched to a temporary file that lasts as long as this.

    Its properties raise ConfigError or RefusedError where there is no such file.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.close()

    @cached_property
    def path(self) -> Path:
        """The file, which exists."""
        if self._settings.training_data.startswith("s3://"):
            return self._fetch(S3Uri.parse(self._settings.training_data))
        path = Path(self._settings.training_data)
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigError(
                f"training_data: {path}: {error.strerror}; name a CSV or Parquet file, or"
                " s3://bucket/key"
            ) from None
        return path

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, hex."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _fetch(self, uri: S3Uri) -> Path:
        # boto3: only where the data are in S3.
        from monitoring.services.s3 import Store

        target = tempfile.NamedTemporaryFile(suffix=Path(uri.key).suffix)
        self._resources.enter_context(target)
        with Store(self._settings.s3).open(uri) as body:
            while block := body.read(_READ_BYTES):
                target.write(block)
        target.flush()
        return Path(target.name)
