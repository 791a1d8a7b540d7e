"""What registration costs: `python benchmarks/registration_cost.py` prints JSON, one line for each figure.

Registering a file of 300 rows: runs of the whole script, against the sandbox, alternate with a process that only imports what
it needs (requests, PyYAML, python-dotenv, a boto3 client). The quickest of each counts: what else the machine does can only
add. Reading a large file: the script's own check, on `--rows` rows made on the way, in a process of its own. Exit 1 past twice
a limit.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sandbox import attach, object_store  # noqa: E402

LIMIT_SECONDS = 0.3
LIMIT_BYTES = 60e6
RUNS = 9
ROWS = 300
IMPORTS = "import argparse, dotenv, requests, yaml, boto3; boto3.session.Session().client('s3')"
READING = """
import io, resource, sys
sys.path.insert(0, sys.argv[1])
from monitoring import config, ground_truth

class Rows(io.RawIOBase):
    def __init__(self, count): self.left, self.kept = count, b"event_id,credit_GT,prediction,score,scored_at\\n"
    def read(self, size=-1):
        while self.left and len(self.kept) < size:
            self.left -= 1
            self.kept += b"%032x,0,1,0.5,2026-03-01T10:00:00+00:00\\n" % (self.left * 2654435761 % 2**32)
        out, self.kept = self.kept[:size], self.kept[size:]
        return out

settings = config.Settings(schema=config.Schema(config.Target("credit", [0, 1], 1), [config.Feature("age", "numerical")]))
assert not ground_truth.check(settings, Rows(int(sys.argv[2])), "a.csv", {}).problems
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float, str]:
    """Return how many seconds a command takes, how many of them on a processor, and what it prints; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    ended = subprocess.run(command, env=env, cwd="/", check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended.stdout


def registering() -> bool:
    """Measure the whole script on a small file; return whether it keeps within twice its limit."""
    imports, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        lease = attach.attach(Path(folder))
        store = object_store.client(
            lease.variables["AWS_ENDPOINT_URL_S3"],
            lease.variables["AWS_ACCESS_KEY_ID"],
            lease.variables["AWS_SECRET_ACCESS_KEY"],
        )
        project = f"cost{time.time_ns()}"
        env = attach.environment(lease.variables) | {"DOMINO_PROJECT_ID": project, "STATE_DIR": f"{folder}/own-state"}
        # Byte code is kept, as where the script is at home, wherever this runs.
        env = env | {"PYTHONPYCACHEPREFIX": f"{folder}/pycache", "PYTHONDONTWRITEBYTECODE": ""}
        for number in range(RUNS + 1):
            day = datetime.now(UTC).date() - timedelta(days=number)
            rows = "".join(f"{day}_{index},{index % 2},1,0.5,{day}T00:00:00+00:00\n" for index in range(ROWS))
            body = "event_id,credit_GT,prediction,score,scored_at\n" + rows
            store.put_object(Bucket=object_store.BUCKET, Key=f"{project}_{day}.csv", Body=body.encode())
            imports.append(timed([sys.executable, "-c", IMPORTS], env))
            whole.append(timed([sys.executable, str(ROOT / "gt_registration.py"), "--date", str(day)], env))
        lease.file.close()
    # The first run writes byte code and declares the variable; neither happens again.
    wall, processor = (min(one[kind] for one in whole[1:]) - min(one[kind] for one in imports[1:]) for kind in (0, 1))
    figures = {
        "what": f"registering {ROWS} rows, beyond imports",
        "seconds": round(wall, 3),
        "limit_seconds": LIMIT_SECONDS,
        "processor_seconds": round(processor, 3),
        "imports_seconds": round(min(imports[1:])[0], 3),
        "runs": RUNS,
        "load": [round(load, 1) for load in os.getloadavg()],
    }
    print(json.dumps(figures))
    return wall <= 2 * LIMIT_SECONDS


def reading(rows: int) -> bool:
    """Measure the check of a large file; return whether its memory keeps within twice its limit."""
    seconds, _, peak = timed([sys.executable, "-c", READING, str(ROOT), str(rows)], dict(os.environ))
    figures = {
        "what": f"checking {rows} rows",
        "seconds": round(seconds, 1),
        "peak_bytes": int(peak),
        "limit_bytes": LIMIT_BYTES,
    }
    print(json.dumps(figures))
    return int(peak) <= 2 * LIMIT_BYTES


def main() -> int:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rows", type=int, default=500_000, help="rows of the large file (default: %(default)s)")
    rows = flags.parse_args().rows
    return int(not all([registering(), reading(rows)]))


if __name__ == "__main__":
    sys.exit(main())
