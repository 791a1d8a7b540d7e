"""One day in the ledger: what is known of it, and every change to that."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from monitoring import clock, files
from monitoring.dataset.schema import event_id
from monitoring.files import disk_error
from monitoring.ledger import lock, manifest, pruned
from monitoring.ledger.answer import Answer
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace


class DayEntry:
    """A day of one model: its manifest (None: nothing is known here), and where its files are.

    A day whose folder was removed is known by its state alone. Raises RefusedError for a manifest
    that can't be read, and where a link leads out of the state.
    """

    def __init__(self, workspace: Workspace, model: str, day: date) -> None:
        self.workspace, self.model, self.day = workspace, model, day
        files.refuse_links_out(workspace.state.parent, workspace.files_of(day))
        known = manifest.read(workspace.manifest(day), day)
        self.manifest = known or pruned.manifest_of(workspace, model, day)

    @property
    def title(self) -> str:
        """Day and model, as messages name them."""
        return f"{self.day} {self.model}"

    @property
    def state(self) -> State | None:
        """How far the day is, None where nothing is known here."""
        return self.manifest.state if self.manifest else None

    @property
    def known(self) -> Manifest:
        """The manifest of a day that has one."""
        assert self.manifest, f"{self.title} has no manifest yet"
        return self.manifest

    def update(self, **changes: Any) -> Manifest:
        """Store the manifest with these changes and return it; a change of state notes its time.

        Atomic. Raises ServiceError where the disk is full or must not be written.
        """
        self.manifest = self.changed(**changes)
        manifest.write(self.workspace.manifest(self.day), self.manifest)
        return self.manifest

    def changed(self, **changes: Any) -> Manifest:
        """Return the manifest with these changes, storing nothing."""
        known = self.manifest
        if known is None:
            state = State(changes["state"])
            known = Manifest(day=str(self.day), model=self.model, state=state)
        state = State(changes.get("state", known.state))
        if state != known.state or not known.times:
            changes["times"] = {**known.times, state.value: clock.timestamp()}
        changes["state"] = state
        return msgspec.structs.replace(known, **changes)

    def give_up(self) -> None:
        """Note that the day was given up, from whatever state it is in."""
        self.update(state=State.SKIPPED, state_before=self.state)

    def take_up_again(self, *, dry_run: bool) -> None:
        """Put a day that was given up back into the state that it was in; others are left alone."""
        if self.state != State.SKIPPED:
            return
        before = self.known.state_before
        if before:
            # Not as a change of state: when it was reached stays as it was.
            self.manifest = msgspec.structs.replace(self.known, state=before, state_before=None)
        else:
            self.manifest = None
        if dry_run:
            return

        path = self.workspace.manifest(self.day)
        if self.manifest:
            manifest.write(path, self.manifest)
        else:
            path.unlink(missing_ok=True)

    def count(self, answers: Mapping[int, Answer]) -> None:
        """Store the counts and the failures of these answers."""
        failures = {
            event_id(self.day, index): answer.error
            for index, answer in sorted(answers.items())
            if answer.error
        }
        self.update(
            scored=len(answers) - len(failures),
            failed=len(failures),
            retried=sum(answer.attempts > 1 for answer in answers.values()),
            failures=failures,
        )

    def archive(self) -> Path | None:
        """Move the day's folder to `<day>.1`, or the next free number, and return that.

        From then on nothing is known of the day. None where there is no folder.
        """
        self.manifest = None
        folder = self.workspace.day_folder(self.day)
        if not folder.exists():
            return None
        candidates = self.workspace.archived_day_folders(self.day)
        target = next(path for path in candidates if not path.exists())
        try:
            folder.rename(target)
        except OSError as error:
            raise disk_error(error, folder) from None
        return target


class Ledger:
    """The days of one model in one workspace."""

    def __init__(self, workspace: Workspace, model: str) -> None:
        self.workspace, self.model = workspace, model

    def entry(self, day: date) -> DayEntry:
        """Return what is known of a day now; raises RefusedError for a manifest gone bad."""
        return DayEntry(self.workspace, self.model, day)

    @contextlib.contextmanager
    def locked(self, day: date, *, dry_run: bool = False) -> Iterator[DayEntry]:
        """Hold the day's lock and give its entry, read under the lock; a dry run takes no lock.

        Raises LockedError where another run holds it.
        """
        with contextlib.ExitStack() as stack:
            if not dry_run:
                stack.enter_context(lock.hold(self.workspace.lock(day), str(day)))
                self.workspace.sweep(day)
            yield self.entry(day)
