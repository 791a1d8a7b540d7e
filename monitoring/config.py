"""The settings: every key of config.yaml with its rule and default, and the loader (docs/configuration.md).

Every problem is told in one message, each with file, line, key, what was got and what is expected.
"""

import difflib
import ipaddress
import re
import types
from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from monitoring.config_file import SECRETS, Source, is_within, merge_env_file
from monitoring.errors import ConfigError

_ON_ONE_LINE = r"[^\x00-\x1f\x7f]+"
_TEMPLATE = r"s3://(?=[\w.{}-]+/[^/])(?=.*\{date\})([^{}\s]|\{(project_id|date|model)\})+"
_RESERVED_PUT = {"Bucket", "Key", "Body", "IfMatch", "IfNoneMatch", "Metadata", "ChecksumAlgorithm", "ChecksumSHA256"}
_DEFAULTS = {
    "project_id": "${DOMINO_PROJECT_ID}",
    "model_api.url": "${MODEL_API_URL}",
    "model_api.token": "${MODEL_API_TOKEN}",
    "model_monitor.url": "${DMM_URL}",
    "model_monitor.api_key": "${DMM_API_KEY}",
    "model_monitor.model_id": "${DMM_MODEL_ID}",
    "model_monitor.data_source.name": "${DMM_DATA_SOURCE}",
    "alerts.webhook": "${ALERT_WEBHOOK_URL:-}",
    "alerts.ping": "${PING_URL:-}",
    "state_dir": "${STATE_DIR:-state}",
    "report_dir": "${REPORT_DIR:-reports}",
}
"""The defaults that are variables: read when the key is left out."""


class Secret:
    """A token, key or secret address; no repr, format or JSON shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"


_NO_SECRET = Secret("")


class Rule(NamedTuple):
    """What a value must be, in words and as a test, and what it is then made into."""

    expected: str
    holds: Callable[[Any], object]
    made: Callable[[Any], Any] = lambda value: value


def _whole(low: int, high: int) -> Rule:
    return Rule(f"a whole number from {low:,} to {high:,}", lambda value: type(value) is int and low <= value <= high)


def _number(low: float, high: float) -> Rule:
    return Rule(f"a number from {low:,} to {high:,}", lambda value: type(value) in (int, float) and low <= value <= high, float)


def _above_0(high: float) -> Rule:
    return Rule(f"a number above 0, at most {high:,}", lambda value: type(value) in (int, float) and 0 < value <= high, float)


def _text(expected: str, pattern: str = _ON_ONE_LINE, made: Callable[[str], Any] = str) -> Rule:
    return Rule(expected, lambda value: isinstance(value, str) and re.fullmatch(pattern, value), made)


def _one_of(*words: str) -> Rule:
    return _text(f"{', '.join(words[:-1])} or {words[-1]}", "|".join(words))


def _list(expected: str, item: Rule) -> Rule:
    return Rule(
        expected,
        lambda value: isinstance(value, list) and all(map(item.holds, value)),
        lambda value: list(map(item.made, value)),
    )


def _is_url(value: Any) -> bool:
    try:
        parts = urlsplit(value if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) else "")
        return bool(parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0)
    except ValueError:  # brackets that hold no address, a port that is none
        return False


def _is_day(value: Any) -> bool:
    return type(value) is date or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None)


def _home_filled(path: str) -> str:
    return path if path.startswith("s3://") else str(Path(path).expanduser())


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and [type(rows) for rows in value] == [int, int] and 1 <= value[0] <= value[1] <= 1_000_000


def _are_shares(value: Any) -> bool:
    if not isinstance(value, dict):
        return value in ("balanced", "training")
    return all(map(_SHARE.holds, value.values())) and abs(sum(value.values()) - 1) < 1e-6


def _are_classes(value: Any) -> bool:
    return isinstance(value, list) and all(map(_CLASS.holds, value)) and len({str(item) for item in value}) == len(value) > 1


def _are_put_arguments(value: Any) -> bool:
    return isinstance(value, dict) and not _RESERVED_PUT & set(value)


_SHARE = _number(0, 1)
_CLASS = Rule("a whole number or a text", lambda value: type(value) is int or (isinstance(value, str) and value != ""))
_URL = Rule("an http:// or https:// address without credentials in it", _is_url, lambda value: value.rstrip("/"))
Share = Annotated[float, _SHARE]
Seconds = Annotated[float, _above_0(86_400)]
Days = Annotated[int, _whole(0, 3_650)]
Class = Annotated[int | str, _CLASS]
Classes = Annotated[list[int | str], Rule("two or more different whole numbers or texts, as a list", _are_classes)]
Rows = Annotated[tuple[int, int], Rule("[low, high], whole, with 1 <= low <= high <= 1,000,000", _are_rows, tuple)]
Shares = Annotated[
    str | dict[int | str, float], Rule("balanced, training, or a share for each class, 1 in all: {0: 0.3, 1: 0.7}", _are_shares)
]
Flag = Annotated[bool, Rule("true or false", lambda value: isinstance(value, bool))]
Line = Annotated[str, _text("text on one line, not empty")]
ResultPath = Annotated[str, _text('a dotted path, "" for the whole result', rf"({_ON_ONE_LINE})?")]
Url = Annotated[str, _URL]
SecretUrl = Annotated[Secret, _URL._replace(made=lambda value: Secret(value.rstrip("/")))]
Token = Annotated[Secret, _text("printable ASCII without blanks (is a line end in it?)", r"[!-~]+", Secret)]
Folder = Annotated[Path, _text("a path", made=lambda value: Path(_home_filled(value)))]
Data = Annotated[str, _text("a path, or s3://bucket/key", rf"s3://[\w.-]+/{_ON_ONE_LINE}|(?!s3:){_ON_ONE_LINE}", _home_filled)]
Words = Annotated[list[str], _list("a list of texts", _text(""))]
Hosts = Annotated[list[str], _list("a list of hosts, without ports", _text("", r"[\w.-]+|[0-9A-Fa-f:]+", str.lower))]
Day = Annotated[date, Rule("a day as YYYY-MM-DD", _is_day, lambda value: date.fromisoformat(str(value)))]
UriTemplate = Annotated[str, _text("s3://bucket/key with {date} in it and, if wanted, {project_id} and {model}", _TEMPLATE)]
PutArguments = Annotated[
    dict[str, Any],
    Rule(f"a mapping of PutObject's arguments other than {', '.join(sorted(_RESERVED_PUT))}", _are_put_arguments),
]


@dataclass(frozen=True, slots=True)
class Target:
    name: Line
    classes: Classes
    positive: Class


@dataclass(frozen=True, slots=True)
class Feature:
    name: Line
    type: Annotated[str, _one_of("categorical", "numerical")]
    group: Line | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    target: Target
    features: list[Feature]
    key: Line = "customer_id"


@dataclass(frozen=True, slots=True)
class Drill:
    feature: Line
    shift: Annotated[float, _number(-1_000_000_000, 1_000_000_000)]
    share: Share
    from_day: Day


@dataclass(frozen=True, slots=True)
class Scoring:
    rows: Rows = (100, 300)
    classes: Shares = "balanced"
    neighbors: Annotated[int, _whole(1, 1_000)] = 3
    reference_rows: Annotated[int, _whole(10, 50_000)] = 2_000
    seed: Annotated[int, _whole(0, 10**18)] = 0
    label_noise: Share = 0.0
    drift: list[Drill] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ModelApi:
    url: Url = ""
    token: Token = _NO_SECRET
    auth: Annotated[str, _one_of("basic", "bearer", "none")] = "basic"
    prediction: ResultPath = "class"
    probability: ResultPath | None = "score"
    timeout_seconds: Seconds = 10.0
    attempts: Annotated[int, _whole(1, 100)] = 5
    total_seconds: Seconds = 900.0
    max_reply_bytes: Annotated[int, _whole(1, 1_000_000_000)] = 1_000_000
    workers: Annotated[int, _whole(1, 256)] = 8
    requests_per_second: Annotated[float, _above_0(1_000_000)] | None = None
    max_failed_share: Share = 0.02


@dataclass(frozen=True, slots=True)
class GroundTruth:
    uri: UriTemplate = "s3://se-demo-data/{project_id}_{date}.csv"
    id_column: Line = "event_id"
    label_column: Line = "credit_GT"
    declare_row_identifier: Flag = False
    lag_days: Days = 0


@dataclass(frozen=True, slots=True)
class S3:
    endpoint_url: Url | None = None
    region: Line | None = None
    put_arguments: PutArguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSource:
    name: Line = ""
    type: Line = "s3"


@dataclass(frozen=True, slots=True)
class ModelMonitor:
    url: Url = ""
    api_key: Token = _NO_SECRET
    api_key_header: Annotated[str, _text("a header's name", r"[A-Za-z0-9-]+")] = "X-Domino-Api-Key"
    model_id: Annotated[str, _text("DMM's id of the monitored model", r"[A-Za-z0-9_-]+")] = ""
    data_source: DataSource = DataSource()
    endpoint: Annotated[str, _one_of("auto", "groundTruth", "register-dataset")] = "auto"
    poll_seconds: Seconds = 30.0
    ingested_words: Words = field(default_factory=lambda: ["done", "completed", "success", "succeeded"])
    failed_words: Words = field(default_factory=lambda: ["failed", "error"])


@dataclass(frozen=True, slots=True)
class TrainingSet:
    name: Annotated[str, _text("letters, digits, - or _", r"[-A-Za-z0-9_]+")] = "credit-default-training"
    description: Line | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    false_alarms_per_day: Annotated[float, _above_0(0.5)] = 0.01
    minimum_psi: Annotated[float, _number(0, 100)] = 0.02
    window_days: Annotated[int, _whole(1, 3_650)] = 7
    reference_days: Annotated[int, _whole(1, 3_650)] = 7
    accuracy_below: Share | None = None
    availability_below: Share | None = 0.98
    latency_p95_ms_above: Annotated[float, _above_0(86_400_000)] | None = None
    missing_share_above: Share | None = 0.05
    outlier_share_above: Share | None = 0.05
    label_coverage_below: Share | None = 0.95
    storage_bytes_above: Annotated[int, _whole(1, 10**18)] | None = None
    dmm_psi_limit: Annotated[float, _above_0(100)] = 0.2


@dataclass(frozen=True, slots=True)
class Alerts:
    webhook: SecretUrl | None = None
    ping: SecretUrl | None = None
    domino_metrics: Flag = False
    cooldown_days: Days = 3
    timeout_seconds: Seconds = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in config.yaml, its variables filled in and its relative paths made absolute."""

    schema: Schema
    project_id: Annotated[str, _text("letters, digits, . _ or -", r"[A-Za-z0-9._-]+")] = ""
    model: Annotated[str, _text("letters, digits, . _ or -, the first no .", r"[A-Za-z0-9_-][A-Za-z0-9._-]*")] = (
        "credit-default"
    )
    training_data: Data = "data/german_credit.csv"
    scoring: Scoring = Scoring()
    model_api: ModelApi = ModelApi()
    ground_truth: GroundTruth = GroundTruth()
    s3: S3 = S3()
    model_monitor: ModelMonitor = ModelMonitor()
    training_set: TrainingSet = TrainingSet()
    checks: Checks = Checks()
    alerts: Alerts = Alerts()
    allow_plain_http: Hosts = field(default_factory=list)
    state_dir: Folder = Path("state")
    report_dir: Folder = Path("reports")


def load(path: Path, unused: Collection[str] = ()) -> tuple[Settings, list[str]]:
    """Read config.yaml and the `.env` beside it and return the settings and warnings to log.

    unused: the settings that the script does not use, by their dotted beginning ("model_api"): these may be unset. The `.env`
    is merged into the process's environment, which wins. Raises ConfigError with every problem found.
    """
    folder = path.parent.resolve()
    warnings = merge_env_file(folder / ".env")
    source = Source(path, folder / ".env")
    data = source.read()
    settings = _section(source, Settings, data, "", _unused(data, unused))
    if settings is not MISSING:
        _compare(source, settings)
    if source.problems or settings is MISSING:
        lines = [f"{path.name}:{line}: {key}{': ' if key else ''}{text}" for line, key, text in sorted(source.problems)]
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
        raise ConfigError(f"{count} in {folder / path.name}; nothing was sent\n" + "\n".join(lines))
    data = settings.training_data
    data = data if data.startswith("s3://") else str(folder / data)
    state_dir, report_dir = folder / settings.state_dir, folder / settings.report_dir
    return replace(settings, training_data=data, state_dir=state_dir, report_dir=report_dir), warnings


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unused(data: Any, unused: Collection[str]) -> set[str]:
    """Return the settings that may be unset, seeing what others say."""

    def said(section: str, name: str) -> Any:
        found = data.get(section) if isinstance(data, dict) else None
        return found.get(name) if isinstance(found, dict) else None

    found = set(unused)
    if "{project_id}" not in str(said("ground_truth", "uri") or GroundTruth().uri):
        found.add("project_id")
    if said("model_api", "auth") == "none":
        found.add("model_api.token")
    if said("alerts", "domino_metrics") in (True, "true") and "alerts" not in found:
        found.discard("model_monitor")
    return found


def _section(source: Source, kind: Any, data: Any, key: str, unused: set[str]) -> Any:
    """Return the section made from plain data; what is wrong keeps its default, MISSING is returned where it has none."""
    if not isinstance(data, dict):
        source.wrong(key, data, "a mapping of settings")
        return MISSING
    hints = get_type_hints(kind, include_extras=True)
    known = {"from" if f.name == "from_day" else f.name: f for f in fields(kind)}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    for name in data.keys() - known.keys():
        near = difflib.get_close_matches(str(name), known, n=1)
        text = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
        source.problem(f"{key}.{name}" if key else str(name), f"unknown key; {text}")
    made = {}
    for name, f in known.items():
        inner, hint = f"{key}.{name}" if key else name, hints[f.name]
        if name in data:
            value = data[name]
        elif is_dataclass(hint):
            value = {}
        elif inner in _DEFAULTS:
            value = source.filled(_DEFAULTS[inner], inner)
        else:
            if f.name in required:
                source.problem(inner, "missing, and it has no default")
            continue
        if (value := _value(source, hint, value, inner, unused)) is not MISSING:
            made[f.name] = value
    return kind(**made) if required <= made.keys() else MISSING


def _value(source: Source, hint: Any, data: Any, key: str, unused: set[str]) -> Any:
    """Return the value of one key, MISSING where it is wrong, or unset and unused."""
    if is_dataclass(hint):
        return _section(source, hint, data, key, unused)
    if get_origin(hint) is list:
        if not isinstance(data, list):
            source.wrong(key, data, "a list of mappings")
            return MISSING
        made = [_section(source, get_args(hint)[0], item, f"{key}[{index}]", unused) for index, item in enumerate(data)]
        return MISSING if MISSING in made else made
    if (data in (None, "") or source.missing(key)) and any(is_within(key, name) for name in unused):
        return MISSING
    source.tell_missing(key)
    if key in source.told:
        return MISSING
    or_null = ""
    if get_origin(hint) in (Union, types.UnionType):
        if data is None:
            return None
        hint, or_null = get_args(hint)[0], ", or null"
    rule = hint.__metadata__[0]
    for candidate in (data, source.typed(data, key)):
        try:
            if rule.holds(candidate):
                return rule.made(candidate)
        except (ValueError, RuntimeError):  # there is no such day; there is no home folder to put for ~
            pass
    source.wrong(key, data, rule.expected + or_null)
    return MISSING


def _compare(source: Source, settings: Settings) -> None:
    """Note what no single key shows: names that must agree, and tokens that would travel unencrypted."""
    schema, scoring, names = settings.schema, settings.scoring, settings.ground_truth
    kinds = {feature.name: feature.type for feature in schema.features}
    classes, shown_classes = schema.target.classes, source.shown("schema.target.classes", schema.target.classes)
    taken = {feature.group: "a group" for feature in schema.features if feature.group}
    for key, name in [
        ("schema.target.name", schema.target.name),
        ("schema.key", schema.key),
        *((f"schema.features[{index}].name", feature.name) for index, feature in enumerate(schema.features)),
    ]:
        if name in taken:
            source.wrong(key, name, f"a name of its own, this is {taken[name]}")
        taken[name] = key
    for index, feature in enumerate(schema.features):
        if feature.group and feature.type == "numerical":
            source.wrong(f"schema.features[{index}].group", feature.group, "no group for a numerical feature")
        elif feature.group and not feature.name.startswith(f"{feature.group}_"):
            source.wrong(f"schema.features[{index}].name", feature.name, "<group>_<level>")
    if not schema.features:
        source.wrong("schema.features", [], "one feature or more")
    if schema.target.positive not in classes:
        source.wrong("schema.target.positive", schema.target.positive, f"one of {shown_classes}")
    if isinstance(scoring.classes, dict) and set(scoring.classes) != set(classes):
        source.wrong("scoring.classes", scoring.classes, f"a share for each of {shown_classes}")
    for index, drill in enumerate(scoring.drift):
        if drill.feature not in kinds:
            known = source.shown("schema.features", list(kinds))
            source.wrong(f"scoring.drift[{index}].feature", drill.feature, f"one of {known}")
        elif kinds[drill.feature] == "categorical" and drill.shift not in (1, -1):
            source.wrong(f"scoring.drift[{index}].shift", drill.shift, "1 (set) or -1 (clear) for a 0/1 feature")
    columns = [names.id_column, names.label_column, "prediction", "score", "scored_at"]
    if len(set(columns)) < len(columns):
        source.wrong("ground_truth.label_column", names.label_column, "neither id_column nor prediction, score or scored_at")
    urls = {"model_monitor.url": settings.model_monitor.url, "model_api.url": settings.model_api.url}
    if settings.model_api.auth == "none":
        del urls["model_api.url"]
    urls |= {
        f"alerts.{name}": url.get_secret_value() for name in ("webhook", "ping") if (url := getattr(settings.alerts, name))
    }
    for key, url in urls.items():
        host = urlsplit(url).hostname or ""
        if urlsplit(url).scheme == "http" and not is_loopback(host) and host not in settings.allow_plain_http:
            to = "" if key in SECRETS else f" to {host}"
            source.problem(
                key, f"got plain http{to}, expected https, or the host in allow_plain_http: a token would be readable"
            )
