"""A reader of the program, and content that it takes."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the program.

    name: of what it reads. contents: whole ones. read: gets damaged bytes. is_json: damage may be
    done to its values too;
    is_lines: to those of a line. codes: the exit codes that an error may have. share: of the cases.
    """

    name: str
    contents: tuple[bytes, ...]
    read: Callable[[bytes], object]
    is_json: bool = False
    is_lines: bool = False
    codes: frozenset[int] = frozenset({6})
    share: float = 0.06
