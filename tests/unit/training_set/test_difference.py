"""How rows differ from a previous version's, as far as that is known."""

import pandas as pd

from monitoring.dataset import counting
from monitoring.services.training_sets import Version
from monitoring.settings.model import Schema
from monitoring.training_set.difference import difference
from monitoring.training_set.text import difference_text


def test_a_version_created_elsewhere_is_compared_as_far_as_it_is_known(
    schema: Schema, frame: pd.DataFrame
) -> None:
    columns = [name for name in frame.columns if name != "age"]
    elsewhere = Version(4, False, [*columns, "duration_months"], {}, None, "nowhere")

    changes = difference(schema, frame, elsewhere, None)

    assert changes.rows == (None, 1000)
    assert (changes.columns_added, changes.columns_removed) == (["age"], ["duration_months"])
    assert difference_text(changes) == (
        "against version 4: rows unknown -> 1,000; columns +age -duration_months;"
        " shifts unknown: the data before can't be read"
    )


def test_a_feature_that_the_previous_version_lacked_has_no_shift_and_the_others_do(
    schema: Schema, frame: pd.DataFrame
) -> None:
    without_age = frame.drop(columns="age")
    before = counting.build(
        schema, lambda: [without_age], source="s", content_hash="", created_at=""
    )
    previous = Version(1, False, list(frame.columns), {}, None, "")

    changes = difference(schema, frame, previous, before)

    assert len(changes.shifts) == 9
    assert "age" not in [shift.feature for shift in changes.shifts]
