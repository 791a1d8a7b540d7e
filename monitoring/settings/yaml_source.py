"""config.yaml as read: plain data, the line of each key, the variables in it, and what is wrong.

Never shown: what came from a variable, a secret, and what may be an address with credentials.
"""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from monitoring.errors import ConfigError
from monitoring.settings.env_file import read_problem, read_remedy, read_text

SECRETS = ("model_api.token", "model_monitor.api_key", "alerts.webhook", "alerts.ping")

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_VARIABLE_ALONE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-)?\}")
_LAST_PART_OF_KEY = re.compile(r"(\.|^)[^.\[\]]+$|\[\d+\]$")
_MAX_VALUES = (
    10_000  # such a file has a few hundred; aliases of aliases make billions of a few lines
)
_MAX_SHOWN_CHARACTERS = 120

# What PyYAML raises for 2026-13-01 or !!bool maybe.
_SCALAR_ERRORS = (ValueError, LookupError, AttributeError)


class YamlSource:
    """A file's values by key (`scoring.drift[0].from`), their lines, and the problems so far."""

    def __init__(self, path: Path, env_file: Path) -> None:
        self.path, self.env_file = path, env_file
        self.problems: set[tuple[int, str, str]] = set()
        self.reported_keys: set[str] = set()
        self._lines: dict[str, int] = {}
        self._variables: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._values = 0

    def read(self) -> Any:
        """Return the file as plain data with its variables replaced.

        Raises ConfigError where it can't be read or isn't YAML.
        """
        try:
            text = read_text(self.path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{self.path}: can't be read: {read_problem(error)};"
                f" {read_remedy(error) or 'name another file with --config FILE'}"
            ) from None

        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            return self._plain(node, "", loader) if node else {}
        except (yaml.YAMLError, RecursionError) as error:
            line, problem = _yaml_problem(error, text)
            raise ConfigError(
                f"{self.path.name}:{line}: not valid YAML: {problem}; nothing was sent"
            ) from None

    # --- variables

    def fill(self, text: str, key: str) -> str | None:
        """Return the text with its variables replaced.

        None where a variable is missing, or where the text is one whose default is empty.
        """
        if "${" in _VARIABLE.sub("", text):
            self.add_problem(
                key, "got a variable that can't be read, expected ${NAME} or ${NAME:-default}"
            )
        elif key in SECRETS and not _VARIABLE_ALONE.fullmatch(text):
            self.add_problem(
                key,
                "got a literal (not shown), expected ${NAME}: secrets come from the environment"
                " or .env only",
            )

        def value_of(match: re.Match[str]) -> str:
            self._variables[key] = match[1]
            value = os.environ.get(match[1]) or match[2]
            if value is None:
                self._missing[key] = match[1]
            return value or ""

        filled = _VARIABLE.sub(value_of, text)
        is_off = text != "" and filled == ""
        return None if key in self._missing or is_off else filled

    def missing_variables(self, key: str) -> list[str]:
        """Return the missing variables of a value, or of the values within it."""
        return [name for where, name in self._missing.items() if is_within(where, key)]

    def report_missing_variables(self, key: str) -> None:
        """Add a problem for each missing variable of a value: where it was looked for."""
        place = f"{self.env_file}{'' if self.env_file.exists() else ' (no such file)'}"
        for name in self.missing_variables(key):
            if name in os.environ:
                looked = f"empty in the environment, which wins over {place}"
            else:
                looked = f"looked for in the environment and in {place}"
            self.add_problem(key, f"missing variable {name}: {looked}")

    def typed(self, value: Any, key: str) -> Any:
        """Return the value with numbers, booleans and days from variables as if in the file."""
        if isinstance(value, list):
            return [self.typed(item, f"{key}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.typed(item, f"{key}.{name}") for name, item in value.items()}
        if key not in self._variables:
            return value

        try:
            parsed = yaml.safe_load(value)
        except (yaml.YAMLError, RecursionError, *_SCALAR_ERRORS):
            return value
        return parsed if isinstance(parsed, int | float) else value

    # --- problems

    def shown(self, key: str, value: Any) -> str:
        """Return a value as a message may show it."""
        variables = {name for where, name in self._variables.items() if is_within(where, key)}
        try:
            text = "null" if value is None else repr(value)
        except ValueError:  # Python writes no number of more than 4,300 digits
            text = "a number of thousands of digits"

        if variables:
            return f"the value of {', '.join(sorted(variables))} (not shown)"
        if "@" in text or key in SECRETS:
            return "what may hold credentials (not shown)"
        if len(text) > _MAX_SHOWN_CHARACTERS:
            return f"{text[:_MAX_SHOWN_CHARACTERS]}..."
        return text

    def add_wrong_value(self, key: str, value: Any, expected: str) -> None:
        """Add the problem that a value is not what is expected."""
        self.add_problem(key, f"got {self.shown(key, value)}, expected {expected}")

    def add_problem(self, key: str, text: str, line: int | None = None) -> None:
        """Add a problem at the line of its key, or of the nearest key around it."""
        where = key
        while where and where not in self._lines:
            where = _LAST_PART_OF_KEY.sub("", where)

        # An address with credentials may have slipped into a key.
        shown_key = re.sub(r"[^.]*@[^.]*", "***", key)
        self.problems.add((line or self._lines.get(where, 1), shown_key, text))
        self.reported_keys.add(key)

    # --- YAML nodes

    def _plain(self, node: yaml.Node, key: str, loader: yaml.SafeLoader) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise _marked(node, f"more than {_MAX_VALUES:,} values, aliases counted")

        if isinstance(node, yaml.ScalarNode):
            value = _scalar(node, loader)
            return self.fill(value, key) if isinstance(value, str) else value
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise _marked(node, f"the tag {node.tag} is not read")

        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                inner = f"{key}[{index}]"
                self._lines[inner] = item.start_mark.line + 1
                items.append(self._plain(item, inner, loader))
            return items
        return self._plain_mapping(node, key, loader)

    def _plain_mapping(
        self, node: Any, key: str, loader: yaml.SafeLoader
    ) -> dict[bool | int | float | str, Any]:
        data: dict[bool | int | float | str, Any] = {}
        for name_node, value_node in node.value:
            name = _scalar(name_node, loader)
            name = name if isinstance(name, bool | int | float) else str(name)  # a class
            line = name_node.start_mark.line + 1
            inner = f"{key}.{name}" if key else str(name)

            if name in data:
                first = self._lines[inner]
                self.add_problem(inner, f"doubled key, first on line {first}", line)
            else:
                self._lines[inner] = line
                data[name] = self._plain(value_node, inner, loader)
        return data


def is_within(key: str, outer: str) -> bool:
    """Whether a key is the outer one or within it."""
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def _scalar(node: yaml.Node, loader: yaml.SafeLoader) -> Any:
    # A merge key (<<) is not followed: it would hide where a setting is. A list or mapping as a
    # key is none of ours.
    if not isinstance(node, yaml.ScalarNode):
        return "[...]"
    if node.tag == "tag:yaml.org,2002:merge":
        return "<<"
    try:
        return loader.construct_object(node)
    except _SCALAR_ERRORS:
        return node.value  # the setting's own rule says what is expected


def _marked(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _yaml_problem(error: Exception, text: str) -> tuple[int, str]:
    """Return the line (from 1) and what is wrong there."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1 + text.count("\n", 0, getattr(error, "position", 0))
    if isinstance(error, RecursionError):
        return line, "nested without end"
    return line, getattr(error, "problem", None) or str(error).partition("\n")[0]
