"""Hypothesis strategies for damaged content: bytes, values of JSON, or something else."""

import json
import random
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.reliability.proof import SEED
from tests.support import damage

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def damaged(
    draw: Any, contents: tuple[bytes, ...], *, is_json: bool = False, is_lines: bool = False
) -> bytes:
    """Return one of the contents with one or two damages, or nothing like it."""
    content: bytes = draw(st.sampled_from(contents))
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return draw(st.binary(max_size=300))
    if kind == 1:
        return json.dumps(draw(_JSON)).encode()
    # Where the damage is and what it is: from a number that Hypothesis chooses.
    chance = random.Random(draw(st.integers(0, 2**64)))
    for _ in range(1 + (kind == 2)):
        if is_lines:
            content = _damaged_line(content, chance)
        elif is_json and _is_json(content):
            content = damage.damaged_json(content, chance)
        else:
            content = damage.damaged_bytes(content, chance)
    return content


def run_cases(cases: int, strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Give so many examples to the check; the seed decides which."""

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def run(content: Any) -> None:
        check(content)

    run()


def _damaged_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines)) if lines else 0
    if lines and chance.random() < 0.7 and _is_json(lines[at]):
        lines[at] = damage.damaged_json(lines[at], chance) + b"\n"
        return b"".join(lines)
    return damage.damaged_bytes(content, chance)


def _is_json(content: bytes) -> bool:
    try:
        value = json.loads(content)
        return isinstance(value, dict | list) and bool(value)
    except (ValueError, RecursionError):
        return False
