"""Every call that the scripts make outside, and what a fault in it must lead to."""

from dataclasses import dataclass, field
from typing import Any

from tests.reliability import bench
from tests.reliability.wire_faults import Kind, WireFault

BODY_FAULTS = ("cut", "body stops half-way")
"""What can't happen to the answer to a HEAD: it has no body."""

RETRYABLE = {408, 429, 502, 503, 504}
DRILL = {"drift": [{"feature": "age", "shift": 40, "share": 1.0, "from": "2020-01-01"}]}


@dataclass(frozen=True, slots=True)
class Call:
    """An outside call.

    variable: of the service's address. method, path: how the relay knows the call. names: what a
    message says of it. statuses: the exit codes for a status, where they are not the usual ones;
    odd: for an answer that is no answer of the service. taken: the faults that it has to take for
    success. lost: the exit codes where its answer is lost. is_first: it is its service's first
    call, so that an address where nobody answers fails here. is_extra: a fault must not fail the
    day.
    """

    name: str
    script: str
    variable: str
    method: str
    path: str
    names: tuple[str, ...]
    statuses: dict[int, set[int]] = field(default_factory=dict)
    odd: frozenset[int] = frozenset({6})
    taken: tuple[str, ...] = ()
    lost: frozenset[int] = frozenset({0})
    is_first: bool = True
    is_extra: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def can_meet(self, fault: WireFault) -> bool:
        """Whether the fault says anything of this call."""
        if fault.fault is None:
            return self.is_first
        return self.method != "HEAD" or fault.name not in BODY_FAULTS

    def expected(self, fault: WireFault) -> set[int]:
        """Return the exit codes that are right for a fault that stays."""
        if self.is_extra or fault.name in self.taken:
            return {0}
        if fault.kind is Kind.LOST:
            return set(self.lost)
        if fault.kind is Kind.STATUS:
            return self.statuses.get(fault.status, self._usual(fault.status))
        if fault.name in ("no gzip", "negative chunk"):
            return {5, 6}  # as early as it is noticed
        by_kind = {Kind.PASSING: {5}, Kind.ADDRESS: {5}, Kind.UNTRUSTED: {6}}
        return by_kind.get(fault.kind, set(self.odd))

    def _usual(self, status: int) -> set[int]:
        return {5} if status in RETRYABLE or status >= 500 else {6}


_S3, _DOMINO, _MODEL = "AWS_ENDPOINT_URL_S3", "DMM_URL", "MODEL_API_URL"
_OLD = {"model_monitor": {"endpoint": "register-dataset"}}
_NEW = {"model_monitor": {"endpoint": "groundTruth"}}
_ANY_JSON = ("another's JSON", "a number as JSON")  # what success looks like is not verified
_NEVER_TWICE = frozenset({5})  # asked again, it would make a second version
_TOO_LARGE = frozenset({5, 6})  # it may have been taken, so it is asked again

CALLS = (
    # A row that failed for good is not sent again: 500 and 501 are an answer, not an outage.
    Call(
        "model: score a row",
        bench.SCORING,
        _MODEL,
        "POST",
        "/models/",
        ("POST http", "/models/", "model"),
        statuses={500: {6}, 501: {6}, 507: {6}},
    ),
    # A HEAD says little: a GET finds out more, and there is no object.
    Call(
        "S3: HEAD before scoring",
        bench.SCORING,
        _S3,
        "HEAD",
        "",
        ("s3://",),
        statuses={400: {0}, 403: {0}, 404: {0}, 501: {6}},
    ),
    Call(
        "S3: PUT",
        bench.SCORING,
        _S3,
        "PUT",
        "",
        ("s3://",),
        statuses={412: {5}, 501: {6}},
        odd=frozenset({5, 6}),
        is_first=False,
    ),
    Call(
        "S3: LIST, for its size",
        bench.SCORING,
        _S3,
        "GET",
        "list-type=2",
        ("s3://",),
        is_extra=True,
        is_first=False,
    ),
    Call(
        "S3: GET of training data",
        bench.SCORING,
        _S3,
        "GET",
        "train.csv",
        ("s3://",),
        statuses={501: {6}},
        settings={"training_data": "s3"},
        is_first=False,
    ),
    Call(
        "S3: HEAD before registering",
        bench.REGISTRATION,
        _S3,
        "HEAD",
        "",
        ("s3://",),
        statuses={501: {6}},
    ),
    Call(
        "S3: GET of the file",
        bench.REGISTRATION,
        _S3,
        "GET",
        ".csv",
        ("s3://",),
        statuses={501: {6}},
        is_first=False,
    ),
    Call(
        "DMM: register-dataset",
        bench.REGISTRATION,
        _DOMINO,
        "PUT",
        "register-dataset",
        ("register-dataset", "DMM"),
        odd=_TOO_LARGE,
        taken=_ANY_JSON,
        settings=_OLD,
    ),
    Call(
        "DMM: groundTruth",
        bench.REGISTRATION,
        _DOMINO,
        "POST",
        "groundTruth",
        ("groundTruth", "DMM"),
        odd=_TOO_LARGE,
        taken=_ANY_JSON,
        settings=_NEW,
    ),
    Call(
        "DMM: jobs",
        bench.REGISTRATION,
        _DOMINO,
        "POST",
        "dataset-jobs",
        ("dataset-jobs", "jobs", "DMM"),
        is_extra=True,
        settings=_OLD,
        is_first=False,
    ),
    Call(
        "DMM: the model, in --check",
        bench.REGISTRATION,
        _DOMINO,
        "GET",
        "/model?",
        ("DMM", "Model Monitor"),
        odd=_TOO_LARGE,
        arguments=("--check",),
    ),
    Call(
        "DMM: data sources, in --check",
        bench.REGISTRATION,
        _DOMINO,
        "GET",
        "datasources",
        ("datasources", "DMM", "data source"),
        odd=_TOO_LARGE,
        arguments=("--check",),
        is_first=False,
    ),
    Call(
        "TrainingSet: find",
        bench.TRAINING_SET,
        "DOMINO_API_HOST",
        "POST",
        "version/find",
        ("TrainingSet",),
    ),
    Call(
        "TrainingSet: create",
        bench.TRAINING_SET,
        "DOMINO_API_HOST",
        "POST",
        "/trainingset/set-",
        ("TrainingSet",),
        lost=_NEVER_TWICE,
        is_first=False,
    ),
    Call(
        "TrainingSet: finish",
        bench.TRAINING_SET,
        "DOMINO_API_HOST",
        "PUT",
        "/trainingset/set-",
        ("TrainingSet",),
        lost=_NEVER_TWICE,
        is_first=False,
    ),
    Call(
        "alerts: webhook",
        bench.SCORING,
        "ALERT_WEBHOOK_URL",
        "POST",
        "/hook",
        ("webhook",),
        is_extra=True,
        settings={"scoring": DRILL},
    ),
    Call("alerts: ping", bench.SCORING, "PING_URL", "GET", "/ping", ("ping",), is_extra=True),
    Call(
        "alerts: Domino's metric values",
        bench.SCORING,
        _DOMINO,
        "POST",
        "metricValues",
        ("metrics",),
        is_extra=True,
        settings={"alerts": {"domino_metrics": True}},
    ),
    Call(
        "alerts: Domino's metric alerts",
        bench.SCORING,
        _DOMINO,
        "POST",
        "metricAlerts",
        ("metrics",),
        is_extra=True,
        settings={"alerts": {"domino_metrics": True}, "scoring": DRILL},
        is_first=False,
    ),
)
