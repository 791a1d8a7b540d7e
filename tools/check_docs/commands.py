"""Every command of a page runs against the sandbox, and prints what the page shows.

A block in ```console has commands after "$ " and, below each, lines that it prints: all of them are
printed, in this order, perhaps among others; "..." stands for any text, a number for any number.
Blocks in ```sh, and indented ones that begin with a command, have commands alone; those in
```python are a program. Each must end with 0. A mark right before a block says otherwise:

    <!-- docs: not run: WHY -->          <!-- docs: exit: 2 -->
    <!-- docs: before: COMMAND -->       a command that the reader has run before
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.check_docs.pages import Block, Page
from tools.check_docs.shell import Shell

_COMMAND = re.compile(r"(\$ |python3? |(\.venv/bin/)?python |make |\.venv/bin/|eval |alias |pip )")
_LONG = re.compile(
    r"make (test|lint|bench|prove|clean|sandbox|check-docs|pins|licences)|python benchmarks/"
)
"""What takes minutes, runs this very check, or never ends: it has tests of its own."""


def is_of_commands(block: Block) -> bool:
    """Whether a block has commands to run."""
    if block.language:
        return block.language in ("sh", "bash", "console", "python")
    return bool(block.lines) and _COMMAND.match(block.lines[0]) is not None


def problems(page: Page, shell: Shell) -> Iterator[str]:
    """Run the commands of a page, in their order; yield what is wrong."""
    for block in page.blocks:
        if not is_of_commands(block) or block.mark("not run"):
            continue
        for mark, command in block.marks:
            if mark == "before":
                where = f"{page.name}:{block.line}: before"
                yield from _problems_of_run(where, command, 0, [], shell)
        for number, command, shown in _runs(block):
            expected = int(block.mark("exit") or 0)
            yield from _problems_of_run(f"{page.name}:{number}", command, expected, shown, shell)


def _problems_of_run(
    where: str, command: str, expected: int, shown: Sequence[str], shell: Shell
) -> Iterator[str]:
    output, code = shell.run(command)
    if code != expected:
        yield f"{where}: {command}: ended with {code}, expected {expected}\n{output}"
    elif missing := first_missing(shown, output):
        yield f"{where}: {command}: did not print {missing!r}\n{output}"


def first_missing(shown: Sequence[str], output: str) -> str | None:
    """Return the first of the lines shown that is not printed after the one before it."""
    printed = iter(output.splitlines())
    for line in shown:
        if line.strip() in ("", "..."):
            continue
        pattern = _pattern(line)
        if not any(pattern.fullmatch(each.strip()) for each in printed):
            return line
    return None


def _pattern(line: str) -> re.Pattern[str]:
    parts = re.split(r"(\.\.\.|[0-9][0-9.,]*)", line.strip())
    return re.compile("".join(".*" if part == "..." else _part(part) for part in parts))


def _part(part: str) -> str:
    return r"[0-9][0-9.,]*" if part[:1].isdigit() else re.escape(part)


def _runs(block: Block) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line number, command and the lines shown below it."""
    if block.language == "python":
        yield block.line, "\n".join(["python - <<'END'", *block.lines, "END"]), []
        return
    if block.language != "console":
        kept = [line for line in block.lines if not _LONG.match(line)]
        if any(line.strip() for line in kept):
            yield block.line, "\n".join(kept), []
        return
    runs: list[tuple[int, str, list[str]]] = []
    for offset, line in enumerate(block.lines):
        if line.startswith("$ "):
            runs.append((block.line + offset, line[2:], []))
        elif runs and line.startswith("> "):
            number, command, shown = runs.pop()
            runs.append((number, f"{command}\n{line[2:]}", shown))
        elif runs:
            runs[-1][2].append(line)
    yield from (run for run in runs if not _LONG.match(run[1]))


def marks_without_reason(pages: Sequence[Page]) -> Iterator[str]:
    """Yield blocks that are not run for no reason worth reading."""
    for page in pages:
        for block in page.blocks:
            why = block.mark("not run")
            if why is not None and len(why.split()) < 3:
                yield f"{page.name}:{block.line}: not run: say why ({why!r})"


def sandbox_commands(folder: Path) -> str:
    """Return the lines that give a shell the variables of a sandbox in the folder."""
    return (
        f"cd '{folder}'\n"
        "python -m sandbox > ../sandbox.out 2>&1 &\n"
        "for i in $(seq 300); do grep -q 'Ctrl-C ends' ../sandbox.out && break; sleep 0.1; done\n"
        'eval "$(python -m sandbox env)"\n'
    )
