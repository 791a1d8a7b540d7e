"""Every link between the repository's files leads somewhere, anchors included."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.check_docs.pages import Page, read

_ELSEWHERE = ("http://", "https://", "mailto:")


def problems(pages: Sequence[Page]) -> Iterator[str]:
    """Yield what is wrong; addresses on the web are not asked for."""
    known: dict[Path, Page] = {page.path: page for page in pages}
    for page in pages:
        for number, address in page.links():
            if address.startswith(_ELSEWHERE):
                continue
            path, _, anchor = address.partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            where = f"{page.name}:{number}: the link to {address}"
            if target not in known and not target.exists():
                yield f"{where}: there is no such file"
            elif anchor and target.suffix == ".md":
                aimed = known.get(target) or read(target)
                if anchor not in aimed.anchors():
                    yield f"{where}: that page has no heading #{anchor}"
