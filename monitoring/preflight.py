"""`--check`: try whatever a run needs, before its first night. Scores, registers, locks and keeps nothing.

Each check is a small function that returns what it found, and what to mend where that is worth a warning, or raises the very
error that the run would raise: so the exit code is the one that the run would end with.
"""

import argparse
import email.utils
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from monitoring import console
from monitoring.errors import ConfigError, MonitoringError, RefusedError, ServiceError, worst

if TYPE_CHECKING:
    from monitoring.config import Settings

_LEAST_ROOM_BYTES = 100_000_000  # far more than a day needs, less than any disk in order has
_LATER = "make room or mend its rights where it is a folder; else try again later"
_MOST_SKEW_SECONDS = 60  # S3 refuses from 15 minutes on; a synchronised clock is off by less than a second


class Check(NamedTuple):
    """What came of a check. `fix`: what to mend, None where there is nothing; `exit_code`: of a run that meets the same."""

    name: str
    ok: bool
    detail: str
    fix: str | None
    exit_code: int


@dataclass(slots=True)
class _Run:
    settings: "Settings"
    script: str
    environment: Mapping[str, str]
    skews: dict[str, float] = field(default_factory=dict)

    def note_date(self, url: str, date: str | None) -> None:
        try:
            told = email.utils.parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        self.skews[urlsplit(url).hostname or "?"] = time.time() - told


_Found = tuple[str, str | None]


def run(script: str, arguments: argparse.Namespace, environment: Mapping[str, str]) -> console.Outcome:
    """Do the checks of a script and return their table, `{"checks": [...]}`, and the worst exit code among them.

    environment: the process's, which the loader may have added to.
    """
    unused, names = _SCRIPTS[script]
    try:
        settings = console.settings(arguments, unused)
    except ConfigError as error:
        return _outcome([Check("settings", False, str(error), "mend what is named; nothing else was tried", error.exit_code)])
    one = _Run(settings, script, environment)
    done = [Check("settings", True, str(arguments.config.absolute()), None, 0)]
    if settings.alerts.domino_metrics and script == "daily_scoring.py":
        names = (*names, "Model Monitor")
    done += [_tried(one, name, *_CHECKS[name]) for name in names]
    if one.skews:
        done.append(_tried(one, "clock", _clock, "set this machine's clock (chrony, ntpd)"))
    return _outcome(done)


def _tried(one: _Run, name: str, check: Callable[[_Run], _Found], fix: str) -> Check:
    try:
        detail, warning = check(one)
    except MonitoringError as error:
        return Check(name, False, str(error), _LATER if isinstance(error, ServiceError) else fix, error.exit_code)
    if warning:
        console.log.warning("%s: %s: %s", name, detail, warning)
    return Check(name, True, detail, warning, 0)


def _outcome(done: list[Check]) -> console.Outcome:
    lines = []
    for check in done:
        lines.append(f"{'ok' if check.ok else 'FAILED':<7} {check.name:<15} " + check.detail.replace("\n", "\n" + " " * 24))
        if not check.ok:
            lines.append(f"{'':<23} to mend: {check.fix}")
    shown = [{"name": check.name, "ok": check.ok, "detail": check.detail, "fix": check.fix} for check in done]
    return console.Outcome("\n".join(lines), {"checks": shown}, worst(check.exit_code for check in done))


def _disk(one: _Run) -> _Found:
    for folder in (one.settings.state_dir, one.settings.report_dir):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=there) as probe:
                probe.write(bytes(4096))
                probe.flush()
        except OSError as error:
            raise ServiceError(f"{there}: can't be written: {error.strerror}") from None
        if (room := shutil.disk_usage(there).free) < _LEAST_ROOM_BYTES:
            raise ServiceError(f"{there}: {room:,} bytes free, expected {_LEAST_ROOM_BYTES:,} or more")
    told = f"{one.settings.state_dir} and {one.settings.report_dir}: can be written, {room:,} bytes free"
    if _ends_with_container(one.settings.state_dir, one.environment):
        return f"{told}, but what is written there ends with this run's container", "put state_dir (STATE_DIR) into a dataset"
    return told, None


def _training_data(one: _Run) -> _Found:
    from monitoring import object_store, training_data

    settings = one.settings
    if settings.training_data.startswith("s3://"):
        stored = object_store.head(object_store.client(settings.s3), *object_store.split_uri(settings.training_data))
        if stored is None:
            raise RefusedError(f"{settings.training_data}: no such object")
        return f"{settings.training_data}: {stored.size_bytes:,} bytes; its columns are not looked at", None
    with training_data.local_file(settings) as (path, _):
        rows = len(next(training_data.chunks(path, settings.schema), ()))
    if not rows:
        raise RefusedError(f"{path}: no rows")
    return f"{path}: all columns, the first {rows:,} rows are as expected", None


def _endpoint(one: _Run) -> _Found:
    from monitoring import http_client

    # OPTIONS is safe (RFC 9110, 9.2.1): no row is scored, none captured. It goes without the token, which it need not know.
    url = one.settings.model_api.url
    limits = http_client.Limits(attempts=2, read_seconds=one.settings.model_api.timeout_seconds)
    reply = http_client.call(http_client.session({}), "OPTIONS", url, name="the model's endpoint", limits=limits)
    if reply.redirect_host:
        raise RefusedError(f"{reply.url}: redirects to {reply.redirect_host}, which is never followed")
    one.note_date(url, reply.headers.get("Date"))
    told = f"{reply.url}: answers ({reply.status}); whether token and address are right shows with the first row"
    return told, None


def _object_store(one: _Run) -> _Found:
    from monitoring import ground_truth, object_store

    settings = one.settings
    lag_days = 0 if one.script == "daily_scoring.py" else settings.ground_truth.lag_days
    bucket, key = ground_truth.address(settings, console.utc_now().date() - timedelta(days=lag_days))
    store = object_store.client(settings.s3)

    def note_date(http_response: Any, **_: Any) -> None:
        one.note_date(store.meta.endpoint_url, http_response.headers.get("Date"))

    store.meta.events.register("after-call.s3", note_date)
    try:
        stored = object_store.head(store, bucket, key)
    except object_store.Denied as error:
        if one.script != "daily_scoring.py":
            raise
        return f"{error}; a write-only key will do", "allow s3:GetObject, so that a lost answer can be told from another's file"
    told = f"{stored.size_bytes:,} bytes stand there" if stored else "nothing stands there yet"
    return f"s3://{bucket}/{key}: {told}" + ("; writing is not tried" if one.script == "daily_scoring.py" else ""), None


def _model_monitor(one: _Run) -> _Found:
    from monitoring import model_monitor

    monitor = one.settings.model_monitor
    service = model_monitor.connect(monitor)
    service.hooks["response"].append(lambda response, **_: one.note_date(monitor.url, response.headers.get("Date")))
    model = model_monitor.get_model(service, one.settings, monitor.model_id)
    return f"{monitor.url}: the key is taken, the model is {model.get('name', 'nameless')}", None


def _data_source(one: _Run) -> _Found:
    from monitoring import model_monitor

    monitor = one.settings.model_monitor
    known = model_monitor.data_sources(model_monitor.connect(monitor), one.settings)
    if monitor.data_source.name not in known:
        raise RefusedError(f"DMM knows no data source {monitor.data_source.name}, but {', '.join(sorted(known)) or 'none'}")
    return f"{monitor.data_source.name} is known to DMM", None


def _training_set(one: _Run) -> _Found:
    from monitoring import training_set_client

    name = one.settings.training_set.name
    environment = training_set_client.environment_for(one.settings, one.environment, writes=True)
    return f"{name}: {len(training_set_client.versions(environment, name))} versions", None


def _clock(one: _Run) -> _Found:
    for host, skew in one.skews.items():
        if abs(skew) > _MOST_SKEW_SECONDS:
            raise RefusedError(f"this machine's clock is {skew:+,.0f} seconds off that of {host}")
    return f"at most {max(map(abs, one.skews.values())):.0f} seconds off that of {', '.join(one.skews)}", None


def _ends_with_container(folder: Path, environment: Mapping[str, str]) -> bool:
    """Whether a folder is gone after a Domino run: datasets stay, the working folder does not (contracts 11)."""
    if not environment.get("DOMINO_RUN_ID"):
        return False
    lasting = [environment.get(name) for name in ("DOMINO_DATASETS_DIR", "DOMINO_IMPORTED_DATA_DIR")]
    lasting += ["/domino/datasets", "/mnt/data", "/mnt/imported"]
    passing = [environment.get("DOMINO_WORKING_DIR"), "/mnt", "/tmp"]
    within = [any(folder.resolve().is_relative_to(mount) for mount in mounts if mount) for mounts in (lasting, passing)]
    return within == [False, True]


_CHECKS: dict[str, tuple[Callable[[_Run], _Found], str]] = {
    "disk": (_disk, "mend state_dir or report_dir"),
    "training data": (_training_data, "mend training_data, or the data, or schema"),
    "model endpoint": (_endpoint, "mend model_api.url (MODEL_API_URL)"),
    "object store": (_object_store, "mend ground_truth.uri, s3, or the AWS variables"),
    "Model Monitor": (_model_monitor, "mend model_monitor.url, api_key or model_id (DMM_URL, DMM_API_KEY, DMM_MODEL_ID)"),
    "data source": (_data_source, "mend model_monitor.data_source.name (DMM_DATA_SOURCE), or make the data source in DMM"),
    "TrainingSet": (_training_set, "mend the DOMINO_ variables"),
}
_SCRIPTS = {
    "daily_scoring.py": (
        ["model_monitor"],
        ("disk", "training data", "model endpoint", "object store"),
    ),
    "gt_registration.py": (["model_api"], ("disk", "object store", "Model Monitor", "data source")),
    "create_training_set.py": (
        ["model_api", "model_monitor", "ground_truth", "project_id", "alerts"],
        ("disk", "training data", "TrainingSet"),
    ),
}
