"""The judgement of a day: batch, answers and labels against the baseline and the days before, as one plain record.

The record is what `<report_dir>/<model>/<day>.json` holds. It carries the day's counts (no rows), so that windows and the
reference of score and class are sums of earlier records.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from monitoring import metrics
from monitoring.baseline import Baseline, Column, Numbers, class_codes, count, fingerprint, to_numbers
from monitoring.day import write_atomically
from monitoring.errors import RefusedError
from monitoring.metrics import Array, few, percent
from monitoring.schema import event_id, schema_hash

if TYPE_CHECKING:
    from monitoring.config import Settings
    from monitoring.model_api import Answer

VERSION = 1
FAMILIES = ("endpoint", "model", "balance", "quality", "drift", "pipeline")
"""What an alert can belong to, in the order of the page."""

Record = dict[str, Any]

_SCORE_GROUPS = 20  # of the reference's scores, for KS; their PSI has half as many
_KEPT_LIMITS = 2_000
_CERTAIN_Z = 4.0  # 3 chances in 100,000 a side: such checks stand beside the budget of false alarms, not in it
_UNLIKELY = 1e-6
_SHOWN_FAILURES = 10


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What the script knows of the run and of the days around it; None: unknown.

    days_missing: days without a file; days_overdue: days that DMM accepted two days ago or more and has not ingested.
    scoring_seconds: from the first request to the last answer; duration_seconds: of the whole run so far.
    """

    days_missing: Sequence[str] = ()
    days_overdue: Sequence[str] = ()
    duration_seconds: float | None = None
    scoring_seconds: float | None = None
    storage_bytes: int | None = None
    storage_objects: int | None = None
    state_bytes: int | None = None


class Limits:
    """Simulated limits by what they follow from, kept in a file: a day is judged again without simulating again."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.changed = path, False
        try:
            self.known: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path else {}
        except (OSError, ValueError):
            self.known = {}  # a cache: what is lost is simulated anew

    def get(self, statistic: metrics.Statistic, baseline: Array, class_rows: Array, rate: float, independent: bool) -> float:
        """Return the limit of `metrics.limit` for these arguments."""
        content = hashlib.sha256(repr(baseline.tolist()).encode()).hexdigest()[:16]
        relation = "independent" if independent else "own"
        key = f"{statistic.__name__}/{content}/{'-'.join(map(str, class_rows))}/{rate:.6g}/{relation}"
        if key not in self.known:
            self.known[key] = metrics.limit(statistic, baseline, class_rows, rate, independent=independent)
            self.changed = True
        return self.known[key]

    def save(self) -> None:
        """Write what is new, atomically; the oldest beyond 2,000 go."""
        if self.path and self.changed:
            write_atomically(self.path, json.dumps(dict(list(self.known.items())[-_KEPT_LIMITS:]), indent=0))


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's rows by actual class, of the baseline or of some days.

    cells (classes, cells) are compared by PSI; where there are bins (classes, bins) too, cells by KS, and bins give the PSI.
    """

    cells: Array
    bins: Array | None = None


@dataclass(frozen=True, slots=True)
class _Scored:
    """The rows with a prediction and an actual outcome; classes as codes, all (rows,). latency_ms is of every answer."""

    index: Array
    actual: Array
    predicted: Array
    score: Array | None
    latency_ms: Array


@dataclass(frozen=True, slots=True)
class _Day:
    """What every family is judged from; `tell` adds an alert."""

    settings: "Settings"
    day: date
    batch: pd.DataFrame
    columns: dict[str, Column]
    answers: Sequence["Answer"]
    scored: _Scored
    baseline: Baseline
    independent: bool
    history: list[Record]
    limits: Limits
    drills: Sequence[str]
    alerts: list[Record]

    @property
    def rate(self) -> float:
        """The false alarms that each test of a variable may give: half of its part for the day, half for the window."""
        tests = len(self.columns) + 1 + (self.settings.model_api.probability is not None)
        return self.settings.checks.false_alarms_per_day / (2 * tests)

    def tell(
        self, family: str, subject: str, metric: str, value: float | None, limit: float | None, text: str, side: str = "above"
    ) -> None:
        alert = {"family": family, "subject": subject, "metric": metric, "value": value, "limit": limit, "side": side}
        self.alerts.append({**alert, "text": f"{subject}: {text}"})

    def window(self, records: Iterable[Record]) -> list[Record]:
        """Return those of the records that lie within `window_days`, today being the last of them."""
        first = (self.day - timedelta(days=self.settings.checks.window_days - 1)).isoformat()
        return [record for record in records if record["day"] >= first]


def read_previous(folder: Path, day: date, days: int = 30) -> tuple[list[Record], list[str]]:
    """Return the records before `day`, oldest first, and a note for each file that is left out.

    folder: `<report_dir>/<model>`. The last `days` of them, and before those the ones that the last names as its reference.
    """
    paths = {path.stem: path for path in folder.glob("????-??-??.json") if path.stem < day.isoformat()}
    found, notes = {}, []

    def read(names: Iterable[str]) -> None:
        for name in names:
            try:
                record = json.loads(paths[name].read_text(encoding="utf-8"))
                if record["version"] != VERSION:
                    raise ValueError(f"version {record['version']}")
                found[name] = record
            except (OSError, ValueError, KeyError, TypeError) as error:
                notes.append(
                    f"{paths[name]}: left out; expected a record of version {VERSION}, got {type(error).__name__}: {error}"
                )

    read(sorted(paths)[-days:])
    if found:
        named = found[max(found)]["performance"]["reference"]["days"]
        read(name for name in named if name in paths and name not in found)
    return [found[name] for name in sorted(found)], notes


def judge(
    settings: "Settings",
    day: date,
    batch: pd.DataFrame,
    answers: Sequence["Answer"],
    baseline: Baseline,
    previous: Sequence[Record],
    *,
    pipeline: Pipeline,
    training_hash: str | None = None,
    drills: Sequence[str] = (),
    limits_path: Path | None = None,
) -> Record:
    """Return the day's record: every family's numbers, the limits passed (`alerts`), and `advice` with its `because`.

    batch: features and actual class, row i of it answered by the answer with index i. previous: as of read_previous.
    training_hash: content hash of today's training data; another than the baseline's makes the baseline independent of the
    batch, and is a finding. limits_path: the file that keeps simulated limits, written atomically; None keeps none.
    Raises RefusedError for a baseline of another schema.
    """
    if baseline.schema_hash != schema_hash(settings.schema):
        raise RefusedError(
            f"the baseline ({_source(baseline)}) was made for another schema, {baseline.schema_hash}; the configured one is "
            f"{schema_hash(settings.schema)}: make a new version with create_training_set.py"
        )
    codes = class_codes(batch[settings.schema.target.name], baseline.classes)
    columns = {
        feature.name: count(batch, feature, baseline.columns[feature.name].numbers, codes, len(baseline.classes))
        for feature in settings.schema.features
    }
    history: list[Record] = []
    for earlier in previous:  # columns of another meaning can't be compared
        history = [*history, earlier] if earlier["schema_hash"] == baseline.schema_hash else []
    independent = training_hash is not None and training_hash != baseline.content_hash
    scored = _scored(answers, codes, baseline.classes)
    limits = Limits(limits_path)
    alerts: list[Record] = []
    today = _Day(settings, day, batch, columns, answers, scored, baseline, independent, history, limits, drills, alerts)
    record: Record = {
        "version": VERSION,
        "model": settings.model,
        "day": day.isoformat(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "schema_hash": baseline.schema_hash,
        "baseline": {
            "source": _source(baseline),
            "pinned": baseline.number is not None,
            "rows": baseline.rows,
            "created_at": baseline.created_at,
            "fingerprint": fingerprint(baseline),
            "independent": independent,
        },
        "drills": list(drills),
        "dmm_psi_limit": settings.checks.dmm_psi_limit,
        "minimum_psi": settings.checks.minimum_psi,
        "rows": len(batch),
        "counts": {
            "features": {name: _plain(_variable(column)) for name, column in columns.items()},
            **_model_counts(scored, len(baseline.classes)),
        },
    }
    record["endpoint"] = _endpoint(today, pipeline)
    record["performance"] = _performance(today, record)
    record["balance"] = _balance(today, codes)
    record["quality"] = _quality(today)
    record["importance"] = _importance(today)
    record["drift"] = _drift(today, record)
    record["pipeline"] = _pipeline(today, pipeline)
    limits.save()
    record["alerts"] = sorted(alerts, key=lambda alert: FAMILIES.index(alert["family"]))
    record["advice"], record["because"] = _advice(record)
    judged: Record = _finite(record)
    return judged


def dmm_thresholds(settings: "Settings", baseline: Baseline, rows: int) -> dict[str, float]:
    """Return, per feature, the PSI worth entering in DMM for batches of `rows`, rounded up to 0.01.

    By chance, some feature passes its own on `false_alarms_per_day` of the days: DMM's formula on batches with the requested
    class mix. Features that have no rows in the baseline are left out.
    """
    rate = settings.checks.false_alarms_per_day / len(baseline.columns)
    class_rows = np.round(_requested(settings, baseline) * rows).astype(np.int64)
    found = {}
    for name, column in baseline.columns.items():
        counts = column.counts if column.numbers is None else column.numbers.bins
        totals = counts.sum(axis=0)[counts.sum(axis=0) > 0]

        def psi_dmm(drawn: Array, _: Array, totals: Array = totals) -> Array:
            return metrics.psi_dmm(drawn, totals)

        limit = metrics.limit(psi_dmm, counts, class_rows, rate, independent=False)
        if math.isfinite(limit):
            found[name] = math.ceil(limit * 100) / 100
    return found


def _scored(answers: Sequence["Answer"], codes: Array, classes: Sequence[int | str]) -> _Scored:
    good = [answer for answer in answers if answer.error is None]
    code_of: dict[Any, int] = {value: code for code, value in enumerate(classes)}
    index = np.fromiter((answer.index for answer in good), np.int64, len(good))
    predicted = np.fromiter((code_of[answer.prediction] for answer in good), np.int64, len(good))
    score = np.fromiter((math.nan if answer.score is None else answer.score for answer in good), float, len(good))
    latency_ms = np.fromiter((answer.latency_ms for answer in good), float, len(good))
    actual = codes[index]
    known = actual >= 0
    return _Scored(
        index[known],
        actual[known],
        predicted[known],
        None if np.isnan(score).any() or not known.any() else score[known],
        latency_ms,
    )


def _model_counts(scored: _Scored, classes: int) -> Record:
    """Return the confusion matrix (actual, predicted) and, per actual class, the rows of each score cell that has any."""
    pairs = np.bincount(scored.actual * classes + scored.predicted, minlength=classes**2)
    counts: Record = {"confusion": pairs.reshape(classes, classes).tolist()}
    if scored.score is not None:
        keys = scored.actual * metrics.SCORE_CELLS + metrics.score_cells(scored.score)
        table = np.bincount(keys, minlength=classes * metrics.SCORE_CELLS).reshape(classes, -1)
        counts["score"] = [{str(cell): int(row[cell]) for cell in np.flatnonzero(row)} for row in table]
        counts["score_sums"] = np.bincount(scored.actual, weights=scored.score, minlength=classes)
    return counts


def _outcome(today: _Day, base: Variable, variable: Variable, independent: bool) -> Record | None:
    """Return value, limit and size of the variable's deciding test; None where there are no rows to compare."""
    checks, class_rows, cells = today.settings.checks, variable.cells.sum(axis=1), variable.cells.sum(axis=0)
    expected = metrics.expected_shares(base.cells, class_rows)
    if not class_rows.any() or not np.isfinite(expected).all():
        return None
    statistic = metrics.psi if base.bins is None else metrics.ks
    value = size = float(statistic(cells, expected))
    if base.bins is not None and variable.bins is not None:
        by_bins = metrics.psi(variable.bins.sum(axis=0), metrics.expected_shares(base.bins, class_rows))
        size = max(float(by_bins), metrics.psi_at_ks(cells, expected))
    limit = today.limits.get(statistic, base.cells, class_rows, today.rate, independent)
    alarmed = value > limit and size >= checks.minimum_psi
    return {"value": value, "limit": limit, "psi": size, "rows": int(class_rows.sum()), "alarmed": alarmed}


def _tested(
    today: _Day,
    family: str,
    subject: str,
    base: Variable,
    variable: Variable,
    earlier: list[Variable],
    told: str,
    *,
    independent: bool,
) -> Record | None:
    """Test a variable for the day and for the window with the earlier days, and tell what passed; `told` ends the text."""
    test = "PSI" if base.bins is None else "KS"
    found = _outcome(today, base, variable, independent)
    if found is None:
        return None
    window = _outcome(today, base, _sum([variable, *earlier]), independent) if earlier else None
    alarmed_before = bool(today.history) and subject in _alarmed_windows(today.history[-1])
    for over, result, metric in (("", found, test.lower()), (f" of {len(earlier) + 1} days", window, f"{test.lower()}_window")):
        if result and result["alarmed"] and not (result is window and alarmed_before):
            text = (
                f"{test} {result['value']:.2g}, limit {result['limit']:.2g} for {result['rows']} rows{over} at "
                f"{today.rate * 100:.2g} % a day; {told}; PSI {result['psi']:.2g}"
            )
            today.tell(family, subject, metric, result["value"], result["limit"], text)
    return {"subject": subject, "test": test, "rate": today.rate, **found, "window": window}


def _alarmed_windows(record: Record) -> set[str]:
    tests = [*record["drift"], *record["performance"]["tests"]]
    return {test["subject"] for test in tests if test["window"] and test["window"]["alarmed"]}


def _sum(variables: Sequence[Variable]) -> Variable:
    bins = [variable.bins for variable in variables if variable.bins is not None]
    return Variable(np.sum([variable.cells for variable in variables], axis=0), np.sum(bins, axis=0) if bins else None)


def _endpoint(today: _Day, pipeline: Pipeline) -> Record:
    answers, checks, latencies = today.answers, today.settings.checks, today.scored.latency_ms
    attempts, answered = sum(answer.attempts for answer in answers), len(latencies)
    faults = Counter(fault for answer in answers for fault in answer.faults)
    faults["unusable answer"] = max(0, attempts - answered - faults.total())
    failed = [answer for answer in answers if answer.error is not None]
    availability = answered / attempts if attempts else math.nan
    releases = list(dict.fromkeys(answer.release for answer in answers if answer.release is not None))
    quantiles = np.percentile(latencies, [50, 95, 99, 100]).tolist() if answered else []
    latency_ms: dict[str, float] = dict(zip(("p50", "p95", "p99", "max"), quantiles, strict=False))
    if checks.availability_below is not None and availability < checks.availability_below:
        text = (
            f"{attempts - answered} of {attempts} requests brought no usable answer, availability {percent(availability)}, "
            f"limit {percent(checks.availability_below)}; {_listed(faults)}: ask who runs the endpoint"
        )
        today.tell("endpoint", "endpoint", "availability", availability, checks.availability_below, text, "below")
    above = checks.latency_p95_ms_above
    if above is not None and answered and latency_ms["p95"] > above:
        text = f"p95 of the latency {latency_ms['p95']:.0f} ms, limit {above:g} ms; median {latency_ms['p50']:.0f} ms"
        today.tell("endpoint", "endpoint", "latency_p95_ms", latency_ms["p95"], above, text)
    if len(releases) > 1:
        text = f"{len(releases)} releases of the model answered within the day, expected one: {'; '.join(releases[:5])}"
        today.tell("endpoint", "release", "releases", len(releases), 1, text)
    before = [record for record in today.history if record["endpoint"]["releases"]][-1:]
    if before and releases and releases[0] != before[0]["endpoint"]["releases"][-1]:
        text = (
            f"changed from {before[0]['endpoint']['releases'][-1]} to {releases[0]} since {before[0]['day']}; the reference of "
            "score and predicted class is collected anew"
        )
        today.tell("endpoint", "release", "release_changed", None, None, text)
    return {
        "scored": answered,
        "failed": len(failed),
        "not_sent": len(today.batch) - len(answers),
        "attempts": attempts,
        "retried": sum(answer.attempts > 1 for answer in answers),
        "availability": availability,
        "availability_interval": metrics.wilson(answered, attempts),
        "faults": +faults,
        "latency_ms": latency_ms,
        "rows_per_second": answered / pipeline.scoring_seconds if pipeline.scoring_seconds else math.nan,
        "releases": releases,
        "failures": [
            {"row": event_id(today.day.isoformat(), answer.index), "error": answer.error, "request_id": answer.request_id}
            for answer in failed[:_SHOWN_FAILURES]
        ],
    }


def _performance(today: _Day, record: Record) -> Record:
    """Judge what the model says: against the labels, and against the first days of its release."""
    checks, scored, baseline = today.settings.checks, today.scored, today.baseline
    mix = baseline.class_rows / baseline.rows
    positive = baseline.classes.index(today.settings.schema.target.positive)
    values = metrics.performance(scored.actual, scored.predicted, scored.score, positive, mix)
    for name, chance in (("auc", 0.5), ("balanced_accuracy", 1 / len(mix))):
        value, low, high = values.get(name, (math.nan,) * 3)
        if high < chance:
            text = (
                f"{name.replace('_', ' ')} {value:.2f} [{low:.2f} to {high:.2f}] of {len(scored.actual)} rows is worse than "
                f"chance ({chance:.2g}): are the classes or labels swapped, or is schema.target.positive wrong?"
            )
            today.tell("model", "model", name, value, chance, text, "below")
    coverage, least = len(scored.actual) / max(1, len(today.batch)), checks.label_coverage_below
    if least is not None and coverage < least:
        text = (
            f"{len(scored.actual)} of {len(today.batch)} rows have a prediction and an actual outcome, {percent(coverage)}, "
            f"limit {percent(least)}: see the failed rows"
        )
        today.tell("model", "labels", "label_coverage", coverage, least, text, "below")
    reference = _reference(today, record["endpoint"]["releases"])
    same = [day for day in today.window(today.history) if day["performance"]["reference"]["release"] == reference["release"]]
    pooled = _confusion([*same, record])
    hits, rows, below = np.trace(pooled), pooled.sum(), checks.accuracy_below
    accuracy = (float(hits / max(1, rows)), *metrics.wilson(hits, rows))
    for metric, days, interval in (("accuracy", 1, values["accuracy"]), ("accuracy_window", len(same) + 1, accuracy)):
        if below is not None and interval[2] < below and (same or metric == "accuracy"):
            over = f" over {days} days" if days > 1 else ""
            text = f"accuracy {interval[0]:.3f} [{interval[1]:.3f} to {interval[2]:.3f}]{over}, wholly below {below:g}"
            today.tell("model", "model", metric, interval[0], below, text, "below")
    found: Record = {
        "metrics": {name: dict(zip(("value", "low", "high"), value, strict=True)) for name, value in values.items()},
        "mean_score": math.nan if scored.score is None else float(scored.score.mean()),
        "label_coverage": coverage,
        "reference": reference,
        "window": {"days": len(same) + 1, "accuracy": accuracy},
        "tests": [],
        "score_bins": None,
    }
    first = [day for day in today.history if day["day"] in reference["days"]]
    if reference["complete"]:
        later = [day for day in same if day["day"] not in reference["days"]]
        found["tests"] = _model_drift(today, record, first, later)
        was, now, errors = metrics.accuracy_change(_confusion(first), _confusion([*later, record]), mix)
        if errors < -_CERTAIN_Z:
            text = (
                f"accuracy at the training mix fell from {was:.3f} in the first {len(first)} days of this release to {now:.3f} "
                f"over the last {len(later) + 1} days, by {-errors:.1f} standard errors (limit {_CERTAIN_Z:g})"
            )
            today.tell("model", "model", "accuracy_drop", now, was, text, "below")
    if "score" in record["counts"]:
        found["score_bins"] = _score_bins([day for day in first if "score" in day["counts"]], record)
    return found


def _reference(today: _Day, releases: list[str]) -> Record:
    """Return the days that score and predicted class are compared with: the first sound ones of one release."""
    release = None if len(releases) > 1 else "".join(releases)
    days: list[str] = []
    if today.history:
        last = today.history[-1]
        before, answered = last["performance"]["reference"], last["endpoint"]["scored"]
        if not len(today.scored.index):
            release = before["release"]  # nothing was said, so nothing has changed
        if release is not None and before["release"] == release:
            known = {day["day"] for day in today.history}  # a record may have been lost: then another day stands in for it
            # A day of a drill, or one that alarmed about the model or the rows, would make every sound day after it look odd.
            # (That the training data changed is told every day until a new version is made: no fault of the day's.)
            told = {alert["family"] for alert in last["alerts"] if alert["metric"] != "content_hash"}
            sound = answered > 0 and not last["drills"] and not told & {"model", "balance", "quality", "drift"}
            days = [day for day in before["days"] if day in known] + [last["day"]] * (sound and not before["complete"])
    wanted = today.settings.checks.reference_days
    return {"release": release, "days": days[:wanted], "of": wanted, "complete": len(days) >= wanted}


def _confusion(records: Iterable[Record]) -> Array:
    return np.asarray(np.sum([np.array(record["counts"]["confusion"]) for record in records], axis=0))


def _model_drift(today: _Day, record: Record, first: list[Record], later: list[Record]) -> list[Record]:
    """Test predicted class and score against the first days of the release."""
    told = f"against the first {len(first)} days of this release"
    base, now = _confusion(first), _confusion([record])
    class_rows, rows = now.sum(axis=1), max(1, int(now.sum()))
    positive = today.baseline.classes.index(today.settings.schema.target.positive)
    was, share = metrics.expected_shares(base, class_rows)[positive], now[:, positive].sum() / rows
    text = f"share of class {today.baseline.classes[positive]} {was:.3g} -> {share:.3g} {told}"
    days = [Variable(_confusion([day])) for day in later]
    found = [_tested(today, "model", "prediction", Variable(base), Variable(now), days, text, independent=True)]
    if all("score" in day["counts"] for day in [*first, *later, record]):
        table = np.sum([_score_table(day) for day in first], axis=0)
        cells, bins = (metrics.quantile_groups(table.sum(axis=0), groups) for groups in (_SCORE_GROUPS, _SCORE_GROUPS // 2))
        grouped = [
            Variable(metrics.merge(table, cells), metrics.merge(table, bins))
            for table in (table, _score_table(record), *map(_score_table, later))
        ]
        means = np.sum([day["counts"]["score_sums"] for day in first], axis=0) / np.maximum(1, base.sum(axis=1))
        text = f"mean {(means * class_rows).sum() / rows:.3g} -> {np.sum(record['counts']['score_sums']) / rows:.3g} {told}"
        found.append(_tested(today, "model", "score", grouped[0], grouped[1], grouped[2:], text, independent=True))
    return [test for test in found if test]


def _score_table(record: Record) -> Array:
    table = np.zeros((len(record["counts"]["score"]), metrics.SCORE_CELLS), np.int64)
    for row, cells in zip(table, record["counts"]["score"], strict=True):
        for cell, number in cells.items():
            row[int(cell)] = number
    return table


def _score_bins(first: list[Record], record: Record) -> Record:
    """Return today's scores in the tenths of the reference's, for the page; in tenths of probability before there is any."""
    today, reference = _score_table(record), [_score_table(day) for day in first]
    cells = np.arange(metrics.SCORE_CELLS + 1) - metrics.SCORE_CELLS // 2
    edges = 1 / (1 + np.exp(-cells / 20))
    groups = np.floor((edges[:-1] + edges[1:]) * 5).astype(np.int64)
    base = np.sum(reference, axis=0) if reference else today
    if reference:
        groups = metrics.quantile_groups(base.sum(axis=0), _SCORE_GROUPS // 2)
    used, starts = np.unique(groups, return_index=True)
    lows = [0.0, *edges[starts[1:]]]
    return {
        "labels": [f"{low:.2g} to {high:.2g}" for low, high in zip(lows, [*lows[1:], 1.0], strict=True)],
        "today": _shares(metrics.merge(today, groups).sum(axis=0))[used],
        "baseline": metrics.expected_shares(metrics.merge(base, groups), today.sum(axis=1))[used] if reference else None,
    }


def _balance(today: _Day, codes: Array) -> list[Record]:
    """Compare actual and predicted class shares with the requested ones and the baseline's."""
    baseline, scored, noise = today.baseline, today.scored, today.settings.scoring.label_noise
    classes = len(baseline.classes)
    actual, predicted = np.bincount(codes[codes >= 0], minlength=classes), np.bincount(scored.predicted, minlength=classes)
    requested = _requested(today.settings, baseline)
    after_noise = requested * (1 - noise) + (1 - requested) * noise / (classes - 1)
    found = []
    for code, value in enumerate(baseline.classes):
        share, (low, high) = _shares(actual)[code], metrics.wilson(actual[code], actual.sum(), _CERTAIN_Z)
        if not low - 1e-9 <= after_noise[code] <= high + 1e-9:
            text = (
                f"{actual[code]} of {actual.sum()} rows are of class {value}, {percent(share)}; asked for were "
                f"{percent(after_noise[code])}: has the generator or scoring.classes changed within the day?"
            )
            side = "above" if share > after_noise[code] else "below"
            today.tell("balance", f"class {value}", "class_share", share, after_noise[code], text, side)
        found.append(
            {
                "class": value,
                "actual": share,
                "predicted": _shares(predicted)[code],
                "requested": requested[code],
                "baseline": baseline.class_rows[code] / baseline.rows,
            }
        )
    return found


def _requested(settings: "Settings", baseline: Baseline) -> Array:
    """Return the share of each class (classes,) that `scoring.classes` asks for."""
    asked = settings.scoring.classes
    if isinstance(asked, str):
        return _shares(baseline.class_rows if asked == "training" else np.ones(len(baseline.classes)))
    return np.array([asked[value] for value in baseline.classes])


def _quality(today: _Day) -> list[Record]:
    """Count what can't be used, lies outside or was never seen, of every feature in the batch and in the baseline."""
    if today.independent:
        text = (
            f"changed since the baseline was pinned ({_source(today.baseline)}): make a new version with "
            "create_training_set.py, or restore the file"
        )
        today.tell("quality", "training data", "content_hash", None, None, text)
    return [_column_quality(today, name, column, today.baseline.columns[name]) for name, column in today.columns.items()]


def _column_quality(today: _Day, name: str, column: Column, base: Column) -> Record:
    checks, rows, class_rows = today.settings.checks, len(today.batch), column.counts.sum(axis=1)
    usable, cells = int(class_rows.sum()), column.counts.sum(axis=0)

    def tell(metric: str, value: float, limit: float | None, text: str) -> None:
        today.tell("quality", name, metric, value, limit, text)

    if rows and column.missing == rows:
        tell("missing_share", 1.0, checks.missing_share_above, f"no value in any of {rows} rows: is the column still made?")
    elif checks.missing_share_above is not None and column.missing / max(1, rows) > checks.missing_share_above:
        share = column.missing / rows
        text = f"{column.missing} of {rows} values are missing, {percent(share)}, limit {percent(checks.missing_share_above)}"
        tell("missing_share", share, checks.missing_share_above, text)
    if column.wrong:
        expected = "0 or 1" if base.numbers is None else "a number"
        tell("wrong_type", column.wrong, 0, f"{column.wrong} of {rows} values are not what is expected, {expected}")
    if column.infinite:
        tell("infinite", column.infinite, 0, f"{column.infinite} of {rows} values are infinite")
    unseen = int(cells[base.counts.sum(axis=0) == 0].sum()) if base.numbers is None and base.counts.any() else 0
    if unseen:
        level = int(np.flatnonzero(base.counts.sum(axis=0) == 0)[0])
        tell("unseen", unseen, 0, f"{unseen} of {usable} rows have the level {level}, which the baseline never has")
    if usable and np.count_nonzero(cells) == 1 and np.count_nonzero(base.counts.sum(axis=0)) > 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(base.counts[:, int(cells.argmax())] / base.counts.sum(axis=1))
        chance = math.exp(float((class_rows[class_rows > 0] * logs[class_rows > 0]).sum()))
        if chance < _UNLIKELY:
            tell(
                "one_value", usable, None, f"all {usable} rows have the same value, which the baseline makes all but impossible"
            )
    found = {"column": name, "missing": column.missing / max(1, rows), "wrong": column.wrong, "infinite": column.infinite}
    found |= {
        "unseen": unseen,
        "baseline_missing": base.missing / today.baseline.rows,
        "outside": None,
        "baseline_outside": None,
    }
    if column.numbers and base.numbers and usable:
        outside, usual = int(column.numbers.outside.sum()), float(base.numbers.outside.sum() / base.counts.sum())
        found |= {"outside": outside / usable, "baseline_outside": usual}
        above = checks.outlier_share_above
        if above is not None and metrics.wilson(outside, usable, _CERTAIN_Z)[0] > max(above, usual):
            low, high = base.numbers.fences
            text = (
                f"{outside} of {usable} values lie outside {low:.4g} to {high:.4g} or the baseline's range, "
                f"{percent(outside / usable)}; limit {percent(max(above, usual))}, surely passed"
            )
            tell("outlier_share", outside / usable, max(above, usual), text)
    return found


def _importance(today: _Day) -> list[Record]:
    """Rank the features by their association with the score (the predicted class where there is none)."""
    names, scored = list(today.columns), today.scored
    if len(scored.index) < 2:
        return []
    table = np.full((len(scored.index), len(names)), math.nan)
    for column, name in enumerate(names):
        if name in today.batch:
            table[:, column] = to_numbers(today.batch[name])[0][scored.index]
    table[~np.isfinite(table)] = math.nan
    said = scored.predicted.astype(float) if scored.score is None else scored.score
    found = zip(names, *metrics.association_ranks(table, said), strict=True)
    ranks = [dict(zip(("feature", "association", "rank", "low", "high"), entry, strict=True)) for entry in found]
    return sorted(ranks, key=lambda entry: entry["rank"])


def _drift(today: _Day, record: Record) -> list[Record]:
    """Test every feature against the baseline; largest movers first."""
    mine = record["baseline"]["fingerprint"]
    earlier = [day["counts"]["features"] for day in today.window(today.history) if day["baseline"]["fingerprint"] == mine]
    found = [_feature_drift(today, name, column, [day[name] for day in earlier]) for name, column in today.columns.items()]
    return sorted((entry for entry in found if entry), key=lambda entry: -entry["value"] / max(entry["limit"], 1e-12))


def _feature_drift(today: _Day, name: str, column: Column, earlier: list[Record]) -> Record | None:
    base, class_rows = today.baseline.columns[name], column.counts.sum(axis=1)
    usable, numbers = int(class_rows.sum()), base.numbers
    if not usable or not base.counts.any():
        return None
    if numbers and column.numbers:
        labels, bins, base_bins = [*_bin_labels(numbers), "outside"], column.numbers.bins, numbers.bins
        weights = class_rows / usable / np.maximum(1, base.counts.sum(axis=1))
        before, after, shown = float((weights * numbers.sums).sum()), float(column.numbers.sums.sum() / usable), "mean"
    else:
        labels, bins, base_bins = ["0", "1"], column.counts, base.counts
        before, after = float(metrics.expected_shares(base_bins, class_rows)[1]), float(bins[:, 1].sum() / usable)
        shown = "share of 1"
    actual, expected = _shares(bins.sum(axis=0)), metrics.expected_shares(base_bins, class_rows)
    psi_dmm = float(metrics.psi_dmm(bins.sum(axis=0), base_bins.sum(axis=0)))
    moved = labels[int(np.abs(actual - expected).argmax())]
    told = f"{shown} {before:.3g} -> {after:.3g}"
    if numbers:
        told += f"; most moved: {moved}"
    told += f"; DMM's formula {psi_dmm:.2g} against its fixed {today.settings.checks.dmm_psi_limit:g}"
    told += f"; a drill is on: {', '.join(today.drills)}" if today.drills else ""
    variables = [Variable(*(np.array(part) for part in day.values())) for day in earlier]
    test = _tested(today, "drift", name, _variable(base), _variable(column), variables, told, independent=today.independent)
    if test is None:
        return None
    bars = {"labels": labels, "today": actual, "baseline": expected}
    return {**test, "psi_dmm": psi_dmm, "shown": shown, "today": after, "baseline": before, "moved": moved, "bins": bars}


def _variable(column: Column) -> Variable:
    return Variable(column.counts, column.numbers.bins if column.numbers else None)


def _plain(variable: Variable) -> Record:
    return {"cells": variable.cells} if variable.bins is None else {"cells": variable.cells, "bins": variable.bins}


def _bin_labels(numbers: Numbers) -> list[str]:
    """Name each of DMM's bins by the values in it: whole numbers where the feature has no others."""
    pairs = list(zip(numbers.edges, numbers.edges[1:], strict=False))
    if not numbers.whole:
        return [f"{low:.3g} to {high:.3g}" for low, high in pairs]
    inside = [(math.ceil(low), math.ceil(high) - (index < len(pairs) - 1)) for index, (low, high) in enumerate(pairs)]
    return [f"{low} to {high}" if low < high else str(low) for low, high in inside]


def _pipeline(today: _Day, pipeline: Pipeline) -> Record:
    above, used = today.settings.checks.storage_bytes_above, pipeline.storage_bytes
    if pipeline.days_missing:
        text = f"no file for {few(pipeline.days_missing)}; daily_scoring.py --from D --to D makes them up"
        today.tell("pipeline", "days missing", "days_missing", len(pipeline.days_missing), 0, text)
    if pipeline.days_overdue:
        text = f"accepted two days ago or more: {few(pipeline.days_overdue)}; gt_registration.py --status shows DMM's word"
        today.tell("pipeline", "days not ingested", "days_overdue", len(pipeline.days_overdue), 0, text)
    if above is not None and used is not None and used > above:
        text = f"{used} bytes in {pipeline.storage_objects} objects under the prefix, limit {above}: remove old ones"
        today.tell("pipeline", "storage", "storage_bytes", used, above, text)
    return asdict(pipeline)


def _advice(record: Record) -> tuple[str, list[str]]:
    """Return none, look or retrain, and why: retrain only by the model's performance or score over several days."""
    alerts, model = record["alerts"], record["performance"]
    if not alerts and not _alarmed_windows(record):
        failed = record["endpoint"]["failed"]
        return ("look", [f"rows failed: {failed}, see below"]) if failed else ("none", [])
    because = [alert["text"] for alert in alerts]
    drifted = any(test["alarmed"] or (test["window"] and test["window"]["alarmed"]) for test in record["drift"])
    swapped = any(alert["metric"] in ("auc", "balanced_accuracy") for alert in alerts)
    over_days = [alert["text"] for alert in alerts if alert["metric"] in ("accuracy_window", "accuracy_drop")]
    for test in model["tests"]:
        if test["subject"] == "score" and test["window"] and test["window"]["alarmed"]:
            window = test["window"]
            over_days.append(f"score: KS {window['value']:.2g} over the window, limit {window['limit']:.2g}")
    if over_days and not drifted and not swapped:
        return "retrain", over_days
    if over_days and drifted:
        because.append(
            "the features moved too: the baseline file, the generator or a drill changed, so this says nothing about retraining"
        )
    return "look", because or [f"{', '.join(sorted(_alarmed_windows(record)))}: still passed over the window"]


def _shares(counts: Array) -> Array:
    return np.asarray(counts / max(1, counts.sum()))


def _listed(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} x {kind}" for kind, number in numbers.most_common() if number > 0) or "no request was sent"


def _source(baseline: Baseline) -> str:
    return baseline.source if baseline.number is None else f"{baseline.source} version {baseline.number}"


def _finite(value: Any) -> Any:
    """Return the value as plain JSON: arrays as lists, what is undefined or infinite as null."""
    if isinstance(value, np.ndarray | np.generic):
        return _finite(value.tolist())
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
