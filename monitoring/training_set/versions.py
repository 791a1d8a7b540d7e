"""The versions that there are: one with the same content, one that is pending."""

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.services.training_sets import Version


class KnownVersions(NamedTuple):
    """What the versions that there are mean for a new one.

    newest: the newest complete version. same: the newest one that holds the same content already.
    pending: one that has to be decided about first.
    """

    newest: Version | None = None
    same: Version | None = None
    pending: Version | None = None


def known_versions(versions: Sequence[Version], content_hash: str, *, again: bool) -> KnownVersions:
    """Return what the versions (by number) mean; again: none is the same, none has to wait."""
    complete = [version for version in versions if not version.pending]
    newest = complete[-1] if complete else None
    if again:
        return KnownVersions(newest)

    same = [version for version in complete if version.meta.get("content_hash") == content_hash]
    if same:
        return KnownVersions(newest, same=same[-1])
    # A pending one that a later version has followed was decided about then, with --again.
    is_last_pending = versions and versions[-1].pending
    return KnownVersions(newest, pending=versions[-1] if is_last_pending else None)
