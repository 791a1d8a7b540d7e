"""What servers say reaches no terminal, log or file as anything but data."""

import json

import pytest

from monitoring.s3_uri import S3Uri
from monitoring.services.dmm_jobs import progress_of
from monitoring.services.dmm_replies import messages
from monitoring.services.exchange import Reply
from monitoring.services.s3_errors import from_client_error
from monitoring.settings.model import ModelMonitor

# A line of its own in a log, a title, a cleared screen, text written from the right.
HOSTILE = "no\r\nerror: all is lost\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2028end"
EXPECTED = "no??error: all is lost?[2J?]0;title??31m??end"


@pytest.mark.parametrize(
    "body",
    [
        f"{HOSTILE}".encode(),
        json.dumps([HOSTILE]).encode(),
    ],
)
def test_dmms_words_are_one_line(body: bytes) -> None:
    text = messages(Reply(400, {}, body, "", 1.0))

    assert text == EXPECTED


def test_a_jobs_word_and_reason_are_one_line() -> None:
    job = {"dataset_path": "key", "status": HOSTILE, "failure_reason": HOSTILE}

    progress = progress_of(ModelMonitor(), [job], S3Uri("bucket", "key"))

    assert (progress.word, progress.reason) == (EXPECTED, EXPECTED)


def test_a_refusal_of_s3_is_one_line() -> None:
    from botocore.exceptions import ClientError

    response = {
        "Error": {"Code": f"Odd{HOSTILE}", "Message": HOSTILE},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }

    text = str(from_client_error("PUT s3://b/k", ClientError(response, "PutObject")))

    assert text.isprintable()
    assert EXPECTED in text


@pytest.mark.parametrize("host", ["https://a\x1b[31m.test/", "https://a\u202eb.test/"])
def test_a_redirects_host_is_printable(host: str) -> None:
    assert (
        Reply(302, {"Location": host}, b"", "https://x.test/", 1.0).redirect_host or ""
    ).isprintable()
