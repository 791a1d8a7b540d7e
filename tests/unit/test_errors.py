import re

import pytest

from monitoring import errors
from monitoring.errors import EXIT_CODES, InterruptedRun, MonitoringError, worst


def every_kind(kind: type[MonitoringError] = MonitoringError) -> list[type[MonitoringError]]:
    return [
        kind,
        *(
            found
            for inner in kind.__subclasses__()
            for found in every_kind(inner)
            if inner.__module__ == "monitoring.errors"
        ),
    ]


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"^[│├└─ ]*(\w+) +(\d+)  ", errors.__doc__ or "", re.MULTILINE))

    assert drawn == {kind.__name__: str(kind.exit_code) for kind in every_kind()} | {
        "InterruptedRun": "130"
    }


def test_every_exit_code_is_explained_and_none_has_changed_its_meaning() -> None:
    assert list(EXIT_CODES) == [0, 1, 2, 3, 4, 5, 6, 11, 75, 130, 143]
    assert {kind.exit_code for kind in every_kind()} | {0, 130, 143} == set(EXIT_CODES)
    starts = {
        2: "usage or configuration",
        3: "partial",
        4: "finished, an alert",
        5: "a service or this machine",
        6: "refused",
    }
    starts |= {
        11: "another run holds",
        75: "not yet",
        130: "interrupted (Ctrl-C)",
        143: "interrupted (SIGTERM)",
    }
    assert {
        code: EXIT_CODES[code].startswith(text) for code, text in starts.items()
    } == dict.fromkeys(starts, True)


@pytest.mark.parametrize(
    ("codes", "decides"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 75], 75),
        ([75, 4], 4),
        ([4, 3], 3),
        ([3, 11], 11),
        ([11, 5], 5),
        ([5, 6], 6),
        ([6, 2], 2),
        ([6, 5, 1, 0], 1),
        ([2, 0], 2),
    ],
)
def test_of_several_days_the_worst_decides(codes: list[int], decides: int) -> None:
    assert worst(codes) == decides


def test_an_interruption_is_caught_by_nobody_who_catches_errors() -> None:
    assert not issubclass(InterruptedRun, Exception)
    assert (InterruptedRun(2).exit_code, InterruptedRun(15).exit_code) == (130, 143)
