"""What a dry run would send."""

from typing import Any

from monitoring.ledger import journal
from monitoring.ledger.entry import DayEntry
from monitoring.ledger.plan import Step
from monitoring.scoring.prepare import PreparedDay
from monitoring.scoring.run import rows_to_send
from monitoring.settings.model import Settings


def preview(
    settings: Settings, entry: DayEntry, prepared: PreparedDay
) -> tuple[str, dict[str, Any]]:
    """Return what a run would send, as text for people and as fields of the day's JSON object."""
    batch = prepared.batch
    assert batch is not None, "a day that is done sends nothing"

    answers = {}
    if prepared.step is not Step.GENERATE:
        path = entry.workspace.journal(entry.day)
        classes = settings.schema.target.classes
        answers = journal.read_answers(path, batch.sha256, len(batch), classes)
    left = rows_to_send(prepared.step, batch, answers)
    first_row = None
    if left:
        bodies = batch.request_bodies(entry.day, settings.model_api.arguments)
        first_row = next(body for index, body in bodies if index == left[0])

    url, uri = settings.model_api.url, settings.ground_truth_uri(entry.day)
    lines = [
        f"{entry.title} (dry run, nothing sent): {len(left)} of {len(batch)} rows to {url}"
        + (", the first:" if first_row else "")
    ]
    if first_row:
        lines.append(first_row)
    lines.append(f"then predictions and outcomes to {uri}")

    fields = {
        "rows": len(batch),
        "would_send": len(left),
        "model_url": url,
        "first_row": first_row,
        "ground_truth_uri": str(uri),
    }
    return "\n".join(lines), fields
