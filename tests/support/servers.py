"""Small servers on loopback that answer as no good server does."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

Script = Callable[[socket.socket], None]
"""What a server does with the connection of one request."""


def dripping(*pieces: bytes, pause: float = 0.15) -> Script:
    """Return a script that sends these pieces one after the other."""

    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return script


class SocketServer:
    """Answers the n-th request with the n-th script, the last one for ever.

    `requests` holds the heads of all requests.
    """

    def __init__(self, *scripts: bytes | Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts, self.tls, self.requests, self.connections = scripts, tls, list[bytes](), 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/x"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    received = connection.recv(65536)
                    if not received:
                        return
                    data += received
                head, _, data = data.partition(b"\r\n\r\n")
                if b"expect: 100-continue" in head.lower():  # boto3 waits a second for it
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    ),
                    0,
                )
                while len(data) < length:
                    data += connection.recv(65536)
                data = data[length:]
                self.requests.append(head)
                script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
                if callable(script):
                    script(connection)
                    return
                connection.sendall(script)
