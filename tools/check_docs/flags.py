"""Every flag of the scripts is in the docs, and every flag in the docs exists."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from tools.check_docs.pages import ROOT, Page

SCRIPTS = ("daily_scoring.py", "gt_registration.py", "create_training_set.py")
SANDBOX = "sandbox"
_SUBCOMMANDS = ("run", "env", "switch", "demo")
# Of programs that are not ours, as the pages call them.
_FOREIGN = frozenset({
    *("--access-key", "--build-arg", "--calendar", "--concurrency-policy", "--extra-index-url"),
    *("--no-cache-dir", "--no-deps", "--require-hashes", "--user", "--version", "--help", "--now"),
})  # fmt: skip

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_INLINE = re.compile(r"`([^`]+)`")


def problems(pages: Sequence[Page], own: Mapping[str, set[str]] | None = None) -> Iterator[str]:
    """Yield what is wrong. own: the flags by script, by default those that --help lists."""
    own = own or own_flags()
    mentioned = {flag for page in pages for flag in _FLAG.findall(page.path.read_text("utf-8"))}
    for program, flags in own.items():
        for flag in sorted(flags - mentioned - {"--help"}):
            yield f"{program}: {flag} is in no page"

    every = set().union(*own.values()) | _FOREIGN | _tool_flags()
    for page in pages:
        for number, text in _code(page):
            allowed = _allowed(text, own, every)
            for flag in _FLAG.findall(text):
                if flag not in allowed:
                    yield f"{page.name}:{number}: {flag}: there is no such flag ({text.strip()})"


def own_flags() -> dict[str, set[str]]:
    """Return the flags of each script, and of the sandbox with all its commands."""
    helps: dict[str, list[list[str]]] = {script: [[script, "--help"]] for script in SCRIPTS}
    helps[SANDBOX] = [["-m", SANDBOX, "--help"]]
    helps[SANDBOX] += [["-m", SANDBOX, command, "--help"] for command in _SUBCOMMANDS]
    return {
        program: {flag for command in commands for flag in _FLAG.findall(_output(command))}
        for program, commands in helps.items()
    }


def _allowed(text: str, own: Mapping[str, set[str]], every: set[str]) -> set[str]:
    """Return the flags that may be in a piece of code: those of the one script that it runs."""
    named = [script for script in SCRIPTS if script in text]
    if len(named) != 1:
        return every
    extra = own[SANDBOX] if SANDBOX in text else set()
    return own[named[0]] | extra | {"--help"}


def _code(page: Page) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each piece of code of a page."""
    for number, line in enumerate(page.prose, start=1):
        for match in _INLINE.finditer(line):
            yield number, match[1]
    for block in page.blocks:
        for offset, line in enumerate(block.lines):
            yield block.line + offset, line.partition("  #")[0]


def _tool_flags() -> set[str]:
    """Return the flags that our benchmarks and tools define, as their sources name them."""
    sources = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/**/*.py"), ROOT / "Makefile"]
    return {flag for path in sources for flag in _FLAG.findall(path.read_text(encoding="utf-8"))}


def _output(command: Sequence[str]) -> str:
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return ended.stdout
