"""The training data as an object in S3."""

import dataclasses

import pytest

from monitoring.dataset.training_file import TrainingFile
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
