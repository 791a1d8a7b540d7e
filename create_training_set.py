#!/usr/bin/env python3
"""Make a new version of the TrainingSet: the baseline that drift is measured from. Once per model version; can't be undone."""

import dataclasses
import os
import sys

from monitoring import console
from monitoring.errors import ConfigError, MonitoringError, RefusedError

EXAMPLES = """\
  create_training_set.py --dry-run               all the checks, and what would be sent
  create_training_set.py --meta model_version=7
  create_training_set.py --list                  the versions there are
"""
OWN_META = ("rows", "content_hash", "schema_hash", "git_commit")


def main():
    flags = console.parser("create_training_set.py", __doc__, EXAMPLES)
    flags.add_argument("--meta", action="append", default=[], metavar="K=V", help="note K=V with the version; repeatable")
    flags.add_argument("--list", action="store_true", help="list the versions, make none")
    flags.add_argument("--again", action="store_true", help="a next version although the content is the same or one is pending")
    return console.run(flags, work)


def work(arguments):
    notes = meta_pairs(arguments.meta)
    if arguments.list and (arguments.again or notes):
        raise ConfigError("--list makes no version, so --again and --meta don't go with it: leave them out")
    settings = console.settings(arguments, unused=["model_api", "model_monitor", "ground_truth", "project_id", "alerts"])
    result = {"name": settings.training_set.name, "number": None, "rows": None, "columns": None, "warnings": []}
    try:
        if arguments.list:
            return listed(settings, arguments)
        return make_version(settings, arguments, notes, result)
    except MonitoringError as error:
        error.result = result
        raise


def make_version(settings, arguments, notes, result):
    """Take the steps and return what they came to; `result` learns what is known as it becomes known."""
    # Only now the heavy imports: whoever has mistaken a flag or a setting does not pay for pandas.
    from monitoring import baseline, checks, training_set, training_set_client
    from monitoring.day import write_atomically
    from monitoring.schema import schema_hash

    schema, name = settings.schema, settings.training_set.name
    environment = reachable(settings, arguments)
    frame, sha256 = checked_content(settings, result)
    counts = baseline.build(
        schema, lambda: [frame], source=name, number=None, content_hash=sha256,
        created_at=console.utc_now().isoformat(timespec="seconds"),
    )  # fmt: skip
    content_hash = training_set.content_hash(frame, schema)
    meta = {"rows": str(len(frame)), "content_hash": content_hash, "schema_hash": schema_hash(schema)}
    if commit := training_set.git_commit(arguments.config.resolve().parent):
        meta["git_commit"] = commit
    meta |= notes

    versions = training_set_client.versions(environment, name) if environment else []
    made = [version for version in versions if not version.pending]
    same = [version for version in made if version.meta.get("content_hash") == content_hash and not arguments.again]
    # A pending one that a later version has followed was decided about then, with --again.
    if not same and not arguments.again and versions and versions[-1].pending:
        raise RefusedError(pending_text(name, versions[-1].number))
    rows_a_day = sum(settings.scoring.rows) // 2
    result["dmm_thresholds"] = checks.dmm_thresholds(settings, counts, rows_a_day)
    if not same:
        if made:
            before = training_set.counts_of(settings, environment, made[-1])
            result["difference"] = training_set.difference(schema, frame, made[-1], before)
            console.log.info("%s", training_set.difference_text(result["difference"]))
        console.log.info("%s", thresholds_text(settings, result["dmm_thresholds"], rows_a_day))
    if arguments.dry_run:
        return described(settings, frame, meta, same, result)

    if same:
        version = same[-1]
        happened = f"already holds this content, nothing was sent (newest: {made[-1].number}; --again makes another)"
    else:
        version = training_set_client.create(environment, name, frame, training_set.description(settings, meta))
        happened = "made"
    result["number"] = version.number
    pinned = training_set.pinned_path(settings)
    write_atomically(pinned, baseline.to_json(dataclasses.replace(counts, number=version.number)))
    size = f"{len(frame):,} rows, {len(frame.columns)} columns"
    return console.Outcome(f"{name} version {version.number} {happened}: {size}; baseline in {pinned}", result)


def checked_content(settings, result):
    """Return the rows of a version and the SHA-256 of the file that they are from, after the lint."""
    from monitoring import training_data, training_set

    with training_data.local_file(settings) as (path, sha256):
        frame = training_set.content(path, settings.schema)
        errors, warnings = training_set.lint(frame, settings.schema, training_data.missing(path, settings.schema))
    result |= {"rows": len(frame), "columns": len(frame.columns), "warnings": warnings}
    for warning in warnings:
        console.log.warning("%s", warning)
    if errors:
        result["errors"] = errors
        raise RefusedError(f"{settings.training_data} can't be a baseline, nothing was sent:\n" + "\n".join(errors))
    return frame, sha256


def meta_pairs(texts):
    """Return the --meta flags as a dict."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise ConfigError(f"--meta: got {text!r}, expected K=V")
        if key in OWN_META or key in pairs:
            raise ConfigError(f"--meta {key}: {'given twice' if key in pairs else 'noted anyway'}; expected another name")
        pairs[key] = value
    return pairs


def reachable(settings, arguments):
    """Return the environment for the vendor's client; a dry run may do without, and says what it then leaves out."""
    from monitoring import training_set_client

    try:
        return training_set_client.environment_for(settings, os.environ, writes=not arguments.list)
    except ConfigError as error:
        if not arguments.dry_run:
            raise
        console.log.warning("not compared with earlier versions, and a real run would end here (2): %s", error)
        return None


def listed(settings, arguments):
    """Return the versions as a table."""
    from monitoring import training_set_client

    name = settings.training_set.name
    found = training_set_client.versions(reachable(settings, arguments), name)
    lines = [f"{'version':>7}  {'state':<8} {'rows':>9}  meta"]
    for version in found:
        meta = {key: value for key, value in version.meta.items() if key != "rows"}
        state, rows = "pending" if version.pending else "made", version.meta.get("rows", "?")
        lines.append(f"{version.number:>7}  {state:<8} {rows:>9}  {' '.join(f'{k}={v}' for k, v in meta.items())}")
    text = "\n".join(lines) if found else f"{name}: no version yet"
    return console.Outcome(text, {"name": name, "versions": [dataclasses.asdict(version) for version in found]})


def described(settings, frame, meta, same, result):
    """Return what would be sent: no row, but what each column is."""
    from monitoring import training_set

    sent = training_set.description(settings, meta)
    if same:
        text = f"version {same[-1].number} already holds this content, nothing would be sent"
        return console.Outcome(f"{result['name']} (dry run): {text}", result)
    result["would_send"] = {"columns": {name: str(kind) for name, kind in frame.dtypes.items()}, **sent}
    categorical = sent["monitoring_meta"]["categorical_columns"]
    roles = dict.fromkeys(categorical, "categorical") | {settings.schema.key: "key"}
    roles[settings.schema.target.name] = "target, categorical"
    lines = [f"{result['name']} (dry run, nothing sent): {len(frame):,} rows, {len(frame.columns)} columns"]
    lines += [f"  {name}: {roles.get(name, 'numerical')} ({kind})" for name, kind in frame.dtypes.items()]
    lines += [f"  meta {key}: {value}" for key, value in meta.items()]
    return console.Outcome("\n".join(lines), result)


def pending_text(name, number):
    delete = f"from domino_data.training_sets import client; client.delete_training_set_version('{name}', {number})"
    return (
        f"{name} version {number} is pending: the run that made it was cut off between its two calls (or is still at work)."
        f' Two ways on: delete it and run again (python -c "{delete}"), or leave it and make the next one with --again'
    )


def thresholds_text(settings, thresholds, rows_a_day):
    listed = ", ".join(f"{name} {value:g}" for name, value in thresholds.items())
    rate = settings.checks.false_alarms_per_day
    return (
        f"PSI thresholds worth entering in DMM (the model's drift settings, column by column) for {rows_a_day} rows a day, at"
        f" most {rate:.3g} false alarms a day from all of them together: {listed}"
    )


if __name__ == "__main__":
    sys.exit(main())
