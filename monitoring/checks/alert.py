"""A limit that a day is beyond."""

from enum import StrEnum

from msgspec import Struct


class Family(StrEnum):
    """What an alert can belong to, in the order of the record and of the page."""

    ENDPOINT = "endpoint"
    MODEL = "model"
    BALANCE = "balance"
    QUALITY = "quality"
    DRIFT = "drift"
    PIPELINE = "pipeline"


class Side(StrEnum):
    """On which side of its limit the value of an alert is."""

    ABOVE = "above"
    BELOW = "below"


_EVENTS = frozenset({"release_changed"})


def is_event(name: str) -> bool:
    """Whether what an alert of this name is about happened on the day, and so never ends."""
    return name.rpartition("/")[2] in _EVENTS


class Alert(Struct, frozen=True, kw_only=True):
    """A limit that the day is beyond; value and limit: None where it is no matter of a number.

    text: a sentence that is complete enough to act on.
    """

    family: Family
    subject: str
    metric: str
    value: int | float | None = None
    limit: int | float | None = None
    side: Side = Side.ABOVE
    text: str

    @property
    def name(self) -> str:
        """What the alert is about, the same on every day that it holds."""
        return f"{self.family}/{self.subject}/{self.metric}"

    @property
    def is_event(self) -> bool:
        """Whether it happened on the day, and so neither goes on nor ends."""
        return is_event(self.name)
