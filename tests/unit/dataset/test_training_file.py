"""The training data as a file: where there is none."""

import dataclasses
from pathlib import Path

import pytest

from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError
from tests.support.shipped import shipped_settings


def test_no_file_is_a_configuration_error(tmp_path: Path) -> None:
    path = str(tmp_path / "none.csv")
    settings = dataclasses.replace(shipped_settings(), training_data=path)

    with TrainingFile(settings) as data, pytest.raises(ConfigError, match="No such file"):
        _ = data.path
