"""The longest parts begin first, so that no process is left alone with one at the end."""

import pytest

_ORDER = ("soak", "faults", "death", "bad_input", "surroundings", "canaries")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the proof's parts among themselves; other tests stay where they are."""
    ours = [index for index, item in enumerate(items) if _place(item) < len(_ORDER)]
    ordered = sorted((items[index] for index in ours), key=_place)
    for index, item in zip(ours, ordered, strict=True):
        items[index] = item


def _place(item: pytest.Item) -> int:
    names = [f"test_{name}.py" for name in _ORDER]
    is_ours = item.path.parent.name == "reliability" and item.path.name in names
    return names.index(item.path.name) if is_ours else len(_ORDER)
