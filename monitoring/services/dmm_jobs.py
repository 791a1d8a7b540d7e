"""Where a file's ingestion is, by the jobs that DMM lists (contracts 3.4)."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from monitoring.s3_uri import S3Uri
from monitoring.services.dmm_replies import texts
from monitoring.services.server_text import server_text
from monitoring.settings.model import ModelMonitor

_REASON_FIELD = re.compile(r"reason|message|error", re.IGNORECASE)
_MAX_WORD = 100
_MAX_REASON = 1000


class Ingestion(StrEnum):
    """What became of a registered file."""

    INGESTED = "ingested"
    GOING = "going"
    FAILED = "failed"


class Progress(NamedTuple):
    """Where a file's ingestion is; word: DMM's own (None: it lists no job); reason: DMM's too."""

    ingestion: Ingestion
    word: str | None = None
    reason: str | None = None


def progress_of(settings: ModelMonitor, jobs: Sequence[Mapping[str, Any]], uri: S3Uri) -> Progress:
    """Return where the ingestion of an object is.

    Words are compared without regard to case; an unknown one means still going. Of several jobs
    for one file (DMM may try again) the best decides.
    """
    path = re.compile(rf"(s3[an]?://|/)?({re.escape(uri.bucket)}/)?{re.escape(uri.key)}")
    found = [
        _job_progress(settings, job) for job in jobs if path.fullmatch(str(job.get("dataset_path")))
    ]
    best_first = list(Ingestion)
    return min(
        found,
        key=lambda progress: best_first.index(progress.ingestion),
        default=Progress(Ingestion.GOING),
    )


def _job_progress(settings: ModelMonitor, job: Mapping[str, Any]) -> Progress:
    word = str(job.get("status") or job.get("state") or "no status")
    ingestion = Ingestion.GOING
    if word.lower() in map(str.lower, settings.ingested_words):
        ingestion = Ingestion.INGESTED
    elif word.lower() in map(str.lower, settings.failed_words):
        ingestion = Ingestion.FAILED

    reasons = [job[name] for name in job if _REASON_FIELD.search(name) and job[name]]
    reason = server_text("; ".join(texts(reasons)), _MAX_REASON) or None
    return Progress(ingestion, server_text(word, _MAX_WORD), reason)
