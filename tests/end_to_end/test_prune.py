"""daily_scoring.py --prune: what a user sees of it, and that nothing is scored twice afterwards."""

from pathlib import Path

import pytest

from tests.support.html import Parsed
from tests.support.loop import Loop

SCRIPT = "daily_scoring.py"
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")


@pytest.fixture
def four_days(loop: Loop) -> Loop:
    """Four ingested days, and a fifth that waits for registration."""
    loop.configure(scoring={"rows": [20, 20]}, model_monitor={"poll_seconds": 0.1})
    loop.sandbox.switch(job_seconds=0)
    loop.run(SCRIPT, "--from", DAYS[0], "--to", "2026-03-05")
    loop.run("gt_registration.py", "--from", DAYS[0], "--to", DAYS[-1], "--wait", "30")
    return loop


def dangling_links(reports: Path) -> list[str]:
    """Return the links between pages that lead nowhere."""
    dangling = []
    for page in reports.glob("*.html"):
        for name, value in Parsed(page.read_text(encoding="utf-8")).attributes:
            is_page = name == "href" and value and value.endswith(".html")
            if is_page and not (reports / str(value)).exists():
                dangling.append(f"{page.name} -> {value}")
    return dangling


def test_old_days_are_listed_removed_and_never_scored_again(four_days: Loop) -> None:
    reports = four_days.folder / "reports" / "credit-default"
    history, records = (reports / "history.csv").read_bytes(), sorted(reports.glob("2026*.json"))

    listed = four_days.run(SCRIPT, "--prune", "90", "--dry-run").stdout
    assert listed.startswith("2026-03-01 ingested: 1 folder, 1 page, ")
    assert "would be removed: 2026-03-01 to 2026-03-04 (4 days): 4 folders, 4 pages, " in listed
    assert four_days.day_folder(DAYS[0]).exists()

    summary = four_days.run(SCRIPT, "--prune", "90").stdout
    assert summary.startswith("removed: 2026-03-01 to 2026-03-04 (4 days): 4 folders, 4 pages, ")
    assert "kept, neither ingested nor given up: 2026-03-05 (1 uploaded)" in summary
    assert not any(four_days.day_folder(day).exists() for day in DAYS)
    assert {page.name for page in reports.glob("*.html")} == {"2026-03-05.html", "index.html"}
    assert (reports / "history.csv").read_bytes() == history
    assert sorted(reports.glob("2026*.json")) == records
    assert dangling_links(reports) == []

    four_days.sandbox.clear_requests()
    store = four_days.sandbox.s3_client()
    for day in DAYS:  # even where a lifecycle rule has removed the file
        store.delete_object(Bucket="se-demo-data", Key=four_days.object_key(day))
    again = four_days.run(SCRIPT, "--from", DAYS[0], "--to", "2026-03-06", "--rows", "20")
    assert again.stdout.count("already ingested, nothing sent") == len(DAYS)
    assert {row[:10] for row in four_days.sent_rows()} == {"2026-03-06"}
    assert "not scored" not in again.stderr
    assert (
        "DMM has already accepted"
        in four_days.run(SCRIPT, "--rerun", "--date", DAYS[0], code=6).stderr
    )
    assert dangling_links(reports) == []

    pending = four_days.run("gt_registration.py", "--pending", "--wait", "30")
    assert DAYS[0] not in pending.stdout + pending.stderr
    status = four_days.result("gt_registration.py", "--status", "--from", DAYS[0], "--to", DAYS[1])
    assert [day["state"] for day in status["days"]] == ["ingested", "ingested"]
    assert four_days.run("daily_scoring.py", "--prune", "90", "-q").stdout == ""


def test_a_day_whose_lock_is_held_stays_and_the_others_go(four_days: Loop) -> None:
    from monitoring.ledger import lock

    with lock.hold(four_days.day_folder().parent / ".2026-03-02.lock", "2026-03-02"):
        ended = four_days.run(SCRIPT, "--prune", "90", code=11)

    assert "2026-03-02: another run holds" in ended.stderr
    assert [four_days.day_folder(day).exists() for day in DAYS] == [False, True, False, False]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--prune", "89"], "--prune: got '89', expected 90 days or more"),
        (["--prune", "soon"], "--prune: got 'soon', expected 90 days or more"),
        (["--prune", "90", "--date", "2026-03-01"], "leave out --date, --from and --to"),
        (["--prune", "90", "--skip"], "leave out --skip"),
        (["--prune", "90", "--fail-on-alert"], "leave out --fail-on-alert"),
    ],
)
def test_a_wrong_use_is_refused(loop: Loop, flags: list[str], message: str) -> None:
    assert message in loop.run(SCRIPT, *flags, code=2).stderr
