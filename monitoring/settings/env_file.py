"""The .env beside config.yaml: merged into the process's environment, which wins."""

import io
import os
import stat
from pathlib import Path

from dotenv.parser import parse_stream

from monitoring.errors import ConfigError

_SHOWN_BYTES = 200


def read_text(path: Path) -> str:
    """Return a file's text, UTF-8 with or without its mark; raises OSError, UnicodeDecodeError."""
    content = path.read_bytes()
    if _is_utf_16(content):
        raise UnicodeDecodeError("utf-8", content, 0, 1, "UTF-16")
    return content.decode("utf-8-sig")


def merge_env_file(env_file: Path) -> list[str]:
    """Put what the file sets into the environment and return warnings, none of which shows a line.

    Raises ConfigError where the file can't be read.
    """
    try:
        if not env_file.exists():
            return []
        text = read_text(env_file)
        is_shared = env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{env_file}: can't be read: {read_problem(error)}; expected lines NAME=value;"
            f" {read_remedy(error) or 'nothing was sent'}"
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


def read_remedy(error: OSError | UnicodeDecodeError) -> str:
    """Return what to do about a file's encoding, "" where that is not known to be wrong."""
    is_encoding = isinstance(error, UnicodeDecodeError) and _is_utf_16(error.object)
    return "it is UTF-16 text: save it as UTF-8" if is_encoding else ""


def _is_utf_16(content: bytes) -> bool:
    """Whether a file's bytes are text in UTF-16, as some editors save it: every other one is 0."""
    beginning = content[:_SHOWN_BYTES]
    return beginning.count(0) * 3 > len(beginning)
