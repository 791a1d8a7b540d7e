#!/usr/bin/env python3
"""Measure what a row costs the workers: processor time, memory, and how far more workers help.

    python benchmarks/rows_cost.py [--rows N]

Rows are sent by scoring.workers, with requests and the journal, to a small server in a process of
its own that answers after a given time. Many rows at 0 ms: the processor time and memory of each.
Beside it what `requests` takes alone: a session's post and the reply's JSON, nothing else. 1,500
rows at 20 ms with 1 to 64 workers: the share of workers / latency that is reached. Prints a table
of docs/performance.md and JSON; exits 1 past twice a limit.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import machine, table_row
from monitoring.ledger.journal import Journal
from monitoring.redaction import Secret
from monitoring.scoring.workers import score_rows
from monitoring.services.model_api import ModelApi
from monitoring.settings import model
from monitoring.settings.model import Target

MANY_ROWS, SOME_ROWS, LATENCY_MS = 100_000, 1500, 20
WORKERS = (1, 2, 4, 8, 16, 32, 64)
LIMIT_MS, LIMIT_BYTES, LIMIT_SHARE, LIMIT_WORKERS = 0.6, 1500, 0.85, 16
KIB = 1 if sys.platform == "darwin" else 1024
REPLY = json.dumps(
    {"request_id": "0123456789abcdef", "result": {"class": 1, "score": 0.5}, "release": "a"}
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def main() -> int:
    flags = argparse.ArgumentParser()
    flags.add_argument("--rows", type=int, default=MANY_ROWS)
    rows = flags.parse_args().rows
    shares = {workers: share_reached(workers) for workers in WORKERS}
    cpu_ms, peak_bytes, rows_per_second = cost_of_a_row(rows)
    requests_ms = cost_of_requests(min(rows, 10_000))

    print(table_row("workers", *WORKERS))
    print(table_row("---", *("---:" for _ in WORKERS)))
    print(table_row("of workers / latency", *(f"{share:.0%}" for share in shares.values())))
    figures = {
        "rows": rows,
        "cpu_ms_a_row": round(cpu_ms, 3),
        "cpu_ms_of_requests_alone": round(requests_ms, 3),
        "bytes_a_row": round(peak_bytes),
        "rows_a_second_at_0_ms": round(rows_per_second),
        "share_of_ideal_at_20_ms": {workers: round(share, 3) for workers, share in shares.items()},
    }
    print(json.dumps({**machine(), **figures}))
    reached = min(share for workers, share in shares.items() if workers <= LIMIT_WORKERS)
    is_too_slow = cpu_ms > 2 * LIMIT_MS or reached < LIMIT_SHARE / 2
    return int(is_too_slow or peak_bytes > 2 * LIMIT_BYTES)


def share_reached(workers: int) -> float:
    """Return rows a second at 20 ms as a share of workers / latency."""
    seconds = send(SOME_ROWS, LATENCY_MS, workers)
    return SOME_ROWS / seconds / (workers / (LATENCY_MS / 1000))


def cost_of_a_row(rows: int) -> tuple[float, float, float]:
    """Return processor milliseconds and bytes of memory a row, and rows a second, at 0 ms."""
    send(SOME_ROWS, 0, workers=8)  # imports and connections
    cpu_before, peak_before = time.process_time(), peak_memory()
    seconds = send(rows, 0, workers=8)
    cpu_ms = (time.process_time() - cpu_before) * 1000 / rows
    return cpu_ms, (peak_memory() - peak_before) / rows, rows / seconds


def cost_of_requests(rows: int) -> float:
    """Return processor milliseconds a row of requests alone: 8 threads, proxies not looked up."""
    session = requests.Session()
    session.trust_env = False
    _, body = next(request_bodies(1))

    def work(count: int) -> None:
        for _ in range(count):
            session.post(url, data=body.encode(), timeout=(5, 30)).json()

    with serving(0) as url:
        work(SOME_ROWS)
        before = time.process_time()
        threads = [threading.Thread(target=work, args=(rows // 8,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.process_time() - before) * 1000 / (rows // 8 * 8)


def request_bodies(rows: int) -> Iterator[tuple[int, str]]:
    """Yield index and body of so many rows with ten features."""
    features = {f"feature_{number}": number for number in range(10)}
    for index in range(rows):
        yield index, json.dumps({"data": {**features, "customer_id": f"2026-01-01_{index}"}})


def send(rows: int, latency_ms: float, workers: int) -> float:
    """Score so many rows; return the seconds that it took."""
    with serving(latency_ms) as url, tempfile.TemporaryDirectory() as folder:
        settings = model.ModelApi(url=url, token=Secret("t"), workers=workers)
        journal = Journal(Path(folder) / "scores.jsonl", "0" * 64, rows)
        began = time.monotonic()
        endpoint = ModelApi(settings, Target("credit", [0, 1], 1))
        score_rows(endpoint, request_bodies(rows), journal.append, allowed_failures=0)
        seconds = time.monotonic() - began
        journal.close()
    return seconds


@contextmanager
def serving(latency_ms: float) -> Iterator[str]:
    """Give the address of a server in a process of its own."""
    ports = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(ports[1], latency_ms), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ports[0].recv()}/model"
    finally:
        server.kill()
        server.join()


def peak_memory() -> int:
    """Return the most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def serve(port_to: "multiprocessing.connection.Connection", latency_ms: float) -> None:
    """Answer every request after some time, until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            if latency_ms:
                await asyncio.sleep(latency_ms / 1000)
            writer.write(HEAD % len(REPLY) + REPLY)

    async def listen() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=128)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # connections that end in the middle
    asyncio.run(listen())


if __name__ == "__main__":
    sys.exit(main())
