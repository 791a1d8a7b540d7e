"""Exit codes, metrics and switches of the sandbox: each has its row, and each row is of one."""

import dataclasses
import json
import re
from collections.abc import Iterator

from monitoring.errors import EXIT_CODES
from tools.check_docs.pages import ROOT


def problems() -> Iterator[str]:
    """Yield what is wrong."""
    yield from exit_code_problems(_text("README.md"))
    yield from metric_problems(_text("docs/metrics.md"))
    yield from switch_problems(_text("docs/sandbox.md"))


def exit_code_problems(readme: str) -> Iterator[str]:
    """Yield the exit codes that only the code or only the README has."""
    section = readme.partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE)
    documented = {int(code) for row in rows for code in row.split(",")}
    for code in sorted(documented ^ EXIT_CODES.keys()):
        yield f"README.md: exit code {code}: in its table or in the code, but not in both"


def metric_problems(page: str) -> Iterator[str]:
    """Yield where the table of metrics is another one than the code's."""
    from monitoring.report.metrics import as_markdown

    for row in as_markdown().splitlines():
        if row not in page.splitlines():
            yield f"docs/metrics.md: this row of the table is missing: {row}"
    head = "| metric | of | title | unit | better |"
    shown = page.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    for row in shown:
        if row not in as_markdown().splitlines():
            yield f"docs/metrics.md: this row is of no metric in the code: {row}"


def switch_problems(page: str) -> Iterator[str]:
    """Yield the switches whose row is missing, wrong or of none."""
    from sandbox.switches import Switches

    expected = {
        field.name: json.dumps(getattr(Switches(), field.name))
        for field in dataclasses.fields(Switches)
    }
    documented: dict[str, str] = {}
    section = page.partition("\n## Switches")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            names, defaults = (re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:3])
            documented |= dict(zip(names, defaults, strict=False))
    for name in sorted(expected.keys() | documented.keys()):
        if expected.get(name) != documented.get(name):
            got, right = documented.get(name, "no row"), expected.get(name, "no such switch")
            yield f"docs/sandbox.md: the switch {name}: got {got}, expected {right}"


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
