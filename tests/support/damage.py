"""Damaging files: every way in which a JSON value, a line or a byte can be wrong."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**70, -(10**18), 0.5, -0.1, 1e300, "", "x", "\x00", "9" * 5000,
    "2026-02-30", [], [[]], [None], {}, {"": None}, {"x": [1]},
)  # fmt: skip

ODD_BYTES = (b"\xa5", b"\x00", b"\r", b"\n", b'"', b"[" * 2000, b"9" * 5000, b"\xef\xbb\xbf")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within JSON, containers too."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*path, name))
    if isinstance(value, list):
        for index in range(len(value)):
            yield from leaves(value[index], (*path, index))


def damaged_value(content: Any, chance: random.Random) -> Any:
    """Return a copy of JSON in which one value is gone, odd, renamed, repeated or cut."""
    changed = copy.deepcopy(content)
    path = chance.choice(list(leaves(changed)))
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    last = path[-1]

    kind = chance.randrange(8)
    if kind == 0:
        del parent[last]
    elif kind == 1 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    elif kind == 1:
        parent[f"{last}x"] = parent.pop(last)
    elif kind == 2 and isinstance(parent[last], int | float):
        parent[last] = chance.choice((-parent[last] - 1, parent[last] + 1, parent[last] * 10**6))
    elif kind == 3 and isinstance(parent[last], list | dict) and parent[last]:
        parent[last] = (
            type(parent[last])(list(parent[last].items())[1:])
            if isinstance(parent[last], dict)
            else parent[last][1:]
        )
    else:
        parent[last] = copy.deepcopy(chance.choice(ODD_VALUES))
    return changed


def damaged_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are flipped, cut, repeated or inserted."""
    at = chance.randrange(len(content) + 1)
    end = min(len(content), at + chance.choice((1, 1, 2, 16, 400)))
    kind = chance.randrange(5)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[end:]
    if kind == 2:
        return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    if kind == 3:
        return content[:at] + content[at:end] * 2 + content[end:]
    return content[:at] + chance.choice(ODD_BYTES) + content[at:]


def damaged_json(content: bytes, chance: random.Random) -> bytes:
    """Return JSON text that is damaged as text or as a value."""
    if chance.random() < 0.3:
        return damaged_bytes(content, chance)
    return json.dumps(damaged_value(json.loads(content), chance)).encode()
