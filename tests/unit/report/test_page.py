"""The page: what it holds, that nothing escapes into markup, and that it stays small."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

import monitoring.report
from benchmarks.population import CONTENT_HASH, Population
from monitoring.checks.alert import Alert, Family
from monitoring.checks.evaluate import evaluate
from monitoring.checks.inputs import DayInputs
from monitoring.checks.limits import Limits
from monitoring.checks.record import Advice, DayRecord, to_json
from monitoring.dataset import counting
from monitoring.report.metrics import metric_rows
from monitoring.report.page import page
from monitoring.settings.model import Checks, Feature
from monitoring.text import format_number
from tests.support.html import Parsed
from tests.support.world import FIRST, World, feature, read_back, scored
from tests.unit.report.conftest import HOSTILE

TEMPLATES = Path(monitoring.report.__file__).parent / "templates"
CASES = {"first day": 0, "quiet day": 7, "failures": 8, "drill": 9}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, days: list[DayRecord]) -> tuple[DayRecord, str]:
    number = CASES[request.param]
    return days[number], page(days[number], days[:number])


def test_the_page_is_one_file_without_script_or_address_and_small(
    case: tuple[DayRecord, str],
) -> None:
    _, content = case
    parsed = Parsed(content)

    assert len(content.encode()) < 300_000
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & set(parsed.tags)
    loading = ("src", "srcset", "action")
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in loading]
    links = [value or "" for name, value in parsed.attributes if name == "href"]
    ids = {value for name, value in parsed.attributes if name == "id"}
    assert {link.removeprefix("#") for link in links} <= ids
    assert not re.search(r"https?:|url\(|@import|javascript:", content)
    assert "<!DOCTYPE html>" in content
    assert 'name="viewport"' in content


def test_the_verdict_comes_first_then_the_figures_then_the_features(
    case: tuple[DayRecord, str],
) -> None:
    record, content = case
    order = [content.index(part) for part in ('class="verdict', 'id="figures"', 'id="features"')]

    assert order == sorted(order)
    movers = [test.value / test.limit for test in record.drift]
    assert movers == sorted(movers, reverse=True)


def test_every_plot_has_its_numbers_in_a_table(case: tuple[DayRecord, str]) -> None:
    _, content = case
    flat = content.replace("\n", " ")
    for plot in re.findall(r'<path class="bar" d="([^"]*)"', flat):
        _, _, after = flat.partition(plot)
        table = after.partition("<summary>Numbers</summary>")[2].partition("</table>")[0]
        assert table.count('<td class="any">') == plot.count("z") > 0
    for row in re.findall(r'<details class="row">.*?Largest change', flat):
        assert "<summary>Numbers</summary>" in row

    by_day = content.partition("Numbers by day")[2]
    for title in (
        *("Rows scored", "Availability", "Latency p95", "Accuracy", "AUC"),
        *("Mean score", "Alerts"),
    ):
        assert f'data-name="{title}"' in by_day


def test_the_numbers_of_the_tables_are_those_of_the_record(days: list[DayRecord]) -> None:
    record, content = days[9], page(days[9], days[:9])
    parsed = Parsed(content)
    rows = parsed.rows_by_title

    test = record.drift[0]
    line = content.partition('<details class="row">')[2].partition("</summary>")[0]
    assert test.subject == "age"
    for text in (
        format_number(test.today),
        format_number(test.baseline),
        f"limit {test.limit:.3f}",
        f"{test.value / test.limit:.0%}".replace("%", "\N{NO-BREAK SPACE}%"),
        "alert",
    ):
        assert f">{text}<" in line
    assert [f"{test.psi:.3f}, {test.psi_dmm:.3f}"] == parsed.rows_by_first["PSI, DMM's PSI"][0]
    was = format_number(feature(days[8], "age").today)
    assert parsed.rows_by_first["2026-01-09"][0] == [was]

    first = np.mean([day.performance.metrics["auc"].value for day in days[:7]])
    auc = record.performance.metrics["auc"]
    assert auc.value is not None
    shown = f"{auc.value:.3f}{auc.low:.3f} to {auc.high:.3f}"
    yesterday = f"{days[8].performance.metrics['auc'].value:.3f}"
    assert parsed.rows_by_first["AUC"] == [
        [shown, "above 0.500 (chance)", "ok", yesterday, f"{first:.3f}"],
        [shown, yesterday, f"{first:.3f}"],
    ]
    assert rows["Rows scored"] == ["200", "197", "200"]
    assert rows["Under the prefix"] == ["12.3 MB, 9 objects"]
    assert rows["State on this machine"] == ["900 bytes"]


def test_the_verdict_says_what_was_found_and_what_was_not_judged(days: list[DayRecord]) -> None:
    first, quiet, drill = (Parsed(page(days[number], days[:number])).text for number in (3, 7, 9))

    assert "Quiet, model not judged yet Advice: nothing to do" in first
    assert "score, class and a fall of accuracy: day 4 of 7 of this release; no limit is" in first
    assert "Quiet Advice: nothing to do . No limit was exceeded. Not judged: no limit is" in quiet
    assert "DRILL Drill: the alert was raised as intended A drill is on: age" in drill
    assert "Advice: nothing to fix" in drill
    assert "DRILL Age is " in drill
    assert "why there are two PSI numbers" in drill
    assert "not weighted" in drill


def test_set_limits_are_beside_the_figures_and_in_the_plots(days: list[DayRecord]) -> None:
    checks = Checks(accuracy_below=0.5, latency_p95_ms_above=400.0)
    content = page(days[7], days[:7], checks)
    rows = Parsed(content).rows_by_first

    assert rows["Latency p95"][0][1:3] == ["at most 400 ms", "ok"]
    assert rows["Accuracy"][0][1:3] == ["at least 50 %", "ok"]
    assert content.count('<line class="limit"') == 3  # with availability
    assert "Not judged" not in content


def test_a_row_is_judged_by_what_the_checks_judge_and_the_banner_agrees(
    days: list[DayRecord],
) -> None:
    collecting = Parsed(page(days[3], days[:3])).rows_by_first
    parsed = Parsed(page(days[7], days[:7]))
    rows = parsed.rows_by_first

    assert rows["Accuracy"][0][1:3] == ["no limit set", "not judged"]
    limit = "fall over the last days: at most 3 standard errors"
    assert rows["Accuracy at the training mix"][0][1:3] == [limit, "ok"]
    assert "no limit is set for the level of accuracy and latency" in parsed.text
    unknown = ["once the first days are known", "not judged"]
    assert collecting["Accuracy at the training mix"][0][1:3] == unknown
    assert collecting["Mean score"][0][1:3] == unknown
    assert not [row for row in parsed.rows if any(" of 0." in cell for cell in row)]


@pytest.mark.parametrize(
    ("metric", "subject", "row", "word"),
    [
        ("ks_window", "score", "Mean score", "last days"),
        ("ks", "score", "Mean score", "alert"),
        ("accuracy_drop", "model", "Accuracy at the training mix", "alert"),
        ("accuracy", "model", "Accuracy", "alert"),
        ("accuracy_window", "model", "Accuracy", "last days"),
        ("auc", "model", "AUC", "alert"),
        ("psi_window", "prediction", "Mean score", "ok"),
    ],
)
@pytest.mark.parametrize("place", ["alerts", "ongoing"])
def test_a_figures_verdict_says_whether_the_day_or_the_last_days_are_beyond_the_limit(
    days: list[DayRecord], metric: str, subject: str, row: str, word: str, place: str
) -> None:
    alert = Alert(family=Family.MODEL, subject=subject, metric=metric, text="so")
    record = msgspec.structs.replace(days[7], **{place: [alert]})

    rows = Parsed(page(record, days[:7])).rows_by_first

    assert rows[row][0][2] == word
    others = {"Mean score", "Accuracy at the training mix", "AUC"} - {row}
    assert {rows[other][0][2] for other in others} == {"ok"}


def test_what_is_undefined_is_a_dash_and_what_is_unknown_is_named(days: list[DayRecord]) -> None:
    pipeline = msgspec.structs.replace(
        days[0].pipeline, storage_bytes=None, storage_objects=None, duration_seconds=None
    )
    parsed = Parsed(page(msgspec.structs.replace(days[0], pipeline=pipeline), []))
    rows = parsed.rows_by_title

    assert rows["Under the prefix"] == ["unknown"]
    assert rows["Duration of the run"] == ["– s"]
    assert rows["Rows per second"] == ["–", "–", "–"]
    assert "being collected: 0 of 7 so far" in parsed.text
    assert not re.search(r"\b(nan|None|inf)\b", parsed.text)


def test_metrics_of_the_score_are_left_out_where_the_model_gives_none(world: World) -> None:
    frame = world.batch()
    answers = [
        msgspec.structs.replace(answer, score=None) for answer in world.population.answers(frame)
    ]

    rows = Parsed(page(world.evaluate(frame, answers), [])).rows_by_title

    assert "Accuracy" in rows
    assert not {"AUC", "Log loss"} & set(rows)
    assert rows["Mean score"] == ["–", "–", "–"]


def test_a_long_list_of_days_is_cut(days: list[DayRecord]) -> None:
    missing = [f"2025-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    pipeline = msgspec.structs.replace(days[0].pipeline, days_missing=missing)
    changed = msgspec.structs.replace(days[0], pipeline=pipeline)

    assert "2025-01-05 and 331 more" in Parsed(page(changed, [])).text


@pytest.mark.parametrize("answered", [0, 1])
def test_a_day_with_hardly_an_answer_has_a_page_too(
    population: Population, limits: Limits, days: list[DayRecord], answered: int
) -> None:
    frame = population.draw((20, 20), np.random.default_rng(0))
    for previous in ([], days[:1], days[:8]):
        inputs = DayInputs(
            settings=population.settings,
            scored=scored(
                population.settings,
                FIRST + timedelta(days=20),
                frame,
                population.answers(frame)[:answered],
            ),
            baseline=population.baseline(population.frame),
            previous=previous,
            limits=limits,
        )
        record = read_back(evaluate(inputs))
        text = Parsed(page(record, previous)).text

        assert f"{answered} of 40 rows scored" in text
        assert f"{40 - answered} rows were not sent" in text
        assert not re.search(r"\b(nan|None|inf)\b", text)
        assert metric_rows(record)


def test_nothing_that_came_from_outside_becomes_markup(days: list[DayRecord]) -> None:
    content = to_json(days[8]).replace(b"savings_A65", b"savings<img src=x>")
    record = msgspec.json.decode(content, type=DayRecord)
    endpoint = msgspec.structs.replace(
        record.endpoint, releases=[HOSTILE], attempt_errors={HOSTILE: 3}
    )
    alert = Alert(family=Family.DRIFT, subject=HOSTILE, metric="x", value=1, limit=1, text=HOSTILE)
    changed = msgspec.structs.replace(
        record,
        model=HOSTILE,
        endpoint=endpoint,
        alerts=[alert],
        because=[HOSTILE],
        drills=[HOSTILE],
        advice=Advice.LOOK,
        baseline=msgspec.structs.replace(record.baseline, source=HOSTILE),
    )
    shown = page(changed, days[:8])

    parsed = Parsed(shown)
    assert HOSTILE in "".join(parsed.words)
    assert not {"script", "img"} & set(parsed.tags)
    assert "<script" not in shown
    assert "<img" not in shown


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours #rrggbb (WCAG 2), 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        weights = (0.2126, 0.7152, 0.0722)
        return sum(weight * part for weight, part in zip(weights, linear, strict=True))

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_has_enough_contrast_in_light_in_dark_and_on_paper() -> None:
    base = (TEMPLATES / "base.css").read_text(encoding="utf-8")
    # Paper gets the light ones: the dark ones are for a screen.
    schemes = re.findall(r":root \{([^}]*)\}", base)
    assert len(schemes) == 2
    assert "@media screen and (prefers-color-scheme: dark)" in base
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", scheme))
        for ink in ("ink", "soft", "bad", "good", "today"):
            for ground in ("page", "panel"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours)
        for ink, ground in (("ink", "quiet"), ("ink", "warn"), ("on-alarm", "alarm")):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours)
        for drawn in ("bar", "over-bar", "under", "half", "alarm", "none"):
            assert contrast(colours[drawn], colours["panel"]) >= 3, (drawn, colours)
        assert contrast(colours["over-bar"], colours["bar"]) >= 3, "the baseline over the bars"

    styles = [path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.css")]
    outside = re.sub(r":root \{[^}]*\}", "", "".join(styles))
    outside += "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.j2"))
    unseen = r"#[0-9a-fA-F]{3,8}\b(?!:)|rgb\(|hsl\(|opacity"
    assert not re.search(unseen, outside), "a colour that this test does not see"


def test_the_contrast_formula_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("count", [1, 200])
def test_a_page_of_many_features_stays_under_300_kb_and_says_what_it_left_out(
    population: Population, count: int
) -> None:
    features = [
        Feature(
            name=f"a_feature_with_a_rather_long_name_{place}",
            type="categorical" if place % 10 else "numerical",
        )
        for place in range(count)
    ]
    shipped = population.settings
    settings = replace(
        shipped,
        schema=replace(shipped.schema, features=features),
        checks=replace(shipped.checks, false_alarms_per_day=0.4),
    )
    random = np.random.default_rng(0)
    values = {
        one.name: random.normal(size=1000)
        if one.type == "numerical"
        else random.integers(0, 2, 1000)
        for one in features
    }
    frame = pd.DataFrame({**values, "credit": population.frame["credit"]})
    baseline = counting.build(
        settings.schema,
        lambda: [frame],
        source="s",
        content_hash=CONTENT_HASH,
        created_at="now",
    )
    batch = frame.sample(60, random_state=0, ignore_index=True)
    answers = population.answers(population.draw((30, 30), random))
    inputs = DayInputs(
        settings=settings,
        scored=scored(settings, FIRST, batch, answers),
        baseline=baseline,
        training_sha256=CONTENT_HASH,
    )
    record = read_back(evaluate(inputs))
    previous = [
        msgspec.structs.replace(record, day=str(FIRST - timedelta(days=back)))
        for back in range(30, 0, -1)
    ]

    content = page(record, previous)

    print(len(content))
    assert len(content.encode()) < 300_000
    left_out = "100 features that moved less are in 2026-01-01.json"
    assert (left_out in content) is (count == 200)
    Parsed(content)
