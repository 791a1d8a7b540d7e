"""The ids, keys and ports of a state folder; they stay the same over restarts."""

import secrets
from pathlib import Path

import msgspec

from sandbox.store import new_id

S3_IDENTITIES = ("writer", "monitor", "write_only", "read_only")


class Keys(msgspec.Struct, frozen=True):
    """What an identity signs its S3 requests with."""

    access_key: str
    secret_key: str


class Identity(msgspec.Struct):
    """Ids and keys as a user of the real services has them; identity.json on disk.

    ports: by the name of what listens. s3: by the name of the identity.
    """

    project_id: str
    model_api_id: str
    model_version_id: str
    dmm_model_id: str
    api_key: str
    model_token: str
    access_token: str
    ports: dict[str, int]
    s3: dict[str, Keys]


def load(folder: Path) -> Identity:
    """Return the identity of a state folder, a new one the first time."""
    path = _path(folder)
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    return Identity(
        project_id=new_id(),
        model_api_id=new_id(),
        model_version_id=new_id(),
        dmm_model_id=new_id(),
        api_key=secrets.token_urlsafe(24),
        model_token=secrets.token_urlsafe(24),
        access_token=".".join(secrets.token_urlsafe(16) for _ in range(3)),  # like a JWT
        ports={},
        s3={name: _new_keys() for name in S3_IDENTITIES},
    )


def save(folder: Path, identity: Identity) -> None:
    """Write the identity of a state folder, wholly or not at all."""
    path = _path(folder)
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(identity), indent=1))
    temporary.replace(path)


def _path(folder: Path) -> Path:
    return folder / "identity.json"


def _new_keys() -> Keys:
    return Keys(access_key=secrets.token_hex(8), secret_key=secrets.token_urlsafe(24))
