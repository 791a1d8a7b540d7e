"""What a person reads of a day's alerts: one line for each, and the verdict on the day."""

from collections.abc import Iterator, Sequence

from monitoring.checks.alert import Alert
from monitoring.checks.record import DayRecord
from monitoring.text import format_count, format_names


def alert_lines(record: DayRecord, report: str) -> Iterator[str]:
    """Yield a line for each alert, each complete by itself: day, model, what, and the report."""
    kinds = (("alert", record.alerts), ("still", record.ongoing), ("recovered", record.recovered))
    for kind, alerts in kinds:
        for alert in alerts:
            if alert.metric == "days_missing" and kind != "recovered":
                continue  # every run names them by itself, however many days it scores
            yield f"{record.day} {record.model}: {kind}: {alert.text}; report {report}"


def verdict(record: DayRecord) -> str:
    """Return "no alerts", or how many there are of each kind, of what, and the advice."""
    parts = []
    if record.alerts:
        parts.append(
            f"{format_count(len(record.alerts), 'new alert')} ({_subjects(record.alerts)})"
        )
    if record.ongoing:
        parts.append(f"{len(record.ongoing)} ongoing ({_subjects(record.ongoing)})")
    if not parts:
        parts.append("no alerts")
    if record.recovered:
        parts.append(f"{len(record.recovered)} recovered")
    if record.advice != "none":
        parts.append(f"advice: {record.advice}")
    return ", ".join(parts)


def is_notable(record: DayRecord) -> bool:
    """Whether a quiet run says something of the day."""
    return bool(record.alerts or record.ongoing or record.recovered or record.endpoint.failed)


def _subjects(alerts: Sequence[Alert]) -> str:
    return format_names(list(dict.fromkeys(alert.subject for alert in alerts)))
