"""What a value of config.yaml must be, in words and as a test, and what it is then turned into."""

import ipaddress
import json
import math
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from monitoring.redaction import Secret

_ONE_LINE = r"[^\x00-\x1f\x7f]+"
_URI_TEMPLATE = (
    r"s3://(?=[\w.{}-]+/[^/])"  # a bucket and the beginning of a key
    r"(?=.*\{date\})"
    r"([^{}\s]|\{(project_id|date|model)\})+"
)
_RESERVED_PUT_ARGUMENTS = {
    "Body",
    "Bucket",
    "ChecksumAlgorithm",
    "ChecksumSHA256",
    "IfMatch",
    "IfNoneMatch",
    "Key",
    "Metadata",
}


Label = bool | int | float | str
"""A class of the target."""


class Rule(NamedTuple):
    """What a value must be: in words, as a test, and what it is converted to."""

    expected: str
    is_met: Callable[[Any], object]
    convert: Callable[[Any], Any] = lambda value: value


# --- kinds of rules


def whole(low: int, high: int) -> Rule:
    """Return the rule for a whole number within a range, both ends included."""
    return Rule(
        f"a whole number from {low:,} to {high:,}",
        lambda value: type(value) is int and low <= value <= high,
    )


def number(low: float, high: float) -> Rule:
    """Return the rule for a number within a range, both ends included."""
    return Rule(
        f"a number from {low:,} to {high:,}",
        lambda value: type(value) in (int, float) and low <= value <= high,
        float,
    )


def positive(high: float) -> Rule:
    """Return the rule for a number above 0."""
    return Rule(
        f"a number above 0, at most {high:,}",
        lambda value: type(value) in (int, float) and 0 < value <= high,
        float,
    )


def text(expected: str, pattern: str = _ONE_LINE, convert: Callable[[str], Any] = str) -> Rule:
    """Return the rule for a text that matches a pattern."""
    return Rule(
        expected,
        lambda value: isinstance(value, str) and re.fullmatch(pattern, value),
        convert,
    )


def one_of(*words: str) -> Rule:
    """Return the rule for one of these words."""
    return text(f"{', '.join(words[:-1])} or {words[-1]}", "|".join(words))


def list_of(expected: str, item: Rule) -> Rule:
    """Return the rule for a list whose items meet a rule."""
    return Rule(
        expected,
        lambda value: isinstance(value, list) and all(map(item.is_met, value)),
        lambda value: list(map(item.convert, value)),
    )


# --- tests that take more than an expression


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_url(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        return False
    try:
        parts = urlsplit(value)
        has_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that hold no address, or an impossible port
        return False
    return parts.scheme in ("http", "https") and has_address and "@" not in parts.netloc


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    return type(value) is date


def _is_row_range(value: Any) -> bool:
    if not isinstance(value, list) or [type(rows) for rows in value] != [int, int]:
        return False
    low, high = map(int, value)
    return 1 <= low <= high <= 1_000_000


def _is_class_mix(value: Any) -> bool:
    if not isinstance(value, dict):
        return value in ("balanced", "training")
    are_shares = all(map(_SHARE.is_met, value.values()))
    return are_shares and bool(abs(sum(value.values()) - 1) < 1e-6)


def _is_class(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, bool | int) or (isinstance(value, str) and value != "")


def _is_list_of_classes(value: Any) -> bool:
    if not isinstance(value, list) or not all(map(_is_class, value)):
        return False
    # 1 and "1", 1 and 1.0, 1 and true would be the same in a CSV.
    different = {_as_digits(item) for item in value}
    return len(different) == len(value) > 1


def is_same_label(value: object, label: Label) -> bool:
    """Whether a value is this class in JSON's eyes: true is no 1, and 1 no "1", but 1 is 1.0."""
    return value == label and _json_kind(value) is _json_kind(label)


def _json_kind(value: object) -> type:
    return float if type(value) is int else type(value)


def _as_digits(label: Label) -> str:
    is_whole = isinstance(label, bool | int) or (isinstance(label, float) and label.is_integer())
    return str(int(label)) if is_whole else str(label)


def _is_mapping_for_json(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value):
        return False
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # a date, or a number that is none
        return False
    return True


def _is_put_arguments(value: Any) -> bool:
    return isinstance(value, dict) and not _RESERVED_PUT_ARGUMENTS & set(value)


def _expand_home(path: str) -> str:
    return path if path.startswith("s3://") else str(Path(path).expanduser())


# --- the types of the settings

_SHARE = number(0, 1)
_CLASS = Rule("a text, a number, true or false", _is_class)
_URL = Rule(
    "an http:// or https:// address without credentials in it",
    _is_url,
    lambda value: value.rstrip("/"),
)
_DATA_PATH = rf"s3://[\w.-]+/{_ONE_LINE}|(?!s3:){_ONE_LINE}"

Flag = Annotated[bool, Rule("true or false", lambda value: isinstance(value, bool))]
Line = Annotated[str, text("text on one line, not empty")]
Share = Annotated[float, _SHARE]
Seconds = Annotated[float, positive(86_400)]
Days = Annotated[int, whole(0, 3_650)]
Day = Annotated[
    date,
    Rule("a day as YYYY-MM-DD", _is_day, lambda value: date.fromisoformat(str(value))),
]
Class = Annotated[Label, _CLASS]
Classes = Annotated[
    list[Label],
    Rule("two or more different texts, numbers or booleans, as a list", _is_list_of_classes),
]
Rows = Annotated[
    tuple[int, int],
    Rule("[low, high], whole, with 1 <= low <= high <= 1,000,000", _is_row_range, tuple),
]
ClassMix = Annotated[
    str | dict[Label, float],
    Rule(
        "balanced, training, or a share for each class, 1 in all: {0: 0.3, 1: 0.7}",
        _is_class_mix,
    ),
]
ResultPath = Annotated[str, text('a dotted path, "" for the whole result', rf"({_ONE_LINE})?")]
Url = Annotated[str, _URL]
SecretUrl = Annotated[Secret, _URL._replace(convert=lambda value: Secret(value.rstrip("/")))]
Token = Annotated[
    Secret,
    text("printable ASCII without blanks (is a line end in it?)", r"[!-~]+", Secret),
]
Folder = Annotated[Path, text("a path", convert=lambda value: Path(_expand_home(value)))]
DataPath = Annotated[
    str, text("a path, s3://bucket/key or s3://bucket/prefix/", _DATA_PATH, _expand_home)
]
Words = Annotated[list[str], list_of("a list of texts", text(""))]
Hosts = Annotated[
    list[str],
    list_of(
        "a list of hosts, without ports",
        text("", r"[\w.-]+|[0-9A-Fa-f:]+", str.lower),
    ),
]
UriTemplate = Annotated[
    str,
    text(
        "s3://bucket/key with {date} in it and, if wanted, {project_id} and {model}", _URI_TEMPLATE
    ),
]
Arguments = Annotated[
    dict[str, Any],
    Rule("a mapping of names to texts, numbers, true, false or null", _is_mapping_for_json),
]
PutArguments = Annotated[
    dict[str, Any],
    Rule(
        "a mapping of PutObject's arguments other than "
        + ", ".join(sorted(_RESERVED_PUT_ARGUMENTS)),
        _is_put_arguments,
    ),
]
