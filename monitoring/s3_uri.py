"""The address of an object in S3."""

import re
from typing import NamedTuple, Self

from monitoring.errors import ConfigError


class S3Uri(NamedTuple):
    """Bucket and key of an object, or a prefix of keys; as text s3://bucket/key."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in `s3://bucket/key`; raises ConfigError for anything else."""
        match = re.fullmatch(r"s3://([A-Za-z0-9._-]+)/(.+)", text)
        if not match:
            raise ConfigError(f"got {text!r}, expected s3://bucket/key")
        return cls(match[1], match[2])

    @property
    def file_name(self) -> str:
        """The last part of the key: the name that DMM shows for the file."""
        return self.key.rpartition("/")[2]

    @property
    def is_prefix(self) -> bool:
        """Whether it is a prefix of keys, as a folder is, and no object's address."""
        return self.key.endswith("/")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
