"""A user's own model: a scikit-learn file, the data it is watched with, and the config.yaml."""

from pathlib import Path
from typing import Any, NamedTuple

import joblib
import pandas as pd
import yaml

from benchmarks.any_data_tables import Table
from monitoring.dataset import training_data
from monitoring.dataset.schema import column_names, nominals
from monitoring.settings import loader
from monitoring.settings.model import Schema, Settings
from monitoring.training_set.proposal import propose
from monitoring.training_set.proposal_text import schema_text


class OwnModel(NamedTuple):
    """What a user has; unseen: rows that are not in the training data of the config.

    The model is fitted to the unseen rows: the others are held out from it, and they from the
    batch.
    """

    file: Path
    config: Path
    settings: Settings
    model: Any
    source: pd.DataFrame
    unseen: pd.DataFrame


def create(name: str, source: Table, unseen: Table, folder: Path) -> OwnModel:
    """Return a model of two halves of a table, with everything as docs/any-model.md has it."""
    whole = pd.concat([source.frame, unseen.frame])
    for file, frame in (("whole", whole), ("train", source.frame), ("unseen", unseen.frame)):
        frame.to_csv(folder / f"{file}.csv", index=False)
    # Of the whole: what has two values in one half may have three in the other.
    config = yaml.safe_load(schema_text(propose(folder / "whole.csv", source.target), "row_id"))
    config |= {
        "model": name,
        "training_data": "train.csv",
        "model_api": {"probabilities": "probabilities"},
        "ground_truth": {
            "label_column": "actual",
            "uri": "s3://se-demo-data/{project_id}_{model}_{date}.csv",
        },
        "training_set": {"name": name},
    }
    path = folder / "config.yaml"
    settings = write_config(path, config)
    frames = [_rows(folder / each, settings.schema) for each in ("train.csv", "unseen.csv")]
    model = fit(frames[1], settings.schema)
    joblib.dump(model, folder / "model.joblib")
    return OwnModel(folder / "model.joblib", path, settings, model, frames[0], frames[1])


def write_config(path: Path, config: dict[str, Any]) -> Settings:
    """Write a config.yaml and return the settings that it makes, those of the scripts apart."""
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    unused = ("project_id", "model_api", "model_monitor")
    return loader.load(path, unused)[0]


def _rows(path: Path, schema: Schema) -> pd.DataFrame:
    """Return the rows of a CSV, features and target, as the program reads them."""
    frame = pd.concat(training_data.chunks(path, schema), ignore_index=True)
    return frame.astype(dict.fromkeys(nominals(schema), object))


def fit(frame: pd.DataFrame, schema: Schema) -> Any:
    """Return a logistic regression that takes the features as they are, missing values too."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = nominals(schema)
    numbers = [name for name in column_names(schema) if name not in categories]
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), categories),
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ),
        LogisticRegression(max_iter=1000),
    )
    return model.fit(frame[column_names(schema)], frame[schema.target.name])


def balanced_accuracy(own: OwnModel) -> float:
    """Return the mean over the classes of the share of held-out rows that the model gets right."""
    schema = own.settings.schema
    actual = own.source[schema.target.name]
    is_right = pd.Series(own.model.predict(own.source[column_names(schema)]) == actual)
    return float(is_right.groupby(actual).mean().mean())
