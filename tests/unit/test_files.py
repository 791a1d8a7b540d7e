"""Atomic writes that are interrupted."""

from pathlib import Path

import pytest

from monitoring.files import write_atomically


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    write_atomically(path, "old")

    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")

    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
    assert path.read_text() == "old"
