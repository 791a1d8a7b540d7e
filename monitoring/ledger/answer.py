"""What came of one row, as the journal keeps it."""

from typing import Annotated

from msgspec import Meta, Struct, field

from monitoring.settings.rules import Label

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=10**9)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e12)]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)$")]


class Answer(Struct, frozen=True):
    """What came of one row; `error` is None for a scored one.

    latency_ms: of the last try. scored_at: RFC 3339, UTC. is_retryable: the failure may pass, so
    the row may be sent again. attempt_errors: the kind of each failed try ("503", "timeout").
    """

    index: Count
    prediction: Label | None
    score: Share | None
    latency_ms: Milliseconds
    attempts: Count
    release: str | None
    request_id: str | None
    scored_at: Moment
    error: str | None = None
    is_retryable: bool = field(name="passing", default=False)
    attempt_errors: tuple[str, ...] = field(name="faults", default=())

    @property
    def is_scored(self) -> bool:
        """Whether the row has a prediction."""
        return self.error is None

    @property
    def is_final(self) -> bool:
        """Whether the row is not to be sent again."""
        return not self.is_retryable
