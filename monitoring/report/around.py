"""What a day's page says of the days around it and of its file in DMM, which changes afterwards."""

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from monitoring.ledger.manifest import Manifest, State
from monitoring.report.rendering import render

_PLACE = re.compile("<!--around-->.*?<!--/around-->", re.DOTALL)


class Registration(NamedTuple):
    """Where DMM has a day's file: in words, since when (UTC), and what there is to do."""

    text: str
    since: str
    command: str


def filled(page: str, day: date, days: Sequence[date], manifest: Manifest | None) -> str:
    """Return a day's page with links to the days around it and the state of its file.

    days: those that have a page, oldest first. A page of 1.0 has no place for it and stays as it
    is.
    """
    earlier = [other for other in days if other < day]
    later = [other for other in days if other > day]
    content = render(
        "around.html.j2",
        before=earlier[-1] if earlier else None,
        after=later[0] if later else None,
        registration=_registration(day, manifest),
    )
    return _PLACE.sub(lambda _: Markup(f"<!--around-->{content}<!--/around-->"), page, count=1)


def _registration(day: date, manifest: Manifest | None) -> Registration | None:
    if manifest is None:
        return None
    state = manifest.state
    since = manifest.times.get(state.value, "")[:16].replace("T", " ")
    command = f"gt_registration.py --date {day}"
    if state is State.UPLOADED:
        return Registration("not registered yet", "", command)
    if state is State.REGISTERED:
        return Registration("accepted by DMM, which has not read it yet", since, "")
    if state is State.INGESTED:
        return Registration("read by DMM", since, "")
    if state is State.FAILED:
        reason = f": {manifest.reason}" if manifest.reason else ""
        return Registration(f"DMM could not read it{reason}", since, f"{command} --again")
    return None
