"""Every form in which a planted secret could come out, and looking for them."""

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")


def forms(secret: str) -> dict[str, str]:
    """Return the secret as it is, escaped, quoted and encoded, by the name of the form."""
    pair = f"{secret}:{secret}"
    return {
        "raw": secret,
        "repr": repr(secret)[1:-1],
        "json": json.dumps(secret)[1:-1],
        "html": html.escape(secret),
        "quoted": urllib.parse.quote(secret, safe=""),
        "base64": base64.b64encode(secret.encode()).decode().rstrip("="),
        "basic": base64.b64encode(pair.encode()).decode().rstrip("="),
    }


def leaks(secrets: Iterable[str], outputs: dict[str, bytes]) -> list[str]:
    """Return where a secret is in an output, as "output: form"; also within any base64."""
    secrets = list(secrets)
    found = []
    for where, content in outputs.items():
        for number, secret in enumerate(secrets):
            named = forms(secret).items()
            found += [
                f"{where}: secret {number}, {name}"
                for name, form in named
                if form.encode() in content
            ]
        found += [f"{where}: within base64" for _ in _hidden(secrets, content)]
    return found


def files_below(*folders: Path) -> dict[str, bytes]:
    """Return the content of every file, and the names of all as one more output."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    names = "\n".join(map(str, paths))
    return {str(path): path.read_bytes() for path in paths} | {"names": names.encode()}


def _hidden(secrets: list[str], content: bytes) -> Iterable[bytes]:
    for match in _BASE64.finditer(content):
        encoded = match[0].replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            part = encoded[start:]
            data = base64.b64decode(part[: len(part) // 4 * 4])
            if any(secret.encode() in data for secret in secrets):
                yield match[0]
