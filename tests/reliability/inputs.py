"""What the bad-input matrix feeds: everything that the program reads, and its own readers of it.

A `Reader` is the function that the scripts call, and content that it takes. Whatever damaged
content it gets, it returns, or raises an error of the tree.
"""

import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from monitoring.ground_truth.validate import check_file
from monitoring.services.exchange import Reply
from monitoring.services.model_reply import UnusableReplyError, parse_reply
from monitoring.settings import loader
from monitoring.settings.model import Settings
from monitoring.training_set.creation import read_valid_content
from monitoring.training_set.result import CreationResult
from tests.reliability.own_files import own_files
from tests.reliability.reader import Reader
from tests.support.loop import ROOT
from tests.support.shipped import DATA

DAY = date(2026, 3, 1)
SHA256 = "0" * 64
UNUSED = ["project_id", "model_api", "model_monitor"]


def readers(settings: Settings, folder: Path) -> list[Reader]:
    """Return every reader; what it reads from a file is written into the folder first."""
    return [
        *_configuration(folder),
        *_tables(settings, folder),
        *_replies(settings),
        *own_files(folder),
    ]


def _configuration(folder: Path) -> list[Reader]:
    config = (ROOT / "config.yaml").read_bytes()
    as_json = json.dumps(yaml.safe_load(config)).encode()  # JSON is YAML
    example = (ROOT / ".env.example").read_bytes()
    lines = b"DOMINO_PROJECT_ID=abc\nMODEL_API_TOKEN='a'\nDMM_URL=https://domino.test\n"

    def read_config(content: bytes) -> object:
        (folder / "config.yaml").write_bytes(content)
        (folder / ".env").unlink(missing_ok=True)
        return loader.load(folder / "config.yaml", UNUSED)

    def read_env(content: bytes) -> object:
        (folder / "config.yaml").write_bytes(config)
        (folder / ".env").write_bytes(content)
        before = dict(os.environ)
        try:
            return loader.load(folder / "config.yaml", UNUSED)
        finally:
            os.environ.clear()
            os.environ.update(before)

    two = frozenset({2})
    return [
        Reader("config.yaml, as text", (config,), read_config, codes=two, share=0.03),
        Reader("config.yaml, its values", (as_json,), read_config, True, codes=two, share=0.09),
        Reader(".env", (example, lines), read_env, codes=two, share=0.03),
    ]


def _tables(settings: Settings, folder: Path) -> list[Reader]:
    whole = pd.read_csv(DATA)
    some = pd.concat([rows.head(60) for _, rows in whole.groupby("credit")])
    parquet = io.BytesIO()
    some.to_parquet(parquet)
    files = b"event_id,credit_GT,prediction\n" + b"".join(
        f"2026-03-01_{number},{number % 2},1\n".encode() for number in range(30)
    )

    def read_table(name: str) -> Callable[[bytes], object]:
        def read(content: bytes) -> object:
            path = folder / name
            path.write_bytes(content)
            settings_of_it = replace(settings, training_data=str(path))
            return read_valid_content(settings_of_it, CreationResult("set"))

        return read

    def read_file(content: bytes) -> object:
        return check_file(settings, io.BytesIO(content), "s3://bucket/key", {})

    allowed = frozenset({2, 6})
    csv = some.to_csv(index=False).encode()
    return [
        Reader("training data, CSV", (csv,), read_table("a.csv"), codes=allowed, share=0.02),
        Reader(
            "training data, Parquet",
            (parquet.getvalue(),),
            read_table("a.parquet"),
            codes=allowed,
            share=0.004,
        ),
        Reader("a file to register", (files,), read_file, share=0.13),
    ]


def _replies(settings: Settings) -> list[Reader]:
    whole = {
        "model_id": "abc",
        "request_id": "r-1",
        "release": {"harness_version": "1", "model_version_number": "3"},
        "result": {"score": 0.75, "class": 1},
        "timing": 12.5,
    }
    listed = {"result": {"probabilities": {"0": 0.25, "1": 0.75}}}

    def parse(content: bytes, api: Any) -> object:
        reply = Reply(200, {}, content, "https://model.test/predict", 1.0)
        try:
            return parse_reply(reply, api, settings.schema.target)
        except UnusableReplyError as error:
            assert str(error).isprintable(), repr(str(error))
            return None

    by_class = replace(settings.model_api, probabilities="probabilities")
    return [
        Reader(
            "a prediction",
            (json.dumps(whole).encode(),),
            lambda content: parse(content, settings.model_api),
            True,
            share=0.12,
        ),
        Reader(
            "probabilities",
            (json.dumps(listed).encode(),),
            lambda content: parse(content, by_class),
            True,
            share=0.06,
        ),
    ]
