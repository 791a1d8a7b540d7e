"""The training data as a file or folder on disk, fetched and hashed when first asked for."""

import contextlib
import hashlib
import logging
import tempfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from monitoring.dataset import counting, kept_baseline, kept_rows, parquet_table
from monitoring.dataset.baseline import Baseline
from monitoring.dataset.kept_rows import KeptRows
from monitoring.dataset.schema import schema_hash
from monitoring.dataset.training_data import TrainingRows
from monitoring.errors import ConfigError, RefusedError, ServiceError
from monitoring.s3_uri import S3Uri
from monitoring.settings.model import Settings

if TYPE_CHECKING:
    from monitoring.services.s3 import Store

log = logging.getLogger("monitoring")

_READ_BYTES = 1 << 20


class TrainingFile:
    """The training data; what is in S3 is fetched to a temporary place that lasts as long as this.

    A folder, or a prefix in S3 (it ends with /), is one of Parquet files. Its properties raise
    ConfigError or RefusedError where there is no such file.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Path | None = None,
        *,
        is_dry_run: bool = False,
        setting: str = "training_data",
    ) -> None:
        """setting: "training_data" or "scoring.source", the one that says where it is.

        cache: a folder where what was read is kept for later runs; a dry run only looks there.
        """
        self._settings, self._setting = settings, setting
        self._cache, self._is_dry_run = cache, is_dry_run
        source = settings.scoring.source if setting == "scoring.source" else None
        self._location = source or settings.training_data
        self._resources = contextlib.ExitStack()
        self._state_when_hashed: list[tuple[int, int, int]] = []
        self._counted: Baseline | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.close()

    @cached_property
    def path(self) -> Path:
        """The file or folder, which exists."""
        if self._location.startswith("s3://"):
            uri = S3Uri.parse(self._location)
            return self._fetch_all(uri) if uri.is_prefix else self._fetch(uri)

        path = Path(self._location)
        if path.is_dir():
            return path
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigError(
                f"{self._setting}: {path}: {error.strerror}; name a CSV or Parquet file, a folder"
                " of Parquet files, s3://bucket/key or s3://bucket/prefix/"
            ) from None
        return path

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, hex; of a folder that of its files' names and SHA-256."""
        self._state_when_hashed = _file_states(self.path)
        if not self.path.is_dir():
            return _sha256(self.path)
        digest = hashlib.sha256()
        for path in parquet_table.files(self.path):
            name = path.relative_to(self.path).as_posix()
            digest.update(f"{_sha256(path)}  {name}\n".encode())
        return digest.hexdigest()

    @cached_property
    def rows(self) -> KeptRows | TrainingRows:
        """The rows; they are read from the file only where they are not kept from an earlier run.

        Reading them raises what training_data.chunks raises, and ServiceError where the file
        changed after it was hashed.
        """
        in_file = TrainingRows(self.path, self._settings.schema, self._refuse_changed)
        if self._cache is None:
            return in_file

        stem = self._cache / self._setting.replace(".", "_")
        rows = self._find_rows(stem)
        if rows is None and not self._is_dry_run:
            rows = self._keep_rows(stem, in_file)
        if rows is None:
            return in_file
        self._resources.callback(rows.close)
        return rows

    def baseline(self, created_at: str) -> Baseline:
        """Return the counts of the rows; they are counted only where that was not done before."""
        if self._counted is None:
            self._counted = self._find_or_count(created_at)
        return replace(self._counted, created_at=created_at)

    @cached_property
    def source(self) -> "TrainingFile":
        """The rows that batches are made from: `scoring.source`, or these."""
        if not self._settings.scoring.source:
            return self
        source = TrainingFile(
            self._settings, self._cache, is_dry_run=self._is_dry_run, setting="scoring.source"
        )
        return self._resources.enter_context(source)

    @property
    def source_sha256(self) -> str | None:
        """The hash of `scoring.source`; None where there is none."""
        return self.source.sha256 if self._settings.scoring.source else None

    def _find_rows(self, stem: Path) -> KeptRows | None:
        schema = self._settings.schema
        key = kept_rows.Key(self.sha256, schema_hash(schema))
        return kept_rows.find(stem, key, self.path, schema)

    def _keep_rows(self, stem: Path, rows: TrainingRows) -> KeptRows | None:
        key = kept_rows.Key(self.sha256, schema_hash(self._settings.schema))
        try:
            kept_rows.keep(stem, key, rows)
        except ServiceError as error:
            log.warning("the training data will be read again by the next run: %s", error)
            return None
        return self._find_rows(stem)

    def _refuse_changed(self) -> None:
        is_hashed = bool(self._state_when_hashed)
        if is_hashed and _file_states(self.path) != self._state_when_hashed:
            raise ServiceError(f"{self.path}: changed while it was read: run again")

    def _find_or_count(self, created_at: str) -> Baseline:
        if self._cache is None:
            return self._count(created_at)
        path = self._cache / "baseline.json"
        baseline = kept_baseline.find(path, self.sha256, schema_hash(self._settings.schema))
        if baseline is None:
            baseline = self._count(created_at)
            if not self._is_dry_run:
                self._keep_baseline(path, baseline)
        return baseline

    def _keep_baseline(self, path: Path, baseline: Baseline) -> None:
        try:
            kept_baseline.keep(path, baseline)
        except ServiceError as error:
            log.warning("the training data will be counted again by the next run: %s", error)

    def _count(self, created_at: str) -> Baseline:
        return counting.build(
            self._settings.schema,
            self.rows.chunks,
            source="training data",
            content_hash=self.sha256,
            created_at=created_at,
        )

    def _fetch(self, uri: S3Uri) -> Path:
        # boto3: only where the data are in S3.
        from monitoring.services.s3 import Store

        target = tempfile.NamedTemporaryFile(suffix=Path(uri.key).suffix)
        self._resources.enter_context(target)
        _copy(Store(self._settings.s3), uri, target)
        target.flush()
        return Path(target.name)

    def _fetch_all(self, prefix: S3Uri) -> Path:
        from monitoring.services.s3 import Store

        folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory()))
        store = Store(self._settings.s3)
        keys = [key for key, _ in store.list_objects(prefix) if key.endswith(".parquet")]
        if not keys:
            raise RefusedError(
                f"{prefix}: no object *.parquet under it; fix {self._setting}, or leave out the /"
                " at the end for a single object"
            )
        for key in keys:
            path = folder / key.removeprefix(prefix.key)
            if not path.resolve().is_relative_to(folder.resolve()):
                raise RefusedError(f"s3://{prefix.bucket}/{key}: a key with .. in it is not read")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                _copy(store, S3Uri(prefix.bucket, key), target)
        return folder


def _copy(store: "Store", uri: S3Uri, target: IO[bytes]) -> None:
    with store.open(uri) as body:
        while block := body.read(_READ_BYTES):
            target.write(block)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file_states(path: Path) -> list[tuple[int, int, int]]:
    """Return what changes with a file, or with one of a folder."""
    files = parquet_table.files(path) if path.is_dir() else [path]
    states = [file.stat() for file in files]
    return [(state.st_ino, state.st_size, state.st_ctime_ns) for state in states]
