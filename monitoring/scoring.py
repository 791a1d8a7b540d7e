"""A day's scoring: begun, taken up again after an interruption, or begun anew; what each of these may do to what is there."""

import contextlib
import dataclasses
import logging
import math
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from monitoring import batch, ground_truth, model_api, training_data
from monitoring import day as days
from monitoring.day import Journal, Manifest
from monitoring.errors import ConfigError, RefusedError
from monitoring.model_api import Answer

if TYPE_CHECKING:
    from monitoring.config import Settings

log = logging.getLogger("monitoring")


def known(settings: "Settings", store: Any, day: date) -> Manifest | None:
    """Return what is known of the day, here or by what stands in the store; None: it is still to be done.

    Raises RefusedError where a foreign object stands at the day's key.
    """
    return days.read_manifest(settings, day) or ground_truth.done_elsewhere(settings, store, day)


def begin_again(settings: "Settings", store: Any, day: date) -> Manifest:
    """Return a fresh manifest that notes which object is to be replaced; `begin` puts aside what an earlier run left.

    Raises RefusedError for a day that DMM has accepted.
    """
    manifest = days.read_manifest(settings, day)
    if manifest and manifest.dmm_model_id:
        raise RefusedError(f"{day} is {manifest.state} with DMM: a day that DMM has accepted can't be scored again")
    standing = ground_truth.standing(settings, store, day)
    log.warning("%s begins again: the endpoint captures its ids a second time", day)
    if standing:
        log.warning("to be replaced: ETag %s, %s", standing.etag, dict(standing.metadata) or "no metadata")
    return Manifest(str(day), settings.model, "generated", replaces_etag=standing.etag if standing else None)


def begin(
    settings: "Settings", day: date, manifest: Manifest | None, rows: int | None, dry_run: bool
) -> tuple[Manifest, batch.Batch, list[str]]:
    """Make the day's batch and keep it, or take up the one that an earlier run began.

    manifest: as of `known` or `begin_again`. rows: their number, None: the day's own. Returns also what changed since among the
    settings that shape rows. Once the manifest is written the batch stands: a rerun reads it back. Raises RefusedError where a
    half-scored day would not go on as it began, or its rows fit no longer the schema, ConfigError where it has another number
    of rows.
    """
    path = days.folder(settings, day) / "batch.csv"
    with training_data.local_file(settings) as (data, sha256):
        shaped_by = days.shape(settings, day, sha256)
        if manifest and manifest.batch_sha256:
            if rows not in (None, manifest.rows):
                raise ConfigError(f"--rows: got {rows}, but {day} has {manifest.rows} rows: leave it out, or add --rerun")
            changes = days.changes(manifest, shaped_by)
            # No row was answered yet, say for a mistyped address: then it begins anew.
            anew = changes and manifest.state == "generated" and days.is_untouched(settings, day)
            if changes and not anew and (manifest.state == "generated" or manifest.schema_hash != shaped_by["schema"]):
                raise RefusedError(
                    f"{day} is {manifest.state} and would not go on as it began ({'; '.join(changes)}): set it back, or use"
                    " --rerun to start again"
                )
            if not anew:
                return manifest, batch.read(path, settings.schema, manifest.batch_sha256), changes
        sample = training_data.sample(data, settings.schema, batch.generator(settings, day, "sample"))
    made = batch.make(settings, sample, day, rows or batch.row_count(settings, day))
    fresh = manifest or Manifest(str(day), settings.model, "generated")
    begun = dataclasses.replace(
        fresh, rows=len(made.frame), shaped_by=shaped_by, drills=made.drills, batch_sha256=made.sha256,
        schema_hash=shaped_by["schema"], run_id=uuid.uuid4().hex, model_url=settings.model_api.url,
    )  # fmt: skip
    if not dry_run:
        # Only now, when nothing but the disk can fail any more: what is there stays the day's until something takes its place.
        if manifest and (aside := days.put_aside(settings, day)):
            log.info("the day's folder is kept as %s", aside)
        days.write_atomically(path, batch.to_csv(made.frame, settings.schema, day))
        begun = days.write_manifest(settings, begun)
    return begun, made, []


def rows_to_send(manifest: Manifest, made: batch.Batch, changes: list[str], answers: Mapping[int, Answer]) -> list[int]:
    """Return the rows without a final answer; none once the day is uploaded, nor where a scored day would go on otherwise."""
    if manifest.state == "uploaded" or (manifest.state == "scored" and changes):
        return []
    return [index for index in range(len(made.frame)) if index not in answers or answers[index].passing]


def score(
    settings: "Settings",
    day: date,
    manifest: Manifest,
    made: batch.Batch,
    changes: list[str],
    tick: Callable[[int], object],
) -> tuple[Manifest, dict[int, Answer], float | None]:
    """Send the rows that have no final answer; return the manifest in state `scored`, the answers by row, and the seconds.

    changes: as of `begin`; where there are any, a scored day stays as it is. tick: told how many rows are done. The seconds
    are None where an earlier run had sent some. Each row is recorded once; at the endpoint it arrives at least once. Raises
    what model_api.score raises, with every answer so far on disk.
    """
    total = len(made.frame)
    journal = Journal(days.folder(settings, day) / "scores.jsonl", made.sha256, total)
    with contextlib.closing(journal):
        answers = journal.answers
        left = set(rows_to_send(manifest, made, changes, answers))
        if manifest.state != "generated" and not left:
            return manifest, answers, None
        failed = sum(answer.error is not None and not answer.passing for answer in answers.values())
        # Of a day without a scored row there is nothing to upload, whatever share may fail.
        allowed = min(math.floor(settings.model_api.max_failed_share * total + 1e-9), total - 1)
        if failed > allowed:
            raise RefusedError(f"{day}: {failed} rows failed for good, {allowed} may: mend the endpoint, then use --rerun")
        rows = (row for row in batch.request_rows(made.frame, settings.schema, day) if row[0] in left)
        tick(total - len(left))
        untouched = not answers

        def record(answer: Answer) -> None:
            journal.append(answer)
            tick(1)

        began = time.monotonic()
        try:
            model_api.score(settings.model_api, settings.schema.target, rows, record, allowed_failures=allowed - failed)
        finally:
            manifest = days.count(settings, manifest, answers)
        seconds = time.monotonic() - began
    return days.write_manifest(settings, manifest, state="scored"), answers, seconds if untouched else None
