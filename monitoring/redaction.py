"""Secrets, and keeping them out of everything that is printed, logged or stored."""

import base64
import html
import json
import re
import urllib.parse

_SHORTEST_SECRET = 4  # replacing shorter texts would garble every message
_READ_CHARACTERS = 65_536
_BASE64_BITS, _BYTE_BITS = 6, 8
_BASE64_START = re.compile(r"\A(?:[A-Za-z0-9+/_=-]|%2[BFbf]|%3[Dd])*")
_BASE64_END_REVERSED = re.compile(r"(?:[A-Za-z0-9+/_-]|[BFbf]2%)*")

_secrets: set[str] = set()
_encoded: set[str] = set()
"""What base64 makes of each secret, wherever in the encoded text it is."""


class Secret:
    """A token, key or secret address; no repr, format or JSON shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"


def conceal(*secrets: str) -> None:
    """Have `redact` replace these values, in each form that a server may return them in.

    As they are, escaped, URL-quoted, in base64 (alone, or within, as in Basic credentials), and of
    an address also its path alone.
    """
    for secret in secrets:
        parts = [secret]
        if secret.startswith("http"):
            parts += secret.split("/", 3)[3:]
        for text in parts:
            if len(text) >= _SHORTEST_SECRET:
                _secrets.update(_forms(text))
                _encoded.update(_base64_forms(text))


def redact(text: str) -> str:
    """Return the text with every concealed secret replaced by ***."""
    # The longest first: one may be the beginning of another.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    for core in _encoded:
        if core in text:
            text = _without_encoded(text, core)
    return text


def redacted_beginning(text: str, length: int) -> str:
    """Return the first `length` characters of the redacted text; no secret is cut in two."""
    redacted = redact(text[:_READ_CHARACTERS])
    if len(text) > _READ_CHARACTERS:
        # The cut may have gone through a secret, which was then not recognised.
        longest = max(map(len, _secrets | _encoded), default=0)
        redacted = redacted[: max(0, len(redacted) - 2 * longest)]
    return redacted[:length]


def _without_encoded(text: str, core: str) -> str:
    # What surrounds the core was encoded together with it, and shares characters with it.
    before, *others = text.split(core)
    parts = [_without_end(before)]
    parts += [_BASE64_START.sub("", other, count=1) for other in others]
    middle = [_without_end(part) for part in parts[1:-1]]
    return "***".join([parts[0], *middle, parts[-1]])


def _without_end(text: str) -> str:
    """Return the text without the base64 that it ends with."""
    end = _BASE64_END_REVERSED.match(text[::-1])
    return text[: len(text) - end.end()] if end else text


def _forms(text: str) -> set[str]:
    in_repr = repr(text)[1:-1]
    in_json = json.dumps(text)[1:-1]
    repr_in_json = json.dumps(in_repr)[1:-1]
    json_in_utf8 = json.dumps(text, ensure_ascii=False)[1:-1]
    quoted = {
        urllib.parse.quote(text, safe=""),
        urllib.parse.quote(text),
        urllib.parse.quote_plus(text),
    }
    in_small_letters = {re.sub("%..", lambda code: code[0].lower(), form) for form in quoted}
    in_markup = {
        html.escape(text),
        html.escape(text, quote=False),
        html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    }
    escaped = {in_repr, in_json, json_in_utf8, repr_in_json, in_json.replace("/", "\\/")}
    return {text} | escaped | quoted | in_small_letters | in_markup


def _base64_forms(text: str) -> set[str]:
    """Return the characters that encode nothing but the text, for each place it may begin at."""
    forms = set()
    for encoding in ("utf-8", "latin-1"):
        try:
            data = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + data).decode()
            first = -(-before * _BYTE_BITS // _BASE64_BITS)
            end = (before + len(data)) * _BYTE_BITS // _BASE64_BITS
            core = encoded[first:end]
            for_addresses = core.replace("+", "-").replace("/", "_")
            forms |= {core, for_addresses, urllib.parse.quote(core, safe="")}
    return forms
