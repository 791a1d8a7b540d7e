"""How numbers, lists and what servers say are written for people."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

_SHOWN_NAMES = 5


def format_names(names: Sequence[str]) -> str:
    """Return the first five names and how many more there are; "" for none."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def format_days(days: Sequence[date]) -> str:
    """Return ascending days with runs of them as ranges: "2026-03-01 to 2026-03-03, 2026-03-05"."""
    ranges = []
    for first, last in day_ranges(days):
        ranges.append(str(first) if first == last else f"{first} to {last}")
    return ", ".join(ranges)


def day_flags(first: date, last: date) -> str:
    """Return the flags that name a range of days."""
    return f"--date {first}" if first == last else f"--from {first} --to {last}"


def day_ranges(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return first and last of each run of consecutive days; ascending."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def format_count(number: int, noun: str, plural: str | None = None) -> str:
    """Return number and noun: "1 row", "1,200 rows"; plural: where adding an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many digits, thousands apart; a dash for what is undefined."""
    if value is None:
        return "–"
    is_whole = abs(value) >= 1000 or value == int(value)
    return f"{value:,.0f}" if is_whole else f"{value:.{digits}g}"


def format_percent(share: float | None) -> str:
    """Return a share as percent, 0.9833 as "98.3 %"; a dash for what is undefined."""
    return "–" if share is None or math.isnan(share) else f"{share * 100:.3g} %"


def format_size(size_bytes: float | None) -> str:
    """Return bytes in powers of 1,000, such as "7.48 kB"; "unknown" for None."""
    if size_bytes is None:
        return "unknown"
    for unit in ("bytes", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.3g} GB" if size_bytes < 1000 else f"{size_bytes:,.0f} GB"


def printable(text: object, limit: int = 1000) -> str:
    """Return text of a server that can neither steer a terminal nor break a line, a page or UTF-8.

    Control characters become "?"; at most `limit` characters are kept.
    """
    return "".join(sign if sign.isprintable() else "?" for sign in str(text)[:limit])
