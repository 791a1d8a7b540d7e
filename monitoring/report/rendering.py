"""Turns a template into a page, everything escaped."""

import functools
import re
from pathlib import Path
from typing import Any

import jinja2

from monitoring.report.format import format_value, share_of_limit, short
from monitoring.report.metrics import Unit
from monitoring.report.prose import prose
from monitoring.text import format_count, format_names, format_number, format_percent, format_size

_FILTERS = {
    "number": format_number,
    "short": short,
    "percent": format_percent,
    "names": format_names,
    "size": format_size,
    "feature": lambda test, value: (
        format_number(value) if test.shown == "mean" else format_percent(value)
    ),
    "count": format_count,
    "milliseconds": lambda value: format_value(value, Unit.MILLISECONDS),
    "of_limit": share_of_limit,
    "prose": prose,
}


def render(template: str, **content: Any) -> str:
    """Return a template of templates/ with its content."""
    page = _environment().get_template(template).render(content)
    # A number and its percent sign stay on one line.
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", page)


def compile_templates() -> None:
    """Compile every template, which takes longer than rendering them: for a time of waiting."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= _FILTERS
    return environment
