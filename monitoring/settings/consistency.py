"""What no single key shows: names that must agree, and tokens that would travel unencrypted."""

from pathlib import Path
from urllib.parse import urlsplit

from monitoring.settings.model import Settings
from monitoring.settings.rules import Label, is_loopback, is_same_label
from monitoring.settings.yaml_source import SECRETS, YamlSource


def check_consistency(source: YamlSource, settings: Settings) -> None:
    """Add a problem to the source for everything that does not fit together."""
    _check_names(source, settings)
    _check_groups(source, settings)
    _check_endpoint_names(source, settings)
    _check_classes(source, settings)
    _check_reply(source, settings)
    _check_drills(source, settings)
    _check_ground_truth_columns(source, settings)
    _check_plain_http(source, settings)
    _check_folders(source, settings)


def _check_names(source: YamlSource, settings: Settings) -> None:
    schema = settings.schema
    taken = {feature.group: "a group" for feature in schema.features if feature.group}
    names = [("schema.target.name", schema.target.name), ("schema.key", schema.key)]
    names += [(f"schema.features[{i}].name", f.name) for i, f in enumerate(schema.features)]

    for key, name in names:
        if name in taken:
            source.add_wrong_value(key, name, f"a name of its own, this is {taken[name]}")
        taken[name] = key
    if not schema.features:
        source.add_wrong_value("schema.features", [], "one feature or more")


def _check_groups(source: YamlSource, settings: Settings) -> None:
    nullable_groups: dict[str, bool] = {}
    for feature in settings.schema.features:
        if feature.group:
            nullable_groups.setdefault(feature.group, feature.nullable)

    for index, feature in enumerate(settings.schema.features):
        key = f"schema.features[{index}]"
        if feature.group and feature.type != "categorical":
            source.add_wrong_value(
                f"{key}.group", feature.group, f"no group for a {feature.type} feature"
            )
        elif feature.group and not feature.name.startswith(f"{feature.group}_"):
            source.add_wrong_value(f"{key}.name", feature.name, "<group>_<level>")
        elif feature.group and feature.nullable != nullable_groups[feature.group]:
            expected = f"the same for all features of the group {feature.group}"
            source.add_wrong_value(f"{key}.nullable", feature.nullable, expected)


def _check_classes(source: YamlSource, settings: Settings) -> None:
    target, mix = settings.schema.target, settings.scoring.classes
    known = source.shown("schema.target.classes", target.classes)
    # 1 is no class of [true, false], although Python has them equal.
    if not any(is_same_label(target.positive, label) for label in target.classes):
        source.add_wrong_value("schema.target.positive", target.positive, f"one of {known}")
    if isinstance(mix, dict) and not _are_same(list(mix), target.classes):
        source.add_wrong_value("scoring.classes", mix, f"a share for each of {known}")


def _are_same(labels: list[Label], classes: list[Label]) -> bool:
    return len(labels) == len(classes) and all(
        any(is_same_label(label, known) for known in classes) for label in labels
    )


def _check_endpoint_names(source: YamlSource, settings: Settings) -> None:
    """What the endpoint gets by name must not come twice; neither must a training set's columns."""
    schema = settings.schema
    taken = {schema.key: "schema.key", schema.target.name: "schema.target.name"}
    for index, feature in enumerate(schema.features):
        key = f"schema.features[{index}].{'as' if feature.as_name else 'name'}"
        name = feature.as_name or feature.name
        # Names that come twice without `as` are reported as such.
        if name in taken and (feature.as_name or taken[name].endswith(".as")):
            expected = f"a name of its own at the endpoint, this is {taken[name]}"
            source.add_wrong_value(key, name, expected)
        taken.setdefault(name, key)

    for name in settings.model_api.arguments:
        if name in taken:
            source.add_wrong_value(
                f"model_api.arguments.{name}", name, f"a name of its own, this is {taken[name]}"
            )


def _check_reply(source: YamlSource, settings: Settings) -> None:
    api, classes = settings.model_api, settings.schema.target.classes
    if api.threshold is None:
        return
    key = "model_api.threshold"
    if api.probabilities is not None:
        source.add_wrong_value(key, api.threshold, "null: with probabilities the largest decides")
    elif api.probability is None:
        source.add_wrong_value(key, api.threshold, "null, or a path in model_api.probability")
    elif len(classes) != 2:
        known = source.shown("schema.target.classes", classes)
        source.add_wrong_value(
            key, api.threshold, f"null: a threshold decides between two classes, not {known}"
        )


def _check_drills(source: YamlSource, settings: Settings) -> None:
    types = {feature.name: feature.type for feature in settings.schema.features}
    for index, drill in enumerate(settings.scoring.drift):
        key = f"scoring.drift[{index}]"
        if drill.feature not in types:
            known = source.shown("schema.features", list(types))
            source.add_wrong_value(f"{key}.feature", drill.feature, f"one of {known}")
        elif types[drill.feature] == "categorical" and drill.shift not in (1, -1):
            source.add_wrong_value(
                f"{key}.shift", drill.shift, "1 (set) or -1 (clear) for a 0/1 feature"
            )
        elif types[drill.feature] == "nominal":
            source.add_wrong_value(
                f"{key}.feature", drill.feature, "a numerical or 0/1 feature, this one is nominal"
            )


def _check_ground_truth_columns(source: YamlSource, settings: Settings) -> None:
    names = settings.ground_truth
    columns = [names.id_column, names.label_column, "prediction", "score", "scored_at"]
    if len(set(columns)) < len(columns):
        source.add_wrong_value(
            "ground_truth.label_column",
            names.label_column,
            "neither id_column nor prediction, score or scored_at",
        )


def _check_plain_http(source: YamlSource, settings: Settings) -> None:
    urls = {"model_monitor.url": settings.model_monitor.url}
    if settings.model_api.auth != "none":
        urls["model_api.url"] = settings.model_api.url
    if settings.alerts.webhook:
        urls["alerts.webhook"] = settings.alerts.webhook.get_secret_value()
    if settings.alerts.ping:
        urls["alerts.ping"] = settings.alerts.ping.get_secret_value()

    for key, url in urls.items():
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_allowed = is_loopback(host) or host in settings.allow_plain_http
        if parts.scheme == "http" and not is_allowed:
            to_host = "" if key in SECRETS else f" to {host}"
            source.add_problem(
                key,
                f"got plain http{to_host}, expected https, or the host in allow_plain_http: a"
                " token would be readable",
            )


def _check_folders(source: YamlSource, settings: Settings) -> None:
    folders = {"state_dir": settings.state_dir, "report_dir": settings.report_dir}
    for key, folder in folders.items():
        for parent in folder.parents:
            if _is_file(parent):
                source.add_wrong_value(key, str(folder), f"a folder, but {parent} is a file")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, say: whoever writes there says so
        return False
