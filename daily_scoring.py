#!/usr/bin/env python3
"""Score a day's synthetic batch through the model API and store predictions with outcomes as ground truth in S3."""

import argparse
import contextlib
import sys
import time

from monitoring import console
from monitoring import day as days
from monitoring.errors import (
    AlertError,
    ConfigError,
    CredentialsError,
    InterruptedRun,
    MonitoringError,
    PartialError,
)

EXAMPLES = """\
  daily_scoring.py --quiet                       from cron, once a day: prints only what is wrong
  daily_scoring.py --dry-run                     what today's run would send, and where to
  daily_scoring.py --date 2026-01-31 --rows 200
  daily_scoring.py --from 2026-01-01 --to 2026-01-31
                                                 a backfill: DMM dates predictions by the moment of the
                                                 call, so these days show up there under today
"""


def main():
    flags = console.parser("daily_scoring.py", __doc__, EXAMPLES)
    console.add_day_flags(flags, "today, UTC")
    flags.add_argument("--rows", type=int, metavar="N", help="stands for scoring.rows on this day")
    flags.add_argument("--rerun", action="store_true", help="begin the day again from row 0 and replace what stands at its key")
    flags.add_argument("--fail-on-alert", action="store_true", help="exit 4 when an alert fired")
    return console.run(flags, work)


def work(arguments):
    asked = console.days(arguments, default=console.utc_now().date())
    if arguments.rows is not None and not 1 <= arguments.rows <= 1_000_000:
        raise ConfigError(f"--rows: got {arguments.rows}, expected 1 to 1,000,000")
    settings = console.settings(arguments, unused=["model_monitor"])
    from monitoring import alerts

    code = 1
    console.note(alerts.ping(settings, "start", dry_run=arguments.dry_run))
    try:
        outcome = score_days(settings, arguments, asked)
        code = 0
        return outcome
    except (MonitoringError, InterruptedRun) as error:
        code = error.exit_code
        raise
    finally:
        console.note(alerts.ping(settings, code, dry_run=arguments.dry_run))


def score_days(settings, arguments, asked):
    """Finish what earlier days left, then score the days that are asked for: each is tried, the worst exit code decides."""
    if len(asked) > 1:
        console.log.warning("backfill: DMM dates predictions by the moment of the call: these days will show up under today")
    if missing := days.missing_before(settings, asked[0]):
        named = [str(day) for day in missing[:3]] + ["..."] * (len(missing) > 3)
        console.log.warning("not scored to the end: %s; make up for it with --date or --from and --to", ", ".join(named))
    unfinished = days.unfinished_before(settings, asked[0])
    plain = argparse.Namespace(**vars(arguments) | {"rerun": False, "rows": None})
    results, lines, errors = [], [], []
    for day in [*unfinished, *asked]:
        would_send = {}
        error: MonitoringError | None = None
        try:
            with contextlib.nullcontext() if arguments.dry_run else days.locked(settings, day):
                lines.append(score_day(settings, arguments if day in asked else plain, day, would_send))
        except MonitoringError as failure:
            error = failure
        except OSError as failure:
            error = days.disk_error(failure)
        if error:
            errors.append(error)
            console.tell(error, day if len(asked) + len(unfinished) > 1 else None)
        if day in asked:
            results.append(days.summary(settings, day) | would_send)
        if isinstance(error, CredentialsError | ConfigError):
            break
    result = {"days": results} if len(asked) > 1 else results[0] if results else days.summary(settings, asked[0])
    return console.finished(errors, console.Outcome("\n".join(lines), result))


def score_day(settings, arguments, day, would_send):
    """Take the steps of one day and return the line to print."""
    # Only now the heavy imports: whoever has mistaken a setting or waits for a lock does not pay for pandas.
    from monitoring import ground_truth, object_store, scoring

    began = time.monotonic()
    uri = "s3://{}/{}".format(*ground_truth.address(settings, day))
    store = object_store.client(settings.s3)
    if arguments.rerun:
        manifest = scoring.begin_again(settings, store, day)
    else:
        manifest = scoring.known(settings, store, day)
        if manifest and not manifest.times and not arguments.dry_run:
            days.write_manifest(settings, manifest)  # done elsewhere: from now on known here
    unjudged = manifest and manifest.state == "uploaded" and manifest.batch_sha256 and not manifest.report
    if manifest and manifest.state not in ("generated", "scored") and not unjudged:
        if arguments.rows not in (None, manifest.rows):
            raise ConfigError(f"--rows: got {arguments.rows}, but {day} has {manifest.rows} rows: leave it out, or add --rerun")
        return f"{day} {settings.model}: already {manifest.state}, nothing sent ({uri})"

    manifest, made, changes = scoring.begin(settings, day, manifest, arguments.rows, arguments.dry_run)
    if arguments.dry_run:
        journal = days.folder(settings, day) / "scores.jsonl"
        answers = {} if arguments.rerun else days.read_journal(journal, made.sha256, manifest.rows)[0]
        left = scoring.rows_to_send(manifest, made, changes, answers)
        return describe(settings, day, made, left, uri, would_send)
    with console.progress(manifest.rows, arguments) as bar:
        manifest, answers, seconds = scoring.score(settings, day, manifest, made, changes, bar.update)
    if manifest.state == "scored":
        manifest = ground_truth.upload(settings, store, manifest, made.frame[settings.schema.target.name], answers)
    manifest = days.write_manifest(settings, manifest, duration_seconds=round(time.monotonic() - began, 3))
    found, page = judge(settings, store, day, manifest, made, answers, seconds)
    line = f"{day} {settings.model}: {manifest.scored} of {manifest.rows} rows scored, uploaded to {uri}; report {page}"
    if manifest.failed:
        row, reason = next(iter(manifest.failures.items()))
        raise PartialError(f"{line}; {manifest.failed} failed, {row}: {reason}")
    if found and arguments.fail_on_alert:
        raise AlertError(f"{line}; {len(found)} alert{'s' if len(found) > 1 else ''}")
    return line


def judge(settings, store, day, manifest, made, answers, scoring_seconds):
    """Check the day against the baseline and the days before, write the report, tell the outlets; return alerts and page."""
    from monitoring import alerts, baseline, checks, object_store, report, training_data

    state, folder = settings.state_dir / settings.model, settings.report_dir / settings.model
    if (pinned := state / "baseline.json").exists():
        judged_by = baseline.from_json(pinned.read_text(encoding="utf-8", errors="replace"), pinned)
    else:
        with training_data.local_file(settings) as (path, sha256):
            judged_by = baseline.build(
                settings.schema, lambda: training_data.chunks(path, settings.schema), source="training data", number=None,
                content_hash=sha256, created_at=manifest.times["uploaded"],
            )  # fmt: skip
    previous, notes = checks.read_previous(folder, day)
    prefix = settings.ground_truth.uri.partition("{date}")[0].format(project_id=settings.project_id, model=settings.model)
    stored_bytes, stored_objects = object_store.usage(store, prefix)
    pipeline = checks.Pipeline(
        days_missing=[str(missing) for missing in days.missing_before(settings, day)],
        days_overdue=[str(overdue) for overdue in days.overdue_before(settings, day)],
        duration_seconds=manifest.duration_seconds, scoring_seconds=scoring_seconds,
        storage_bytes=stored_bytes, storage_objects=stored_objects, state_bytes=days.size_bytes(settings),
    )  # fmt: skip
    record = checks.judge(
        settings, day, made.frame, list(answers.values()), judged_by, previous, pipeline=pipeline,
        training_hash=manifest.shaped_by["training_data"], drills=manifest.drills,
        limits_path=state / "limits.json",
    )  # fmt: skip
    page = report.write(folder, record, previous)
    days.write_manifest(settings, manifest, report=str(page))
    for alert in record["alerts"]:
        console.log.warning("alert: %s", alert["text"])
    for note in notes:
        console.log.warning("%s", note)
    console.note(alerts.notify(settings, record, page, state / "alerts.json"))
    return record["alerts"], page


def describe(settings, day, made, left, uri, would_send):
    """Return what a dry run would send, for people; `would_send` gets the same for programs. left: rows not yet answered."""
    from monitoring import batch

    first = next((body for index, body in batch.request_rows(made.frame, settings.schema, day) if index in left[:1]), None)
    rows, url = len(made.frame), settings.model_api.url
    would_send |= {"rows": rows, "would_send": len(left), "model_url": url, "first_row": first, "ground_truth_uri": uri}
    told = f"{day} {settings.model} (dry run, nothing sent): {len(left)} of {rows} rows to {url}"
    return told + (f", the first:\n{first}" if first else "") + f"\nthen predictions and outcomes to {uri}"


if __name__ == "__main__":
    sys.exit(main())
