"""config.yaml as read: plain data, where each key stands, which variables came in, and what is wrong; the .env beside it.

What came from a variable, a secret, and what may be an address with credentials are never shown.
"""

import io
import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from monitoring.errors import ConfigError

SECRETS = ("model_api.token", "model_monitor.api_key", "alerts.webhook", "alerts.ping")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_VARIABLE_ALONE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-)?\}")
_MAX_VALUES = 10_000  # such a file has a few hundred; aliases of aliases make billions of a few lines
_MAX_SHOWN = 120
_BAD_SCALAR = (ValueError, LookupError, AttributeError)  # what PyYAML raises for 2026-13-01 or !!bool maybe


class Source:
    """A file's values by key (`scoring.drift[0].from`) with their lines, and the problems found so far."""

    def __init__(self, path: Path, env_file: Path) -> None:
        self.path, self.env_file = path, env_file
        self.problems: set[tuple[int, str, str]] = set()
        self.told: set[str] = set()
        self._lines: dict[str, int] = {}
        self._variables: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._values = 0

    def read(self) -> Any:
        """Return the file as plain data with its variables replaced; raises ConfigError where it isn't YAML."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.path}: can't be read: {_reason(error)}; give its place with --config FILE") from None
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            return self._plain(node, "", loader) if node else {}
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1 + text.count("\n", 0, getattr(error, "position", 0))
            problem = "nested without end" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
            problem = getattr(error, "problem", None) or problem
            raise ConfigError(f"{self.path.name}:{line}: not valid YAML: {problem}; nothing was sent") from None

    def filled(self, text: str, key: str) -> str | None:
        """Return the text with its variables replaced; null where one is missing or an empty default is all."""
        if "${" in _VARIABLE.sub("", text):
            self.problem(key, "got a variable that can't be read, expected ${NAME} or ${NAME:-default}")
        elif key in SECRETS and not _VARIABLE_ALONE.fullmatch(text):
            self.problem(key, "got a literal (not shown), expected ${NAME}: secrets come from the environment or .env only")

        def value_of(match: re.Match[str]) -> str:
            self._variables[key] = match[1]
            value = os.environ.get(match[1]) or match[2]
            if value is None:
                self._missing[key] = match[1]
            return value or ""

        filled = _VARIABLE.sub(value_of, text)
        return None if key in self._missing or (text and not filled) else filled

    def missing(self, key: str) -> list[str]:
        """Return the missing variables of a value, or of the values within it."""
        return [name for where, name in self._missing.items() if is_within(where, key)]

    def tell_missing(self, key: str) -> None:
        """Note each missing variable of a value, with where it was looked for."""
        there = "" if self.env_file.exists() else " (no such file)"
        for name in self.missing(key):
            if name in os.environ:
                self.problem(key, f"missing variable {name}: empty in the environment, which wins over {self.env_file}{there}")
            else:
                self.problem(key, f"missing variable {name}: looked for in the environment and in {self.env_file}{there}")

    def typed(self, value: Any, key: str) -> Any:
        """Return the value with the numbers, booleans and days that came from variables as if they stood in the file."""
        if isinstance(value, list):
            return [self.typed(item, f"{key}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.typed(item, f"{key}.{name}") for name, item in value.items()}
        if key not in self._variables:
            return value
        try:
            found = yaml.safe_load(value)
        except (yaml.YAMLError, RecursionError, *_BAD_SCALAR):
            return value
        return found if isinstance(found, int | float) else value

    def shown(self, key: str, value: Any) -> str:
        """Return a value as a message may show it."""
        names = sorted({name for where, name in self._variables.items() if is_within(where, key)})
        try:
            text = "null" if value is None else repr(value)
        except ValueError:  # Python writes no number of more than 4,300 digits
            text = "a number of thousands of digits"
        if names:
            return f"the value of {', '.join(names)} (not shown)"
        if "@" in text or key in SECRETS:
            return "what may hold credentials (not shown)"
        return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."

    def wrong(self, key: str, value: Any, expected: str) -> None:
        """Note that a value is not what is expected."""
        self.problem(key, f"got {self.shown(key, value)}, expected {expected}")

    def problem(self, key: str, text: str, line: int | None = None) -> None:
        """Note a problem at the line of its key, or of the nearest key around it."""
        where = key
        while where and where not in self._lines:
            where = re.sub(r"(\.|^)[^.\[\]]+$|\[\d+\]$", "", where)
        shown = re.sub(r"[^.]*@[^.]*", "***", key)  # an address with credentials that slipped into a key
        self.problems.add((line or self._lines.get(where, 1), shown, text))
        self.told.add(key)

    def _plain(self, node: yaml.Node, key: str, loader: yaml.SafeLoader) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise yaml.MarkedYAMLError(
                problem=f"more than {_MAX_VALUES:,} values, aliases counted", problem_mark=node.start_mark
            )
        if isinstance(node, yaml.ScalarNode):
            value = _scalar(node, loader)
            return self.filled(value, key) if isinstance(value, str) else value
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise yaml.MarkedYAMLError(problem=f"the tag {node.tag} is not read", problem_mark=node.start_mark)
        if isinstance(node, yaml.SequenceNode):
            self._lines |= {f"{key}[{index}]": item.start_mark.line + 1 for index, item in enumerate(node.value)}
            return [self._plain(item, f"{key}[{index}]", loader) for index, item in enumerate(node.value)]
        data: dict[str | int, Any] = {}
        for name_node, value_node in node.value:
            name, line = _scalar(name_node, loader), name_node.start_mark.line + 1
            name = name if type(name) is int else str(name)
            inner = f"{key}.{name}" if key else str(name)
            if name in data:
                self.problem(inner, f"doubled key, first on line {self._lines[inner]}", line)
            else:
                self._lines[inner] = line
                data[name] = self._plain(value_node, inner, loader)
        return data


def is_within(key: str, outer: str) -> bool:
    """Whether a key is the outer one or within it."""
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def merge_env_file(env_file: Path) -> list[str]:
    """Put what the file sets into the environment, which wins; return warnings, none of which shows a line.

    Raises ConfigError where it can't be read.
    """
    try:
        if not env_file.exists():
            return []
        text = env_file.read_text(encoding="utf-8")
        is_shared = env_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file}: can't be read: {_reason(error)}; expected lines NAME=value; nothing was sent") from None
    warnings = [f"{env_file} may be read by others: chmod 600 {env_file}"] if is_shared else []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key and binding.value is None) or "\0" in binding.original.string:
            warnings.append(f"{env_file}:{binding.original.line}: left out: expected NAME=value (the line is not shown)")
        elif binding.key and binding.value:  # an empty one counts as missing; libraries would take it for a value
            os.environ.setdefault(binding.key, binding.value)
    return warnings


def _scalar(node: yaml.Node, loader: yaml.SafeLoader) -> Any:
    # A merge key (<<) is not followed: it would hide where a setting stands. A list or mapping as a key is none of ours.
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:merge":
        return "<<" if isinstance(node, yaml.ScalarNode) else "[...]"
    try:
        return loader.construct_object(node)
    except _BAD_SCALAR:
        return node.value  # the setting's own rule tells what is expected


def _reason(error: OSError | UnicodeDecodeError) -> str | None:
    return error.strerror if isinstance(error, OSError) else "not UTF-8 text"
