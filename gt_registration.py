#!/usr/bin/env python3
"""Register the ground truth file of one or several days with Domino Model Monitor (DMM), and follow it until DMM has it."""

import argparse
import json
import math
import sys
import time
from dataclasses import replace
from datetime import timedelta

from monitoring import console
from monitoring.errors import ConfigError, CredentialsError, MonitoringError

EXAMPLES = """\
  gt_registration.py --date 2026-01-31 --wait 3600   from a terminal: register, then follow it for an hour
  gt_registration.py --pending --quiet               from cron: whatever is due, and what DMM made of earlier days
  gt_registration.py --status                        a table of days: the ledger, DMM's own word, what to expect
  gt_registration.py --date 2026-01-31 --again       once more, after DMM failed to read the file
  gt_registration.py --uri s3://bucket/labels.csv    a file made elsewhere
  gt_registration.py --dry-run                       check the file and print the exact requests, sending none
"""


def main():
    flags = console.parser("gt_registration.py", __doc__, EXAMPLES)
    console.add_day_flags(flags, "today - ground_truth.lag_days, UTC")
    what = flags.add_mutually_exclusive_group()
    what.add_argument(
        "--pending", action="store_true", help="every day that is due and not registered, or not known as ingested"
    )
    what.add_argument("--uri", metavar="S3_URI", help="a file made elsewhere, as s3://bucket/key")
    what.add_argument("--status", action="store_true", help="print the days as the ledger and DMM know them; change nothing")
    what.add_argument("--again", action="store_true", help="register the rows of a day whose ingestion failed as another file")
    flags.add_argument("--wait", type=seconds, metavar="SECONDS", help="follow the files until DMM has them, at most so long")
    return console.run(flags, work)


def seconds(text):
    """Return a flag's number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds")
    return value


def work(arguments):
    # Only now: --help does not pay for boto3 and requests.
    from monitoring import model_monitor, object_store, registration

    today = console.utc_now().date()
    named = console.days(arguments, default=today) if arguments.date or arguments.first or arguments.last else []
    if named and (arguments.pending or arguments.uri):
        raise ConfigError("--pending and --uri name their files themselves: leave out --date, --from and --to")
    if arguments.uri:
        object_store.split_uri(arguments.uri)
    settings = console.settings(arguments, unused=["model_api", "project_id"] if arguments.uri else ["model_api"])
    service = model_monitor.connect(settings.model_monitor)
    store = object_store.client(settings.s3)
    if arguments.status:
        return table(registration.status(settings, store, service, named, today))

    due = [None] if arguments.uri else named or [today - timedelta(days=settings.ground_truth.lag_days)]
    if arguments.pending:
        due = registration.pending(settings, today)
    files = []
    for day in due:
        try:
            if day is None:
                file = registration.register_uri(settings, store, service, arguments.uri, today, arguments.dry_run)
            else:
                file = registration.register_day(settings, store, service, day, today, arguments.again, arguments.dry_run)
        except MonitoringError as error:
            file = registration.ended_by(error, settings, day, arguments.uri)
        files.append(file)
        if file.error and not file.open:
            console.tell(file.error)
        if isinstance(file.error, CredentialsError):
            break  # every other day would be refused as well

    if not arguments.dry_run:
        files = follow(settings, service, files, arguments.wait)
    for file in files:
        if file.error:
            console.tell(file.error)
    lines = [line(file) for file in files if not file.error]
    outcome = console.Outcome(
        "\n".join(lines) or "nothing to register, nothing to follow", {"days": [f.record() for f in files]}
    )
    return console.finished([file.error for file in files if file.error], outcome)


def follow(settings, service, files, wait_seconds):
    """Ask DMM what became of the files until each has an end or the time is over; without --wait ask once, for earlier ones."""
    from monitoring import registration

    deadline = time.monotonic() + (wait_seconds or 0)
    if wait_seconds is not None:
        files = [replace(file, open=file.open or file.outcome == "accepted") for file in files]
    pause, told = 1.0, set()
    while any(file.open for file in files):
        left = deadline - time.monotonic()
        files = registration.look(settings, service, files, read_seconds=min(30, max(1, left)))
        for file in files:
            if file.open and (news := f"{file.day or file.uri}: {file.told}") not in told:
                console.log.info("%s", news)
                told.add(news)
        left = deadline - time.monotonic()
        if wait_seconds is None or left <= 0:
            break
        if any(file.open for file in files):
            time.sleep(min(pause, left))
            # DMM reads about once a day: no need to ask often, once the first answers are in.
            pause = min(2 * pause, settings.model_monitor.poll_seconds)
    if wait_seconds is None:
        return files
    return [registration.overdue(file, wait_seconds) if file.open else file for file in files]


def line(file):
    """Return what a person reads of a file that went well."""
    if file.requests is not None:
        return "\n".join(
            (f"{file.day or file.uri}: would be registered as {file.uri}; nothing was sent", *map(request, file.requests))
        )
    means = {
        "accepted": "accepted by DMM, which reads files about once a day: --pending or --status tells when it has",
        "already_registered": f"registered already, {file.told or 'DMM was not asked'}",
        "ingested": "ingested by DMM" if file.progress else "ingested by DMM already, nothing was sent",
    }
    return f"{file.day or 'file'}: {file.rows} rows, {means[file.outcome]} ({file.uri})"


def request(planned):
    """Return a request that was not sent as text."""
    headers = "".join(f"    {name}: {value}\n" for name, value in planned["headers"].items())
    return f"  {planned['when']}:\n    {planned['method']} {planned['url']}\n{headers}    {json.dumps(planned['body'])}"


def table(days):
    """Return the days as a table for people and as they are for programs."""
    titles = {
        "day": "day",
        "state": "state",
        "rows": "rows",
        "registered_at": "registered at",
        "dmm": "DMM",
        "object": "object",
    }
    lines = [[*titles.values(), "expect"]]
    for day in days:
        expect = day["expect"] + (f" ({day['reason']})" if day["reason"] else "")
        lines.append([*(str("-" if day[name] is None else day[name]) for name in titles), expect])
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    text = "\n".join("  ".join([*map(str.ljust, line, widths), line[-1]]) for line in lines)
    return console.Outcome(text if days else "no day is known here", {"days": days})


if __name__ == "__main__":
    sys.exit(main())
