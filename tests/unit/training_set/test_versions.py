"""What the versions that there are mean for a new one."""

import pytest

from monitoring.services.training_sets import Version
from monitoring.training_set.versions import KnownVersions, known_versions


def version(number: int, content_hash: str, *, pending: bool = False) -> Version:
    return Version(number, pending, [], {"content_hash": content_hash}, None, "")


FIRST, SECOND, THIRD = version(1, "ours"), version(2, "ours"), version(3, "another")
PENDING = version(4, "ours", pending=True)
FIFTH = version(5, "another")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], KnownVersions()),
        ([THIRD], KnownVersions(THIRD)),
        ([FIRST, SECOND, THIRD], KnownVersions(THIRD, same=SECOND)),
        ([FIRST, PENDING], KnownVersions(FIRST, same=FIRST)),
        ([THIRD, PENDING], KnownVersions(THIRD, pending=PENDING)),
        ([PENDING], KnownVersions(pending=PENDING)),
        ([THIRD, PENDING, FIFTH], KnownVersions(FIFTH)),
    ],
    ids=["none", "other", "same", "same before pending", "pending", "only pending", "decided"],
)
def test_the_newest_of_the_same_content_comes_before_a_pending_last(
    versions: list[Version], expected: KnownVersions
) -> None:
    assert known_versions(versions, "ours", again=False) == expected


@pytest.mark.parametrize("versions", [[FIRST], [FIRST, PENDING]])
def test_again_leaves_what_is_the_same_and_what_is_pending_aside(versions: list[Version]) -> None:
    assert known_versions(versions, "ours", again=True) == KnownVersions(FIRST)
