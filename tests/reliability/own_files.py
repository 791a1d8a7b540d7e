"""The program's own files, and what reads them: none may be changed by being read."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from monitoring.alerts.memory import AlertMemory
from monitoring.checks import history
from monitoring.checks.limits import Limits
from monitoring.checks.record import to_json as record_json
from monitoring.dataset import baseline as baselines
from monitoring.ledger import file_entry, manifest
from monitoring.ledger.answer import Answer
from monitoring.ledger.file_entry import FileEntry
from monitoring.ledger.journal import Journal
from monitoring.ledger.manifest import Manifest, State
from monitoring.ledger.workspace import Workspace
from monitoring.report import history as csv_history
from monitoring.services.dmm_memory import DmmMemory
from monitoring.services.s3_memory import StoreMemory
from tests.reliability.reader import Reader
from tests.support import alerts, counted

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
SHA256 = "0" * 64
_URI = "s3://bucket/labels.csv"
_STORE = "http://s3.test"


def own_files(folder: Path) -> list[Reader]:
    """Return the readers of the state and the reports, which are kept in the folder."""
    workspace = Workspace(folder / "state", folder / "reports")
    for path in (workspace.file_entries, workspace.reports, workspace.day_folder(DAY)):
        path.mkdir(parents=True)
    return [*_ledger(workspace), *_checks(workspace), *_memories(workspace)]


def _ledger(workspace: Workspace) -> list[Reader]:
    journal, known = workspace.journal(DAY), workspace.manifest(DAY)

    def open_journal() -> object:
        with closing(Journal(journal, SHA256, 12, [0, 1])) as opened:
            return opened.answers

    def read_entries() -> object:
        file_entry.read_all(workspace)
        return file_entry.find(workspace, _URI)

    entry = FileEntry(uri=_URI, state=State.REGISTERED, rows=3, sha256=SHA256)
    file_entry.write(workspace, entry)
    (entry_path,) = workspace.file_entries.glob("*.json")
    return [
        # Not "unchanged": its torn last line is cut off.
        Reader(
            "a journal",
            (_journal_text(),),
            lambda content: (journal.write_bytes(content), open_journal()),
            is_lines=True,
            share=0.12,
        ),
        _json_file("a manifest", known, _manifest_text(), lambda: manifest.read(known, DAY), 0.1),
        _json_file("a file's entry", entry_path, entry_path.read_bytes(), read_entries),
    ]


def _checks(workspace: Workspace) -> list[Reader]:
    small = counted.build(counted.frame_of([1.0, 2.0, 3.0, 5.0, 8.0]))
    record = alerts.record(str(DAY), alerts.alert())
    csv_history.write(workspace.history, record)
    pinned, limits = workspace.baseline, json.dumps({"2/psi/abc/10-10/0.01/own": 0.1})

    def read_baseline() -> object:
        return baselines.from_json(pinned.read_text("utf-8", "replace"), pinned)

    def read_history() -> object:
        return list(csv_history.read(workspace.history))

    def read_records() -> object:
        return history.read_previous(workspace.reports, NEXT)

    return [
        _json_file("baseline.json", pinned, baselines.to_json(small).encode(), read_baseline),
        _json_file(
            "limits.json",
            workspace.limits,
            limits.encode(),
            lambda: Limits.read(workspace.limits),
        ),
        _json_file("a record", workspace.record(DAY), record_json(record), read_records),
        Reader(
            "history.csv",
            (workspace.history.read_bytes(),),
            _unchanged(workspace.history, read_history),
        ),
    ]


def _memories(workspace: Workspace) -> list[Reader]:
    record = alerts.record(str(DAY), alerts.alert())
    sent = {"webhook": {"drift/age/ks": str(DAY)}}
    worked = {"endpoint": {"domino.test": "groundTruth"}, "form": {"abc": "later"}}
    honours = {f"{_STORE}/bucket": True}

    def use_alerts() -> object:
        memory = AlertMemory.read(workspace.alerts_memory)
        return memory.ended("webhook", record), memory.new_to("webhook", record, 3)

    def use_dmm() -> object:
        memory = DmmMemory(workspace.dmm_memory)
        return memory.endpoint("domino.test"), memory.knows_variables("abc")

    def use_store() -> object:
        return StoreMemory(workspace.store_memory, _STORE, "bucket").warning

    return [
        _json_file("alerts.json", workspace.alerts_memory, _text(sent), use_alerts),
        _json_file("monitor.json", workspace.dmm_memory, _text(worked), use_dmm, 0.04),
        _json_file("store.json", workspace.store_memory, _text(honours), use_store, 0.04),
    ]


def _json_file(
    name: str, path: Path, content: bytes, read: Callable[[], object], share: float = 0.06
) -> Reader:
    return Reader(name, (content,), _unchanged(path, read), is_json=True, share=share)


def _unchanged(path: Path, read: Callable[[], object]) -> Callable[[bytes], object]:
    """Return a reader of content that is first written to its file."""

    def read_content(content: bytes) -> object:
        path.write_bytes(content)
        try:
            return read()
        finally:
            assert path.read_bytes() == content, f"{path} was changed by reading it"

    return read_content


def _text(content: object) -> bytes:
    return json.dumps(content).encode()


def _journal_text() -> bytes:
    lines: list[Mapping[str, Any]] = []
    for index in range(4):
        answer = Answer(index, 1, 0.5, 1.0, 1, None, None, "2026-03-01T00:00:00+00:00")
        lines.append({"batch": SHA256[:16], **msgspec.to_builtins(answer)})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _manifest_text() -> bytes:
    known = Manifest(
        day=str(DAY), model="m", state=State.SCORED, rows=12, scored=11, failed=1,
        failures={"2026-03-01_3": "no"}, times={"scored": "2026-03-01T00:00:00+00:00"},
        batch_sha256=SHA256, bucket="bucket", object_key="a.csv", run_id="r",
    )  # fmt: skip
    return json.dumps(msgspec.to_builtins(known)).encode()
