"""Every setting of config.yaml, with its rule and its default.

To add one: a field here, its line in config.yaml and its row in docs/configuration.md.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated

from monitoring.redaction import Secret
from monitoring.s3_uri import S3Uri
from monitoring.settings.rules import (
    Arguments,
    Class,
    Classes,
    ClassMix,
    DataPath,
    Day,
    Days,
    Flag,
    Folder,
    Hosts,
    Line,
    PutArguments,
    ResultPath,
    Rows,
    Seconds,
    SecretUrl,
    Share,
    Token,
    UriTemplate,
    Url,
    Words,
    number,
    one_of,
    positive,
    text,
    whole,
)

VARIABLE_DEFAULTS = {
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

YAML_NAMES = {"from_day": "from", "as_name": "as"}
"""The fields that have another name in the file: there it is a word of Python's."""

_NO_SECRET = Secret("")


@dataclass(frozen=True, slots=True)
class Target:
    name: Line
    classes: Classes
    positive: Class


@dataclass(frozen=True, slots=True)
class Feature:
    name: Line
    type: Annotated[str, one_of("categorical", "numerical", "nominal")]
    group: Line | None = None
    as_name: Line | None = None
    nullable: Flag = False


@dataclass(frozen=True, slots=True)
class Schema:
    target: Target
    features: list[Feature]
    key: Line = "customer_id"


@dataclass(frozen=True, slots=True)
class Drill:
    feature: Line
    shift: Annotated[float, number(-1_000_000_000, 1_000_000_000)]
    share: Share
    from_day: Day


@dataclass(frozen=True, slots=True)
class Scoring:
    rows: Rows = (100, 300)
    classes: ClassMix = "balanced"
    neighbors: Annotated[int, whole(1, 1_000)] = 3
    reference_rows: Annotated[int, whole(10, 50_000)] = 2_000
    seed: Annotated[int, whole(0, 10**18)] = 0
    label_noise: Share = 0.0
    drift: list[Drill] = field(default_factory=list)
    source: DataPath | None = None
    generator: Annotated[str, one_of("smoten", "rows")] = "smoten"


@dataclass(frozen=True, slots=True)
class ModelApi:
    url: Url = ""
    token: Token = _NO_SECRET
    auth: Annotated[str, one_of("basic", "bearer", "none")] = "basic"
    prediction: ResultPath = "class"
    probability: ResultPath | None = "score"
    threshold: Share | None = None
    probabilities: ResultPath | None = None
    arguments: Arguments = field(default_factory=dict)
    timeout_seconds: Seconds = 10.0
    attempts: Annotated[int, whole(1, 100)] = 5
    total_seconds: Seconds = 900.0
    max_reply_bytes: Annotated[int, whole(1, 1_000_000_000)] = 1_000_000
    workers: Annotated[int, whole(1, 256)] = 8
    requests_per_second: Annotated[float, positive(1_000_000)] | None = None
    max_failed_share: Share = 0.02

    @property
    def gives_score(self) -> bool:
        """Whether replies hold the probability of `target.positive`."""
        return self.probability is not None or self.probabilities is not None


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
    api_key_header: Annotated[str, text("a header's name", r"[A-Za-z0-9-]+")] = "X-Domino-Api-Key"
    model_id: Annotated[str, text("DMM's id of the monitored model", r"[A-Za-z0-9_-]+")] = ""
    data_source: DataSource = DataSource()
    endpoint: Annotated[str, one_of("auto", "groundTruth", "register-dataset")] = "auto"
    poll_seconds: Seconds = 30.0
    ingested_words: Words = field(
        default_factory=lambda: ["done", "completed", "success", "succeeded"]
    )
    failed_words: Words = field(default_factory=lambda: ["failed", "error"])


@dataclass(frozen=True, slots=True)
class TrainingSet:
    name: Annotated[str, text("letters, digits, - or _", r"[-A-Za-z0-9_]+")] = (
        "credit-default-training"
    )
    description: Line | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    false_alarms_per_day: Annotated[float, positive(0.5)] = 0.01
    minimum_psi: Annotated[float, number(0, 100)] = 0.02
    window_days: Annotated[int, whole(1, 3_650)] = 7
    reference_days: Annotated[int, whole(1, 3_650)] = 7
    accuracy_below: Share | None = None
    availability_below: Share | None = 0.98
    latency_p95_ms_above: Annotated[float, positive(86_400_000)] | None = None
    missing_share_above: Share | None = 0.05
    outlier_share_above: Share | None = 0.05
    label_coverage_below: Share | None = 0.95
    storage_bytes_above: Annotated[int, whole(1, 10**18)] | None = None
    dmm_psi_limit: Annotated[float, positive(100)] = 0.2


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
    project_id: Annotated[str, text("letters, digits, . _ or -", r"[A-Za-z0-9._-]+")] = ""
    model: Annotated[
        str,
        text(
            "letters, digits, . _ or -, the first no ., at most 255 (it is a folder's name)",
            r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}",
        ),
    ] = "credit-default"
    training_data: DataPath = "data/german_credit.csv"
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

    def ground_truth_uri(self, day: date) -> S3Uri:
        """Return the address of a day's ground truth file."""
        uri = self.ground_truth.uri.format(
            project_id=self.project_id, model=self.model, date=day.isoformat()
        )
        return S3Uri.parse(uri)

    def ground_truth_prefix(self) -> str:
        """Return what the addresses of all days' files begin with, as s3://bucket/prefix."""
        before_date = self.ground_truth.uri.partition("{date}")[0]
        return before_date.format(project_id=self.project_id, model=self.model)

    def secrets(self) -> list[Secret]:
        """Return every secret value that is set."""
        values = (
            self.model_api.token,
            self.model_monitor.api_key,
            self.alerts.webhook,
            self.alerts.ping,
        )
        return [value for value in values if value is not None]
