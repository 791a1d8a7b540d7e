"""Each check of the docs goes red for a fault of its kind, and not without one."""

import importlib.util
import sys
import zipfile
from pathlib import Path

import pytest

from monitoring.errors import EXIT_CODES
from tests.support.loop import ROOT
from tools.check_docs import commands, flags, links, scratch, settings, tables
from tools.check_docs.pages import Page, parse
from tools.check_docs.shell import shell

OWN = {
    "daily_scoring.py": {"--date", "--rows"},
    "gt_registration.py": {"--wait"},
    "create_training_set.py": {"--meta"},
    "sandbox": {"--days"},
}


def problems_of_links(text: str) -> list[str]:
    return list(links.problems([parse(text, ROOT / "docs" / "page.md")]))


def test_links_and_anchors_that_lead_nowhere_are_named() -> None:
    text = "# A `title`, twice\n[a](nowhere.md) [b](metrics.md#nowhere) [c](#a-title-twice)\n"

    assert problems_of_links(text) == [
        "docs/page.md:2: the link to nowhere.md: there is no such file",
        "docs/page.md:2: the link to metrics.md#nowhere: that page has no heading #nowhere",
    ]
    assert problems_of_links("![x](pictures/day.png) [m](metrics.md#cost) `[no](link.md)`") == []
    assert problems_of_links('<img src="pictures/none.png">')


def test_a_flag_that_only_code_or_docs_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("`--date` `--wait` `--meta` `--days`\n\n    python daily_scoring.py --wait 5\n")
    page = parse(path.read_text(), path)

    assert list(flags.problems([page], OWN)) == [
        "daily_scoring.py: --rows is in no page",
        "page:3: --wait: there is no such flag (python daily_scoring.py --wait 5)",
    ]


def test_a_setting_or_variable_that_only_code_or_docs_have_is_named(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "`scoring.rows` |" not in line]
    changed = "\n".join(lines).replace("| `scoring.seed` |", "| `scoring.seeds` |")
    changed = changed.replace("| `3` | SMOTEN", "| `5` | SMOTEN").replace("`DMM_URL` |", "`DMMURL`")

    named = "\n".join([*settings._table_problems(changed), *settings._variable_problems(changed)])

    for part in ("scoring.rows is missing", "scoring.seeds: there is no", "scoring.neighbors: got"):
        assert part in named
    assert "the variable DMM_URL is missing" in named
    assert list(settings._name_problems([parse("`scoring.row` `scoring.rows` `checks.evaluate`")]))
    (tmp_path / "code.py").write_text('import os\nos.environ.get("A")\nos.environ["B"]\n')
    assert settings.variables_read(tmp_path) == {"A", "B"}


def test_an_exit_code_a_metric_or_a_switch_without_its_row_is_named() -> None:
    table = "## Exit codes\n" + "\n".join(f"| {code} | x |" for code in EXIT_CODES if code != 75)
    assert len(list(tables.exit_code_problems(table))) == 1

    metrics = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = list(tables.metric_problems(metrics.replace("| `auc` | model |", "| `au` | model |")))
    assert ["missing: | `auc`" in named[0], "`au`" in named[1]] == [True, True]

    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    named = list(tables.switch_problems(page.replace("| `latency_ms` |", "| `latency` |")))
    assert [line.partition(": got")[0][-11:] for line in named] == ["tch latency", " latency_ms"]


PAGE = """
```console
$ echo "2 of 3 rows"; echo second
4 of 5 ...
$ x=kept
```

<!-- docs: exit: 3 -->

```sh
(exit 3)
```

<!-- docs: not run: never -->

    python none.py

<!-- docs: before: test $x = kept -->

    make lint        # takes minutes
"""


def test_commands_run_in_one_shell_and_print_what_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    page = parse(PAGE)

    with shell(folder, {"PATH": "/usr/bin:/bin"}) as running:
        assert list(commands.problems(page, running)) == []
        for fault in (
            PAGE.replace("4 of 5", "4 off 5"),
            PAGE.replace("exit: 3", "exit: 2"),
            PAGE.replace("= kept", "= lost"),
            "    python none.py\n",
        ):
            assert len(list(commands.problems(parse(fault), running))) == 1, fault
    assert list(commands.marks_without_reason([page]))


def test_a_command_that_never_ends_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.check_docs.shell._LIMIT_SECONDS", 0.3)
    folder = tmp_path / "copy"
    folder.mkdir()

    with (
        shell(folder, {"PATH": "/usr/bin:/bin"}) as running,
        pytest.raises(RuntimeError, match="was stopped:\nsleep 100"),
    ):
        running.run("sleep 100")


def test_a_page_that_installs_changes_nothing_in_the_packages_of_this_python(
    tmp_path: Path,
) -> None:
    wheel = tmp_path / "copy" / "strange-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("strange.py", "")
        files.writestr("strange-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        files.writestr("strange-1.0.dist-info/METADATA", "Name: strange\nVersion: 1.0\n")
        files.writestr("strange-1.0.dist-info/RECORD", "")

    with shell(wheel.parent, scratch.environment(wheel.parent)) as running:
        output, code = running.run(f"{sys.executable} -m pip install --no-index ./{wheel.name}")

    assert code == 0, output
    assert "Would install strange-1.0" in output
    assert importlib.util.find_spec("strange") is None


def test_blocks_and_marks_are_read_as_a_code_host_shows_them() -> None:
    page: Page = parse("1. item\n   more\n\n       make run\n\ntext\n\n    python x.py\n\n  y\n")

    assert [(block.line, block.lines) for block in page.blocks] == [
        (4, ("make run",)),
        (8, ("python x.py",)),
    ]
