"""A proposed schema is one that the loader takes and that fits its data."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from monitoring.dataset import training_data
from monitoring.errors import ConfigError, RefusedError
from monitoring.settings import loader
from monitoring.settings.model import Schema
from monitoring.training_set.proposal import Candidate, propose
from monitoring.training_set.proposal_source import ProposalSource
from monitoring.training_set.proposal_text import schema_text
from tests.support.shipped import DATA

ROWS = 400


def table() -> pd.DataFrame:
    """Return a table with every kind of column that one should look at."""
    random = np.random.default_rng(3)
    color = random.choice(["red", "blue", "NA"], ROWS)
    income = random.normal(3000, 500, ROWS).round(2)
    good = np.where(income + random.normal(0, 300, ROWS) > 3000, "yes", "no")
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(ROWS)],
            "signed up": pd.date_range("2026-01-01", periods=ROWS).astype(str),
            "plan: new": random.choice(["a, b", "{c}"], ROWS),
            "zip": random.choice(["01234", "99999"], ROWS),
            "member": random.choice([True, False], ROWS),
            "color_red": (color == "red").astype(int),
            "color_blue": (color == "blue").astype(int),
            "alone_flag": random.integers(0, 2, ROWS),
            "alone_other": random.integers(0, 2, ROWS),
            "level": random.integers(1, 5, ROWS),
            "income": np.where(random.random(ROWS) < 0.1, np.nan, income),
            "always": 7,
            "nothing": [None] * ROWS,
            "comment": [f"text {number % 300}" for number in range(ROWS)],
            "decision": np.where(good == "yes", "accepted", "rejected"),
            "points": np.where(good == "yes", 60, 10) + random.integers(0, 9, ROWS),
            "good": good,
        }
    )


def write(frame: pd.DataFrame, folder: Path, kind: str = "csv") -> Path:
    path = folder / f"data.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def proposed(path: Path, target: str | None = None) -> dict[str, Candidate]:
    return {candidate.name: candidate for candidate in propose(path, target).candidates}


def as_schema(path: Path, folder: Path, target: str | None = None) -> Schema:
    config = folder / "config.yaml"
    config.write_text(schema_text(propose(path, target), "customer_id") + "\n", encoding="utf-8")
    return loader.load(config, ["project_id", "model_api", "model_monitor"])[0].schema


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_kind_of_column_becomes_what_it_is(tmp_path: Path, kind: str) -> None:
    path = write(table(), tmp_path, kind)

    types = {name: candidate.type for name, candidate in proposed(path).items()}
    groups = {name: c.group for name, c in proposed(path).items() if c.group}

    assert types == {
        "customer_id": None,
        "signed up": None,
        "plan: new": "nominal",
        "zip": "nominal",
        "member": "nominal",
        "color_red": "categorical",
        "color_blue": "categorical",
        "alone_flag": "categorical",
        "alone_other": "categorical",
        "level": "numerical",
        "income": "numerical",
        "always": None,
        "nothing": None,
        "comment": None,
        "decision": None,
        "points": None,
    }
    assert groups == {"color_red": "color", "color_blue": "color"}
    assert [name for name, c in proposed(path).items() if c.nullable] == ["income"]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("customer_id", "an id: every row has another value"),
        ("signed up", "dates, for example 2026-01-01"),
        ("level", "4 values: nominal, if they are codes"),
        ("income", "% missing (without nullable these rows are left out everywhere)"),
        ("always", "constant: every row has 7"),
        ("nothing", "empty: no row has a value"),
        ("comment", "300 different texts: free text, or an id"),
        ("decision", "a leak: its value alone gives the class"),
        ("points", "a leak: its value alone gives the class"),
    ],
)
def test_what_is_suspicious_is_noted(tmp_path: Path, name: str, note: str) -> None:
    assert note in "; ".join(proposed(write(table(), tmp_path))[name].notes)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_text_is_a_schema_that_fits_its_data(tmp_path: Path, kind: str) -> None:
    path = write(table(), tmp_path, kind)

    schema = as_schema(path, tmp_path)
    rows = pd.concat(training_data.chunks(path, schema))

    assert schema.key == "customer_id"
    assert (schema.target.name, schema.target.classes) == ("good", ["no", "yes"])
    assert len(rows) == ROWS


def test_the_indicators_in_comments_fit_too(tmp_path: Path) -> None:
    path = write(table(), tmp_path)
    text = schema_text(propose(path, None), "customer_id")

    listed = [line.partition("# - ")[2] for line in text.splitlines() if "# - {" in line]

    assert [yaml.safe_load(line)["name"] for line in listed] == [
        "plan: new_a, b",
        "plan: new_{c}",
        "zip_01234",
        "zip_99999",
    ]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_public_tables_get_a_schema_that_fits(tmp_path: Path, name: str) -> None:
    from sklearn import datasets

    frame: Any = getattr(datasets, f"load_{name}")(as_frame=True).frame
    path = write(frame, tmp_path)

    schema = as_schema(path, tmp_path)

    assert schema.target.name == "target"
    assert sum(len(chunk) for chunk in training_data.chunks(path, schema)) == len(frame)
    assert len(schema.features) >= 4


def test_the_sample_data_get_a_schema_that_fits(tmp_path: Path) -> None:
    schema = as_schema(DATA, tmp_path)

    assert (schema.target.name, schema.target.classes) == ("credit", [0, 1])
    assert len(schema.features) == 20
    assert sum(len(chunk) for chunk in training_data.chunks(DATA, schema)) == 1000


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["no", "yes"], "classes: ['no', 'yes'], positive: 'yes'"),
        (["false", "true"], "classes: [false, true], positive: true"),
        (["0.5", "1.5"], "classes: [0.5, 1.5], positive: 1.5"),
        (["-1", "1"], "classes: [-1, 1], positive: 1"),
        (["null", "x: y"], "classes: ['null', 'x: y'], positive: 'x: y'"),
    ],
)
def test_classes_are_proposed_as_what_they_are(
    tmp_path: Path, values: list[str], shown: str
) -> None:
    path = write(pd.DataFrame({"a": range(20), "kind": values * 10}), tmp_path)

    assert shown in schema_text(propose(path, "kind"), "customer_id")
    as_schema(path, tmp_path, "kind")


def test_what_has_no_classes_is_no_target(tmp_path: Path) -> None:
    path = write(table(), tmp_path)

    with pytest.raises(ConfigError, match=r"income has \d+ different values, expected 2 to 20 cl"):
        propose(path, "income")
    with pytest.raises(ConfigError, match="--target: no column credit; found customer_id, signed"):
        propose(path, "credit")


def test_a_table_without_rows_or_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "twice.csv").write_text("a,a,b\n1,2,3\n")

    with pytest.raises(RefusedError, match="got no rows"):
        propose(tmp_path / "empty.csv", None)
    with pytest.raises(RefusedError, match="more than one column a"):
        propose(tmp_path / "twice.csv", None)


def test_the_table_is_the_one_of_the_configuration_which_needs_no_schema_yet(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("training_data: mine.csv\nschema: {key: client}\n")

    source = ProposalSource.of(config, "")

    assert (source.data, source.key) == (str(tmp_path / "mine.csv"), "client")
    assert ProposalSource.of(config, "other.csv").data == "other.csv"
    assert ProposalSource.of(tmp_path / "none.yaml", "other.csv").key == "customer_id"
    with pytest.raises(ConfigError, match="can't be read"):
        ProposalSource.of(tmp_path / "none.yaml", "")
