"""The command line: in the foreground, for one script, or the variables for a shell."""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sandbox import attach, paths, variables
from sandbox.model_choice import ModelChoice

NOTICE = (
    "sandbox: there is no SeaweedFS for this machine: moto takes its place, which forgets over a"
    " restart and takes any key"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    folder = chosen.dir.resolve()
    model = ModelChoice(chosen.model, chosen.model_url, chosen.config)
    if chosen.command == "serve":
        # Late: the other commands start without the server.
        from sandbox.process import serve

        return serve(folder, chosen.server_file, model)
    if chosen.command == "env":
        return print_variables(folder)

    try:
        lease = attach.attach(folder, model)
    except (RuntimeError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    if lease.objects == "moto":
        print(NOTICE, file=sys.stderr)
    if chosen.command == "run":
        become(lease, [chosen.script, *chosen.arguments])
    return stay(folder, lease)


def print_variables(folder: Path) -> int:
    """Print shell lines that set the variables; 2 where no sandbox runs."""
    server = attach.running(folder)
    if server is None:
        print(
            f"sandbox: none runs for {folder}; start one with: python -m sandbox", file=sys.stderr
        )
        return 2
    print(f"unset {' '.join(variables.REMOVED)}")
    for name, value in server["variables"].items():
        # A shell may run a script with a configuration elsewhere: one ledger all the same.
        is_folder = name in ("STATE_DIR", "REPORT_DIR")
        shown = str(paths.ROOT / value) if is_folder else value
        quoted = shown.replace("'", "'\\''")
        print(f"export {name}='{quoted}'")
    return 0


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
    parser.add_argument(
        "--dir",
        type=Path,
        default=paths.DEFAULT_FOLDER,
        help="state folder (default: var/sandbox)",
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
    commands = parser.add_subparsers(dest="command", metavar="run | env")

    run = commands.add_parser(
        "run",
        help="run a script with the sandbox's variables; starts the sandbox unless one runs",
    )
    run.add_argument("script")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser(
        "env", help='print the variables of the running sandbox: eval "$(python -m sandbox env)"'
    )
    # For `attach` alone, which starts the server by it.
    commands.add_parser("serve").add_argument("server_file", type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
