"""The present moment, always in UTC, and how it is written."""

from datetime import UTC, date, datetime


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present day in UTC."""
    return utc_now().date()


def timestamp(timespec: str = "seconds") -> str:
    """Return the present moment as RFC 3339 text; timespec: "seconds" or "milliseconds"."""
    return utc_now().isoformat(timespec=timespec)
