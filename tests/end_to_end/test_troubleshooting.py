"""Each row of the README's troubleshooting table: the mistake is made, and its message compared."""

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.support.loop import DAY, ROOT, Loop

SCORING, REGISTRATION, CREATION = (
    "daily_scoring.py",
    "gt_registration.py",
    "create_training_set.py",
)
Mistake = Callable[[Loop], "subprocess.CompletedProcess[str]"]


def a_variable_is_missing(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(SCORING, code=2, MODEL_API_TOKEN="")


def a_line_of_env_is_no_assignment(loop: Loop) -> "subprocess.CompletedProcess[str]":
    (loop.folder / ".env").write_text("MODEL_API_TOKEN = \n'broken\n")
    (loop.folder / ".env").chmod(0o600)
    return loop.run(SCORING, code=2, MODEL_API_TOKEN="")


def a_key_is_misspelt(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.configure(scoring={"neighbours": 3})
    return loop.run(SCORING, code=2)


def a_file_is_in_utf_16(loop: Loop) -> "subprocess.CompletedProcess[str]":
    path = loop.folder / "config.yaml"
    path.write_bytes(path.read_text().encode("utf-16"))
    return loop.run(SCORING, code=2)


def the_profile_is_empty(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(SCORING, "--date", DAY, code=2, AWS_PROFILE="")


def the_token_is_the_wrong_one(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(SCORING, "--date", DAY, code=6, MODEL_API_TOKEN="a-user-api-key")


def the_endpoint_is_another_one(loop: Loop) -> "subprocess.CompletedProcess[str]":
    url = loop.env["MODEL_API_URL"].replace("/models/", "/models/0")
    return loop.run(SCORING, "--date", DAY, code=6, MODEL_API_URL=url)


def nobody_listens_at_the_endpoint(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.configure(model_api={"attempts": 1})
    return loop.run(SCORING, "--date", DAY, code=5, MODEL_API_URL="http://127.0.0.1:9/models/x")


def the_token_would_go_over_plain_http(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(SCORING, code=2, MODEL_API_URL="http://domino.example/models/1/latest/model")


def the_reply_has_another_shape(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.configure(model_api={"prediction": "label"})
    return loop.run(SCORING, "--date", DAY, code=6)


def a_column_is_not_in_the_data(loop: Loop) -> "subprocess.CompletedProcess[str]":
    features = loop.settings["schema"]["features"]
    changed = [*features[:-1], {"name": "income", "type": "numerical"}]
    loop.configure(schema={"features": changed})
    return loop.run(SCORING, "--date", DAY, code=6)


def the_bucket_does_not_exist(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.configure(ground_truth={"uri": "s3://no-such-bucket/{project_id}_{date}.csv"})
    return loop.run(SCORING, "--date", DAY, code=6)


def the_key_of_the_bucket_is_wrong(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(SCORING, "--date", DAY, code=6, AWS_SECRET_ACCESS_KEY="wrong")


def a_setting_changed_half_way(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.sandbox.switch(
        model_reply="unauthorized", model_reply_rows=[f"{DAY}_{row}" for row in range(5, 40)]
    )
    loop.run(SCORING, "--date", DAY, code=6)
    loop.sandbox.reset()
    loop.configure(scoring={"seed": 1})
    return loop.run(SCORING, "--date", DAY, code=6)


def a_day_was_left_out(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    return loop.run(SCORING, "--date", "2026-03-03")


def it_is_run_twice_with_other_rows(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    return loop.run(SCORING, "--date", DAY, "--rows", "50", code=2)


def the_address_is_not_dmm(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    return loop.run(REGISTRATION, "--date", DAY, code=6, DMM_URL=loop.env["AWS_ENDPOINT_URL_S3"])


def the_model_id_is_another_one(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    wrong = loop.env["DOMINO_PROJECT_ID"]
    return loop.run(REGISTRATION, "--date", DAY, code=6, DMM_MODEL_ID=wrong)


def the_data_source_is_unknown(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    return loop.run(REGISTRATION, "--date", DAY, code=6, DMM_DATA_SOURCE="credit")


def the_key_of_dmm_is_refused(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(SCORING, "--date", DAY)
    return loop.run(REGISTRATION, "--date", DAY, code=6, DMM_API_KEY="wrong")


def it_is_registered_before_it_is_scored(loop: Loop) -> "subprocess.CompletedProcess[str]":
    return loop.run(REGISTRATION, "--date", DAY, code=6)


def dmm_cannot_read_the_file(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.configure(model_monitor={"poll_seconds": 0.1})
    loop.run(SCORING, "--date", DAY)
    loop.sandbox.switch(job_seconds=0, job_fails="no such column: credit_GT")
    return loop.run(REGISTRATION, "--date", DAY, "--wait", "30", code=6)


def the_state_is_gone_after_the_run(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.env |= {"DOMINO_RUN_ID": "1", "DOMINO_WORKING_DIR": str(loop.folder)}
    return loop.run(SCORING, "--date", DAY, "--dry-run")


def a_version_has_the_same_content(loop: Loop) -> "subprocess.CompletedProcess[str]":
    loop.run(CREATION)
    return loop.run(CREATION)


MISTAKES: list[Mistake] = [
    a_variable_is_missing,
    a_line_of_env_is_no_assignment,
    a_key_is_misspelt,
    a_file_is_in_utf_16,
    the_profile_is_empty,
    the_token_is_the_wrong_one,
    the_endpoint_is_another_one,
    nobody_listens_at_the_endpoint,
    the_token_would_go_over_plain_http,
    the_reply_has_another_shape,
    a_column_is_not_in_the_data,
    the_bucket_does_not_exist,
    the_key_of_the_bucket_is_wrong,
    a_setting_changed_half_way,
    a_day_was_left_out,
    it_is_run_twice_with_other_rows,
    the_address_is_not_dmm,
    the_model_id_is_another_one,
    the_data_source_is_unknown,
    the_key_of_dmm_is_refused,
    it_is_registered_before_it_is_scored,
    dmm_cannot_read_the_file,
    the_state_is_gone_after_the_run,
    a_version_has_the_same_content,
]


def rows() -> list[list[str]]:
    """Return the cells of each row of the table."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Troubleshooting")[2]
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_has_its_mistake() -> None:
    assert len(rows()) == len(MISTAKES) >= 20
    assert all(len(row) == 3 and all(row) for row in rows())


@pytest.mark.parametrize(("number", "mistake"), list(enumerate(MISTAKES)))
def test_the_mistake_brings_the_message_of_its_row(
    loop: Loop, number: int, mistake: Mistake
) -> None:
    parts = rows()[number][0].strip("`").split("...")
    pattern = ".*".join(re.escape(part.strip()) for part in parts)
    pattern = re.sub(
        r"(36\\ rows|credit_GT)", lambda match: match[1].replace("36", r"\d+"), pattern
    )

    ended = mistake(loop)

    text = " ".join((ended.stdout + ended.stderr).split())
    assert re.search(pattern, text), text
