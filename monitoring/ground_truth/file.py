"""The ground truth CSV of a day: ids, actual outcomes and what the model said."""

import csv
import io
from typing import IO

from monitoring.batch.scored import ScoredBatch
from monitoring.dataset.schema import label_text
from monitoring.settings.model import GroundTruth


def write(names: GroundTruth, file: IO[bytes], scored: ScoredBatch) -> int:
    """Write the CSV of the scored rows, in index order, to a binary file; return their number.

    RFC 4180 with a header, UTF-8, LF; the score as received, unrounded.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([names.id_column, names.label_column, "prediction", "score", "scored_at"])
    count = 0
    for row_id, label, answer in scored.scored_rows():
        prediction = "" if answer.prediction is None else label_text(answer.prediction)
        writer.writerow([row_id, label_text(label), prediction, answer.score, answer.scored_at])
        count += 1
    text.detach()
    return count
