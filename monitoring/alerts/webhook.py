"""A webhook, Slack-shaped: one text with every alert. It holds no row's values."""

from monitoring.alerts import transport
from monitoring.alerts.channel import Message
from monitoring.settings.model import Settings
from monitoring.text import format_count

_SHOWN_ALERTS = 20


def is_enabled(settings: Settings) -> bool:
    """Whether a webhook is set."""
    return settings.alerts.webhook is not None


def send(message: Message) -> None:
    """Post the alerts, the advice and the page's path as one text."""
    alerts = message.settings.alerts
    assert alerts.webhook is not None, "a channel without address is not enabled"
    url = alerts.webhook.get_secret_value()
    transport.send("POST", url, alerts.timeout_seconds, {"text": _text(message)})


def _text(message: Message) -> str:
    record, alerts = message.record, message.alerts
    number = format_count(len(alerts), "alert")
    lines = [f"{record.model} {record.day}: {number}, advice: {record.advice}"]
    lines += [f"- {alert.family}: {alert.text}" for alert in alerts[:_SHOWN_ALERTS]]
    if len(alerts) > _SHOWN_ALERTS:
        lines.append(f"- and {len(alerts) - _SHOWN_ALERTS} more")
    lines.append(f"report: {message.page}")
    return _escaped("\n".join(lines))


def _escaped(text: str) -> str:
    # Slack's own markup: <!channel> would call everybody.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
