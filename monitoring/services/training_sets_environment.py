"""The environment variables that the vendor's TrainingSet client needs (contracts 8.5)."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from monitoring.errors import ConfigError
from monitoring.settings.model import Settings
from monitoring.settings.rules import is_loopback

DEFAULT_MOUNT = "/var/opt/domino/trainingset/project"
_HOSTS = ("DOMINO_API_HOST", "DOMINO_USER_HOST", "DOMINO_API_PROXY")

_NEEDED = frozenset(
    {
        *_HOSTS,
        "DOMINO_PROJECT_ID",
        "DOMINO_TOKEN_FILE",
        "DOMINO_TRAINING_SET_PATH",
        "DOMINO_USER_API_KEY",
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
        "TZ",
        # Certificates and proxies, as its HTTP library reads them; proxies also in small letters.
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "ALL_PROXY",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
    }
)
_NEEDED_PREFIXES = ("COVERAGE_", "LC_", "LD_", "PYTHON")
"""Of Python and what it is started by; COVERAGE_: so that tests measure the child too."""


def environment_for(
    settings: Settings, environment: Mapping[str, str], *, writes: bool
) -> dict[str, str]:
    """Return the environment variables that the vendor's client gets.

    Only those: no other secret of this process reaches it. environment: this process's. writes: a
    version is to be created, so its mount must be there.
    Raises ConfigError naming every variable that is missing or can't be used.
    """
    # The client takes a variable that is set and empty for a value.
    variables = {
        name: value
        for name, value in environment.items()
        if _is_needed(name) and (value or not name.startswith("DOMINO_"))
    }
    hosts = [name for name in _HOSTS if name in variables]
    problems = _address_problems(variables, hosts, settings.allow_plain_http)
    problems += _credential_problems(variables)
    if not settings.project_id:
        problems.append(
            "DOMINO_PROJECT_ID (the setting project_id): missing, expected the project that owns"
            " the TrainingSet"
        )

    if writes:
        problems += _mount_problems(variables)
    if problems:
        raise ConfigError("creating or listing TrainingSet versions needs:\n" + "\n".join(problems))

    variables.setdefault("DOMINO_TRAINING_SET_PATH", DEFAULT_MOUNT)
    if "REQUESTS_CA_BUNDLE" in variables:  # the client's HTTP library knows it by another name
        variables.setdefault("SSL_CERT_FILE", variables["REQUESTS_CA_BUNDLE"])
    address = variables[hosts[0]].rstrip("/")
    return {**variables, "DOMINO_API_HOST": address, "DOMINO_PROJECT_ID": settings.project_id}


def _is_needed(name: str) -> bool:
    return name.upper() in _NEEDED or name.startswith(_NEEDED_PREFIXES)


def _address_problems(
    variables: Mapping[str, str], hosts: list[str], allow_plain_http: list[str]
) -> list[str]:
    if not hosts:
        return [f"{', '.join(_HOSTS)}: all missing, expected Domino's address"]
    problems = []
    for name in hosts:
        is_used = name in (hosts[0], "DOMINO_API_PROXY")
        problem = _address_problem(variables[name], allow_plain_http) if is_used else None
        if problem:
            problems.append(f"{name}: {problem}")
    return problems


def _credential_problems(variables: Mapping[str, str]) -> list[str]:
    has_key = {"DOMINO_USER_API_KEY", "DOMINO_API_PROXY"} & variables.keys()
    has_token_file = Path(variables.get("DOMINO_TOKEN_FILE", "")).is_file()
    if has_key or has_token_file:
        return []
    return [
        "DOMINO_USER_API_KEY: missing, expected your API key (needed unless DOMINO_API_PROXY"
        " serves)"
    ]


def _mount_problems(variables: Mapping[str, str]) -> list[str]:
    # The client would create the folder: the version would exist, its data nowhere that Domino
    # looks.
    set_to = variables.get("DOMINO_TRAINING_SET_PATH")
    mount = set_to or DEFAULT_MOUNT
    if Path(mount).is_dir() and os.access(mount, os.W_OK | os.X_OK):
        return []
    return [
        f"DOMINO_TRAINING_SET_PATH: {mount}{'' if set_to else ' (its default)'} is not a writable"
        " folder, expected the project's TrainingSet mount (it is there inside a Domino run)"
    ]


def _address_problem(url: str, allow_plain_http: list[str]) -> str | None:
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host = "", ""

    if "@" in url:
        return "got an address with credentials (not shown), expected one without"
    if not host or scheme not in ("http", "https"):
        return f"got {url!r}, expected an http:// or https:// address"
    if scheme == "http" and not is_loopback(host) and host not in allow_plain_http:
        return (
            f"got plain http to {host}, expected https, or the host in allow_plain_http: a token"
            " would travel unencrypted"
        )
    return None
