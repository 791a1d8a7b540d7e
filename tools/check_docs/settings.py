"""Every setting is documented with its range and default, and every environment variable."""

import ast
import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from monitoring.settings.model import VARIABLE_DEFAULTS, YAML_NAMES, Settings
from tools.check_docs.pages import ROOT, Page

_TABLE = "docs/configuration.md"
_ROW = re.compile(r"^\| `([a-z_0-9.\[\]]+)` \| (.+?) \| (none|`.*?`) \| (.*) \|$", re.MULTILINE)
_VARIABLE_ROW = re.compile(r"^\| `([A-Z_0-9]+)` \|", re.MULTILINE)
_SET_IN_A_RUN = {
    *("DOMINO_RUN_ID", "DOMINO_WORKING_DIR", "DOMINO_DATASETS_DIR", "DOMINO_IMPORTED_DATA_DIR"),
}
"""Set by Domino to describe a run: they belong into no .env."""


def every_key(kind: Any = Settings, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield key, what is expected, and the default as YAML of every setting in the code."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        name, hint = prefix + YAML_NAMES.get(field.name, field.name), hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from every_key(hint, f"{name}.")
            continue
        if typing.get_origin(hint) is list:
            yield from every_key(typing.get_args(hint)[0], f"{name}[].")
            continue
        or_null = ""
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint, or_null = typing.get_args(hint)[0], ", or null"
        default = VARIABLE_DEFAULTS.get(name)
        shown = _as_yaml(field) if default is None else default
        yield name, hint.__metadata__[0].expected + or_null, shown


def problems(pages: Sequence[Page]) -> Iterator[str]:
    """Yield what is wrong."""
    text = (ROOT / _TABLE).read_text(encoding="utf-8")
    yield from _table_problems(text)
    yield from _name_problems(pages)
    yield from _variable_problems(text)


def _table_problems(text: str) -> Iterator[str]:
    documented = {
        key: (expected, default.strip("`"), meaning)
        for key, expected, default, meaning in _ROW.findall(text)
    }
    expected = {key: (rule, default or "none") for key, rule, default in every_key()}
    for key in sorted(expected.keys() - documented.keys()):
        rule, default = expected[key]
        yield f"{_TABLE}: {key} is missing; expected: | `{key}` | {rule} | `{default}` | ... |"
    for key in sorted(documented.keys() - expected.keys()):
        yield f"{_TABLE}: {key}: there is no such setting"
    for key in sorted(documented.keys() & expected.keys()):
        *shown, meaning = documented[key]
        if tuple(shown) != expected[key]:
            yield f"{_TABLE}: {key}: got {tuple(shown)}, expected {expected[key]}"
        if not meaning:
            yield f"{_TABLE}: {key}: its meaning is missing"


def _name_problems(pages: Sequence[Page]) -> Iterator[str]:
    """Yield the settings that pages name and that do not exist."""
    keys = {re.sub(r"\[\]", "", key) for key, _, _ in every_key()}
    known = keys | {key.rpartition(".")[0] for key in keys}
    sections = "|".join(sorted({key.partition(".")[0] for key in keys if "." in key}))
    name = re.compile(rf"`(({sections})\.[a-z_.]+)`")
    for page in pages:
        for number, line in enumerate(page.prose, start=1):
            for match in name.finditer(line):
                module = ROOT / "monitoring" / f"{match[1].replace('.', '/')}.py"
                if match[1] not in known and not module.exists():
                    yield f"{page.name}:{number}: {match[1]}: there is no such setting"


def _variable_problems(text: str) -> Iterator[str]:
    documented = set(_VARIABLE_ROW.findall(text))
    shipped = re.sub(r"#.*", "", (ROOT / "config.yaml").read_text(encoding="utf-8"))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    in_config = set(re.findall(r"\$\{([A-Z_0-9]+)", shipped))
    in_defaults = set(re.findall(r"\$\{([A-Z_0-9]+)", str(VARIABLE_DEFAULTS)))
    in_example = set(re.findall(r"^#?([A-Z_0-9]+)=", example, re.MULTILINE))

    for name in sorted(in_config ^ in_defaults):
        yield f"config.yaml: {name}: in the file or in the code's defaults, but not in both"
    for name in sorted((in_config | variables_read(ROOT / "monitoring")) - documented):
        yield f"{_TABLE}: the variable {name} is missing"
    for name in sorted(in_example ^ (documented - _SET_IN_A_RUN)):
        yield f".env.example: {name}: in the file or in {_TABLE}, but not in both"


def variables_read(folder: Path) -> set[str]:
    """Return the names that the code reads from the environment by `os.environ`."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            owner, arguments = None, []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner, arguments = node.func.value, list(node.args)
            elif isinstance(node, ast.Subscript):
                owner, arguments = node.value, [node.slice]
            if isinstance(owner, ast.Attribute) and owner.attr == "environ" and arguments:
                first = arguments[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    names.add(first.value)
    return names


def _as_yaml(field: "dataclasses.Field[Any]") -> str:
    """Return a field's default as YAML; "" where it has none."""
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if value is dataclasses.MISSING:
        return ""
    value = list(value) if isinstance(value, tuple) else value
    dumped: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return dumped.strip().removesuffix("...").strip()
