"""The run itself and the days around it: days missing, days not ingested, storage."""

from datetime import date
from functools import partial

from monitoring.checks.alert import Alert, Family
from monitoring.checks.record import PipelineRecord
from monitoring.ledger.days import missing_text
from monitoring.settings.model import Checks
from monitoring.text import format_count, format_names, format_size

_alert = partial(Alert, family=Family.PIPELINE)


def check(checks: Checks, pipeline: PipelineRecord) -> tuple[PipelineRecord, list[Alert]]:
    """Check what is known of the run; returns it as it is, with its alerts."""
    alerts = [
        *_days_missing_alerts(pipeline),
        *_days_overdue_alerts(pipeline),
        *_days_failed_alerts(pipeline),
        *_storage_alerts(checks.storage_bytes_above, pipeline),
    ]
    return pipeline, alerts


def _days_missing_alerts(pipeline: PipelineRecord) -> list[Alert]:
    missing = pipeline.days_missing
    if not missing:
        return []
    text = missing_text([date.fromisoformat(day) for day in missing])
    return [
        _alert(
            subject="days missing", metric="days_missing", value=len(missing), limit=0, text=text
        )
    ]


def _days_failed_alerts(pipeline: PipelineRecord) -> list[Alert]:
    # A subject each, so that a day that fails after another is new.
    return [
        _alert(
            subject=f"ingestion of {day}",
            metric="ingestion_failed",
            text=(
                f"DMM failed to ingest {day}; fix the cause, then gt_registration.py --date {day}"
                f" --again, or give it up: gt_registration.py --date {day} --skip"
            ),
        )
        for day in pipeline.days_failed
    ]


def _days_overdue_alerts(pipeline: PipelineRecord) -> list[Alert]:
    overdue = pipeline.days_overdue
    if not overdue:
        return []
    text = (
        f"days not ingested: accepted two days ago or more: {format_names(overdue)};"
        " gt_registration.py --status shows what DMM says of them"
    )
    return [
        _alert(
            subject="days not ingested",
            metric="days_overdue",
            value=len(overdue),
            limit=0,
            text=text,
        )
    ]


def _storage_alerts(limit: int | None, pipeline: PipelineRecord) -> list[Alert]:
    used = pipeline.storage_bytes
    if limit is None or used is None or used <= limit:
        return []
    objects = format_count(pipeline.storage_objects or 0, "object")
    text = (
        f"storage: {format_size(used)} in {objects} under the prefix, limit {format_size(limit)}:"
        " remove old ones"
    )
    return [_alert(subject="storage", metric="storage_bytes", value=used, limit=limit, text=text)]
