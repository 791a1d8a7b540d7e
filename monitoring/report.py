"""What a person looks at: the day's page, and beside it the day's record and the history, all made from records alone."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jinja2

from monitoring.day import write_atomically
from monitoring.metrics import few, percent

Record = dict[str, Any]
Row = tuple[str, str, str, float, float | None]
Cell = tuple[str, str]

HISTORY_HEADER = ("day", "metric", "subject", "value", "limit")

_DAYS = 30
_TABLE_ROWS = 100
_PLOTS = 12
_INDICATORS = 24
_FAULTS = ("missing", "baseline_missing", "wrong", "infinite", "unseen", "outside", "baseline_outside")
_METRICS = {
    "accuracy": "Accuracy",
    "accuracy_mix": "Accuracy at the training mix",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "precision_mix": "Precision at the training mix",
    "recall": "Recall",
    "f1": "F1",
    "f1_mix": "F1 at the training mix",
    "auc": "AUC",
    "log_loss": "Log loss",
    "log_loss_mix": "Log loss at the training mix",
}


def write(folder: Path, record: Record, previous: Sequence[Record]) -> Path:
    """Write `<day>.json`, `history.csv` and `<day>.html` into the folder (`<report_dir>/<model>`) and return the page's path.

    record, previous: as of checks.judge and checks.read_previous. Each file is written atomically; a day written again
    replaces its own rows of the history. Raises ServiceError where the disk is full or may not be written.
    """
    day = record["day"]
    write_atomically(folder / f"{day}.json", json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n")
    _write_history(folder / "history.csv", record)
    write_atomically(folder / f"{day}.html", page(record, previous))
    return folder / f"{day}.html"


def history_rows(record: Record) -> list[Row]:
    """Return the day's numbers as rows of history.csv: day, metric, subject, value, limit. What is undefined is left out."""
    endpoint, model, day = record["endpoint"], record["performance"], record["day"]
    rows: list[tuple[str, str, float | None, float | None]] = [
        ("rows", "endpoint", record["rows"], None),
        ("scored", "endpoint", endpoint["scored"], None),
        ("availability", "endpoint", endpoint["availability"], None),
        ("rows_per_second", "endpoint", endpoint["rows_per_second"], None),
        *((f"latency_{name}_ms", "endpoint", value, None) for name, value in endpoint["latency_ms"].items()),
        *((name, "model", metric["value"], None) for name, metric in model["metrics"].items()),
        ("mean_score", "model", model["mean_score"], None),
        ("label_coverage", "model", model["label_coverage"], None),
        *(
            (f"{kind}_share", f"class {entry['class']}", entry[kind], None)
            for entry in record["balance"]
            for kind in ("actual", "predicted")
        ),
        *(
            (test["test"].lower(), test["subject"], test["value"], test["limit"])
            for test in [*model["tests"], *record["drift"]]
        ),
        *(("psi_dmm", test["subject"], test["psi_dmm"], None) for test in record["drift"]),
        *((name, "pipeline", value, None) for name, value in record["pipeline"].items() if isinstance(value, int | float)),
        ("alerts", "model", len(record["alerts"]), None),
    ]
    return [(day, metric, subject, value, limit) for metric, subject, value, limit in rows if value is not None]


def _write_history(path: Path, record: Record) -> None:
    known: list[list[str]] = []
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            known = [
                row for row in csv.reader(file) if len(row) == len(HISTORY_HEADER) and row[0] not in ("day", record["day"])
            ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HISTORY_HEADER)
    # Days come in order but for a backfill; a stable sort keeps a day's rows as they were.
    rows: list[Sequence[Any]] = [*known, *history_rows(record)]
    rows.sort(key=lambda row: row[0])
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def page(record: Record, previous: Sequence[Record]) -> str:
    """Return the day's page: one self-contained HTML file, no script, under 300 KB, escaped throughout."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters |= {"number": number, "short": short, "percent": percent, "few": few, "size": size}
    yesterday = previous[-1] if previous else None
    reference = record["performance"]["reference"]
    first = [day for day in previous if day["day"] in reference["days"]]
    drift, earlier = record["drift"], {test["subject"]: test for test in (yesterday or {"drift": []})["drift"]}
    recent = [*previous, record][-_DAYS:]
    lines = _lines(recent)
    return environment.get_template("report.html.j2").render(
        record=record,
        yesterday=yesterday,
        reference=reference,
        first=first,
        overview=_overview(record, yesterday, first if reference["complete"] else []),
        drift=drift[:_TABLE_ROWS],
        earlier=earlier,
        left_out=len(drift) - len(drift[:_TABLE_ROWS]),
        plots=_feature_plots(drift),
        score_plot=bars(record["performance"]["score_bins"]) if record["performance"]["score_bins"] else None,
        lines=lines,
        by_day=list(zip([day["day"] for day in recent], zip(*(line["values"] for line in lines), strict=True), strict=True))[
            ::-1
        ],
        recent=recent,
        faulty=[column for column in record["quality"] if any(column[fault] for fault in _FAULTS)],
    )


def _overview(
    record: Record, yesterday: Record | None, first: Sequence[Record]
) -> list[tuple[str, list[tuple[str, list[Cell]]]]]:
    """Return the first tables: heading, and rows of title and texts for today, yesterday, the first days."""
    columns = [[record], [yesterday] if yesterday else [], list(first)]

    def row(
        title: str, value: Callable[[Record], Any], text: Callable[[Any], str], interval: Sequence[Any] = ()
    ) -> tuple[str, list[Cell]]:
        known = [[found for found in map(value, days) if found is not None] for days in columns]
        shown = f"{text(interval[0])} to {text(interval[1])}" if known[0] and interval and None not in interval else ""
        texts = [text(sum(values) / len(values)) if values else "–" for values in known]
        return title, list(zip(texts, [shown, "", ""], strict=True))

    def latency(name: str) -> tuple[str, list[Cell]]:
        return row(f"Latency {name}", lambda day: day["endpoint"]["latency_ms"].get(name), lambda value: f"{number(value)} ms")

    def metric(name: str, found: Record) -> tuple[str, list[Cell]]:
        def value(day: Record) -> Any:
            return day["performance"]["metrics"].get(name, {"value": None})["value"]

        return row(_METRICS[name], value, short, [found["low"], found["high"]])

    endpoint = [
        row("Rows scored", lambda day: day["endpoint"]["scored"], number),
        row("Rows that failed", lambda day: day["endpoint"]["failed"], number),
        row("Availability", lambda day: day["endpoint"]["availability"], percent, record["endpoint"]["availability_interval"]),
        row("Rows sent more than once", lambda day: day["endpoint"]["retried"], number),
        *map(latency, ("p50", "p95", "p99", "max")),
        row("Rows per second", lambda day: day["endpoint"]["rows_per_second"], number),
    ]
    measured = record["performance"]["metrics"]
    model = [
        *(metric(name, measured[name]) for name in _METRICS if name in measured),
        row("Mean score", lambda day: day["performance"]["mean_score"], short),
        row("Label coverage", lambda day: day["performance"]["label_coverage"], percent),
    ]
    return [("Endpoint", endpoint), ("Model", model)]


def bars(bins: Record) -> Record:
    """Return the geometry of a bar plot of 320 x 96: today's shares as bars, the baseline's as a stepped line.

    bins: labels, today and baseline (or None), equally long. Bins empty in both are left out.
    """
    rows = list(zip(bins["labels"], bins["today"], bins["baseline"] or bins["today"], strict=True))
    rows = [row for row in rows if row[1] or row[2]] or rows[:1]
    highest, width = max([max(row[1], row[2]) for row in rows] + [1e-9]), 320 / len(rows)
    return {
        "bars": [
            {
                "x": index * width + width * 0.14,
                "width": width * 0.72,
                "y": 92 - 88 * today / highest,
                "height": 88 * today / highest,
            }
            for index, (_, today, _) in enumerate(rows)
        ],
        "steps": " ".join(
            f"{index * width:.1f},{92 - 88 * base / highest:.1f} {(index + 1) * width:.1f},{92 - 88 * base / highest:.1f}"
            for index, (_, _, base) in enumerate(rows)
        )
        if bins["baseline"]
        else "",
        "rows": [(label, today, base if bins["baseline"] else None) for label, today, base in rows],
        "highest": highest,
    }


def _feature_plots(drift: Sequence[Record]) -> list[tuple[str, str, Record]]:
    """Return title, most moved bin and geometry: one plot for each numerical feature, one for the indicators together."""
    numbers = [test for test in drift if test["test"] == "KS"][:_PLOTS]
    indicators = [test for test in drift if test["test"] == "PSI"][:_INDICATORS]
    plots = [(test["subject"], test["moved"], bars(test["bins"])) for test in numbers]
    if indicators:
        shares: Record = {"labels": [test["subject"] for test in indicators]}
        shares |= {which: [test[which] for test in indicators] for which in ("today", "baseline")}
        plots.append(("Indicators, share of 1, largest movers first", indicators[0]["subject"], bars(shares)))
    return plots


def _lines(recent: Sequence[Record]) -> list[Record]:
    """Return the geometry of the small plots of the last days, each 160 x 44, and their values by day."""

    def largest(day: Record) -> float | None:
        return max((test["value"] / test["limit"] for test in day["drift"] if test["limit"]), default=None)

    wanted: list[tuple[str, Any, Any]] = [
        ("Rows scored", lambda day: day["endpoint"]["scored"], number),
        ("Availability", lambda day: day["endpoint"]["availability"], percent),
        ("Latency p95, ms", lambda day: day["endpoint"]["latency_ms"].get("p95"), number),
        ("Accuracy", lambda day: day["performance"]["metrics"]["accuracy"]["value"], number),
        ("AUC", lambda day: day["performance"]["metrics"].get("auc", {"value": None})["value"], number),
        ("Mean score", lambda day: day["performance"]["mean_score"], number),
        ("Largest shift of a feature, of its limit", largest, percent),
        ("Alerts", lambda day: len(day["alerts"]), number),
    ]
    made = []
    for title, value, text in wanted:
        values = [value(day) for day in recent]
        known = [found for found in values if found is not None]
        low, high = (min(known), max(known)) if known else (0.0, 0.0)
        spread = (high - low) or 1.0
        points = [
            (6 + 148 * index / max(1, len(values) - 1), 38 - 32 * (found - low) / spread if high > low else 22)
            for index, found in enumerate(values)
            if found is not None
        ]
        made.append(
            {
                "title": title,
                "points": points,
                "values": [text(found) for found in values],
                "low": text(low) if known else "–",
                "high": text(high) if known else "–",
                "last": text(values[-1]),
            }
        )
    return made


def number(value: float | None) -> str:
    """Return a number for people: three digits, thousands apart; a dash for what is undefined."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def short(value: float | None) -> str:
    """Return a number between about 0 and 1 with three decimals, so that columns align; a dash for what is undefined."""
    return "–" if value is None else f"{value:.3f}"


def size(count: int | None) -> str:
    """Return bytes for people, in powers of 1,000; "unknown" where they could not be counted."""
    if count is None:
        return "unknown"
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"
