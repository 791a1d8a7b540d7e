"""Working on several days: what is printed, and when."""

import argparse
from datetime import date
from typing import Any

import pytest

from monitoring.cli.days import DayOutcome, each_day
from monitoring.cli.output import Outcome
from monitoring.errors import RefusedError

DAYS = [date(2026, 1, day) for day in (1, 2, 3)]


def flags(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"quiet": False, "json": False, **given})


def worked(outcomes: dict[date, DayOutcome], arguments: argparse.Namespace) -> Outcome:
    """Work on the days; each comes to what is given for it."""
    return each_day(DAYS, lambda day: outcomes[day], lambda _: {}, arguments=arguments)


def test_each_day_s_line_is_printed_as_soon_as_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    printed_before = []

    def work(day: date) -> DayOutcome:
        printed_before.append(capsys.readouterr().out)
        if day == DAYS[1]:
            raise RefusedError("refused")
        return DayOutcome(f"{day} is done")

    outcome = each_day(DAYS, work, lambda _: {}, arguments=flags())

    assert printed_before == ["", "2026-01-01 is done\n", ""]
    assert capsys.readouterr().out == "2026-01-03 is done\n"
    assert (outcome.summary, outcome.final_exit_code) == ("", 6)


def test_a_quiet_run_prints_the_lines_of_days_that_are_to_be_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = {day: DayOutcome(f"{day} is done") for day in DAYS}
    outcomes[DAYS[1]].is_notable = True

    worked(outcomes, flags(quiet=True))

    assert capsys.readouterr().out == "2026-01-02 is done\n"


def test_with_json_no_line_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = worked({day: DayOutcome("done", {"day": day}) for day in DAYS}, flags(json=True))

    assert capsys.readouterr().out == ""
    assert outcome.result == {"days": [{"day": day} for day in DAYS]}
