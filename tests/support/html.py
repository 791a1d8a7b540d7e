"""A page as its tags, tables and text."""

import html.parser

_VOID = frozenset({"meta", "line", "rect", "polyline", "br", "link", "img", "input"})


class Parsed(html.parser.HTMLParser):
    """Every tag in order, every attribute, the cells of every table row, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == [], "tags left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        data = data.replace("\N{NO-BREAK SPACE}", " ")
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The text with single blanks."""
        return " ".join(" ".join(self.words).split())

    @property
    def rows_by_first(self) -> dict[str, list[list[str]]]:
        """The other cells of each table row by its first, in order."""
        rows: dict[str, list[list[str]]] = {}
        for row in self.rows:
            if row:
                rows.setdefault(row[0], []).append(row[1:])
        return rows

    @property
    def rows_by_title(self) -> dict[str, list[str]]:
        """The other cells of each table row by its first; the last of those with the same."""
        return {row[0]: row[1:] for row in self.rows if row}
