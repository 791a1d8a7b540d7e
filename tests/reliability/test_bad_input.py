"""Bad input: whatever a person, a server or a disk can put there, damaged in every way.

Most cases go through the functions that the scripts call, in this process; the others through
whole scripts.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from monitoring.errors import MonitoringError
from monitoring.services import retry
from tests.reliability import bench, whole_scripts
from tests.reliability.damaged import damaged, run_cases
from tests.reliability.inputs import readers
from tests.reliability.odd_servers import OddServer, calls
from tests.reliability.proof import Part, by_form
from tests.reliability.reader import Reader
from tests.support.sandbox import RunningSandbox
from tests.support.shipped import shipped_settings

READ_CASES = by_form(1_500, 90_000)
CALL_CASES = by_form(160, 12_000)
SCRIPT_CASES = by_form(4, 120)
KIND_GROUPS: list[tuple[str, ...]] = by_form(
    [whole_scripts.KINDS], [(kind,) for kind in whole_scripts.KINDS]
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of warnings are expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between tries, and keys for the store."""
    monkeypatch.setattr(retry, "delay_seconds", lambda attempt, after=None: 0.0)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_no_content_that_is_read_ends_in_anything_but_a_message(tmp_path: Path) -> None:
    all_readers = readers(shipped_settings(), tmp_path)
    whole = sum(reader.share for reader in all_readers)
    with Part("bad input", "readers of files and replies") as part:
        for reader in all_readers:
            cases = max(1, round(READ_CASES * reader.share / whole))
            strategy = damaged(reader.contents, is_json=reader.is_json, is_lines=reader.is_lines)
            _read_all(part, reader, cases, strategy)


def _read_all(part: Part, reader: Reader, cases: int, strategy: st.SearchStrategy[bytes]) -> None:
    for content in reader.contents:
        reader.read(content)  # it does take what is whole

    def check(content: bytes) -> None:
        part.count("cases")
        part.count(f"cases: {reader.name}")
        where = f"{reader.name}: {content[:3000]!r}"
        try:
            reader.read(content)
        except MonitoringError as error:
            part.count("refused with a message")
            is_wrong = error.exit_code not in reader.codes
            part.promise("wrong exit codes", is_wrong, f"{error.exit_code}: {error}: {where}")
            part.promise("empty messages", len(str(error)) < 10, where)
        except Exception as error:
            part.promise("tracebacks", True, f"{error!r}: {where}")

    run_cases(cases, strategy, check)
    part.promise("tracebacks", 0)


def test_no_reply_of_a_service_ends_in_anything_but_a_message(
    tmp_path: Path, _at_once: None
) -> None:
    server = OddServer()
    with contextlib.closing(server), Part("bad input", "replies of DMM and S3") as part:
        odd_calls = calls(server, shipped_settings(), tmp_path)
        for odd in odd_calls:
            for reply in odd.replies:
                server.reply = reply
                with contextlib.suppress(MonitoringError):
                    odd.call()

            def check(reply: bytes, odd: Any = odd) -> None:
                part.count("cases")
                server.reply = reply
                try:
                    odd.call()
                except MonitoringError as error:
                    part.count("refused with a message")
                    is_wrong = error.exit_code not in (5, 6)
                    part.promise("wrong exit codes", is_wrong, f"{odd.name}: {reply!r}: {error}")
                    is_steering = not str(error).replace("\n", "").isprintable()
                    part.promise("control characters", is_steering, f"{odd.name}: {error!r}")
                except Exception as error:
                    part.promise("tracebacks", True, f"{error!r}: {odd.name}: {reply!r}")

            run_cases(CALL_CASES // len(odd_calls), _damaged_replies(odd.replies), check)
        part.promise("tracebacks", 0)


def _damaged_replies(replies: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Damage the body mostly, for which the length is put right; else the whole reply."""

    def with_body(reply: bytes) -> st.SearchStrategy[bytes]:
        head, _, body = reply.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
        is_json = body[:1] in b"[{" and body[:1] != b""
        return damaged((body,), is_json=is_json).map(
            lambda changed: b"\r\n".join(
                [*kept, b"Content-Length: %d" % len(changed), b"", changed]
            )
        )

    bodies = [with_body(reply) for reply in replies]
    return st.one_of(*bodies, damaged(replies))


@pytest.mark.parametrize("kinds", KIND_GROUPS, ids=" ".join)
def test_no_input_of_a_whole_script_ends_in_anything_but_a_message(
    sandbox: RunningSandbox, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    with Part("bad input", f"whole scripts: {', '.join(kinds)}") as part:
        template = whole_scripts.template(sandbox, tmp_path / "template")
        for number in range(SCRIPT_CASES // len(KIND_GROUPS)):
            loop = whole_scripts.copy_of(template, tmp_path / str(number))
            whole_scripts.run_case(part, loop, kinds[number % len(kinds)])
    assert bench.orphans(template) == []
