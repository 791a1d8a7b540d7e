"""Delivering a day's alerts to every channel that is enabled.

Never raises; each channel takes at most `alerts.timeout_seconds`.
"""

import logging
from pathlib import Path

from monitoring.alerts import domino, webhook
from monitoring.alerts.channel import Channel, Message
from monitoring.alerts.memory import AlertMemory
from monitoring.alerts.transport import failure_within
from monitoring.checks.record import DayRecord
from monitoring.errors import ServiceError
from monitoring.settings.model import Settings
from monitoring.text import format_count

log = logging.getLogger("monitoring")

CHANNELS = (
    Channel("webhook", webhook.is_enabled, webhook.send),
    Channel("domino", domino.is_enabled, domino.send, sends_metrics=True),
)


def deliver(settings: Settings, record: DayRecord, page: Path, memory_path: Path) -> None:
    """Send every channel the alerts that it has not had lately, and log what became of it.

    An alert, new or ongoing, that a channel got less than `alerts.cooldown_days` ago, or for the
    same day, is held back there. That it is over is sent once to each channel that got it. At least
    once for each channel: what could not be sent is tried again by the next run. memory_path: keeps
    when each alert was sent.
    """
    enabled = [channel for channel in CHANNELS if channel.is_enabled(settings)]
    if not enabled:
        return
    memory = AlertMemory.read(memory_path)
    for channel in enabled:
        new = memory.new_to(channel.name, record, settings.alerts.cooldown_days)
        ended = {} if channel.sends_metrics else memory.ended(channel.name, record)
        is_sent = _send(channel, Message(settings, record, page, new, list(ended.values())))
        memory.remember(channel.name, new if is_sent else [], record.day)
        memory.remember_end(channel.name, ended if is_sent else (), record.day)

    try:
        memory.write(memory_path)
    except ServiceError as error:
        log.warning("%s; the same alerts may be sent again", error)


def _send(channel: Channel, message: Message) -> bool:
    """Send a channel what is new to it; return whether something was sent."""
    new = message.alerts
    if not new and not message.recovered and not channel.sends_metrics:
        return False
    metrics = "the metrics and " if channel.sends_metrics else ""
    what = f"{channel.name}: {metrics}{format_count(len(new), 'alert')}"
    if message.recovered:
        what += f", {len(message.recovered)} recovered"
    if held_back := len(message.record.alerts) + len(message.record.ongoing) - len(new):
        what += f", {held_back} held back (sent lately)"

    seconds = message.settings.alerts.timeout_seconds
    failure = failure_within(seconds, lambda: channel.send(message))
    if failure:
        log.warning("%s could not be sent: %s; the next run tries again", what, failure)
    else:
        log.info("%s sent", what)
    return failure is None
