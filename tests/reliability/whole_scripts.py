"""Whole scripts with a damaged configuration, training data, own file, or reply."""

import json
import random
import shutil
import uuid
from pathlib import Path

from tests.reliability import bench
from tests.reliability.proof import Part
from tests.support import damage, faults
from tests.support.loop import Loop
from tests.support.relay import Exchange, Relay
from tests.support.sandbox import RunningSandbox

KINDS: tuple[str, ...] = ("configuration", "training data", "own files", "replies")
DONE, HALF = bench.past_day(5), bench.past_day(4)

_CODES = {0, 2, 3, 5, 6, 75}
_OWN = (
    "baseline.json", "limits.json", "alerts.json", "monitor.json", "store.json",
    f"{HALF}/manifest.json", f"{HALF}/scores.jsonl", f"{HALF}/batch.csv",
    f"{HALF}/manifest.json", f"{HALF}/scores.jsonl", f"{DONE}/manifest.json",
)  # fmt: skip
_REPORTS = (f"{DONE}.json", "history.csv", "index.html", f"{DONE}.html")


def template(sandbox: RunningSandbox, folder: Path) -> Loop:
    """Return a set-up with a pinned baseline, a day that is done and one that was broken off."""
    loop = bench.new_loop(sandbox, folder)
    loop.configure(training_data=str(_own_data(loop)))
    loop.run(bench.TRAINING_SET)
    loop.run(bench.SCORING, "--date", DONE)
    loop.run(bench.REGISTRATION, "--date", DONE)
    loop.patched(bench.SCORING, faults.kill_before_upload(), "--date", HALF)
    return loop


def copy_of(loop: Loop, folder: Path) -> Loop:
    """Return a copy of a set-up, in a project of its own."""
    shutil.copytree(loop.folder, folder)
    env = loop.env | {
        "DOMINO_PROJECT_ID": uuid.uuid4().hex[:24],
        "TMPDIR": str(folder / "tmp"),
    }
    copy = Loop(loop.sandbox, folder, env, dict(loop.settings))
    copy.configure(training_data=str(folder / "data.csv"))
    return copy


def run_case(part: Part, loop: Loop, kind: str) -> None:
    """Damage one thing, run a script, and count what is not as promised."""
    chance = part.chance
    loop.sandbox.clear_requests()
    script, *arguments = chance.choice(
        [
            (bench.SCORING, "--date", HALF),
            (bench.SCORING, "--date", HALF),
            (bench.SCORING, "--date", bench.past_day(3)),
            (bench.REGISTRATION, "--date", DONE),
            (bench.REGISTRATION, "--pending"),
            (bench.REGISTRATION, "--status"),
            (bench.TRAINING_SET, "--again"),
        ]
    )
    with Relay(loop.sandbox.url) as domino, Relay(loop.sandbox.s3) as store:
        what = _damage(loop, kind, chance)
        if kind == "replies":
            what = _damage_replies(loop, domino, store, chance)
        ended = loop.run(script, *arguments, code=None)
    where = f"{what}: {script} {arguments}: {ended.returncode} {ended.stderr[-2000:]}"
    part.count("cases")
    part.count(f"exit {ended.returncode}")
    is_bug = ended.returncode == 1 or bench.is_traceback(ended.stderr)
    part.promise("tracebacks", is_bug, where)
    part.promise("wrong exit codes", ended.returncode not in _CODES, where)
    is_partial = ended.returncode == 2 and bool(loop.sandbox.requests())
    part.promise("partial effects", is_partial, f"sent with exit 2: {where}")
    for key, text in loop.objects().items():
        rows = text.splitlines()[1:]
        part.promise("partial effects", len(rows) != bench.ROWS, f"{key}: {len(rows)}: {where}")


def _own_data(loop: Loop) -> Path:
    """Copy the training data's first rows of each class beside the settings."""
    lines = Path(loop.settings["training_data"]).read_text().splitlines(keepends=True)
    path = loop.folder / "data.csv"
    path.write_text("".join(lines[:300]))
    return path


def _damage(loop: Loop, kind: str, chance: random.Random) -> str:
    if kind == "configuration":
        path = loop.folder / "config.yaml"
        content = json.dumps(loop.settings).encode()
        path.write_bytes(damage.damaged_json(content, chance))
        return path.read_text(errors="replace")[:3000]
    if kind == "training data":
        path = loop.folder / "data.csv"
    elif kind == "own files":
        model = str(loop.settings["model"])
        state = [loop.folder / "state" / model / name for name in _OWN]
        reports = [loop.folder / "reports" / model / name for name in _REPORTS]
        path = chance.choice([path for path in [*state, *reports] if path.exists()])
    else:
        return ""
    content = path.read_bytes()
    is_json = path.suffix == ".json"
    changed = (
        damage.damaged_json(content, chance) if is_json else damage.damaged_bytes(content, chance)
    )
    path.write_bytes(changed)
    return f"{path}: {changed[:1500]!r}"


def _damage_replies(loop: Loop, domino: Relay, store: Relay, chance: random.Random) -> str:
    """Have the n-th reply of one service damaged."""
    seen: list[str] = []

    def answer(exchange: Exchange) -> None:
        real = exchange.forward()
        body = damage.damaged_bytes(real.body, chance) if real.body else b"\x1b[2J{"
        seen.append(repr(body[:300]))
        exchange.send(real._replace(body=body))

    methods = ("POST", "PUT", "GET", "HEAD")
    relay = chance.choice((domino, store))
    relay.break_next(answer, method=chance.choice(methods), times=chance.choice((1, 1000)))
    changes = {
        name: value.replace(loop.sandbox.url, domino.url).replace(loop.sandbox.s3, store.url)
        for name, value in loop.env.items()
        if name in ("MODEL_API_URL", "DMM_URL", "DOMINO_API_HOST", "AWS_ENDPOINT_URL_S3")
    }
    loop.env |= changes
    return f"replies of {'Domino' if relay is domino else 'S3'}"
