"""The environment that the vendor's client gets: what is missing, what would harm."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.errors import ConfigError
from monitoring.services.training_sets_environment import DEFAULT_MOUNT, environment_for
from monitoring.settings.model import Settings
from tests.support.shipped import shipped_settings
from tests.support.training_sets import KEY, environment


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The shipped settings, for a project of a fixed name."""
    return replace(shipped_settings(), project_id="project")


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


def test_every_variable_that_a_call_needs_is_named_when_it_is_missing(
    settings: Settings,
) -> None:
    with pytest.raises(ConfigError) as caught:
        environment_for(replace(settings, project_id=""), {}, writes=True)

    message = str(caught.value)
    for name in ("API_HOST", "USER_HOST", "API_PROXY", "USER_API_KEY", "PROJECT_ID"):
        assert f"DOMINO_{name}" in message
    mount = f"DOMINO_TRAINING_SET_PATH: {DEFAULT_MOUNT} (its default) is not a writable folder"
    assert mount in message


def test_a_mount_that_is_missing_is_refused_for_creating_and_no_matter_for_listing(
    settings: Settings, tmp_path: Path
) -> None:
    variables = environment("http://127.0.0.1:1", tmp_path / "nowhere")

    with pytest.raises(ConfigError, match=r"DOMINO_TRAINING_SET_PATH: .*nowhere is not a writable"):
        environment_for(settings, variables, writes=True)
    environment_for(settings, variables, writes=False)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"DOMINO_USER_HOST": "https://user.test/"}, "https://user.test"),
        (
            {"DOMINO_API_HOST": "https://api.test", "DOMINO_USER_HOST": "https://user.test"},
            "https://api.test",
        ),
        ({"DOMINO_API_HOST": "", "DOMINO_USER_HOST": "https://user.test"}, "https://user.test"),
        (
            {"DOMINO_API_PROXY": "http://localhost:8899", "DOMINO_USER_API_KEY": ""},
            "http://localhost:8899",
        ),
    ],
)
def test_the_host_is_the_first_that_is_set_and_not_empty(
    settings: Settings, mount: Path, given: dict[str, str], seen: str
) -> None:
    variables = {
        "DOMINO_USER_API_KEY": KEY,
        "DOMINO_TRAINING_SET_PATH": str(mount),
        "DOMINO_TOKEN_FILE": "",
        "LC_ALL": "",
        **given,
    }

    result = environment_for(settings, variables, writes=True)

    assert result["DOMINO_API_HOST"] == seen
    assert result["DOMINO_PROJECT_ID"] == "project"
    assert "" not in [value for name, value in result.items() if name.startswith("DOMINO_")]
    assert result["LC_ALL"] == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("domino.test", "expected an http:// or https:// address"),
        ("ftp://domino.test", "expected an http:// or https:// address"),
        ("https://someone:secret-word@domino.test", "expected one without"),
        (
            "http://nucleus-frontend.domino-platform:80",
            "got plain http to nucleus-frontend.domino-platform",
        ),
    ],
)
def test_an_address_that_would_harm_is_refused(
    settings: Settings, mount: Path, host: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=f"DOMINO_API_HOST: .*{expected}") as caught:
        environment_for(settings, environment(host, mount), writes=True)

    assert "secret-word" not in str(caught.value)


def test_a_host_may_be_allowed_plain_http(settings: Settings, mount: Path) -> None:
    allowed = replace(settings, allow_plain_http=["nucleus-frontend"])

    assert environment_for(allowed, environment("http://nucleus-frontend", mount), writes=True)


def test_the_bundle_that_requests_knows_is_handed_to_the_client(
    settings: Settings, mount: Path
) -> None:
    variables = environment("https://domino.test", mount) | {"REQUESTS_CA_BUNDLE": "/ours.pem"}
    variables.pop("SSL_CERT_FILE", None)

    assert environment_for(settings, variables, writes=True)["SSL_CERT_FILE"] == "/ours.pem"


def test_the_child_gets_what_it_needs_and_no_other_secret(settings: Settings, mount: Path) -> None:
    secrets = {
        "MODEL_API_TOKEN": "model-token",
        "DMM_API_KEY": "dmm-key",
        "AWS_SECRET_ACCESS_KEY": "aws-secret",
        "AWS_SESSION_TOKEN": "aws-session",
        "ALERT_WEBHOOK_URL": "https://hooks.test/secret",
        "PING_URL": "https://ping.test/secret",
        "DATABASE_PASSWORD": "of another program",
        "DOMINO_DATA_API_KEY": "of another client",
    }
    needed = {"PATH": "/bin", "https_proxy": "http://proxy.test", "LC_ALL": "C.UTF-8"}
    variables = environment("https://api.test", mount)

    result = environment_for(settings, variables | secrets | needed, writes=True)

    assert not secrets.keys() & result.keys()
    assert not set(secrets.values()) & set(result.values())
    assert result.items() >= needed.items()
    assert result["DOMINO_USER_API_KEY"] == KEY
