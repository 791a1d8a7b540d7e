"""Working on several days: each is tried, the worst exit code decides."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from monitoring.cli.output import Outcome, log_error, print_line
from monitoring.errors import ConfigError, CredentialsError, MonitoringError
from monitoring.files import disk_error


@dataclass(slots=True)
class DayOutcome:
    """What came of a day: a line for people, fields for programs, the error that ended it.

    is_notable: the line is for a quiet run too.
    """

    summary: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    error: MonitoringError | None = None
    is_notable: bool = False


def each_day(
    requested: Sequence[date],
    work: Callable[[date], DayOutcome],
    describe: Callable[[date], dict[str, Any]],
    *,
    arguments: argparse.Namespace,
    first: Sequence[date] = (),
) -> Outcome:
    """Work on days that earlier runs left (`first`), then on the requested ones.

    An error of one day stops no other, except a refused key or a wrong setting: every other day
    would end in the same way. describe: the JSON object of a requested day after its work, to
    which the day's fields are added; several of them come as {"days": [...]}. Each day's line is
    printed as soon as the day ends.
    """
    results, errors = [], []
    exit_code = 0  # 5 where a line could not be printed
    is_one_of_many = len(first) + len(requested) > 1
    for day in [*first, *requested]:
        outcome = _try(work, day)
        if outcome.error:
            errors.append(outcome.error)
            log_error(outcome.error, day if is_one_of_many else None)
        else:
            is_notable = outcome.is_notable
            exit_code |= print_line(outcome.summary, arguments, is_notable=is_notable)
        if day in requested:
            results.append(describe(day) | outcome.fields)
        if isinstance(outcome.error, CredentialsError | ConfigError):
            break

    result = {"days": results}
    if len(requested) == 1:
        result = results[0] if results else describe(requested[0])
    return Outcome("", result, errors, exit_code)


def _try(work: Callable[[date], DayOutcome], day: date) -> DayOutcome:
    try:
        return work(day)
    except MonitoringError as error:
        return DayOutcome(error=error)
    except OSError as error:
        return DayOutcome(error=disk_error(error))
