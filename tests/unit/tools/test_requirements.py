"""Pins and licences: what is refreshed, what is refused."""

from tests.support.loop import ROOT
from tools import licences, pins, requirements

FILE = """\
# What we use.
pandas==3.0 # for frames
moto[server,s3]==5.0 ; sys_platform == 'darwin'

# Needed by those above (and by more).
six==1.16
tzdata==1 ; sys_platform == 'win32'
"""


def test_versions_are_refreshed_and_comments_stay() -> None:
    compiled = {"pandas": "3.1", "six": "1.17", "new": "2"}

    after = pins.rewritten(FILE, compiled, elsewhere={})

    assert after == FILE.replace("==3.0", "==3.1").replace("six==1.16\ntzdata==1 ; sys_platform"
        " == 'win32'", "new==2\nsix==1.17")  # fmt: skip
    assert pins.changes(FILE, after) == [
        "new none -> 2",
        "pandas 3.0 -> 3.1",
        "six 1.16 -> 1.17",
        "tzdata 1 -> none",
    ]
    assert pins.direct_names(FILE) == ["pandas"]


def test_every_pin_has_its_licence_and_nothing_else_has() -> None:
    shown = licences.PAGE.read_text(encoding="utf-8")
    assert list(licences.problems(shown)) == []
    assert {"pandas", "moto", "ruff"} <= requirements.all_pins().keys()

    without = "\n".join(line for line in shown.splitlines() if not line.startswith("| pandas |"))
    assert "is missing" in next(licences.problems(without))
    more = f"{shown}| left-pad | 1.0 | MIT | scripts |\n"
    assert "of nothing that is pinned" in next(licences.problems(more))


def test_a_licence_that_is_not_permissive_is_refused() -> None:
    for licence in ("GPL-3.0", "unknown", "Other/Proprietary License", "SSPL-1.0", "AGPL OR MIT"):
        row = licences._ALLOWED.search(licence) and not licences._REFUSED.search(licence)
        assert not row, licence
    for licence in ("BSD License", "Apache-2.0", "MPL-2.0", "MIT AND PSF-2.0"):
        assert licences._ALLOWED.search(licence) and not licences._REFUSED.search(licence)


def test_the_endpoint_s_packages_are_not_those_of_the_scripts() -> None:
    own = requirements.pins(ROOT / "examples" / "endpoint" / "requirements.txt")
    assert "domino-data-capture" in [pin.name for pin in own]
    assert "domino-data-capture" not in requirements.all_pins()
