"""What a person reads of registered files, and of the days as the ledger and DMM know them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monitoring.ground_truth.result import FileResult, Outcome

_COLUMNS = {
    "day": "day",
    "state": "state",
    "rows": "rows",
    "registered_at": "registered at",
    "dmm": "DMM",
    "object": "object",
}


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


def status_table(days: Sequence[Mapping[str, Any]]) -> str:
    """Return the days of ground_truth.status as a table."""
    if not days:
        return "no day is known here"

    rows = [[*_COLUMNS.values(), "expect"]]
    for day in days:
        cells = ["-" if day[name] is None else str(day[name]) for name in _COLUMNS]
        if day["day"] is None:  # a file made elsewhere
            cells[0] = day["uri"]
        reason = f" ({day['reason']})" if day["reason"] else ""
        rows.append([*cells, day["expect"] + reason])

    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*padded, row[-1]]))
    return "\n".join(lines)


def _request_text(planned: Mapping[str, Any]) -> str:
    """Return a request that was not sent."""
    lines = [f"  {planned['when']}:", f"    {planned['method']} {planned['url']}"]
    lines += [f"    {name}: {value}" for name, value in planned["headers"].items()]
    lines.append(f"    {json.dumps(planned['body'])}")
    return "\n".join(lines)
