"""The pages: their headings, links, code blocks and the marks before these."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^ *(```+)(\w*)")
_MARK = re.compile(r"^<!-- docs: (not run|exit|before): (.+?) -->$")
_INLINE_CODE = re.compile(r"`[^`]+`")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: the number of its first line, its language ("" if indented), its lines.

    marks: `<!-- docs: NAME: TEXT -->` right before it, as (name, text).
    """

    line: int
    language: str
    lines: tuple[str, ...]
    marks: tuple[tuple[str, str], ...] = ()

    def mark(self, name: str) -> str | None:
        """Return the text of a mark, None where the block has none of this name."""
        return next((text for known, text in self.marks if known == name), None)


@dataclass(frozen=True, slots=True)
class Page:
    """A markdown file. prose: its lines, those of code blocks empty; blocks: in their order."""

    path: Path
    prose: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The path in the repository."""
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else "page"

    def anchors(self) -> set[str]:
        """Return the anchors of the headings, as code hosts make them."""
        seen: Counter[str] = Counter()
        anchors = set()
        for line in self.prose:
            match = re.match(r"#{1,6} +(.+?)[ #]*$", line)
            if match:
                slug = _slug(match[1])
                anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
                seen[slug] += 1
            anchors |= set(re.findall(r'<a (?:id|name)="([^"]+)"', line))
        return anchors

    def links(self) -> Iterator[tuple[int, str]]:
        """Yield line number and address of each link and picture."""
        for number, line in enumerate(self.prose, start=1):
            text = _INLINE_CODE.sub("", line)
            for match in re.finditer(r"\]\(<?([^)>\s]+)>?[^)]*\)", text):
                yield number, match[1]
            for match in re.finditer(r'(?:src|srcset|href)="([^"]+)"', text):
                yield number, match[1]


def read_all() -> list[Page]:
    """Return every markdown page that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return [read(ROOT / name) for name in sorted(listed) if (ROOT / name).exists()]


def read(path: Path) -> Page:
    """Return a page."""
    return parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path = ROOT / "page.md") -> Page:
    """Return the page that this text makes."""
    lines = text.splitlines()
    prose, blocks = list(lines), []
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        end = _fenced_end(lines, number, fence[1]) if fence else _indented_end(lines, number)
        if end > number:
            content = lines[number + 1 : end - 1] if fence else lines[number:end]
            language = fence[2] if fence else ""
            first = number + 2 if fence else number + 1
            blocks.append(Block(first, language, _dedented(content), _marks(lines, number)))
            prose[number:end] = [""] * (end - number)
        number = max(end, number + 1)
    return Page(path, tuple(prose), tuple(blocks))


def _fenced_end(lines: Sequence[str], start: int, fence: str) -> int:
    for number in range(start + 1, len(lines)):
        if lines[number].strip() == fence:
            return number + 1
    return len(lines)


def _indented_end(lines: Sequence[str], start: int) -> int:
    """Return where an indented block ends; `start` where none begins."""
    begins = lines[start].startswith("    ") and (start == 0 or not lines[start - 1].strip())
    if not begins or _is_in_list(lines, start):
        return start
    end = start
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    while not lines[end - 1].strip():
        end -= 1
    return end


def _is_in_list(lines: Sequence[str], start: int) -> bool:
    """Whether the indentation is that of a list's text: a block in a list has seven or more."""
    for line in reversed(lines[:start]):
        if re.match(r"([-*]|\d+\.) ", line):
            return not lines[start].startswith("       ")
        if line.strip() and not line.startswith(" "):
            return False
    return False


def _dedented(lines: Sequence[str]) -> tuple[str, ...]:
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return tuple(line[min(indents, default=0) :] for line in lines)


def _marks(lines: Sequence[str], start: int) -> tuple[tuple[str, str], ...]:
    marks = []
    for line in reversed(lines[:start]):
        match = _MARK.match(line.strip())
        if match:
            marks.append((match[1], match[2]))
        elif line.strip():
            break
    return tuple(reversed(marks))


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
