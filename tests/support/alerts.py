"""Alerts, a day's record that has them, and settings with one channel enabled."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.population import shipped_settings
from monitoring.alerts import delivery
from monitoring.checks.alert import Alert, Family, Side
from monitoring.checks.record import (
    AccuracyWindow,
    Advice,
    BaselineRecord,
    Counts,
    DayRecord,
    EndpointRecord,
    Measure,
    PerformanceRecord,
    PipelineRecord,
    Reference,
)
from monitoring.checks.shift_record import Bins, FeatureTest
from monitoring.redaction import Secret
from monitoring.settings.model import Settings

TIMEOUT_SECONDS = 0.6


def alert(subject: str = "age", **changes: Any) -> Alert:
    """Return a drift alert of a subject, or one with these changes."""
    fields: dict[str, Any] = {
        "family": Family.DRIFT,
        "metric": "ks",
        "value": 0.24,
        "limit": 0.17,
        "side": Side.ABOVE,
        **changes,
    }
    text = f"{subject}: {fields['metric'].upper()} {fields['value']}, limit {fields['limit']}"
    return Alert(**{"subject": subject, "text": text, **fields})


def record(day: str = "2026-01-10", *alerts: Alert) -> DayRecord:
    """Return the record of a small day with these alerts."""
    return DayRecord(
        model="credit-default",
        day=day,
        created_at="now",
        schema_hash="s",
        baseline=BaselineRecord(
            source="b", pinned=True, rows=1, created_at="now", fingerprint="f", independent=False
        ),
        drills=[],
        dmm_psi_limit=0.2,
        minimum_psi=0.02,
        rows=100,
        counts=Counts(features={}, confusion=[]),
        endpoint=EndpointRecord(
            scored=99,
            failed=1,
            not_sent=0,
            attempts=100,
            retried=0,
            availability=0.99,
            availability_interval=(0.95, 1.0),
            attempt_errors={},
            latency_ms={"p50": 20.0, "p95": 31.5},
            rows_per_second=None,
            releases=[],
            failures=[],
        ),
        performance=PerformanceRecord(
            metrics={"auc": Measure(0.8, 0.7, 0.9)},
            mean_score=0.6,
            label_coverage=0.99,
            reference=Reference(release=None, days=[], days_needed=7, is_complete=False),
            window=AccuracyWindow(1, (None, None, None)),
            tests=[],
            score_bins=None,
        ),
        balance=[],
        quality=[],
        importance=[],
        drift=[_feature_test()],
        pipeline=PipelineRecord(duration_seconds=3.5),
        alerts=list(alerts),
        advice=Advice.LOOK,
        because=[],
    )


def _feature_test() -> FeatureTest:
    return FeatureTest(
        subject="age",
        test="KS",
        rate=0.0004,
        value=0.24,
        limit=0.17,
        psi=0.3,
        rows=100,
        alarmed=True,
        window=None,
        psi_dmm=0.3,
        shown="mean",
        today=38.8,
        baseline=35.1,
        largest_change="46 to 48",
        bins=Bins(["46 to 48"], [1.0], [1.0]),
    )


def silent_settings() -> Settings:
    """Return the shipped settings with every channel off and a short time limit."""
    shipped = shipped_settings()
    alerts = replace(shipped.alerts, webhook=None, ping=None, timeout_seconds=TIMEOUT_SECONDS)
    return replace(shipped, alerts=alerts)


def with_webhook(settings: Settings, url: str, **changes: Any) -> Settings:
    """Return the settings with the webhook on, and these changes of the alerts section."""
    return replace(settings, alerts=replace(settings.alerts, webhook=Secret(url), **changes))


def with_ping(settings: Settings, url: str) -> Settings:
    """Return the settings with the ping on."""
    return replace(settings, alerts=replace(settings.alerts, ping=Secret(url)))


def with_domino(settings: Settings, url: str, **changes: Any) -> Settings:
    """Return the settings with Domino's metrics on, and these changes of model_monitor."""
    monitor = replace(
        settings.model_monitor,
        url=url.rstrip("/"),
        api_key=Secret("key-1234"),
        model_id="abc123",
        **changes,
    )
    alerts = replace(settings.alerts, domino_metrics=True)
    return replace(settings, alerts=alerts, model_monitor=monitor)


def deliver(settings: Settings, day: DayRecord, folder: Path) -> None:
    """Deliver a day's alerts; what was sent is kept in the folder."""
    delivery.deliver(settings, day, Path("reports/page.html"), folder / "alerts.json")
