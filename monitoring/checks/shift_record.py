"""The part of a day's record that says whether a variable shifted."""

from typing import Literal

from msgspec import Struct, field


class ShiftResult(Struct, frozen=True, kw_only=True):
    """A variable's test over some rows.

    psi: the size of the shift, whatever the test: a PSI less what chance alone gives at this number
    of rows, not below 0.
    """

    value: float
    limit: float
    psi: float
    rows: int
    alarmed: bool


class VariableTest(Struct, frozen=True, kw_only=True):
    """A variable's test for the day, and for the window where there are earlier days.

    rate: the share of quiet days that exceed the day's limit. value, limit, psi: as of ShiftResult.
    """

    subject: str
    test: Literal["KS", "PSI"]
    rate: float
    value: float
    limit: float
    psi: float
    rows: int
    alarmed: bool
    window: ShiftResult | None


class Bins(Struct, frozen=True):
    """Shares by bin, today's and the baseline's; baseline: None where there is none yet."""

    labels: list[str]
    today: list[float]
    baseline: list[float] | None


class FeatureTest(VariableTest, frozen=True, kw_only=True, omit_defaults=True):
    """A feature's test, or that of a group of indicators, and what is shown of it.

    psi_dmm: None of a group, which DMM does not know. shown: what today and baseline are ("mean",
    "share of 1", "share of <level>"; of a group its level that changed most). largest_change: the
    bin whose share changed most. group: of an indicator that is tested with the others of its group
    as well: where its limit is passed, the alarm is the group's.
    """

    psi_dmm: float | None
    shown: str
    today: float
    baseline: float
    largest_change: str = field(name="moved")
    bins: Bins
    group: str | None = None
