"""The shipped settings, and the rows of a version that is created from the sample data."""

import pandas as pd
import pytest

from monitoring.settings.model import Schema, Settings
from monitoring.training_set.content import read_content
from tests.support.shipped import DATA, shipped_settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return shipped_settings()


@pytest.fixture(scope="session")
def schema(settings: Settings) -> Schema:
    return settings.schema


@pytest.fixture
def frame(schema: Schema) -> pd.DataFrame:
    return read_content(DATA, schema)
