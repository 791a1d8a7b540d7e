"""The shipped settings and sample data, as most tests begin with."""

from dataclasses import replace
from typing import Any

from monitoring.settings import loader
from monitoring.settings.model import Settings
from tests.support.loop import ROOT

DATA = ROOT / "data" / "german_credit.csv"

_UNUSED = ["project_id", "model_api", "model_monitor"]


def shipped_settings() -> Settings:
    """Return the settings of config.yaml; those of the services are unset."""
    return loader.load(ROOT / "config.yaml", _UNUSED)[0]


def with_scoring(settings: Settings, **changes: Any) -> Settings:
    """Return the settings with changes in their section `scoring`."""
    return replace(settings, scoring=replace(settings.scoring, **changes))
