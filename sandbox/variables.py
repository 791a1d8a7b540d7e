"""The environment variables of a user of the sandbox."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import paths

if TYPE_CHECKING:  # msgspec: the commands start without it
    from sandbox.identity import Identity

REMOVED = ("DOMINO_API_PROXY",)
"""What would lead a run past the sandbox."""

NEUTRAL = {
    "DOMINO_TOKEN_FILE": "",
    "ALERT_WEBHOOK_URL": "",
    "PING_URL": "",
    "AWS_PROFILE": "default",
    "AWS_SESSION_TOKEN": "",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
"""What would lead a run past the sandbox, or send word of it into the real world, set to values
that do no harm: a .env beside the configuration fills in what the environment lacks."""


def child_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the sandbox's variables.

    Without what would lead past them.
    """
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED}
    return kept | dict(variables)


def user_variables(
    folder: Path, url: str, objects_url: str, identity: "Identity", data_source: str
) -> dict[str, str]:
    """Return the variables that a user of the real services would set.

    folder: the state folder; what the variables name is created in it. url, objects_url: where
    Domino's services and S3 are. data_source: its name in Model Monitor.
    """
    aws_config = folder / "aws_config"
    aws_config.write_text("[default]\n")
    training_sets = folder / "training_sets"
    training_sets.mkdir(exist_ok=True)
    # Relative in the default folder, so that state and reports are found from a user's shell too.
    is_default = folder == paths.DEFAULT_FOLDER
    days = folder.relative_to(paths.ROOT) if is_default else folder
    writer = identity.s3["writer"]

    return NEUTRAL | {
        "DOMINO_PROJECT_ID": identity.project_id,
        "DOMINO_API_HOST": url,
        "DOMINO_USER_HOST": url,
        "DOMINO_USER_API_KEY": identity.api_key,  # contracts 2.2: one key serves all
        "DOMINO_TRAINING_SET_PATH": str(training_sets),
        "MODEL_API_URL": f"{url}/models/{identity.model_api_id}/latest/model",
        "MODEL_API_TOKEN": identity.model_token,
        "DMM_URL": url,
        "DMM_API_KEY": identity.api_key,
        "DMM_MODEL_ID": identity.dmm_model_id,
        "DMM_DATA_SOURCE": data_source,
        "AWS_ENDPOINT_URL": objects_url,
        "AWS_ENDPOINT_URL_S3": objects_url,
        "AWS_CONFIG_FILE": str(aws_config),
        "AWS_SHARED_CREDENTIALS_FILE": str(aws_config),
        "AWS_ACCESS_KEY_ID": writer.access_key,
        "AWS_SECRET_ACCESS_KEY": writer.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "STATE_DIR": str(days / "state"),
        "REPORT_DIR": str(days / "reports"),
    }
