"""How the pages write numbers."""

from monitoring.report.metrics import Unit
from monitoring.text import format_number, format_percent, format_size


def short(value: float | None) -> str:
    """Return a number between about 0 and 1 with three decimals, so that columns align."""
    return "–" if value is None else f"{value:.3f}"


def share_of_limit(ratio: float | None) -> str:
    """Return how much of its limit a value takes: 1.27 as "127 %"."""
    return "–" if ratio is None else f"{ratio:,.0%}".replace("%", " %")


def format_value(value: float | None, unit: Unit) -> str:
    """Return a metric's value with its unit; a dash for what is undefined."""
    if value is None:
        return "–"
    if unit is Unit.SHARE:
        return format_percent(value)
    if unit in (Unit.SCORE, Unit.LOSS, Unit.SHIFT):
        return short(value)
    if unit is Unit.MILLISECONDS:
        # A fraction means nothing here, but for an answer within one.
        return f"{value:,.0f} ms" if value >= 1 else f"{format_number(value)} ms"
    return format_size(value) if unit is Unit.BYTES else format_number(value)
