"""Every day from the first known one to the last: what it came to, and where DMM has its file."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from monitoring.errors import MonitoringError
from monitoring.ledger import days, pruned
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.report import history
from monitoring.report.past import Kind, PastDay, Verdict, past_days, verdict

_OVERDUE_AFTER = timedelta(days=2)  # contracts 5: DMM reads files about once a day
_IN_DMM = {
    State.UPLOADED: "not registered",
    State.REGISTERED: "accepted, not yet in DMM",
    State.INGESTED: "in DMM",
    State.FAILED: "DMM could not read it",
    State.SKIPPED: "given up",
}
_UNREPORTED_KINDS = {State.GENERATED: Kind.HALF_SCORED, State.SKIPPED: Kind.GIVEN_UP}
_NOT_SCORED = {
    Kind.MISSING: "Missing",
    Kind.HALF_SCORED: "Half scored",
    Kind.UNCHECKED: "Not checked",
    Kind.GIVEN_UP: "Given up",
}


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day; past: None where it has no report. page: the name of its page, None without one."""

    day: date
    verdict: Verdict
    past: PastDay | None = None
    manifest: Manifest | None = None
    page: str | None = None

    @property
    def kind(self) -> Kind:
        """What the day came to."""
        return self.verdict.kind

    @property
    def state(self) -> State | None:
        """How far the day is, as the ledger knows it."""
        return self.manifest.state if self.manifest else None

    @property
    def in_dmm(self) -> str:
        """Where DMM has its file, in words; "" where it has none to get."""
        return in_dmm(self.state)

    def is_overdue(self, today: date) -> bool:
        """Whether DMM accepted the file two days ago or more and is not known to have read it."""
        if self.manifest is None or self.state is not State.REGISTERED:
            return False
        registered = self.manifest.times.get("registered", "")[:10]
        return registered <= str(today - _OVERDUE_AFTER)


def in_dmm(state: State | None) -> str:
    """Return where DMM has a file, in words; "" where there is none to get."""
    return _IN_DMM.get(state, "") if state else ""


def read(workspace: Workspace) -> list[CalendarDay]:
    """Return the days from history.csv and the ledger, oldest first, gaps included.

    A manifest that can't be read counts as none. Raises OSError.
    """
    past = past_days(history.read(workspace.history))
    known = _manifests(workspace)
    pages = {f"{day}.html" for day in workspace.days_with_page()}
    names = sorted({*past, *known})
    if not names:
        return []

    first, last = date.fromisoformat(names[0]), date.fromisoformat(names[-1])
    all_days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [_day(day, past, known, pages) for day in all_days]


def _day(
    day: date, past: Mapping[str, PastDay], known: Mapping[str, Manifest], pages: set[str]
) -> CalendarDay:
    name = str(day)
    page = f"{name}.html" if f"{name}.html" in pages else None
    manifest, scored = known.get(name), past.get(name)
    return CalendarDay(day, _verdict(scored, manifest), scored, manifest, page)


def _verdict(past: PastDay | None, manifest: Manifest | None) -> Verdict:
    if past:
        return verdict(past)
    kind = Kind.MISSING
    if manifest:
        kind = _UNREPORTED_KINDS.get(manifest.state, Kind.UNCHECKED)
    return Verdict(kind, _NOT_SCORED[kind], [], "")


def _manifests(workspace: Workspace) -> dict[str, Manifest]:
    removed = pruned.read(workspace).items()
    known = {str(day): Manifest(day=str(day), model="", state=state) for day, state in removed}
    for day in workspace.known_days():
        with contextlib.suppress(MonitoringError):
            manifest = days.read_once(workspace.manifest(day), day)
            if manifest:
                known[str(day)] = manifest
    return known
