"""The one table of metrics."""

from monitoring.checks.record import DayRecord, Measure
from monitoring.report.metrics import METRICS, Metric, metric_named, metric_rows


def test_every_metric_is_at_its_place_in_a_record(days: list[DayRecord]) -> None:
    for metric in METRICS:
        if isinstance(metric, Metric):
            assert metric.read(days[9]), metric.name

    assert metric_named("scored").read(days[8]) == Measure(197)
    assert metric_named("alerts").read(days[9]) == Measure(1)
    availability = metric_named("availability").read(days[8])
    assert availability
    assert (availability.low, availability.high) == days[8].endpoint.availability_interval


def test_the_rows_of_a_day_are_those_of_the_first_version_and_in_their_order(
    days: list[DayRecord],
) -> None:
    rows = metric_rows(days[9])

    names = list(dict.fromkeys(row.metric for row in rows))
    assert names == [
        *("rows", "scored", "availability"),
        *("latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "latency_max_ms"),
        *("accuracy", "precision", "recall", "f1", "accuracy_mix", "precision_mix", "f1_mix"),
        *("balanced_accuracy", "log_loss", "log_loss_mix", "auc", "mean_score", "label_coverage"),
        *("actual_share", "predicted_share", "psi", "ks", "psi_dmm"),
        *("duration_seconds", "storage_bytes", "storage_objects", "state_bytes", "alerts"),
    ]
    assert [row.value for row in rows if row.metric == "alerts"] == [1]
    assert {row.subject for row in rows if row.metric == "actual_share"} == {"class 0", "class 1"}
    limits = {row.subject: row.limit for row in rows if row.metric in ("ks", "psi")}
    assert len(limits) == 14  # ten features and two groups, score and prediction
    assert {row.subject for row in rows if row.metric == "psi_dmm"} == limits.keys() - {
        *("checking_account", "savings", "score", "prediction")
    }
    assert all(limits.values())
