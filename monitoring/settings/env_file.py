"""The .env beside config.yaml: merged into the process's environment, which wins."""

import io
import os
import stat
from pathlib import Path

from dotenv.parser import parse_stream

from monitoring.errors import ConfigError


def merge_env_file(env_file: Path) -> list[str]:
    """Put what the file sets into the environment and return warnings, none of which shows a line.

    Raises ConfigError where the file can't be read.
    """
    try:
        if not env_file.exists():
            return []
        text = env_file.read_text(encoding="utf-8")
        is_shared = env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{env_file}: can't be read: {read_problem(error)}; expected lines NAME=value;"
            " nothing was sent"
        ) from None

    warnings = []
    if is_shared:
        warnings.append(f"{env_file} may be read by others: chmod 600 {env_file}")

    for binding in parse_stream(io.StringIO(text)):
        is_unreadable = (
            binding.error
            or (binding.key and binding.value is None)
            or "\0" in binding.original.string
        )
        if is_unreadable:
            warnings.append(
                f"{env_file}:{binding.original.line}: ignored: expected NAME=value"
                " (the line is not shown)"
            )
        elif binding.key and binding.value:
            # An empty one counts as missing; libraries would take it for a value.
            os.environ.setdefault(binding.key, binding.value)
    return warnings


def read_problem(error: OSError | UnicodeDecodeError) -> str | None:
    """Return why a file could not be read, without its content."""
    return error.strerror if isinstance(error, OSError) else "not UTF-8 text"
