"""Addresses where no service can be reached: no such host, nobody who accepts, another's TLS."""

import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.servers import SocketServer


def with_host(url: str, base: str) -> str:
    """Return the URL with scheme and host of another one."""
    there = urlsplit(base)
    return urlsplit(url)._replace(scheme=there.scheme, netloc=there.netloc).geturl()


@contextlib.contextmanager
def unreachable(name: str, folder: Path) -> Iterator[str]:
    """Give the address of a fault by its name, as of WireFault."""
    if name == "no such host":
        yield "https://no-such-host.invalid"
    elif name == "nobody accepts":
        with _full_socket() as port:
            yield f"http://127.0.0.1:{port}"
    elif name == "no TLS":
        server = SocketServer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        with contextlib.closing(server.socket):
            yield f"https://127.0.0.1:{server.port}"
    else:
        server = SocketServer(b"HTTP/1.1 204 No Content\r\n\r\n", tls=_certificate(folder))
        with contextlib.closing(server.socket):
            yield f"https://127.0.0.1:{server.port}"


@contextlib.contextmanager
def _full_socket() -> Iterator[int]:
    """Give a port whose queue of connections is full: the kernel drops what more comes."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(listener)
        for client in waiting:
            stack.enter_context(client)
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def _certificate(folder: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate nobody has signed but itself."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    key, certificate = folder / "key", folder / "certificate"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
