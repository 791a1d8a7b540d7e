"""What a person reads of registered files, and of the days as the ledger and DMM know them."""

import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.ground_truth.result import FileResult, Outcome
from monitoring.text import format_count

_COLUMNS = {
    "day": "day",
    "state": "state",
    "rows": "rows",
    "registered_at": "registered at",
    "dmm": "DMM",
    "object": "object",
}


_STATES = {
    "ingested": "ingested",
    "registered": "accepted",
    "uploaded": "to register",
    "failed": "failed",
    "scored": "to upload",
    "generated": "half scored",
    "missing": "missing",
    "unreadable": "unreadable",
    "skipped": "given up",
}
"""The states of a day in words, in the order in which they are counted."""

_WIDTH = 100
_INDENT = " " * 12


def result_line(file: FileResult) -> str:
    """Return what a person reads of a file that went well."""
    if file.requests is not None:
        heading = f"{file.title}: would be registered as {file.uri}; nothing was sent"
        return "\n".join([heading, *map(_request_text, file.requests)])

    what = {
        Outcome.ACCEPTED: (
            "accepted by DMM, which reads files about once a day: --pending or --status shows when"
            " it has"
        ),
        Outcome.ALREADY_REGISTERED: f"registered already, {file.dmm_text or 'DMM was not asked'}",
        Outcome.INGESTED: (
            "ingested by DMM" if file.progress else "ingested by DMM already, nothing was sent"
        ),
    }[file.outcome]
    return f"{file.day or 'file'}: {file.rows} rows, {what} ({file.uri})"


def status_table(days: Sequence[Mapping[str, Any]], *, show_all: bool) -> str:
    """Return the days of ground_truth.status: their counts, then a table, 100 columns wide.

    show_all: also the days that nobody has to do anything about.
    """
    if not days:
        return "no day is known here"
    shown = days if show_all else [day for day in days if not is_settled(day)]
    lines = [_counts(days)]
    if len(shown) < len(days):
        lines[0] += "; --all shows every one"
    if not shown:
        return lines[0]

    rows = [list(_COLUMNS.values())] + [[_cell(day, name) for name in _COLUMNS] for day in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    texts = ["expect", *map(_expected, shown)]
    for row, text in zip(rows, texts, strict=True):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines += _wrapped(cells, text)
    return "\n".join([*lines, *_notes(shown)])


def _counts(days: Sequence[Mapping[str, Any]]) -> str:
    """Return "40 days: 34 ingested, 1 accepted, 2 missing", in the order of a day's life."""
    of_days = Counter(day["state"] for day in days if day["day"])
    parts = [f"{of_days[state]} {word}" for state, word in _STATES.items() if of_days[state]]
    files = sum(day["day"] is None for day in days)
    counts = [f"{format_count(of_days.total(), 'day')}: {', '.join(parts)}"] if parts else []
    if files:
        counts.append(format_count(files, "file made elsewhere", "files made elsewhere"))
    return "; ".join(counts)


def is_settled(day: Mapping[str, Any]) -> bool:
    """Whether nobody has to do anything: DMM has the file, will have it in time, or never will."""
    is_whole = day["object"] in (None, "same")
    is_awaited = str(day["expect"]).startswith(("ingested by", "due on"))
    return is_whole and (day["state"] in ("ingested", "skipped") or is_awaited)


def _cell(day: Mapping[str, Any], name: str) -> str:
    value = day[name]
    if name == "day" and value is None:  # a file made elsewhere
        return str(day["uri"])
    if value is None:
        return "-"
    if name == "state":
        return _STATES.get(value, str(value))
    return str(value)[:16].replace("T", " ") if name == "registered_at" else str(value)


def _expected(day: Mapping[str, Any]) -> str:
    """Return what to expect of a day; what holds for every ingested one is a note below."""
    reason = f" ({day['reason']})" if day["reason"] else ""
    return reason.strip() if day["state"] == "ingested" else day["expect"] + reason


def _notes(days: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = dict.fromkeys(day["expect"] for day in days if day["state"] == "ingested")
    return [f"ingested: {note}" for note in notes]


def _wrapped(cells: str, text: str) -> list[str]:
    """Return a line of the table; where the text does not fit it goes on, or below, indented."""
    line = f"{cells}  {text}".rstrip()
    if len(line) <= _WIDTH:
        return [line]
    return [cells.rstrip(), *_below(text)]


def _below(text: str) -> list[str]:
    # Commands and addresses are to be pasted: they are not broken.
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _request_text(planned: Mapping[str, Any]) -> str:
    """Return a request that was not sent."""
    lines = [f"  {planned['when']}:", f"    {planned['method']} {planned['url']}"]
    lines += [f"    {name}: {value}" for name, value in planned["headers"].items()]
    lines.append(f"    {json.dumps(planned['body'])}")
    return "\n".join(lines)
