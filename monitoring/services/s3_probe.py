"""What a store does with an object that is written and removed: for `--check --probe`."""

from tempfile import TemporaryFile
from typing import NamedTuple

from monitoring.errors import MonitoringError
from monitoring.s3_uri import S3Uri
from monitoring.services.s3 import Store
from monitoring.settings.model import S3

_CONTENT = b"written by --check --probe\n"


class StoreProbe(NamedTuple):
    """What was seen; honours_conditions: a put to a taken key was refused, as it was to be."""

    honours_conditions: bool
    is_removed: bool


def probe(settings: S3, uri: S3Uri) -> StoreProbe:
    """Write an object under a free key, as a day's file is written, once more, and remove it.

    Raises what a refused or failed put of a day's file raises; an object that may not be removed
    stays.
    """
    store = Store(settings)
    with TemporaryFile() as content:
        content.write(_CONTENT)
        store.put(uri, content, {})
        try:
            honours_conditions = store.honours_conditions(uri, content, {})
        finally:
            is_removed = _is_removed(store, uri)
    return StoreProbe(bool(honours_conditions), is_removed)


def _is_removed(store: Store, uri: S3Uri) -> bool:
    try:
        store.remove(uri)
    except MonitoringError:
        return False
    return True
