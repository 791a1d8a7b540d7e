"""Sentences as markup: commands and dates stay whole, and nothing else becomes markup."""

from monitoring.report.prose import prose


def test_commands_become_code_whose_flags_stay_whole() -> None:
    text = "score it: daily_scoring.py --date 2026-01-05; or add --skip"

    assert prose(text) == (
        "score it: <code><span>daily_scoring.py</span> <span>--date 2026-01-05</span></code>;"
        " or add <code><span>--skip</span></code>"
    )


def test_a_date_links_to_its_page_where_there_is_one() -> None:
    assert prose("2026-01-05 and 2026-01-06", {"2026-01-05.html"}) == (
        '<a class="whole" href="2026-01-05.html">2026-01-05</a> and'
        ' <span class="whole">2026-01-06</span>'
    )


def test_the_rest_is_escaped() -> None:
    assert prose("<b>&--date") == "&lt;b&gt;&amp;<code><span>--date</span></code>"
    assert prose("a-2026-01-05-b") == "a-2026-01-05-b"
