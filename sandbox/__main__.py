"""The command line: in the foreground, for one script, or the variables for a shell."""

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from sandbox import attach, demo, paths, switching, variables
from sandbox.model_choice import ModelChoice

NOTICE = (
    "sandbox: there is no SeaweedFS for this machine: moto takes its place, which forgets over a"
    " restart and takes any key"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    default = paths.DEMO_FOLDER if chosen.command == "demo" else paths.DEFAULT_FOLDER
    folder = (chosen.dir or default).resolve()
    model = ModelChoice(chosen.model, chosen.model_url, chosen.config)
    if chosen.command == "serve":
        # Late: the other commands start without the server.
        from sandbox.process import serve

        return serve(folder, chosen.server_file, model)
    if chosen.command == "env":
        return print_variables(folder)
    if chosen.command == "switch":
        return switch(folder, chosen.assignments, reset=chosen.reset)

    try:
        lease = attach.attach(folder, model)
    except (RuntimeError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    if lease.objects == "moto":
        print(NOTICE, file=sys.stderr)
    if chosen.command == "demo":
        return create_demo(folder, lease, chosen.days)
    if chosen.command == "run":
        become(lease, [chosen.script, *chosen.arguments])
    return stay(folder, lease)


def print_variables(folder: Path) -> int:
    """Print shell lines that set the variables; 2 where no sandbox runs."""
    server = _running(folder)
    if server is None:
        return 2
    print(f"unset {' '.join(variables.REMOVED)}")
    for name, value in server["variables"].items():
        # A shell may run a script with a configuration elsewhere: one ledger all the same.
        is_folder = name in ("STATE_DIR", "REPORT_DIR")
        shown = str(paths.ROOT / value) if is_folder else value
        quoted = shown.replace("'", "'\\''")
        print(f"export {name}='{quoted}'")
    return 0


def switch(folder: Path, assignments: Sequence[str], *, reset: bool) -> int:
    """Change switches of the running sandbox, and print all as JSON.

    2 where no sandbox runs, or for a name or value that it does not know.
    """
    server = _running(folder)
    if server is None:
        return 2
    url = server["variables"]["DMM_URL"]
    try:
        changes = switching.parse(assignments)
        switches = switching.reset(url) if reset else switching.read(url)
        if changes:
            switches = switching.change(url, changes)
    except (ValueError, OSError) as error:
        print(f"sandbox: {error}; all switches: docs/sandbox.md", file=sys.stderr)
        return 2
    print(json.dumps(switches, indent=1))
    return 0


def create_demo(folder: Path, lease: attach.Lease, days: int) -> int:
    """Make the history of docs/sandbox.md, and say where it is; 1 where it can't be made."""
    if days < demo.LEAST_DAYS:
        print(f"sandbox: --days {days}: expected {demo.LEAST_DAYS} or more", file=sys.stderr)
        return 2
    try:
        reports = demo.create(folder, lease, days)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    for page in sorted(reports.glob("*/index.html")):
        print(f"overview to open: {page}")
    print(f"the sandbox's page: python -m sandbox --dir {folder}")
    return 0


def _running(folder: Path) -> dict[str, Any] | None:
    """Return where the sandbox of a folder is; None where none runs, which is printed."""
    server = attach.running(folder)
    if server is None:
        print(
            f"sandbox: none runs for {folder}; start one with: python -m sandbox", file=sys.stderr
        )
    return server


def become(lease: attach.Lease, command: Sequence[str]) -> NoReturn:
    """Turn this process into a script with its arguments.

    Streams, signals and exit code are the script's own, and the hold on the sandbox, an open file,
    lasts exactly as long as the script.
    """
    fcntl.fcntl(lease.file, fcntl.F_SETFD, 0)  # inherited: not closed by exec
    environment = variables.child_environment(lease.variables)
    os.execve(sys.executable, [sys.executable, *command], environment)


def stay(folder: Path, lease: attach.Lease) -> int:
    """Hold the sandbox until Ctrl-C or SIGTERM; 1 where it ends by itself."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))

    objects_url = lease.variables["AWS_ENDPOINT_URL_S3"]
    print(f"sandbox: {lease.variables['DMM_URL']}/  (S3: {objects_url}, {lease.objects})")
    if lease.is_joined:
        print("It was running already: this one joined it; it ends with its last user.")
    print('In another shell: eval "$(python -m sandbox env)"    Ctrl-C ends it.', flush=True)
    while not signals:
        time.sleep(0.2)
        if attach.running(folder) is None:
            log = folder / paths.SERVER_LOG
            print(f"sandbox: it ended by itself; see {log}", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=(
            "Domino and S3 on this machine. Without a command: in the foreground, until Ctrl-C."
        ),
        epilog="Example: python -m sandbox run daily_scoring.py --rows 50",
    )
    _add_flags(parser)
    _add_commands(parser)
    return parser


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir",
        type=Path,
        help="state folder (default: var/sandbox; of demo var/demo)",
    )
    own = parser.add_mutually_exclusive_group()
    own.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a scikit-learn model saved with joblib, behind the endpoint instead of the sandbox's",
    )
    own.add_argument(
        "--model-url",
        metavar="URL",
        help="a model that runs elsewhere and takes the endpoint's bodies, behind it instead",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config.yaml"),
        help="the config.yaml whose schema that model has (default: config.yaml)",
    )


def _add_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", metavar="run | env | switch | demo")

    run = commands.add_parser(
        "run",
        help="run a script with the sandbox's variables; starts the sandbox unless one runs",
    )
    run.add_argument("script")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser(
        "env", help='print the variables of the running sandbox: eval "$(python -m sandbox env)"'
    )
    switches = commands.add_parser(
        "switch", help="change switches of the running sandbox (docs/sandbox.md), print all"
    )
    switches.add_argument("assignments", nargs="*", metavar="NAME=VALUE")
    switches.add_argument("--reset", action="store_true", help="first set all back")
    history = commands.add_parser(
        "demo", help="make a history of 40 days with the three scripts, in var/demo"
    )
    history.add_argument("--days", type=int, default=demo.LEAST_DAYS, metavar="N")
    # For `attach` alone, which starts the server by it.
    commands.add_parser("serve").add_argument("server_file", type=int)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
