"""A day between two steps: settings that changed, rows that failed, what is still to be sent."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import ConfigError, RefusedError
from monitoring.ledger.answer import Answer
from monitoring.ledger.entry import DayEntry, Ledger
from monitoring.ledger.manifest import State
from monitoring.ledger.plan import Step
from monitoring.ledger.workspace import Workspace
from monitoring.redaction import Secret
from monitoring.scoring import run
from monitoring.scoring.prepare import PreparedDay, ScoringOptions, prepare
from monitoring.services.s3 import Store
from monitoring.settings import loader
from monitoring.settings import model as settings_model
from monitoring.settings.model import Settings
from tests.support.loop import ROOT
from tests.support.sandbox import RunningSandbox

DAY = date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in sandbox.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    unused = ["project_id", "model_api", "model_monitor"]
    shipped = loader.load(ROOT / "config.yaml", unused)[0]
    return dataclasses.replace(
        shipped,
        project_id=tmp_path.name,
        state_dir=tmp_path / "state",
        report_dir=tmp_path / "reports",
        scoring=dataclasses.replace(shipped.scoring, rows=(12, 12)),
    )


def entry_of(settings: Settings) -> DayEntry:
    return Ledger(Workspace.of(settings), settings.model).entry(DAY)


def prepared(settings: Settings, **options: Any) -> PreparedDay:
    store = Store(settings_model.S3())
    with TrainingFile(settings) as data:
        return prepare(settings, entry_of(settings), store, data, ScoringOptions(**options))


def test_a_scored_day_whose_rows_no_longer_fit_the_schema_is_refused_by_name(
    settings: Settings,
) -> None:
    batch = prepared(settings).batch
    entry_of(settings).update(state=State.SCORED)

    again = prepared(settings)
    assert again.step is Step.SCORE
    assert again.batch and batch
    assert again.batch.sha256 == batch.sha256

    scoring = dataclasses.replace(settings.scoring, label_noise=0.5)
    assert prepared(dataclasses.replace(settings, scoring=scoring)).step is Step.UPLOAD

    schema = dataclasses.replace(settings.schema, key="another_id")
    with pytest.raises(
        RefusedError, match=f"{DAY} is scored and would not continue as it began .schema: "
    ):
        prepared(dataclasses.replace(settings, schema=schema))


def test_another_number_of_rows_is_refused_once_the_day_has_begun(settings: Settings) -> None:
    prepared(settings)

    with pytest.raises(ConfigError, match="--rows: got 13, but 2026-03-01 has 12 rows"):
        prepared(settings, rows=13)
    again = prepared(settings, rows=13, rerun=True).batch
    assert again
    assert len(again) == 13


def test_a_dry_run_keeps_nothing(settings: Settings) -> None:
    assert prepared(settings, dry_run=True).step is Step.GENERATE
    assert not settings.state_dir.exists()


def test_a_day_without_one_scored_row_is_never_uploaded_whatever_share_may_fail(
    settings: Settings, httpserver: Any
) -> None:
    httpserver.expect_request("/model").respond_with_data("<html>", content_type="text/html")
    model_api = dataclasses.replace(
        settings.model_api,
        url=httpserver.url_for("/model"),
        token=Secret("t"),
        max_failed_share=1.0,
        workers=2,
    )
    settings = dataclasses.replace(settings, model_api=model_api)
    day = prepared(settings)
    entry = entry_of(settings)

    with pytest.raises(RefusedError, match=r"12 rows failed .limit 11., nothing uploaded"):
        run.score(settings, entry, day)

    kept = entry_of(settings).known
    assert (kept.state, kept.scored, kept.failed) == (State.GENERATED, 0, 12)


def test_what_is_still_to_be_sent_follows_from_the_step_and_the_answers(
    settings: Settings,
) -> None:
    batch = prepared(settings, rows=4, dry_run=True).batch
    assert batch
    at = "2026-03-01T00:00:00+00:00"
    answers = {
        0: Answer(0, 1, 0.5, 1.0, 1, None, None, at),
        1: Answer(1, None, None, 1.0, 1, None, None, at, error="503", is_retryable=True),
        2: Answer(2, None, None, 1.0, 1, None, None, at, error="html"),
    }

    assert run.rows_to_send(Step.GENERATE, batch, answers) == [1, 3]
    assert run.rows_to_send(Step.SCORE, batch, answers) == [1, 3]
    assert run.rows_to_send(Step.UPLOAD, batch, answers) == []
    assert run.rows_to_send(Step.REPORT, batch, answers) == []
