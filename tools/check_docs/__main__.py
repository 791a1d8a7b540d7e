"""`python -m tools.check_docs [PAGE ...]`: every check; with pages, the commands of these alone."""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.check_docs import commands, flags, links, pages, settings, tables
from tools.check_docs.pages import Page
from tools.check_docs.scratch import environment, working_copy
from tools.check_docs.shell import shell

_HISTORY = "CHANGELOG.md"  # names flags and commands of then


def main(names: Sequence[str]) -> int:
    """Print what is wrong, a line each, then how long it took; return 1 where anything is."""
    began = time.monotonic()
    every = pages.read_all()
    current = [page for page in every if page.name != _HISTORY]
    named = [page for page in current if page.path in [Path(name).resolve() for name in names]]
    checks: list[Iterator[str]] = [run_commands(named or current)]
    if not named:
        checks = [
            links.problems(every),
            flags.problems(current),
            settings.problems(current),
            tables.problems(),
            commands.marks_without_reason(current),
            *checks,
        ]

    count = 0
    for problem in itertools.chain(*checks):
        count += 1
        print(problem, file=sys.stderr, flush=True)
    seconds = time.monotonic() - began
    print(f"docs: {len(named or every)} pages, {count} problems ({seconds:.0f} s)")
    return int(count > 0)


def run_commands(chosen: Sequence[Page]) -> Iterator[str]:
    """Run the commands of these pages in one copy of the tree; yield what is wrong."""
    with_commands = [page for page in chosen if any(map(commands.is_of_commands, page.blocks))]
    if not with_commands:
        return
    with working_copy() as folder, shell(folder, environment(folder)) as first:
        output, code = first.run(commands.sandbox_commands(folder))
        if code:
            yield f"the sandbox did not start:\n{output}"
            return
        variables, _ = first.run("export -p")
        for page in with_commands:
            with shell(folder, environment(folder)) as own:
                own.run(variables)
                yield from commands.problems(page, own)
        first.run("kill %1; wait")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
