"""The licences of all pinned packages: docs/licences.md. `python -m tools.licences [--write]`."""

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata

from tools.requirements import ROOT, all_pins, pins

PAGE = ROOT / "docs" / "licences.md"
_HEAD = """\
# Licences of the pinned packages

As their own metadata name them; written by `make licences`, checked by `make lint`. The scripts
need those with "scripts"; the others are for the sandbox, the tests and the tools, and are not
passed on with the scripts.

| package | version | licence | for |
|---|---|---|---|
"""
_ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Unlicense|HPND|Zlib|CC0|CNRI)",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"\b(GPL|AGPL|GNU|SSPL|BUSL|Commercial|Proprietary)", re.IGNORECASE)
# Their metadata say nothing or contradict themselves, or they are not installed here.
_READ_BY_HAND = {
    "axe-playwright-python": "MIT",
    "dominodatalab-data": "Apache-2.0",
    "moto": "Apache-2.0",
    "uv": "MIT OR Apache-2.0",
}
_TOOLS_ALONE = {"codespell"}
"""Run by themselves, and no part of anything: their licence may be another one."""


def main(arguments: Sequence[str]) -> int:
    """Write the page, or print where it is not what it should be; 1 where anything is wrong."""
    if list(arguments) == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    count = 0
    for problem in problems(PAGE.read_text(encoding="utf-8")):
        count += 1
        print(problem, file=sys.stderr)
    return int(count > 0)


def problems(shown: str) -> Iterator[str]:
    """Yield rows that are missing or of nothing pinned, and licences that are not permissive."""
    expected = set(rows(shown))
    documented = set(re.findall(r"^\| [a-zA-Z0-9].*\|$", shown, re.MULTILINE)) - {
        "| package | version | licence | for |"
    }
    for row in sorted(expected ^ documented):
        wrong = "is missing" if row in expected else "is of nothing that is pinned"
        yield f"docs/licences.md: this row {wrong} (make licences): {row}"
    for row in sorted(expected):
        name, _, licence, _ = (cell.strip() for cell in row.strip("|").split("|"))
        is_refused = _REFUSED.search(licence) and name not in _TOOLS_ALONE
        is_known = _ALLOWED.search(licence) or name in _TOOLS_ALONE
        if is_refused or not is_known:
            yield f"docs/licences.md: {name}: {licence}: not a permissive licence that we know"


def page() -> str:
    """Return the page."""
    shown = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return _HEAD + "\n".join(rows(shown)) + "\n"


def rows(shown: str) -> Iterator[str]:
    """Yield a row for each pinned package.

    Of one that is not installed here (it is for another system or version of Python) the licence
    is that of the page as it is.
    """
    for_scripts = {pin.name.lower() for pin in pins(ROOT / "requirements.txt")}
    for name, pin in all_pins().items():
        licence = _READ_BY_HAND.get(name) or _installed_licence(name) or _shown(shown, name)
        purpose = "scripts" if name in for_scripts else "sandbox, tests, tools"
        yield f"| {name} | {pin.version} | {licence} | {purpose} |"


def _installed_licence(name: str) -> str:
    """Return what the metadata of an installed package name; "" where it is not installed."""
    try:
        fields = metadata.metadata(name).json
    except metadata.PackageNotFoundError:
        return ""
    expression = str(fields.get("license_expression", ""))
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in fields.get("classifier", [])
        if text.startswith("License :: ") and not text.endswith(":: OSI Approved")
    ]
    declared = str(fields.get("license", "")).strip().splitlines()
    return expression or "; ".join(classifiers) or (declared[0] if declared else "unknown")


def _shown(shown: str, name: str) -> str:
    match = re.search(rf"^\| {re.escape(name)} \| \S+ \| (.*?) \|", shown, re.MULTILINE)
    return match[1] if match else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
