"""Versions, differences and thresholds for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from monitoring.services.training_sets import Version
from monitoring.services.training_sets_rows import stored_types
from monitoring.settings.model import Settings
from monitoring.text import format_count, format_percent
from monitoring.training_set.description import categorical_columns
from monitoring.training_set.versions import KnownVersions

if TYPE_CHECKING:
    import pandas as pd

    from monitoring.training_set.difference import Difference

_SHOWN_SHIFTS = 3


def difference_text(difference: "Difference") -> str:
    """Return the difference as one line."""
    parts = [_rows_text(*difference.rows), _columns_text(difference)]
    for value, (before, after) in difference.class_shares.items():
        parts.append(f"class {value} {format_percent(before)} -> {format_percent(after)}")

    shifts = [
        f"{shift.feature} {shift.before:.3g} -> {shift.after:.3g} (PSI {shift.psi:.2g})"
        for shift in difference.shifts[:_SHOWN_SHIFTS]
    ]
    if shifts:
        parts.append(f"largest shifts: {', '.join(shifts)}")
    else:
        parts.append("shifts unknown: the data before can't be read")
    return f"against version {difference.previous}: {'; '.join(parts)}"


def thresholds_text(
    thresholds: Mapping[str, float], rows: tuple[int, int], false_alarms_per_day: float
) -> str:
    """Return the thresholds that are worth entering in DMM, and where; rows: of a day."""
    low, high = rows
    rows_a_day = str(low) if low == high else f"{low} to {high}"
    return (
        "PSI thresholds worth entering in DMM (the model's drift settings, column by column) for"
        f" {rows_a_day} rows a day, at most {false_alarms_per_day:.3g} false alarms a day from all"
        f" of them together: {_listed(thresholds)}"
    )


def fixed_rows_text(thresholds: Mapping[str, float], rows: int) -> str:
    """Return what the thresholds would be if every day had the same number of rows."""
    return (
        f"a fixed number of rows allows sharper ones: with scoring.rows [{rows}, {rows}] they"
        f" would be {_listed(thresholds)}"
    )


def _listed(thresholds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in thresholds.items())


def pending_text(name: str, number: int) -> str:
    """Return what is wrong with a pending version, and the two ways on."""
    delete = (
        "from domino_data.training_sets import client;"
        f" client.delete_training_set_version('{name}', {number})"
    )
    return (
        f"{name} version {number} is pending: the run that created it was cut off between its two"
        " calls (or is still at work). Two ways on: delete it and run again"
        f' (python -c "{delete}"), or leave it and create the next one with --again'
    )


def versions_table(name: str, versions: Sequence[Version]) -> str:
    """Return the versions as a table."""
    if not versions:
        return f"{name}: no version yet"
    lines = [f"{'version':>7}  {'state':<8} {'rows':>9}  meta"]
    for version in versions:
        state = "pending" if version.pending else "complete"
        rows = version.meta.get("rows", "?")
        meta = [f"{key}={value}" for key, value in version.meta.items() if key != "rows"]
        lines.append(f"{version.number:>7}  {state:<8} {rows:>9}  {' '.join(meta)}")
    return "\n".join(lines)


def preview_text(settings: Settings, frame: "pd.DataFrame", meta: Mapping[str, str]) -> str:
    """Return what would be sent: no row, but what each column is."""
    schema = settings.schema
    roles = dict.fromkeys(categorical_columns(schema), "categorical")
    roles[schema.key] = "key"
    roles[schema.target.name] = "target, categorical"

    lines = [f"{settings.training_set.name} (dry run, nothing sent): {size_text(frame)}"]
    for name, kind in stored_types(frame).items():
        lines.append(f"  {name}: {roles.get(name, 'numerical')} ({kind})")
    lines += [f"  meta {key}: {value}" for key, value in meta.items()]
    return "\n".join(lines)


def outcome_text(name: str, known: KnownVersions, version: Version) -> str:
    """Return what came of a run: a new version, or the one that holds the content already."""
    if version is known.same and known.newest:
        return (
            f"{name} version {version.number} already holds this content, nothing was sent (newest:"
            f" {known.newest.number}; --again creates another)"
        )
    return f"{name} version {version.number} created"


def nothing_to_send_text(name: str, same: Version) -> str:
    """Return what a dry run came to where a version holds the content already."""
    return (
        f"{name} (dry run): version {same.number} already holds this content, nothing would be sent"
    )


def not_stored_text(name: str, same: Version, notes: Mapping[str, str]) -> str:
    """Return which pairs of --meta a version of the same content lacks; "" for none.

    Versions can't be changed.
    """
    lacking = [f"{key}={value}" for key, value in notes.items() if same.meta.get(key) != value]
    if not lacking:
        return ""
    return (
        f"--meta {', '.join(lacking)}: nothing is stored, since {name} version {same.number} holds"
        " this content already; --again creates a version with it"
    )


def size_text(frame: "pd.DataFrame") -> str:
    """Return the number of rows and columns."""
    return f"{format_count(len(frame), 'row')}, {format_count(len(frame.columns), 'column')}"


def _rows_text(before: int | None, after: int) -> str:
    if before == after:
        return f"{format_count(after, 'row')} as before"
    return f"rows {'unknown' if before is None else f'{before:,}'} -> {after:,}"


def _columns_text(difference: "Difference") -> str:
    changes = [f"+{name}" for name in difference.columns_added]
    changes += [f"-{name}" for name in difference.columns_removed]
    return f"columns {' '.join(changes)}" if changes else "the same columns"
