"""The command line: in the foreground, for one script, or the variables for a shell."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from sandbox import attach

NOTICE = "sandbox: SeaweedFS is not made for this machine: moto stands in, which forgets over a restart and takes any key"


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Domino and S3 on this machine. Without a command: in the foreground, until Ctrl-C.",
        epilog="Example: python -m sandbox run daily_scoring.py --rows 50",
    )
    parser.add_argument("--dir", type=Path, default=attach.DEFAULT_FOLDER, help="state folder (default: var/sandbox)")
    commands = parser.add_subparsers(dest="command", metavar="run | env")
    run = commands.add_parser("run", help="run a script with the sandbox's variables; starts the sandbox unless one runs")
    run.add_argument("script")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("env", help='print the variables of the running sandbox: eval "$(python -m sandbox env)"')
    commands.add_parser("serve").add_argument("state_file", type=int)
    chosen = parser.parse_args(arguments)
    folder = chosen.dir.resolve()
    if chosen.command == "serve":
        from sandbox.server import serve

        return serve(folder, chosen.state_file)
    if chosen.command == "env":
        return print_variables(folder)
    try:
        lease = attach.attach(folder)
    except (RuntimeError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    if lease.objects == "moto":
        print(NOTICE, file=sys.stderr)
    if chosen.command == "run":
        # This process becomes the script: streams, signals and exit code are the script's own, and the hold on the
        # sandbox, an open file, lasts exactly as long as the script.
        os.set_inheritable(lease.file.fileno(), True)
        command = [sys.executable, chosen.script, *chosen.arguments]
        os.execve(sys.executable, command, attach.environment(lease.variables))
    return stay(folder, lease)


def print_variables(folder: Path) -> int:
    """Print shell lines that set the variables; 2 where no sandbox runs."""
    server = attach.running(folder)
    if server is None:
        print(f"sandbox: none runs for {folder}; start one with: python -m sandbox", file=sys.stderr)
        return 2
    print(f"unset {' '.join(attach.REMOVED)}")
    for name, value in server["variables"].items():
        quoted = value.replace("'", "'\\''")
        print(f"export {name}='{quoted}'")
    return 0


def stay(folder: Path, lease: attach.Lease) -> int:
    """Hold the sandbox until Ctrl-C or SIGTERM; 1 where it ends by itself."""
    print(f"sandbox: {lease.variables['DMM_URL']}/  (S3: {lease.variables['AWS_ENDPOINT_URL_S3']}, {lease.objects})")
    print('In another shell: eval "$(python -m sandbox env)"    Ctrl-C ends it.', flush=True)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    while not stopped:
        time.sleep(0.2)
        if attach.running(folder) is None:
            print(f"sandbox: it ended by itself; see {folder / 'server.log'}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
