"""The training data as an object in S3."""

import dataclasses

import pandas as pd
import pytest

from monitoring.dataset import training_data
from monitoring.dataset.training_file import TrainingFile
from monitoring.errors import RefusedError
from tests.support.sandbox import RunningSandbox
from tests.support.shipped import DATA, shipped_settings

SHA256 = "1b9a51a48ec126e90270b4943c87d48df04c67bcd6bcd9022d81cc017290916e"  # data/README.md


def test_an_object_in_s3_is_read_like_a_file(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sandbox.s3_client()
    store.put_object(Bucket="se-demo-data", Key="train/data.csv", Body=DATA.read_bytes())
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    uri = "s3://se-demo-data/train/data.csv"
    settings = dataclasses.replace(shipped_settings(), training_data=uri)

    with TrainingFile(settings) as data:
        assert data.path.read_bytes() == DATA.read_bytes()
        assert data.sha256 == SHA256
    assert not data.path.exists()


def test_a_prefix_in_s3_is_read_like_a_folder_of_parquet_files(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, store = pd.read_csv(DATA), sandbox.s3_client()
    for place in range(4):
        body = frame.iloc[place * 250 : (place + 1) * 250].to_parquet(None)
        key = f"parts/year=202{place}/part.parquet"
        store.put_object(Bucket="se-demo-data", Key=key, Body=body)
    store.put_object(Bucket="se-demo-data", Key="parts/_SUCCESS", Body=b"")
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    uri = "s3://se-demo-data/parts/"
    settings = dataclasses.replace(shipped_settings(), training_data=uri)

    with TrainingFile(settings) as data:
        read = pd.concat(training_data.chunks(data.path, settings.schema))
        sha256 = data.sha256
    with TrainingFile(settings) as data:
        again = data.sha256

    assert sha256 == again
    assert not data.path.exists()
    pd.testing.assert_frame_equal(read, pd.concat(training_data.chunks(DATA, settings.schema)))
    nothing = dataclasses.replace(settings, training_data="s3://se-demo-data/none/")
    with TrainingFile(nothing) as data, pytest.raises(RefusedError, match="no object"):
        _ = data.path
