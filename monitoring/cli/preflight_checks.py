"""The checks of `--check`: each returns what it found, or raises the error that a run would."""

import email.utils
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from monitoring.cli import persistence, preflight_probes
from monitoring.errors import RefusedError, ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.text import format_count, format_size

if TYPE_CHECKING:
    from monitoring.dataset.training_file import TrainingFile
    from monitoring.settings.model import Settings

_MIN_FREE_BYTES = 100_000_000  # far more than a day needs, less than any disk in order has
_MAX_SKEW_SECONDS = 60  # S3 refuses from 15 minutes on; a synchronised clock is off by less than 1


class Finding(NamedTuple):
    """What a check found, and a warning where a run would work all the same.

    not_verified: what was not tried, and what tries it.
    """

    detail: str
    warning: str | None = None
    not_verified: str | None = None


@dataclass(slots=True)
class Context:
    """What the checks share.

    day: whose object is looked at. probe: the name of row and object that a probe
    leaves, None for none. skews: by how many seconds
    this machine's clock is ahead, by host.
    """

    settings: "Settings"
    is_scoring: bool
    day: date
    probe: str | None = None
    skews: dict[str, float] = field(default_factory=dict)

    def note_clock(self, url: str, headers: Mapping[str, str]) -> None:
        """Compare this machine's clock with an answer's Date."""
        try:
            server_time = email.utils.parsedate_to_datetime(headers.get("Date") or "").timestamp()
        except ValueError:
            return
        self.skews[urlsplit(url).hostname or "?"] = time.time() - server_time


def _disk(context: Context) -> Finding:
    folders = (context.settings.state_dir, context.settings.report_dir)
    free_bytes = min(_free_bytes(folder) for folder in folders)
    detail = f"{folders[0]} and {folders[1]}: writable, {format_size(free_bytes)} free"
    if persistence.ends_with_run(context.settings.state_dir):
        return Finding(
            f"{detail}, but what is written there ends with this run's container",
            persistence.REMEDY,
        )
    return Finding(detail)


def _free_bytes(folder: Path) -> int:
    """Return the room on a folder's disk; raises ServiceError where it can't be written."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(bytes(4096))
            probe.flush()
    except OSError as error:
        raise ServiceError(f"{existing}: can't be written: {error.strerror}") from None

    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < _MIN_FREE_BYTES:
        expected = format_size(_MIN_FREE_BYTES)
        raise ServiceError(
            f"{existing}: {format_size(free_bytes)} free, expected {expected} or more"
        )
    return free_bytes


def _training_data(context: Context) -> Finding:
    from monitoring.dataset import training_data
    from monitoring.dataset.training_file import TrainingFile

    settings, where = context.settings, context.settings.training_data
    what = "columns" if settings.scoring.source else "columns, and whether a batch can be made"
    if unread := _unread(context, where, what):
        return unread
    with TrainingFile(settings) as data:
        if settings.scoring.source:
            return _whole_baseline(settings, data)
        tally = training_data.Tally()
        next(training_data.chunks(data.path, settings.schema, tally=tally), None)
        if not tally.rows:
            raise RefusedError(f"{where}: no rows")
        batch_text = _batch_text(settings, data)
    text = f"{where}: all columns, the first {tally.rows:,} rows are as expected; {batch_text}"
    if tally.left_out:
        text += f"; {training_data.left_out_text(tally)}"
    return Finding(text)


def _whole_baseline(settings: "Settings", data: "TrainingFile") -> Finding:
    """Read all rows: no batch is made of them, but the days are compared with them."""
    from monitoring.dataset.sample import count_classes

    where = settings.training_data
    class_rows = count_classes(data.rows)
    if absent := [str(value) for value, rows in class_rows.items() if not rows]:
        raise RefusedError(
            f"{where}: no row of class {', '.join(absent)}, expected rows of each of"
            f" {settings.schema.target.classes}: there is no baseline without"
        )
    rows = sum(class_rows.values())
    return Finding(f"{where}: all columns, {rows:,} rows are as expected for a baseline")


def _source(context: Context) -> Finding:
    from monitoring.dataset.training_file import TrainingFile

    settings, where = context.settings, str(context.settings.scoring.source)
    needed = [where]
    if settings.scoring.classes == "training":  # their class mix
        needed.append(settings.training_data)
    for location in needed:
        if unread := _unread(context, location, f"whether a batch can be made of {where}"):
            return unread
    with TrainingFile(settings) as data:
        return Finding(f"{where}: {_batch_text(settings, data)}")


def _batch_text(settings: "Settings", data: "TrainingFile") -> str:
    from monitoring.batch.generate import try_batch

    batch = try_batch(settings, data)
    return f"a batch of {format_count(len(batch), 'row')} can be made"


def _unread(context: Context, where: str, what: str) -> Finding | None:
    """Return what is known of data in S3 without reading them, None of data that are read.

    what: what is then not verified.
    """
    from monitoring.services.s3 import Store

    if context.probe or not where.startswith("s3://"):
        return None
    uri, store = S3Uri.parse(where), Store(context.settings.s3)
    not_verified = f"{what}; --probe reads them"
    if uri.is_prefix:
        sizes = [size for _, size in store.list_objects(uri)]
        if not sizes:
            raise RefusedError(f"{uri}: no object under this prefix")
        size = format_size(sum(sizes))
        objects = format_count(len(sizes), "object")
        return Finding(f"{uri}: {size} in {objects}", not_verified=not_verified)
    stored = store.head(uri)
    if stored is None:
        raise RefusedError(f"{where}: no such object")
    return Finding(f"{where}: {format_size(stored.size_bytes)}", not_verified=not_verified)


def _endpoint(context: Context) -> Finding:
    from monitoring.services.exchange import Limits, Request
    from monitoring.services.http import HttpService

    # OPTIONS is safe (RFC 9110, 9.2.1): no row is scored, none captured. It goes without the
    # token, which it need not know.
    model_api = context.settings.model_api
    limits = Limits(attempts=2, read_seconds=model_api.timeout_seconds)
    service = HttpService("the model's endpoint", {}, limits)
    reply = service.call(Request("OPTIONS", model_api.url))
    if reply.redirect_host:
        raise RefusedError(
            f"{reply.url}: redirects to {reply.redirect_host}, which is never followed"
        )
    context.note_clock(model_api.url, reply.headers)
    detail = f"{reply.url}: answers ({reply.status})"
    if context.probe:
        row = preflight_probes.send_row(context.settings, context.probe)
        return Finding(f"{reply.url}: {row}")
    return Finding(detail, not_verified="token and address; --probe sends one row")


def _object_store(context: Context) -> Finding:
    from monitoring.ledger.workspace import Workspace
    from monitoring.services.s3 import Store
    from monitoring.services.s3_errors import DeniedError
    from monitoring.services.s3_memory import StoreMemory

    settings, is_scoring = context.settings, context.is_scoring
    uri = settings.ground_truth_uri(context.day)
    store = Store(settings.s3)
    store.on_reply(lambda headers: context.note_clock(store.endpoint_url, headers))

    try:
        stored = store.head(uri)
    except DeniedError as error:
        if not is_scoring:
            raise
        detail = f"{error}; a write-only key will do"
        allow = "allow s3:GetObject, so that after a lost answer our own file is recognised"
        if context.probe:
            return _written(context.settings, uri, context.probe, allow)
        return Finding(detail, allow, not_verified="whether the key may write; --probe writes")

    what = f"the object exists ({format_size(stored.size_bytes)})" if stored else "no object yet"
    if is_scoring and context.probe:
        return _written(settings, uri, context.probe)
    tried = "; writing is not tried (--probe does)" if is_scoring else ""
    memory = StoreMemory(Workspace.of(settings).store_memory, store.endpoint_url, uri.bucket)
    return Finding(f"{uri}: {what}{tried}", memory.warning)


def _written(settings: "Settings", uri: S3Uri, name: str, warning: str | None = None) -> Finding:
    detail, problem = preflight_probes.write_object(settings, uri, name)
    return Finding(detail, "; ".join(filter(None, (warning, problem))) or None)


def _model_monitor(context: Context) -> Finding:
    from monitoring.services.dmm import Dmm
    from monitoring.services.server_text import server_text

    monitor = context.settings.model_monitor
    dmm = Dmm(context.settings)
    dmm.on_reply(lambda headers: context.note_clock(monitor.url, headers))
    model = dmm.get_model(monitor.model_id)
    name = server_text(model.get("name", "nameless"))
    return Finding(f"{monitor.url}: the key is accepted, the model is {name}")


def _data_source(context: Context) -> Finding:
    from monitoring.services.dmm import Dmm

    name = context.settings.model_monitor.data_source.name
    known = Dmm(context.settings).data_sources()
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise RefusedError(f"DMM knows no data source {name}, but {listed}")
    return Finding(f"{name} is known to DMM")


def _training_set(context: Context) -> Finding:
    from monitoring.services.training_sets import TrainingSets
    from monitoring.services.training_sets_environment import environment_for

    name = context.settings.training_set.name
    environment = environment_for(context.settings, os.environ, writes=True)
    versions = TrainingSets(name, environment).versions()
    return Finding(f"{name}: {format_count(len(versions), 'version')}")


def _clock(context: Context) -> Finding:
    for host, skew in context.skews.items():
        if abs(skew) > _MAX_SKEW_SECONDS:
            raise RefusedError(f"this machine's clock is {skew:+,.0f} seconds off that of {host}")
    most = round(max(map(abs, context.skews.values())))
    return Finding(f"at most {format_count(most, 'second')} off that of {', '.join(context.skews)}")


CHECKS: dict[str, tuple[Callable[[Context], Finding], str]] = {
    "disk": (_disk, "fix state_dir or report_dir"),
    "training data": (_training_data, "fix training_data, or the data, or schema"),
    "scoring source": (_source, "fix scoring.source, or the data, or schema"),
    "model endpoint": (
        _endpoint,
        "fix model_api.url (MODEL_API_URL), the token (MODEL_API_TOKEN), or model_api.prediction",
    ),
    "object store": (_object_store, "fix ground_truth.uri, s3, or the AWS variables"),
    "Model Monitor": (
        _model_monitor,
        "fix model_monitor.url, api_key or model_id (DMM_URL, DMM_API_KEY, DMM_MODEL_ID)",
    ),
    "data source": (
        _data_source,
        "fix model_monitor.data_source.name (DMM_DATA_SOURCE), or create the data source in DMM",
    ),
    "TrainingSet": (_training_set, "fix the DOMINO_ variables"),
    "clock": (_clock, "set this machine's clock (chrony, ntpd)"),
}
"""Each check by name, and its remedy."""
