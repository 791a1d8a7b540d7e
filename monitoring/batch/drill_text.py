"""How a drill is named in records and alerts, and which feature it shifts."""

import re

from monitoring.settings.model import Drill

_NAMED = re.compile(r"(.+?) [+-][\d.]")


def drill_text(drill: Drill) -> str:
    """Return "age +10 for 50% of the rows since 2026-01-10"."""
    share = f"{drill.share:.0%} of the rows since {drill.from_day}"
    return f"{drill.feature} {drill.shift:+g} for {share}"


def drilled_feature(text: str) -> str:
    """Return the feature's name, which may have spaces; the whole text where it is of no drill."""
    named = _NAMED.match(text)
    return named[1] if named else text
