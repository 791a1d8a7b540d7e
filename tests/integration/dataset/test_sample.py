"""The cost of a sampling pass, in a process of its own."""

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.loop import ROOT
from tests.support.shipped import DATA

MEASURE = textwrap.dedent("""
    import resource, sys, time
    from pathlib import Path
    import numpy as np
    from monitoring.dataset.sample import draw_sample
    from monitoring.dataset.training_data import TrainingRows
    from monitoring.settings.loader import load
    unused = ["project_id", "model_api", "model_monitor"]
    settings, _ = load(Path("config.yaml"), unused)
    began = time.monotonic()
    draw_sample(TrainingRows(Path(sys.argv[1]), settings.schema), np.random.default_rng(0))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(peak_mib, time.monotonic() - began)
""")


def test_memory_stays_flat_from_one_to_three_million_rows(tmp_path: Path) -> None:
    peak_mib, seconds = {}, {}
    for times in (1, 1000, 3000):
        path = tmp_path / f"{times}.csv"
        write_repeated(path, times)
        command = [sys.executable, "-c", MEASURE, str(path)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        peak_mib[times], seconds[times] = map(float, ended.stdout.split())
        path.unlink()
    print(peak_mib, seconds)

    assert peak_mib[1000] - peak_mib[1] <= 150
    assert peak_mib[3000] - peak_mib[1000] <= 40
    assert seconds[1000] <= 6 * 3  # 6 s on an idle machine; here others may be at work


def write_repeated(path: Path, times: int) -> None:
    """Write the sample data, their rows repeated."""
    header, *rows = DATA.read_text().splitlines(keepends=True)
    block = "".join(rows)
    with open(path, "w") as file:
        file.write(header)
        for _ in range(times):
            file.write(block)
