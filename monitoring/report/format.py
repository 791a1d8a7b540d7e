"""How the pages write numbers."""

from monitoring.report.metrics import Unit
from monitoring.text import format_number, format_percent, format_size


def short(value: float | None) -> str:
    """Return a number between about 0 and 1 with three decimals, so that columns align."""
    return "–" if value is None else f"{value:.3f}"


def format_value(value: float | None, unit: Unit) -> str:
    """Return a metric's value with its unit; a dash for what is undefined."""
    if value is None:
        return "–"
    if unit is Unit.SHARE:
        return format_percent(value)
    if unit in (Unit.SCORE, Unit.LOSS, Unit.SHIFT):
        return short(value)
    if unit is Unit.MILLISECONDS:
        return f"{format_number(value)} ms"
    return format_size(value) if unit is Unit.BYTES else format_number(value)
