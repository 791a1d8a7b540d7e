"""The vendor's TrainingSet client: its environment, its processes, a server that stalls it."""

import http.server
import os
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

KEY = "key-that-nobody-may-see"


def environment(url: str, mount: Path) -> dict[str, str]:
    """Return a user's environment for a server on loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOMINO_")}
    return {
        **kept,
        "DOMINO_API_HOST": url,
        "DOMINO_USER_API_KEY": KEY,
        "DOMINO_TRAINING_SET_PATH": str(mount),
        "DOMINO_PROJECT_ID": "project",
    }


def clients_of(parent: int) -> dict[int, str]:
    """Return the command lines of the client processes that a process has, by their id."""
    listing = ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="]
    lines = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    processes = [line.split(None, 2) for line in lines]
    return {
        int(pid): args
        for pid, ppid, args in processes
        if int(ppid) == parent and "training_sets_child" in args
    }


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    state = ended.stdout.strip()
    return bool(state) and not state.startswith("Z")


class Relay:
    """A server before the sandbox's that passes everything on, but keeps a PUT waiting for ever.

    stalled: set when a PUT has come.
    """

    def __init__(self, target_url: str) -> None:
        self.stalled, self._released = threading.Event(), threading.Event()
        relay, opener = self, urllib.request.build_opener(urllib.request.ProxyHandler({}))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                url, headers = target_url + self.path, dict(self.headers)
                request = urllib.request.Request(url, body, headers, method=self.command)
                with opener.open(request) as reply:
                    content = reply.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                relay.stalled.set()
                relay._released.wait()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Let go of what waits, and end."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
