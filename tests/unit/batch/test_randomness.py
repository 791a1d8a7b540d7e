"""The day's number of rows."""

from datetime import date, timedelta

from monitoring.batch.randomness import row_count
from monitoring.settings.model import Settings
from tests.support.shipped import with_scoring


def test_rows_per_day_are_drawn_over_the_whole_range_and_kept(settings: Settings) -> None:
    settings = with_scoring(settings, rows=(3, 5))
    first = date(2024, 4, 24)

    counts = [row_count(settings, first + timedelta(days=offset)) for offset in range(300)]

    assert set(counts) == {3, 4, 5}
    assert all(70 < counts.count(value) < 130 for value in (3, 4, 5))
    assert counts[0] == row_count(settings, first)
