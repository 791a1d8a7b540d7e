"""`make pins`: the newest versions that fit together, in every requirements file.

What a file names before "Needed by those above" is what we use; uv finds the newest versions of
these and all that they need, for the oldest Python that we support. Comments stay.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.requirements import FILES, NEEDED_BY_OTHERS, ROOT

OLDEST_PYTHON = "3.11"


def main(arguments: Sequence[str]) -> int:
    """Rewrite the files, and print what changed. `--check`: print it, write nothing."""
    known: dict[str, str] = {}
    for name in FILES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        compiled = compile_(direct_names(before), known)
        after = rewritten(before, compiled, known)
        known |= compiled
        for change in changes(before, after):
            print(f"{name}: {change}")
        if list(arguments) != ["--check"]:
            path.write_text(after, encoding="utf-8")
    print("now: make test, then make licences")
    return 0


def direct_names(text: str) -> list[str]:
    """Return the packages that a file names itself."""
    own = text.partition(NEEDED_BY_OTHERS)[0]
    return re.findall(r"^([A-Za-z0-9._-]+)==", own, re.MULTILINE)


def compile_(names: Sequence[str], constraints: dict[str, str]) -> dict[str, str]:
    """Return the versions of these packages and all that they need; raises where none fit."""
    wanted = [f"{name}=={constraints[name]}" if name in constraints else name for name in names]
    bounds = [f"{name}=={version}" for name, version in constraints.items()]
    constraint_file = ROOT / "var" / "constraints.txt"
    constraint_file.parent.mkdir(exist_ok=True)
    constraint_file.write_text("\n".join(bounds) + "\n", encoding="utf-8")
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet", "--upgrade"]
    command += ["--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate"]
    command += ["--constraint", str(constraint_file), "-"]
    output = subprocess.run(
        command, input="\n".join(wanted), capture_output=True, text=True, check=True
    ).stdout
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\n]+)", output, re.MULTILINE))


def rewritten(text: str, compiled: dict[str, str], elsewhere: dict[str, str]) -> str:
    """Return a requirements file with these versions, its own lines and comments in their order.

    elsewhere: what the files before it pin.
    """
    own, mark, needed = text.partition(NEEDED_BY_OTHERS)
    lines = [_with_version(line, compiled) for line in own.splitlines()]
    if not mark:
        return "\n".join(lines) + "\n"
    rest = {line.partition("==")[0].lower(): line for line in needed.splitlines() if "==" in line}
    direct = {name.lower() for name in direct_names(text)}
    names = sorted(compiled.keys() - direct - elsewhere.keys())
    below = [_with_version(rest.get(name, f"{name}==0"), compiled) for name in names]
    return "\n".join([*lines, mark + needed.partition("\n")[0], *below]) + "\n"


def changes(before: str, after: str) -> list[str]:
    """Return what differs, as "name 1.0 -> 1.1"."""
    old, new = _versions(before), _versions(after)
    return [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _versions(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;#\n]+)", text, re.MULTILINE))


def _with_version(line: str, compiled: dict[str, str]) -> str:
    name = line.partition("==")[0]
    version = compiled.get(name.lower())
    return re.sub(r"==[^ ;#]+", f"=={version}", line, count=1) if version else line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
