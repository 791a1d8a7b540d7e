"""Every form in which a secret comes back from a server."""

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator

import pytest

from monitoring import redaction
from monitoring.redaction import conceal, redact, redacted_beginning

TOKEN = 'T0ken/with+odd"signs&<é>\t\\end'


@pytest.fixture(autouse=True)
def concealed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_secrets", set())
    monkeypatch.setattr(redaction, "_encoded", set(), raising=False)
    conceal(TOKEN)
    yield


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "repr": lambda text: repr(text)[1:-1],
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "XML": lambda text: html.escape(text, quote=False),
    "quoted": lambda text: urllib.parse.quote(text, safe=""),
    "quoted but for slashes": urllib.parse.quote,
    "quoted in small letters": lambda text: re.sub(
        "%..", lambda code: code[0].lower(), urllib.parse.quote(text, safe="")
    ),
    "form": urllib.parse.quote_plus,
    "base64": _base64,
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 unpadded": lambda text: _base64(text).rstrip("="),
    "Basic as user and password": lambda text: _base64(f"{text}:{text}"),
    "Basic as password": lambda text: _base64(f"anybody:{text}"),
    "Basic as user": lambda text: _base64(f"{text}:x"),
    "base64 of more": lambda text: _base64(f"key={text}&more=1"),
    "base64 in latin-1": lambda text: base64.b64encode(text.encode("latin-1")).decode(),
    "Basic, quoted": lambda text: urllib.parse.quote(_base64(f"{text}:{text}"), safe=""),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_secret_is_redacted_in_each_of_its_forms(name: str) -> None:
    shown = FORMS[name](TOKEN)

    redacted = redact(f"Authorization: Basic {shown} (refused)")

    assert shown[4:-6] not in redacted
    assert "***" in redacted
    assert redacted.startswith("Authorization: ")
    assert redacted.endswith(" (refused)")


@pytest.mark.parametrize("length", range(4, 14))
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz:"])
def test_base64_is_redacted_at_every_alignment_and_length(length: int, before: str) -> None:
    secret = "qJ7!w9Zk3#Lp0Tv"[:length]
    conceal(secret)

    redacted = redact(_base64(f"{before}{secret}:rest"))

    for part in redacted.split("***"):
        decoded = base64.b64decode(part + "=" * (-len(part) % 4)).decode("latin-1")
        assert secret not in decoded
    assert "***" in redacted


def test_plain_text_stays_as_it_is() -> None:
    text = "2026-01-31: 120 rows, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15"

    assert redact(text) == text


def test_a_beginning_holds_no_part_of_a_secret_that_the_cut_goes_through() -> None:
    for before in range(40):
        text = "." * before + TOKEN * 3000

        beginning = redacted_beginning(text, 30)

        assert len(beginning) <= 30
        assert not any(beginning.endswith(TOKEN[:length]) for length in range(2, 20)), beginning
