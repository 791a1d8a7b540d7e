"""What a day's lines say at first: its cause, what to do, and what a drill does not cover."""

import math

from monitoring.report.past import PastAlert, PastDay, diagnosis, verdict

OVERDUE = PastAlert("days_overdue", "pipeline", "1 day is overdue in DMM", "")
SCORE = PastAlert("ks", "score", "the score is 0.1 higher than in its first days", "", 3.0)
LATENCY = PastAlert("latency_p95_ms", "endpoint", "latency p95 is 900 ms", "", 2.0)
AGE = PastAlert("ks", "age", "age is 3.9 years higher than in training", "", 3.0)
RATIOS = {"score": 3.0, "prediction": 0.4, "age": 0.3, "duration": 0.2}


def day(*alerts: PastAlert, advice: int = 1, **parts: object) -> PastDay:
    values = {"alerts": float(len(alerts)), "advice": float(advice)}
    return PastDay("2026-01-31", values=values, alerts=list(alerts), **parts)  # type: ignore[arg-type]


def test_a_cause_in_the_model_is_named_by_an_alert_about_its_answers_alone() -> None:
    below_its_size = day(LATENCY, ratios=RATIOS)  # beyond its limit, too small for an alert

    assert diagnosis(below_its_size) == ""
    assert verdict(below_its_size).advice == "investigate the endpoint"
    assert "ask whoever runs the endpoint" in diagnosis(day(SCORE, ratios=RATIOS))


def test_a_cause_does_not_hide_what_else_there_is_to_look_at() -> None:
    assert verdict(day(SCORE, ratios=RATIOS)).advice == "ask whoever runs the endpoint"
    both = verdict(day(SCORE, LATENCY, ratios=RATIOS))
    assert both.advice == "ask whoever runs the endpoint; investigate the endpoint"


def test_asking_what_changed_comes_before_retraining() -> None:
    assert verdict(day(SCORE, ratios=RATIOS, advice=2)).advice == "ask whoever runs the endpoint"
    assert verdict(day(AGE, advice=2)).advice == "consider retraining"


def test_a_drill_leaves_nothing_to_fix_only_where_nothing_else_is_open() -> None:
    drills = ["age +3.9 for 50% of the rows since 2026-01-30"]

    assert verdict(day(AGE, drills=drills)).advice == "nothing to fix"
    assert verdict(day(AGE, OVERDUE, drills=drills)).advice == "look at the other days"
    assert verdict(day(AGE, drills=drills, missing=["2026-01-30: missing"])).advice == (
        "look at the other days"
    )
    assert math.isinf(OVERDUE.strength)
