"""One HTTP server on loopback: puts the parts together, records every request, and ends with its last user."""

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox import model_endpoint, model_monitor, object_store, platform_api
from sandbox.attach import ROOT, user_variables
from sandbox.store import Sandbox, Store, load_identity
from sandbox.switches import Switches, changed
from sandbox.wire import Refused, Reply, Request, Route, gateway_reply, json_reply

MOST_BODY_BYTES = 20_000_000
SECRET_HEADERS = ("authorization", "x-domino-api-key", "x-dmm-api-key", "cookie")


# The sandbox's own addresses, none of which is recorded.


def handle_requests(sandbox: Sandbox, request: Request) -> Any:
    """GET: every request as it came, secrets masked, oldest first. DELETE: forget them."""
    if request.method == "DELETE":
        sandbox.requests.clear()
    return list(sandbox.requests)


def handle_switches(sandbox: Sandbox, request: Request) -> Any:
    """GET: every switch. POST: change those in the body. DELETE: set all back. A change starts the count of tries anew."""
    if request.method != "GET":
        try:
            sandbox.switches = changed(sandbox.switches, request.json(dict)) if request.method == "POST" else Switches()
        except ValueError as error:
            raise Refused(400, str(error)) from error
        sandbox.tries = {}
    return asdict(sandbox.switches)


def handle_records(sandbox: Sandbox, request: Request) -> Any:
    """GET: every captured prediction, oldest first, repeats included. DELETE: forget all that the services have stored."""
    if request.method == "DELETE":
        sandbox.store.rows("DELETE FROM documents")
        sandbox.store.rows("DELETE FROM captures")
        model_monitor.make_first_model(sandbox)
    return [json.loads(record) for (record,) in sandbox.store.rows("SELECT record FROM captures ORDER BY number")]


def show_page(sandbox: Sandbox, request: Request) -> Reply:
    """A plain page: addresses, monitored models, and what was asked for."""
    recorded = [f"{each['method']} {each['path'].partition('?')[0]}: {each['status']}" for each in list(sandbox.requests)]
    lists = {
        "Addresses": [f"http://127.0.0.1:{sandbox.port}", f"{sandbox.objects_url} (S3, {sandbox.objects_kind})"],
        "Monitored models": [f"{model['name']} {model['id']}" for model in sandbox.store.all("Model")],
        "Captured predictions": [str(sandbox.store.rows("SELECT COUNT(*) FROM captures")[0][0])],
        "Requests": [f"{count} x {line}" for line, count in sorted(Counter(recorded).items())],
    }
    parts = [f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(line)}' for line in lines)}</ul>" for title, lines in lists.items()]
    page = f'<!doctype html><html lang="en"><title>Sandbox</title><h1>Sandbox</h1>{"".join(parts)}</html>'
    return Reply(200, page.encode(), "text/html; charset=utf-8")


ROUTES: list[Route] = [
    ("GET", "/", show_page),
    ("GET DELETE", "/_sandbox/requests", handle_requests),
    ("GET POST DELETE", "/_sandbox/switches", handle_switches),
    ("GET DELETE", "/_sandbox/records", handle_records),
]


def guard(sandbox: Sandbox, request: Request) -> None:
    """Refuse what a web page may send to a loopback port."""
    if request.headers.get("Origin"):
        raise Refused(403, "The sandbox takes no requests from web pages.")


def render(sandbox: Sandbox, refused: Refused) -> Reply:
    """Say what was wrong."""
    return json_reply(refused.status, {"errors": refused.messages})


SERVICES = (model_endpoint, model_monitor, platform_api, sys.modules[__name__])
TABLE = [(each, methods.split(), re.compile(path), function) for each in SERVICES for methods, path, function in each.ROUTES]


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """Let the service that a request is for answer it; what nobody serves, the web server in front refuses."""
    matching = [(match, entry) for entry in TABLE if (match := entry[2].fullmatch(request.path))]
    value: Any = gateway_reply("405" if matching else "404")
    for match, (service, methods, _, function) in matching:
        if request.method in methods:
            # The endpoint answers many at once, and waits; the others one at a time: of two equal requests one is a repeat.
            lock = contextlib.nullcontext() if service is model_endpoint else sandbox.store.lock
            try:
                value = service.guard(sandbox, request)
                with lock:
                    value = value or function(sandbox, request, *(unquote(group or "") for group in match.groups()))
            except Refused as refused:
                value = service.render(sandbox, refused)
            break
    return value if isinstance(value, Reply) else json_reply(200, value)


def mask(name: str, value: str) -> str:
    """Hide a secret header's value but for its scheme word."""
    return value if name.lower() not in SECRET_HEADERS else f"{value.partition(' ')[0]} ***" if " " in value else "***"


class Handler(BaseHTTPRequestHandler):
    """Reads requests off a connection and writes the answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def __getattr__(self, name: str) -> Any:
        """Serve every method alike: the base class looks for do_GET and its like."""
        if name.startswith("do_"):
            return self.handle_request
        raise AttributeError(name)

    def handle_request(self) -> None:
        """Answer one request, and record it unless it is for the sandbox itself."""
        received, length = time.monotonic(), self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MOST_BODY_BYTES:
            self.close_connection = True  # the body is not read
            self.write(gateway_reply("413" if length.isdigit() and int(length) else "411"))
            return
        parts = urlsplit(self.path)
        query, body = dict(parse_qsl(parts.query, keep_blank_values=True)), self.rfile.read(int(length))
        try:
            reply = answer(self.server.sandbox, Request(self.command, parts.path, query, self.headers, body, received))
        except Exception:
            # A fault of the sandbox's own must not pass for one of Domino's.
            print(traceback.format_exc(), file=sys.stderr, flush=True)
            reply = Reply(500, b"the sandbox itself failed: see server.log in its folder\n", "text/plain")
        if parts.path != "/" and not parts.path.startswith("/_sandbox/"):
            record: dict[str, Any] = {"method": self.command, "path": self.path, "body": body.decode("utf-8", "replace")}
            record["headers"] = {name: mask(name, value) for name, value in self.headers.items()}
            record |= {"at": datetime.now(UTC).isoformat(), "status": reply.status or "dropped"}
            self.server.sandbox.requests.append(record)
        self.write(reply)

    def write(self, reply: Reply) -> None:
        """Send an answer, or close the connection."""
        if not reply.status:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        headers |= {"Content-Type": reply.content_type} if reply.content_type else {}
        headers |= {"Connection": "close"} if self.close_connection else {}
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        # Head and body in one write: as two, each would wait for the other's acknowledgement.
        self._headers_buffer.append(b"\r\n" + (b"" if self.command == "HEAD" else reply.body))
        self.flush_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: every request is recorded."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, none of which keeps the process alive."""

    daemon_threads = True
    request_queue_size = 128
    sandbox: Sandbox

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write a traceback, but not for a client that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            print(traceback.format_exc(), file=sys.stderr, flush=True)


def serve(folder: Path, state_file: int) -> int:
    """Run the sandbox of a state folder until nobody uses it any more, or SIGTERM. Returns the exit code.

    `state_file` is the open, locked file that tells others where the sandbox is (see `attach`). Must run in the main
    thread: the object store ends with the thread that started it.
    """
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    identity = load_identity(folder)
    port = identity["ports"]["http"] = object_store.free_port(identity["ports"].get("http"))
    objects = object_store.launch(folder, identity)
    try:
        model = model_endpoint.load_model(ROOT / "data" / "german_credit.csv", folder)  # meanwhile the object store starts
        url, kind = object_store.wait_until_ready(folder, identity, objects), object_store.kind()
        (folder / "identity.json.new").write_text(json.dumps(identity, indent=1))
        (folder / "identity.json.new").replace(folder / "identity.json")
        server = Server(("127.0.0.1", port), Handler)
        server.sandbox = Sandbox(identity, Store(folder / "records.sqlite3"), model, port, url, kind)
        model_monitor.make_first_model(server.sandbox)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        threading.Thread(target=_wait_for_last_user, args=(folder, ended), daemon=True).start()
        variables = user_variables(folder, f"http://127.0.0.1:{port}", url, identity, model_monitor.DATA_SOURCE)
        os.pwrite(state_file, json.dumps({"pid": os.getpid(), "objects": kind, "variables": variables}).encode(), 0)
        while not ended.wait(0.2):
            model_monitor.run_due_jobs(server.sandbox)
            if objects.poll() is not None:
                print("the object store ended by itself; its own words: objects.log", file=sys.stderr, flush=True)
                return 1
        return 0
    finally:
        os.ftruncate(state_file, 0)  # whoever comes while this process ends must not take it for a running one
        object_store.end(folder, objects, identity)


def _wait_for_last_user(folder: Path, ended: threading.Event) -> None:
    """Users hold the file locked together; who gets it alone knows that they are gone, killed ones too."""
    with (folder / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        ended.set()
        threading.Event().wait()  # whoever comes now waits for the lock until this process has ended
