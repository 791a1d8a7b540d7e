"""How the false alarms of a day are shared out among the checks that chance can set off.

The parts add up to `checks.false_alarms_per_day`, so that all checks together stay below it.
"""

from statistics import NormalDist
from typing import NamedTuple, Self

_PART_OF_ACCURACY_DROP = 0.135  # of 1 % a day: three standard errors
_PART_OF_NO_SKILL = 0.1


class Budget(NamedTuple):
    """The share of quiet days on which a check may alarm.

    variable: each variable's drift test, day and window together. no_skill: metrics worse than
    chance. accuracy_drop: an accuracy that fell since the first days of the release.
    """

    variable: float
    no_skill: float
    accuracy_drop: float

    @classmethod
    def of(cls, false_alarms_per_day: float, variables: int) -> Self:
        """Share out the setting; variables: how many have a drift test."""
        left = 1 - _PART_OF_ACCURACY_DROP - _PART_OF_NO_SKILL
        return cls(
            variable=false_alarms_per_day * left / variables,
            no_skill=false_alarms_per_day * _PART_OF_NO_SKILL,
            accuracy_drop=false_alarms_per_day * _PART_OF_ACCURACY_DROP,
        )

    @property
    def accuracy_drop_errors(self) -> float:
        """The standard errors by which accuracy may fall: 3.0 at 1 % a day."""
        return NormalDist().inv_cdf(1 - self.accuracy_drop)
