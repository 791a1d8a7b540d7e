"""What the tests of all channels share: settings, a webhook's server, and what was logged."""

from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer

from monitoring.settings.model import Settings
from tests.support.alerts import silent_settings

Logged = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def settings() -> Settings:
    """The shipped settings, every channel off."""
    return silent_settings()


@pytest.fixture
def hook(httpserver: HTTPServer) -> str:
    """The address of a webhook that takes everything."""
    httpserver.expect_request("/hook/s3cret").respond_with_data("ok")
    return httpserver.url_for("/hook/s3cret")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Logged:
    """Returns level and text of everything that was logged, but by the test's own server."""
    caplog.set_level("DEBUG", logger="monitoring")

    def entries() -> list[tuple[str, str]]:
        return [
            (entry.levelname, entry.getMessage())
            for entry in caplog.records
            if entry.name != "werkzeug"
        ]

    return entries
