"""Secrets, and keeping them out of everything that is printed, logged or stored."""

import json
import urllib.parse

_SHORTEST_SECRET = 4  # replacing shorter texts would garble every message
_secrets: set[str] = set()


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
    """Have `redact` replace these values: as they are, escaped, and (an address) its path alone."""
    for secret in secrets:
        parts = [secret]
        if secret.startswith("http"):
            parts += secret.split("/", 3)[3:]
        for text in parts:
            if len(text) >= _SHORTEST_SECRET:
                _secrets.update(_forms(text))


def redact(text: str) -> str:
    """Return the text with every concealed secret replaced by ***."""
    # The longest first: one may be the beginning of another.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _forms(text: str) -> set[str]:
    in_repr = repr(text)[1:-1]
    in_json = json.dumps(text)[1:-1]
    repr_in_json = json.dumps(in_repr)[1:-1]
    return {text, in_repr, in_json, repr_in_json, urllib.parse.quote(text, safe="")}
