"""The record of a day: all that its checks computed, as `<report_dir>/<model>/<day>.json`.

It holds counts of the day's rows (no row), so that windows and reference days are sums of earlier
records. None is what is undefined or unknown. To add a number: a field with a default here, its
computation in a family of checks, its line in report/metrics.py.
"""

import math
from enum import StrEnum
from pathlib import Path
from typing import SupportsFloat

import msgspec
from msgspec import Struct, field

from monitoring.checks.alert import Alert
from monitoring.checks.shift_record import Bins, FeatureTest, VariableTest
from monitoring.settings.rules import Label

VERSION = 1

Share = float | None
"""0 to 1."""
Interval = tuple[float | None, float | None]
"""Low and high, of 95 %."""


class Advice(StrEnum):
    """What a person is advised to do."""

    NONE = "none"
    LOOK = "look"
    RETRAIN = "retrain"


class BaselineRecord(Struct, frozen=True, kw_only=True):
    """What the features were compared with.

    independent: another sample than the one that the batch was generated from.
    """

    source: str
    pinned: bool
    rows: int
    created_at: str
    fingerprint: str
    independent: bool


class VariableCounts(Struct, frozen=True, omit_defaults=True):
    """A variable's rows by actual class: cells (classes, cells), bins where it has them."""

    cells: list[list[int]]
    bins: list[list[int]] | None = None


class Counts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The day's rows, counted.

    confusion (classes, classes): actual, predicted. score: for each actual class the rows of each
    score cell that has any; score_sums (classes,); both None where the model gives no score.
    """

    features: dict[str, VariableCounts]
    confusion: list[list[int]]
    score: list[dict[int, int]] | None = None
    score_sums: list[float] | None = None


class FailedRow(Struct, frozen=True):
    """A row without a prediction; row: its id."""

    row: str
    error: str | None
    request_id: str | None


class EndpointRecord(Struct, frozen=True, kw_only=True):
    """How the endpoint answered.

    attempts: requests sent. attempt_errors: those without a usable answer, by kind. latency_ms:
    p50, p95, p99 and max of the answers; empty without any. failures: the first ten.
    """

    scored: int
    failed: int
    not_sent: int
    attempts: int
    retried: int
    availability: Share
    availability_interval: Interval
    attempt_errors: dict[str, int] = field(name="faults")
    latency_ms: dict[str, float]
    rows_per_second: float | None
    releases: list[str]
    failures: list[FailedRow]


class Measure(Struct, frozen=True):
    """A value with its 95 % interval, where it has one."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Reference(Struct, frozen=True, kw_only=True):
    """The first days of a release, which score and predicted class are compared with.

    release: None where several answered on the day.
    """

    release: str | None
    days: list[str]
    days_needed: int = field(name="of")
    is_complete: bool = field(name="complete")


class AccuracyWindow(Struct, frozen=True):
    """The accuracy of the last days together; accuracy: value, low, high."""

    days: int
    accuracy: tuple[float | None, float | None, float | None]


class PerformanceRecord(Struct, frozen=True, kw_only=True):
    """How right the model is, and whether score and predicted class are as in its first days."""

    metrics: dict[str, Measure]
    mean_score: float | None
    label_coverage: float
    reference: Reference
    window: AccuracyWindow
    tests: list[VariableTest]
    score_bins: Bins | None


class RepeatedInputs(Struct, frozen=True, kw_only=True):
    """Distinct inputs that came more than once under one release, and whose answers differed.

    same_day: within the day; earlier: that came on an earlier day as well. largest_change: of a
    score. repeats_itself: whether the release gives equal inputs equal answers; None: not known.
    """

    same_day: int
    same_day_changed: int
    earlier: int
    earlier_changed: int
    largest_change: float
    repeats_itself: bool | None


class ClassShares(Struct, frozen=True, kw_only=True):
    """A class's shares: of the actual outcomes, the predictions, as requested, in the baseline."""

    label: Label = field(name="class")
    actual: float
    predicted: float
    requested: float
    baseline: float


class ColumnQuality(Struct, frozen=True, kw_only=True):
    """What a column has that can't be used, or was not to be expected.

    missing, outside and their baselines: shares; wrong, infinite (or beyond 1e150), unseen: rows.
    outside: None for a categorical column, or one without a usable value.
    """

    column: str
    missing: float
    wrong: int
    infinite: int
    unseen: int
    baseline_missing: float
    outside: Share
    baseline_outside: Share


class FeatureRank(Struct, frozen=True, kw_only=True):
    """A feature's association with the prediction, its rank, and the 90 % band of the rank."""

    feature: str
    association: float | None
    rank: int
    low: int
    high: int


class PipelineRecord(Struct, frozen=True, kw_only=True):
    """What is known of the run and of the days around it; None: unknown.

    days_missing: days without a file. days_failed: days that DMM failed to ingest. days_overdue:
    days that DMM accepted two days ago or more and has not ingested. scoring_seconds: from the
    first request to the last answer; duration_seconds: of the whole run so far.
    """

    days_missing: list[str] = []
    days_overdue: list[str] = []
    days_failed: list[str] = []
    duration_seconds: float | None = None
    scoring_seconds: float | None = None
    storage_bytes: int | None = None
    storage_objects: int | None = None
    state_bytes: int | None = None


class DayRecord(Struct, frozen=True, kw_only=True):
    """Everything that the checks of a day computed; drift: the largest movers first.

    alerts: those that are new. ongoing: reported before and still so. recovered: of the day before,
    no longer so.
    """

    version: int = VERSION
    model: str
    day: str
    created_at: str = field(name="made_at")
    schema_hash: str
    baseline: BaselineRecord
    drills: list[str]
    dmm_psi_limit: float
    minimum_psi: float
    rows: int
    counts: Counts
    endpoint: EndpointRecord
    performance: PerformanceRecord
    balance: list[ClassShares]
    quality: list[ColumnQuality]
    importance: list[FeatureRank]
    drift: list[FeatureTest]
    pipeline: PipelineRecord
    alerts: list[Alert]
    advice: Advice
    because: list[str]
    ongoing: list[Alert] = []
    recovered: list[Alert] = []
    repeats: RepeatedInputs | None = None


class _Versioned(Struct):
    version: int


_version_decoder = msgspec.json.Decoder(_Versioned)
_record_decoder = msgspec.json.Decoder(DayRecord)


def to_json(record: DayRecord) -> bytes:
    """Return the record as one line of JSON; what is not finite becomes null."""
    return msgspec.json.encode(record) + b"\n"


def read(path: Path) -> DayRecord:
    """Return the record in a file; raises OSError, or ValueError where it is no such record."""
    content = path.read_bytes()
    version = _version_decoder.decode(content).version
    if version != VERSION:
        raise ValueError(f"version {version}")
    return _record_decoder.decode(content)


def finite(value: SupportsFloat) -> float | None:
    """Return the number as a record holds it: None for what is undefined or infinite."""
    number = float(value)
    return number if math.isfinite(number) else None
