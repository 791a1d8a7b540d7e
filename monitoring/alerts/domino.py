"""Domino: the day's metrics as custom metrics, alerts that have a number as metric alerts.

Contracts 9: endpoints of the platform, with the key of Model Monitor.
"""

import time
from typing import Any

from monitoring.alerts import transport
from monitoring.alerts.channel import Message
from monitoring.checks.alert import Alert, Side
from monitoring.report.metrics import metric_rows
from monitoring.report.rows import MetricRow
from monitoring.services.dmm import Dmm
from monitoring.settings.model import Settings

_VALUES = "/api/metricValues/v1"
_ALERTS = "/api/metricAlerts/v1"
_WHOLE_DAY = ("endpoint", "model")  # metrics of these need no subject in their name


def is_enabled(settings: Settings) -> bool:
    """Whether Domino is to get metrics."""
    return settings.alerts.domino_metrics


def send(message: Message) -> None:
    """Send the metrics, then each alert."""
    settings, record = message.settings, message.record
    model_id, seconds = settings.model_monitor.model_id, settings.alerts.timeout_seconds
    limits = transport.limits_of(seconds)
    deadline = time.monotonic() + seconds
    dmm = Dmm(settings)  # the key's header is made there, as for registration

    values = [_value(model_id, row) for row in metric_rows(record)]
    transport.check(dmm.send_once(_VALUES, {"newMetricValues": values}, limits))
    for alert in message.alerts:
        # After the deadline nobody waits any more; the next run sends them all again.
        has_numbers = alert.value is not None and alert.limit is not None
        if has_numbers and time.monotonic() < deadline:
            transport.check(dmm.send_once(_ALERTS, _alert(model_id, alert), limits))


def _value(model_id: str, row: MetricRow) -> dict[str, Any]:
    is_whole_day = row.subject in _WHOLE_DAY
    return {
        "modelMonitoringId": model_id,
        "metric": row.metric if is_whole_day else f"{row.metric}.{row.subject}",
        "value": row.value,
        "referenceTimestamp": f"{row.day}T00:00:00Z",
    }


def _alert(model_id: str, alert: Alert) -> dict[str, Any]:
    if alert.side is Side.ABOVE:
        target_range = {"condition": "lessThanEqual", "upperLimit": alert.limit}
    else:
        target_range = {"condition": "greaterThanEqual", "lowerLimit": alert.limit}
    return {
        "modelMonitoringId": model_id,
        "metric": f"{alert.metric}.{alert.subject}",
        "value": alert.value,
        "targetRange": target_range,
        "description": alert.text,
    }
