"""Sentences of alerts as markup: commands as code, dates as links, no break within either."""

import re
from collections.abc import Collection

from markupsafe import Markup, escape

_DATE = r"\d{4}-\d{2}-\d{2}"
_FLAG = rf"--[a-z][a-z-]*(?: {_DATE})?"
_SCRIPT = r"(?:daily_scoring|gt_registration|create_training_set)\.py"
_PARTS = re.compile(rf"({_SCRIPT}(?: {_FLAG})*|(?<![\w-]){_FLAG}|(?<![\d-]){_DATE}(?![\d-]))")


def prose(text: str, pages: Collection[str] = ()) -> Markup:
    """Return a text, escaped. pages: names of the days' pages, which their dates link to."""
    parts = _PARTS.split(text)
    return Markup("").join(
        _marked(part, pages) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _marked(part: str, pages: Collection[str]) -> Markup:
    if not part[0].isdigit():
        words = re.split(rf" (?={_FLAG})", part)
        whole = Markup(" ").join(Markup("<span>{}</span>").format(word) for word in words)
        return Markup("<code>{}</code>").format(whole)
    page = f"{part}.html"
    if page in pages:
        return Markup('<a class="whole" href="{}">{}</a>').format(page, part)
    return Markup('<span class="whole">{}</span>').format(part)
