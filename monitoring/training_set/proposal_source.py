"""Where the table is that a schema is proposed for: config.yaml need not have a schema yet."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError
from monitoring.settings.env_file import merge_env_file
from monitoring.settings.model import S3, Schema, Settings, Target
from monitoring.settings.yaml_source import YamlSource


@dataclass(frozen=True, slots=True)
class ProposalSource:
    """data: a path or an address in S3. key: the id's name in config.yaml, or the default."""

    data: str
    key: str
    s3: S3

    @classmethod
    def of(cls, config: Path, data: str) -> Self:
        """Return the source; data: given by the user, "" for config.yaml's training_data.

        Raises ConfigError where config.yaml can't be read and no data are given.
        """
        try:
            found = _read(config)
        except ConfigError:
            if not data:
                raise
            found = {}
        if not data:
            configured = str(found.get("training_data") or _default(Settings, "training_data"))
            is_address = configured.startswith("s3://")
            data = configured if is_address else str(config.parent / configured)

        key = _within(found, "schema").get("key")
        store = _within(found, "s3")
        s3 = S3(endpoint_url=store.get("endpoint_url"), region=store.get("region"))
        return cls(data, str(key or _default(Schema, "key")), s3)

    @contextlib.contextmanager
    def open(self) -> Iterator[Path]:
        """Give the table as a file or folder; raises ConfigError where there is none."""
        nothing = Schema(Target("", [], ""), [])
        settings = Settings(schema=nothing, training_data=self.data, s3=self.s3)
        with TrainingFile(settings) as file:
            yield file.path


def _default(section: Any, name: str) -> Any:
    return next(setting.default for setting in fields(section) if setting.name == name)


def _read(config: Path) -> dict[str, Any]:
    env_file = config.parent.resolve() / ".env"
    merge_env_file(env_file)
    data = YamlSource(config, env_file).read()
    return data if isinstance(data, dict) else {}


def _within(data: dict[str, Any], section: str) -> dict[str, Any]:
    found = data.get(section)
    return found if isinstance(found, dict) else {}
