"""The table of a run of the proof, from the JSON of each part: `python -m tests.reliability.table`.

Prints Markdown, writes everything into proof.json beside the parts, and exits with 1 where a
promise was broken or a part ended early.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.reliability.proof import RESULTS

_ORDER = ("death", "surroundings", "faults", "bad input", "canaries", "soak")
_WHOLE = "proof.json"


def main() -> int:
    """Print the table of a folder, by default that of the last run."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    parts = read_parts(folder)
    whole = {"machine": machine(), "printed_at": datetime.now(UTC).isoformat("T", "seconds")}
    (folder / _WHOLE).write_text(json.dumps({**whole, "parts": parts}, indent=1) + "\n")
    print(f"{machine()}; printed {whole['printed_at']}\n")
    print(markdown(parts))
    broken = [text for part in parts for text in part["broken"]]
    for text in broken:
        print(f"BROKEN {text}", file=sys.stderr)
    return int(bool(broken) or not parts)


def read_parts(folder: Path) -> list[dict[str, Any]]:
    """Return the parts of a run, matrix by matrix."""
    paths = [path for path in sorted(folder.glob("*.json")) if path.name != _WHOLE]
    parts: list[dict[str, Any]] = [json.loads(path.read_text()) for path in paths]
    return sorted(parts, key=lambda part: _ORDER.index(part["matrix"]))


def markdown(parts: list[dict[str, Any]]) -> str:
    """Return a table: a row for each part, what it counted and how often a promise was broken."""
    lines = ["| matrix | part | counted | promises | broken | s |", "|---|---|---|---|---|---|"]
    for part in parts:
        counted = "; ".join(
            f"{name} {number:,}" for name, number in part["counts"].items() if ": " not in name
        )
        promises = ", ".join(part["promises"])
        broken = sum(part["promises"].values())
        cells = (
            part["matrix"],
            part["part"],
            counted,
            promises,
            str(broken),
            f"{part['seconds']:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what the machine is: system, processor count, Python."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
