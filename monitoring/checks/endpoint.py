"""How the endpoint answered: availability, latency, releases."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from monitoring.batch.scored import ScoredBatch
from monitoring.checks.alert import Alert, Family, Side
from monitoring.checks.history import History
from monitoring.checks.record import EndpointRecord, FailedRow, finite
from monitoring.dataset.schema import event_id
from monitoring.ledger.answer import Answer
from monitoring.settings.model import Checks
from monitoring.statistics.intervals import wilson
from monitoring.text import format_percent

_SHOWN_FAILURES = 10
_SHOWN_RELEASES = 5
_alert = partial(Alert, family=Family.ENDPOINT)
_LATENCY_PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


def check(
    checks: Checks, scored: ScoredBatch, history: History
) -> tuple[EndpointRecord, list[Alert]]:
    """Check how the endpoint answered the day's requests."""
    answers = list(scored.answers.values())
    failed = [answer for answer in answers if not answer.is_scored]
    answered = len(answers) - len(failed)
    attempts = sum(answer.attempts for answer in answers)
    low, high = wilson(answered, attempts)

    record = EndpointRecord(
        scored=answered,
        failed=len(failed),
        not_sent=len(scored.batch) - len(answers),
        attempts=attempts,
        retried=sum(answer.attempts > 1 for answer in answers),
        availability=answered / attempts if attempts else None,
        availability_interval=(finite(low), finite(high)),
        attempt_errors=_attempt_errors(answers, attempts - answered),
        latency_ms=_latency_ms(answers),
        rows_per_second=answered / scored.seconds if scored.seconds else None,
        releases=releases(scored),
        failures=[
            FailedRow(event_id(scored.day, answer.index), answer.error, answer.request_id)
            for answer in failed[:_SHOWN_FAILURES]
        ],
    )
    alerts = [
        *_availability_alerts(checks, record),
        *_latency_alerts(checks, record),
        *_release_alerts(record.releases, history),
    ]
    return record, alerts


def releases(scored: ScoredBatch) -> list[str]:
    """Return the releases of the model that answered, in the order of the answers."""
    seen = dict.fromkeys(answer.release for answer in scored.answers.values())
    return [release for release in seen if release is not None]


def _attempt_errors(answers: Sequence[Answer], without_answer: int) -> dict[str, int]:
    """Return the requests that brought no usable answer, by kind."""
    errors = Counter(error for answer in answers for error in answer.attempt_errors)
    # Whole answers that were no prediction (a wrong class, HTML) are no error of the attempt.
    errors["unusable answer"] = max(0, without_answer - errors.total())
    return dict(+errors)


def _latency_ms(answers: Sequence[Answer]) -> dict[str, float]:
    latencies = [answer.latency_ms for answer in answers if answer.is_scored]
    if not latencies:
        return {}
    quantiles = np.percentile(latencies, list(_LATENCY_PERCENTILES.values())).tolist()
    return dict(zip(_LATENCY_PERCENTILES, quantiles, strict=True))


def _availability_alerts(checks: Checks, record: EndpointRecord) -> list[Alert]:
    limit, availability = checks.availability_below, record.availability
    if limit is None or availability is None or availability >= limit:
        return []
    text = (
        f"endpoint: {record.attempts - record.scored} of {record.attempts} requests brought no"
        f" usable answer ({_listed(record.attempt_errors)}); availability"
        f" {format_percent(availability)}, limit {format_percent(limit)}; ask whoever runs the"
        " endpoint"
    )
    return [
        _alert(
            subject="endpoint",
            metric="availability",
            value=availability,
            limit=limit,
            side=Side.BELOW,
            text=text,
        )
    ]


def _latency_alerts(checks: Checks, record: EndpointRecord) -> list[Alert]:
    limit, latency_ms = checks.latency_p95_ms_above, record.latency_ms
    if limit is None or not latency_ms or latency_ms["p95"] <= limit:
        return []
    text = (
        f"endpoint: latency p95 {latency_ms['p95']:.0f} ms, limit {limit:g} ms; median"
        f" {latency_ms['p50']:.0f} ms"
    )
    p95 = latency_ms["p95"]
    return [_alert(subject="endpoint", metric="latency_p95_ms", value=p95, limit=limit, text=text)]


def _release_alerts(releases: Sequence[str], history: History) -> list[Alert]:
    alerts = []
    if len(releases) > 1:
        text = (
            f"release: {len(releases)} releases of the model answered within the day, expected one:"
            f" {'; '.join(releases[:_SHOWN_RELEASES])}"
        )
        number = len(releases)
        alerts.append(
            _alert(subject="release", metric="releases", value=number, limit=1, text=text)
        )

    # A day without answers, or of an endpoint that names no release, says nothing of a change.
    named = [record for record in history.records if record.endpoint.releases]
    if named and releases and releases[0] != named[-1].endpoint.releases[-1]:
        text = (
            f"release: changed from {named[-1].endpoint.releases[-1]} to {releases[0]} since"
            f" {named[-1].day}; the reference days of score and predicted class are collected"
            " again"
        )
        alerts.append(_alert(subject="release", metric="release_changed", text=text))
    return alerts


def _listed(errors: Mapping[str, int]) -> str:
    most_common = Counter(errors).most_common()
    return ", ".join(f"{number} x {kind}" for kind, number in most_common) or "no request was sent"
