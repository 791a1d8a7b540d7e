"""The page, the record and the history: what they hold, that nothing escapes into markup, and that they stay small."""

import csv
import html.parser
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.limits import Population
from monitoring import checks, report
from monitoring.config import Feature

FIRST = date(2026, 1, 1)
HOSTILE = "<script>alert(1)</script>&\"'"
TEMPLATE = (Path(report.__file__).parent / "report.html.j2").read_text(encoding="utf-8")


class Parsed(html.parser.HTMLParser):
    """Tags that are open, in order; text; and every attribute."""

    VOID = frozenset({"meta", "line", "rect", "polyline", "br", "link", "img", "input"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self.open, self.rows = [], [], [], [], []
        self.feed(page)
        assert self.open == [], "tags left open"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def population():
    return Population()


@pytest.fixture(scope="module")
def days(population, tmp_path_factory):
    """Records of ten days; the ninth with failed rows, the last with a drill."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("limits") / "limits.json"
    pinned = population.baseline(population.frame)
    records = []
    for number in range(10):
        batch = population.draw((100, 100), random)
        if number == 9:
            batch.loc[:99, "age"] += 10
        answers = population.answers(batch)
        if number == 8:
            broken = {"prediction": None, "score": None, "error": f"answered 500: {HOSTILE}", "request_id": HOSTILE}
            answers = [replace(answer, **broken) if answer.index < 3 else answer for answer in answers]
        made = checks.judge(
            population.settings, FIRST + timedelta(days=number), batch, answers, pinned, records, limits_path=path,
            pipeline=checks.Pipeline(duration_seconds=3.0, storage_bytes=12_345_678, storage_objects=9, state_bytes=900),
            training_hash="sample", drills=[f"age {HOSTILE}"] if number == 9 else [],
        )  # fmt: skip
        records.append(json.loads(json.dumps(made)))
    return records


CASES = {"first day": 0, "quiet day": 7, "failures": 8, "drill": 9}


@pytest.fixture(params=CASES)
def case(request, days):
    number = CASES[request.param]
    return days[number], report.page(days[number], days[:number])


def test_the_page_is_one_file_without_script_or_address_and_small(case):
    _, page = case
    parsed = Parsed(page)

    assert len(page.encode()) < 300_000
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in ("src", "href", "srcset", "action")]
    assert not re.search(r"https?:|url\(|@import|javascript:", page)
    assert "<!DOCTYPE html>" in page and 'name="viewport"' in page


def test_endpoint_and_model_come_first_and_features_after(case):
    record, page = case
    headings = re.findall(r"<h2>([^<]*)</h2>", page)

    assert headings[:2] == ["Endpoint", "Model"]
    assert headings.index("Features, largest movers first") > headings.index("Score and classes")
    movers = [test["value"] / test["limit"] for test in record["drift"]]
    assert movers == sorted(movers, reverse=True)


def test_every_plot_has_its_numbers_in_a_table(case):
    _, page = case
    for plot in re.findall(r"<svg (?:(?!</svg>).)*</svg>.*?(?=<svg |<h2>)", page.replace("\n", " ")):
        bars = plot.count('class="today"')
        if 'polyline class="trend"' in plot:
            continue  # the lines share one table, below
        _, _, table = plot.partition("<details><summary>Numbers</summary>")
        assert table.count("<tr><td class=") == bars > 0
    for title in ("Rows scored", "Availability", "Latency p95, ms", "Accuracy", "AUC", "Mean score", "Alerts"):
        assert f'data-name="{title}"' in page.partition("Numbers by day")[2]


def test_the_numbers_of_the_tables_are_those_of_the_record(days):
    record, parsed = days[9], Parsed(report.page(days[9], days[:9]))
    rows = {row[0]: row[1:] for row in parsed.rows if row}
    rows_by_length = {(row[0], len(row)): row for row in parsed.rows if row}

    test = record["drift"][0]
    assert rows_by_length["age", 10][1:8] == [
        f"KS {test['value']:.3f}", f"{test['limit']:.3f}", f"{test['psi']:.3f}", f"{test['psi_dmm']:.3f}",
        report.number(test["today"]),
        report.number(next(t["today"] for t in days[8]["drift"] if t["subject"] == "age")),
        report.number(test["baseline"]),
    ]  # fmt: skip
    first = np.mean([day["performance"]["metrics"]["auc"]["value"] for day in days[:7]])
    auc = record["performance"]["metrics"]["auc"]
    assert rows["AUC"] == [
        f"{auc['value']:.3f}{auc['low']:.3f} to {auc['high']:.3f}",
        f"{days[8]['performance']['metrics']['auc']['value']:.3f}",
        f"{first:.3f}",
    ]
    assert rows["Rows scored"] == ["200", "197", "200"]
    assert rows["Under the prefix"] == ["12.3 MB, 9 objects"] and rows["State on this machine"] == ["900 bytes"]


def test_the_verdict_says_what_was_found(days):
    quiet, drill = (Parsed(report.page(days[number], days[:number])).text for number in (7, 9))

    assert "Quiet: no limit was passed. Advice: nothing to do" in quiet
    assert "1 alert. Advice: look at it" in drill and "age: KS" in drill
    assert "Why there are two PSI numbers" in drill and "not weighted" in drill


def test_what_is_undefined_is_a_dash_and_what_is_unknown_is_named(days):
    first = days[0] | {
        "pipeline": days[0]["pipeline"] | {"storage_bytes": None, "storage_objects": None, "duration_seconds": None}
    }
    parsed = Parsed(report.page(first, []))
    rows = {row[0]: row[1:] for row in parsed.rows if row}

    assert rows["Under the prefix"] == ["unknown"] and rows["Duration of the run"] == ["– s"]
    assert rows["Rows per second"] == ["–", "–", "–"]
    assert "being collected: 0 of 7 so far" in parsed.text
    assert not re.search(r"\b(nan|None|inf)\b", parsed.text)


def test_a_long_list_of_days_is_cut(days):
    missing = [f"2025-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    changed = days[0] | {"pipeline": days[0]["pipeline"] | {"days_missing": missing}}

    assert "2025-01-05 and 331 more" in Parsed(report.page(changed, [])).text


@pytest.mark.parametrize("answered", [0, 1])
def test_a_day_with_hardly_an_answer_has_a_page_too(population, days, answered):
    batch = population.draw((20, 20), np.random.default_rng(0))
    pinned = population.baseline(population.frame)
    for previous in ([], days[:1], days[:8]):
        day = FIRST + timedelta(days=20)
        answers = population.answers(batch)[:answered]
        made = checks.judge(population.settings, day, batch, answers, pinned, previous, pipeline=checks.Pipeline())
        made = json.loads(json.dumps(made, allow_nan=False))
        text = Parsed(report.page(made, previous)).text

        assert f"{answered} of 40 rows scored" in text and f"{40 - answered} rows were not sent" in text
        assert not re.search(r"\b(nan|None|inf)\b", text)
        assert report.history_rows(made)


def test_nothing_that_came_from_outside_becomes_markup(days):
    changed = json.loads(json.dumps(days[8]).replace("savings_A65", "savings<img src=x>"))
    changed["model"] = HOSTILE
    changed["endpoint"]["releases"], changed["endpoint"]["faults"] = [HOSTILE], {HOSTILE: 3}
    changed["alerts"] = [
        {"family": "drift", "subject": HOSTILE, "metric": "x", "value": 1, "limit": 1, "text": HOSTILE, "side": "above"}
    ]
    changed["because"], changed["drills"], changed["advice"] = [HOSTILE], [HOSTILE], "look"
    changed["baseline"]["source"] = HOSTILE
    page = report.page(changed, days[:8])

    parsed = Parsed(page)
    assert HOSTILE in "".join(parsed.words)
    assert not {"script", "img"} & set(parsed.tags)
    assert "<script" not in page and "<img" not in page


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        return sum(
            weight * (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4)
            for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_has_enough_contrast_in_light_in_dark_and_on_paper():
    schemes = re.findall(r":root \{([^}]*)\}", TEMPLATE)
    assert len(schemes) == 3 and "prefers-color-scheme: dark" in TEMPLATE and "@media print" in TEMPLATE
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", scheme))
        for ink in ("ink", "soft", "bad", "good", "today", "base"):
            for ground in ("page", "panel"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours)
    style = TEMPLATE[TEMPLATE.index("<style>") : TEMPLATE.index("</style>")]
    outside = re.sub(r":root \{[^}]*\}", "", style)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!:)|rgb\(|hsl\(|opacity", outside), "a colour that this test doesn't see"


def test_the_contrast_formula_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("count", [1, 200])
def test_a_page_of_many_features_stays_under_300_kb_and_says_what_it_left_out(population, count, tmp_path):
    features = [
        Feature(name=f"a_feature_with_a_rather_long_name_{place}", type="categorical" if place % 10 else "numerical")
        for place in range(count)
    ]
    settings = replace(
        population.settings,
        schema=replace(population.settings.schema, features=features),
        checks=replace(population.settings.checks, false_alarms_per_day=0.4),
    )
    random = np.random.default_rng(0)
    made = {
        feature.name: random.normal(size=1000) if feature.type == "numerical" else random.integers(0, 2, 1000)
        for feature in features
    }
    frame = pd.DataFrame({**made, "credit": population.frame["credit"]})
    from monitoring import baseline

    pinned = baseline.build(settings.schema, lambda: [frame], source="s", number=1, content_hash="sample", created_at="now")
    batch = frame.sample(60, random_state=0, ignore_index=True)
    answers = population.answers(population.draw((30, 30), random))
    record = checks.judge(settings, FIRST, batch, answers, pinned, [], pipeline=checks.Pipeline(), training_hash="sample")
    record = json.loads(json.dumps(record))
    previous = [record | {"day": str(FIRST - timedelta(days=back))} for back in range(30, 0, -1)]

    page = report.page(record, previous)

    print(len(page))
    assert len(page.encode()) < 300_000
    assert ("100 features that moved less stand in 2026-01-01.json" in page) is (count == 200)
    Parsed(page)


def test_the_history_has_a_row_for_each_number_and_a_day_written_again_replaces_its_own(days, tmp_path):
    for number in (0, 2, 1, 2):
        page = report.write(tmp_path, days[number], days[:number])
    assert page == tmp_path / "2026-01-03.html" and page.exists()

    with open(tmp_path / "history.csv", newline="") as file:
        header, *rows = csv.reader(file)

    assert header == ["day", "metric", "subject", "value", "limit"]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert (
        len(rows)
        == len({tuple(row[:3]) for row in rows})
        == sum(len(report.history_rows(days[number])) for number in (0, 1, 2))
    )
    values = {tuple(row[:3]): (float(row[3]), row[4]) for row in rows}
    age = next(test for test in days[2]["drift"] if test["subject"] == "age")
    assert values["2026-01-03", "ks", "age"] == (age["value"], str(age["limit"]))
    assert values["2026-01-03", "auc", "model"][0] == days[2]["performance"]["metrics"]["auc"]["value"]
    assert json.loads((tmp_path / "2026-01-03.json").read_text()) == days[2]


def test_a_history_that_was_torn_keeps_its_whole_rows(days, tmp_path):
    (tmp_path / "history.csv").write_text("day,metric,subject,value,limit\n2025-12-31,auc,model,0.7,\n2025-12-31,acc")

    report.write(tmp_path, days[0], [])

    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[:2] == ["day,metric,subject,value,limit", "2025-12-31,auc,model,0.7,"]
    assert not [line for line in lines if line.startswith("2025-12-31,acc")]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (0.12345, "0.123"), (1234567.0, "1,234,567"), (35.1, "35.1"), (-2, "-2")]
)
def test_numbers_are_written_for_people(value, text):
    assert report.number(value) == text


@pytest.mark.parametrize(("count", "text"), [(None, "unknown"), (0, "0 bytes"), (12_345, "12.3 kB"), (3_200_000_000, "3.2 GB")])
def test_sizes_are_written_for_people(count, text):
    assert report.size(count) == text


def test_bars_are_as_high_as_their_shares():
    shape = report.bars({"labels": ["a", "b", "c"], "today": [0.5, 0.25, 0.0], "baseline": [0.25, 0.5, 0.0]})

    assert [bar["height"] for bar in shape["bars"]] == [88, 44]
    assert [row[0] for row in shape["rows"]] == ["a", "b"]  # a bin that is empty in both is left out
    assert shape["steps"].split()[0] == "0.0,48.0" and shape["steps"].split()[-1] == "320.0,4.0"
