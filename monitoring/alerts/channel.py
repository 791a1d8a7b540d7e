"""What a channel is, and what it gets.

To add one: a module with `is_enabled` and `send`, a line in delivery.CHANNELS, and its setting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring.checks.alert import Alert
from monitoring.checks.record import DayRecord
from monitoring.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to deliver.

    alerts: those of the record, new or ongoing, that the channel has not had lately. recovered: a
    text for each that it had and that is over. page: to be named.
    """

    settings: Settings
    record: DayRecord
    page: Path
    alerts: Sequence[Alert]
    recovered: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to a person or a service.

    name: in alerts.json and messages. send: delivers within `alerts.timeout_seconds`, or raises.
    sends_metrics: it delivers the day's metrics too, so it gets days without alerts as well; its
    metrics show what is over.
    """

    name: str
    is_enabled: Callable[[Settings], bool]
    send: Callable[[Message], None]
    sends_metrics: bool = False
