"""The example of a second model runs by its one command."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.loop import ROOT


def test_one_command_goes_from_the_data_to_dmms_answer(tmp_path: Path) -> None:
    command = ["make", "-C", str(ROOT / "examples" / "second-model")]
    given = [f"PYTHON={sys.executable}", f"FOLDER={tmp_path}"]

    ended = subprocess.run(
        [*command, *given],
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "iris-training version 1 created: 90 rows" in ended.stdout
    assert "rows scored, uploaded to s3://se-demo-data/iris/" in ended.stdout
    assert "ingested by DMM" in ended.stdout
    assert (tmp_path / "reports" / "iris" / "index.html").exists()
