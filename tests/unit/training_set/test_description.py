"""The commit that is noted with a version."""

import shutil
import subprocess
from pathlib import Path

import pytest

from monitoring.training_set.description import git_commit


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")
def test_the_commit_is_noted_and_marked_where_files_differ_from_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.test"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert git_commit(tmp_path) is None
    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    git("tag", "-a", "v1", "-m", "a tag must not take the commit's place")

    assert git_commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("2")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"
