"""The shipped settings, and a sample of the sample data."""

from pathlib import Path

import numpy as np
import pytest

from monitoring.dataset.sample import Sample, draw_sample
from monitoring.dataset.training_data import TrainingRows
from monitoring.settings.model import Settings
from tests.support.shipped import shipped_settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return shipped_settings()


@pytest.fixture(scope="session")
def sample(settings: Settings) -> Sample:
    return draw_sample(
        TrainingRows(Path(settings.training_data), settings.schema), np.random.default_rng(0)
    )
