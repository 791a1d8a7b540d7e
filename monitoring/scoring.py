"""A day's scoring: begun, taken up again after an interruption, or begun anew; what each of these may do to what is there."""

import contextlib
import dataclasses
import logging
import math
import time
import uuid
from collections.abc import Callable
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
    manifest = days.read_manifest(settings, day)
    if manifest and manifest.batch_sha256:
        return manifest
    return manifest or ground_truth.done_elsewhere(settings, store, day)


def begin_again(settings: "Settings", store: Any, day: date, dry_run: bool) -> Manifest:
    """Put aside what an earlier run left and return a fresh manifest that notes which object is to be replaced.

    Raises RefusedError for a day that DMM has accepted.
    """
    manifest = days.read_manifest(settings, day)
    if manifest and manifest.dmm_model_id:
        raise RefusedError(f"{day} is {manifest.state} with DMM: a day that DMM has accepted can't be scored again")
    standing = ground_truth.standing(settings, store, day)
    log.warning("%s begins again: the endpoint captures its ids a second time", day)
    if standing:
        log.warning("to be replaced: ETag %s, %s", standing.etag, dict(standing.metadata) or "no metadata")
    if not dry_run and (aside := days.put_aside(settings, day)):
        log.info("the day's folder is kept as %s", aside)
    return Manifest(str(day), settings.model, "generated", replaces_etag=standing.etag if standing else None)


def begin(
    settings: "Settings", day: date, manifest: Manifest | None, rows: int | None, dry_run: bool
) -> tuple[Manifest, batch.Batch, list[str]]:
    """Make the day's batch and keep it, or take up the one that an earlier run began.

    rows: their number, None: the day's own. Returns also what changed since among the settings that shape rows. Once the
    manifest is written the batch stands: a rerun reads it back. Raises RefusedError where a half-scored day would not go on as
    it began, ConfigError where it has another number of rows.
    """
    path = days.folder(settings, day) / "batch.csv"
    with training_data.local_file(settings) as (data, sha256):
        shaped_by = days.shape(settings, day, sha256)
        if manifest and manifest.batch_sha256:
            if rows not in (None, manifest.rows):
                raise ConfigError(f"--rows: got {rows}, but {day} has {manifest.rows} rows: leave it out, or add --rerun")
            changes = days.changes(manifest, shaped_by)
            if changes and manifest.state == "generated":
                raise RefusedError(
                    f"{day} is half scored and would not go on as it began ({'; '.join(changes)}): set it back, or use --rerun"
                    " to start again"
                )
            return manifest, batch.read(path, settings.schema, manifest.batch_sha256), changes
        sample = training_data.sample(data, settings.schema, batch.generator(settings, day, "sample"))
    made = batch.make(settings, sample, day, rows or batch.row_count(settings, day))
    fresh = manifest or Manifest(str(day), settings.model, "generated")
    begun = dataclasses.replace(
        fresh, rows=len(made.frame), shaped_by=shaped_by, drills=made.drills, batch_sha256=made.sha256,
        schema_hash=shaped_by["schema"], run_id=uuid.uuid4().hex, model_url=settings.model_api.url,
    )  # fmt: skip
    if not dry_run:
        days.write_atomically(path, batch.to_csv(made.frame, settings.schema, day))
        begun = days.write_manifest(settings, begun)
    return begun, made, []


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
    are None where an earlier run had sent some. Each row is recorded once; at the endpoint it arrives at least once. Raises what
    model_api.score raises, with every answer so far on disk.
    """
    journal = Journal(days.folder(settings, day) / "scores.jsonl", made.sha256)
    answers = journal.answers
    open_rows = any(answer.passing for answer in answers.values()) and not changes
    if manifest.state == "uploaded" or (manifest.state == "scored" and not open_rows):
        journal.close()
        return manifest, answers, None
    settled = {index for index, answer in answers.items() if not answer.passing}
    failed = sum(answers[index].error is not None for index in settled)
    allowed = math.floor(settings.model_api.max_failed_share * len(made.frame) + 1e-9)
    if failed > allowed:
        raise RefusedError(f"{day}: {failed} rows failed for good, {allowed} may: mend the endpoint, then use --rerun")
    rows = ((index, body) for index, body in batch.request_rows(made.frame, settings.schema, day) if index not in settled)
    tick(len(settled))
    untouched = not answers

    def record(answer: Answer) -> None:
        journal.append(answer)
        tick(1)

    began = time.monotonic()
    with contextlib.closing(journal):
        try:
            model_api.score(settings.model_api, settings.schema.target, rows, record, allowed_failures=allowed - failed)
        finally:
            manifest = days.count(settings, manifest, answers)
    seconds = time.monotonic() - began
    return days.write_manifest(settings, manifest, state="scored"), answers, seconds if untouched else None
