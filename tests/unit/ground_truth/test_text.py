"""The table of --status: counts, the days with something to do, within 100 columns."""

from typing import Any

from monitoring.ground_truth.text import status_table

INGESTED = "in DMM's quality metrics after its next check, by default daily at 12:00 UTC"


def line(number: int, state: str, expect: str, **fields: Any) -> dict[str, Any]:
    """Return a day as ground_truth.status does."""
    known = state not in ("missing", "generated")
    return {
        "day": f"2026-01-{number:02d}",
        "uri": None,
        "state": state,
        "rows": 111 if known else None,
        "registered_at": "2026-01-31T12:34:56Z" if known else None,
        "dmm": "Done" if state == "ingested" else None,
        "reason": None,
        "object": "same" if known else None,
        "expect": expect,
        **fields,
    }


DAYS = [
    *[line(number, "ingested", INGESTED) for number in range(1, 5)],
    line(5, "missing", "no trace of it here: daily_scoring.py --date 2026-01-05"),
    line(6, "failed", "fix the cause, then --date 2026-01-06 --again", reason="no such column"),
    line(7, "registered", "ingested by 2026-02-02"),
    line(8, "skipped", "given up; --date 2026-01-08 undoes it"),
    line(9, "uploaded", "to be registered: --pending"),
]


def test_the_counts_come_first_then_only_the_days_with_something_to_do() -> None:
    first, _, *lines = status_table(DAYS, show_all=False).splitlines()

    assert first == (
        "9 days: 4 ingested, 1 accepted, 1 to register, 1 failed, 1 missing, 1 given up; --all"
        " shows every one"
    )
    assert [each[:10] for each in lines if each.startswith("2026")] == [
        "2026-01-05",
        "2026-01-06",
        "2026-01-09",
    ]


def test_all_shows_every_day_with_no_sentence_twice_and_times_to_the_minute() -> None:
    text = status_table(DAYS, show_all=True)

    assert text.count(INGESTED) == 1
    assert all(day["day"] in text for day in DAYS)
    assert "2026-01-31 12:34 " in text
    assert "12:34:56" not in text


def test_no_line_is_wider_than_100_columns_however_long_a_reason_is() -> None:
    days = [*DAYS, line(10, "failed", "fix it", reason="no such column: credit_GT " * 9)]

    lines = status_table(days, show_all=True).splitlines()

    assert max(map(len, lines)) <= 100


def test_an_object_that_changed_is_something_to_do_though_its_file_is_ingested() -> None:
    text = status_table([line(1, "ingested", INGESTED, object="changed")], show_all=False)

    assert "2026-01-01" in text


def test_where_there_is_nothing_to_do_the_counts_are_all() -> None:
    assert status_table(DAYS[:1], show_all=False) == "1 day: 1 ingested; --all shows every one"
    assert status_table([], show_all=False) == "no day is known here"


def test_a_file_made_elsewhere_is_shown_by_its_address() -> None:
    other = line(1, "failed", "register it as another file", day=None, uri="s3://bucket/labels.csv")

    text = status_table([DAYS[0], other], show_all=False)

    assert "s3://bucket/labels.csv" in text
    assert text.startswith("1 day: 1 ingested; 1 file made elsewhere")
