"""The interval of a share."""

import math

Z_95_PERCENT = 1.959964
"""Standard errors on either side that hold 95 %."""

Z_CERTAIN = 4.0
"""Standard errors that hold all but 3 in 100,000 a side: checks that go by them are outside the
budget of false alarms."""


def wilson(hits: float, rows: float, z: float = Z_95_PERCENT) -> tuple[float, float]:
    """Return the Wilson score interval of a share, low and high; NaN for no rows.

    z: standard errors on either side (Wilson 1927).
    """
    if not rows:
        return math.nan, math.nan
    share, spread = hits / rows, z * z / rows
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    middle = share + spread / 2
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))
