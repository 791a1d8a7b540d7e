"""A webhook, Slack-shaped: one text with every alert and what is over, without any row's values."""

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
    ongoing = {alert.name for alert in record.ongoing}
    lines = [f"{record.model} {record.day}: {_numbers(message)}, advice: {record.advice}"]
    for alert in alerts[:_SHOWN_ALERTS]:
        still = "still " if alert.name in ongoing else ""
        lines.append(f"- {still}{alert.family}: {alert.text}")
    if len(alerts) > _SHOWN_ALERTS:
        lines.append(f"- and {len(alerts) - _SHOWN_ALERTS} more")
    lines += [f"- recovered: {text}" for text in message.recovered[:_SHOWN_ALERTS]]
    lines.append(f"report: {message.page}")
    return _escaped("\n".join(lines))


def _numbers(message: Message) -> str:
    ongoing = {alert.name for alert in message.record.ongoing}
    old = sum(alert.name in ongoing for alert in message.alerts)
    numbers = [format_count(len(message.alerts) - old, "alert")]
    if old:
        numbers.append(f"{old} ongoing")
    if message.recovered:
        numbers.append(f"{len(message.recovered)} recovered")
    return ", ".join(numbers)


def _escaped(text: str) -> str:
    # Slack's own markup: <!channel> would call everybody.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
