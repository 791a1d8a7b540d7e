"""config.yaml to Settings: every problem in one message, each with its file, line and key."""

import difflib
import types
from collections.abc import Collection
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from monitoring.errors import ConfigError
from monitoring.settings.consistency import check_consistency
from monitoring.settings.env_file import merge_env_file
from monitoring.settings.model import VARIABLE_DEFAULTS, YAML_NAMES, GroundTruth, Settings
from monitoring.settings.rules import Rule
from monitoring.settings.yaml_source import YamlSource, is_within
from monitoring.text import format_count


def load(path: Path, unused: Collection[str] = ()) -> tuple[Settings, list[str]]:
    """Read config.yaml and the `.env` beside it; return the settings and warnings to log.

    unused: the settings that the script does not use, by their dotted beginning ("model_api"):
    these may be unset. The `.env` is merged into the process's environment, which wins. Raises
    ConfigError with every problem; its warnings are those to log.
    """
    folder = path.parent.resolve()
    env_file = folder / ".env"
    warnings = merge_env_file(env_file)
    try:
        return _settings(path, env_file, unused), warnings
    except ConfigError as error:
        error.warnings = warnings
        raise


def _settings(path: Path, env_file: Path, unused: Collection[str]) -> Settings:
    folder = env_file.parent
    source = YamlSource(path, env_file)
    data = source.read()
    loader = _Loader(source, _may_be_unset(data, unused))
    settings = loader.section(Settings, data, "")
    if settings is not MISSING:
        settings = _with_absolute_paths(settings, folder)
        check_consistency(source, settings)
    if source.problems or settings is MISSING:
        raise ConfigError(_problems_text(source, folder / path.name))
    return cast(Settings, settings)


def _problems_text(source: YamlSource, path: Path) -> str:
    lines = [
        f"{path.name}:{line}: {key}{': ' if key else ''}{text}"
        for line, key, text in sorted(source.problems)
    ]
    heading = f"{format_count(len(lines), 'problem')} in {path}; nothing was sent"
    return "\n".join([heading, *lines])


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    source = settings.scoring.source
    return replace(
        settings,
        training_data=_absolute(settings.training_data, folder),
        scoring=replace(settings.scoring, source=source and _absolute(source, folder)),
        state_dir=folder / settings.state_dir,
        report_dir=folder / settings.report_dir,
    )


def _absolute(location: str, folder: Path) -> str:
    return location if location.startswith("s3://") else str(folder / location)


def _may_be_unset(data: Any, unused: Collection[str]) -> set[str]:
    """Return the settings that may be unset, given what other settings say."""

    def value(section: str, name: str) -> Any:
        found = data.get(section) if isinstance(data, dict) else None
        return found.get(name) if isinstance(found, dict) else None

    names = set(unused)
    if "{project_id}" not in str(value("ground_truth", "uri") or GroundTruth().uri):
        names.add("project_id")
    if value("model_api", "auth") == "none":
        names.add("model_api.token")
    sends_metrics = value("alerts", "domino_metrics") in (True, "true")
    if sends_metrics and "alerts" not in names:
        names.discard("model_monitor")
    return names


class _Loader:
    """Converts plain data to sections; each problem goes to the source."""

    def __init__(self, source: YamlSource, unused: set[str]) -> None:
        self.source, self.unused = source, unused

    def section(self, kind: Any, data: Any, key: str) -> Any:
        """Return a section made from a mapping.

        What is wrong keeps its default; MISSING where something without a default is wrong.
        """
        if not isinstance(data, dict):
            self.source.add_wrong_value(key, data, "a mapping of settings")
            return MISSING

        hints = get_type_hints(kind, include_extras=True)
        known = {YAML_NAMES.get(f.name, f.name): f for f in fields(kind)}
        self._report_unknown_keys(data, known, key)

        values = {}
        for name, f in known.items():
            inner = f"{key}.{name}" if key else name
            value = self._given_or_default(data, name, hints[f.name], inner)
            if value is not MISSING:
                value = self._value(hints[f.name], value, inner)
            elif _is_required(f):
                self.source.add_problem(inner, "missing, and it has no default")
            if value is not MISSING:
                values[f.name] = value

        required = {f.name for f in fields(kind) if _is_required(f)}
        return kind(**values) if required <= values.keys() else MISSING

    def _report_unknown_keys(self, data: Any, known: Collection[str], key: str) -> None:
        for name in data.keys() - set(known):
            near = difflib.get_close_matches(str(name), known, n=1)
            advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            self.source.add_problem(f"{key}.{name}" if key else str(name), f"unknown key; {advice}")

    def _given_or_default(self, data: Any, name: str, hint: Any, key: str) -> Any:
        if name in data:
            return data[name]
        if is_dataclass(hint):
            return {}
        if key in VARIABLE_DEFAULTS:
            return self.source.fill(VARIABLE_DEFAULTS[key], key)
        return MISSING

    def _value(self, hint: Any, data: Any, key: str) -> Any:
        """Return the value of one key; MISSING where it is wrong, or unset and unused."""
        if is_dataclass(hint):
            return self.section(hint, data, key)
        if get_origin(hint) is list:
            return self._list_of_sections(get_args(hint)[0], data, key)

        is_unset = data in (None, "") or self.source.missing_variables(key)
        if is_unset and any(is_within(key, name) for name in self.unused):
            return MISSING
        self.source.report_missing_variables(key)
        if key in self.source.reported_keys:
            return MISSING

        or_null = ""
        if get_origin(hint) in (Union, types.UnionType):
            if data is None:
                return None
            hint, or_null = get_args(hint)[0], ", or null"
        return self._by_rule(hint.__metadata__[0], data, key, or_null)

    def _list_of_sections(self, kind: Any, data: Any, key: str) -> Any:
        if not isinstance(data, list):
            self.source.add_wrong_value(key, data, "a list of mappings")
            return MISSING
        items = [self.section(kind, item, f"{key}[{index}]") for index, item in enumerate(data)]
        return MISSING if MISSING in items else items

    def _by_rule(self, rule: Rule, data: Any, key: str, or_null: str) -> Any:
        for candidate in (data, self.source.typed(data, key)):
            try:
                if rule.is_met(candidate):
                    return rule.convert(candidate)
            except (ValueError, RuntimeError):
                pass  # there is no such day, or no home folder to put for ~
        self.source.add_wrong_value(key, data, rule.expected + or_null)
        return MISSING


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
