"""The loader: the shipped config.yaml with one thing changed, and what is said about it."""

import dataclasses
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from monitoring.errors import ConfigError
from monitoring.settings import loader
from monitoring.settings.model import Settings
from tests.support.loop import ROOT
from tools.check_docs.settings import every_key

SHIPPED = (ROOT / "config.yaml").read_text(encoding="utf-8")
SECRET = "hunter2-do-not-show"
VARIABLES = {
    "DOMINO_PROJECT_ID": "66f0c1a2b3d4e5f6a7b8c9d0",
    "MODEL_API_URL": "https://domino.example:443/models/1/latest/model",
    "MODEL_API_TOKEN": SECRET,
    "DMM_URL": "https://domino.example/",
    "DMM_API_KEY": SECRET,
    "DMM_MODEL_ID": "6628103c965e21e5b0d56b29",
    "DMM_DATA_SOURCE": "credit-monitoring",
}


@pytest.fixture(autouse=True)
def variables() -> Iterator[None]:
    """The variables that the shipped file needs; the environment is put back afterwards."""
    before = dict(os.environ)
    for name in ("ALERT_WEBHOOK_URL", "PING_URL", "STATE_DIR", "REPORT_DIR"):
        os.environ.pop(name, None)
    os.environ.update(VARIABLES)
    yield
    os.environ.clear()
    os.environ.update(before)


def changed(*pairs: str) -> str:
    """Return the shipped file with each first text replaced by the second one that follows it."""
    text = SHIPPED
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def load(folder: Path, text: str | bytes = SHIPPED, unused: tuple[str, ...] = ()) -> Settings:
    path = folder / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return loader.load(path, unused)[0]


def problems(folder: Path, text: str | bytes, unused: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as raised:
        load(folder, text, unused)
    assert SECRET not in str(raised.value)
    return str(raised.value)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


# --- the shipped file and the documentation


def test_the_shipped_file_says_every_key_with_its_default(tmp_path: Path) -> None:
    shipped = load(tmp_path)
    schema_alone = "schema:" + SHIPPED.partition("\nschema:")[2].partition("\nscoring:")[0]

    assert repr(load(tmp_path, schema_alone)) == repr(shipped)
    data = yaml.safe_load(SHIPPED)
    for key, _, _ in every_key():
        found = data
        for name in key.partition("[]")[0].split("."):
            assert name in found, key
            found = found[name]


def test_the_messages_in_the_documentation_are_the_ones_that_are_told(tmp_path: Path) -> None:
    del os.environ["MODEL_API_TOKEN"]
    expected = problems(tmp_path, changed("[100, 300]", "[300, 100]", "neighbors:", "neighbours:"))

    for message in re.findall(r"^    (config.yaml:.+)$", read_document(), re.MULTILINE):
        assert message.replace("/srv/job/.env", f"{tmp_path}/.env (no such file)") in expected


def test_the_example_copied_as_it_is_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text(encoding="utf-8"))
    (tmp_path / ".env").chmod(0o600)
    (tmp_path / "config.yaml").write_text(SHIPPED)
    before = dict(os.environ)

    _, warnings = loader.load(tmp_path / "config.yaml")

    assert warnings == []
    assert dict(os.environ) == before


def read_document() -> str:
    return (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


# --- values


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "rows: [100, 300]",
            "rows: [300, 100]",
            "scoring.rows: got [300, 100], expected [low, high], whole, with 1 <= low",
        ),
        (
            "positive: 1}",
            "positive: true}",
            "schema.target.positive: got True, expected one of [0, 1]",
        ),
        (
            "classes: [0, 1]",
            "classes: [0, 0.0]",
            "schema.target.classes: got [0, 0.0], expected two or more different texts, numbers or",
        ),
        (
            "classes: [0, 1]",
            "classes: [0, .nan]",
            "schema.target.classes: got [0, nan], expected two or more different texts, numbers or",
        ),
        (
            "classes: balanced",
            "classes: {true: 0.5, false: 0.5}",
            "scoring.classes: got {True: 0.5, False: 0.5}, expected a share for each of [0, 1]",
        ),
        (
            "threshold: null",
            "threshold: 1.5",
            "model_api.threshold: got 1.5, expected a number from 0 to 1, or null",
        ),
        (
            "arguments: {}",
            "arguments: [1]",
            "model_api.arguments: got [1], expected a mapping of names to texts, numbers, true,",
        ),
        (
            "arguments: {}",
            "arguments: {since: 2026-01-01}",
            "model_api.arguments: got {'since': datetime.date(2026, 1, 1)}, expected a mapping",
        ),
        (
            "arguments: {}",
            "arguments: {age: 1}",
            "model_api.arguments.age: got 'age', expected a name of its own, this is"
            " schema.features[7].name",
        ),
        (
            "name: savings_A61, type: categorical",
            "name: savings_A61, as: age, type: categorical",
            "schema.features[9].as: got 'age', expected a name of its own at the endpoint, this is"
            " schema.features[7].name",
        ),
        (
            "{name: age, type: numerical}",
            "{name: age, type: numerical, as: customer_id}",
            "schema.features[7].as: got 'customer_id', expected a name of its own at the endpoint,"
            " this is schema.key",
        ),
        ("rows: [100, 300]", "rows: [0, 300]", "scoring.rows: got [0, 300], expected"),
        ("rows: [100, 300]", "rows: 300", "scoring.rows: got 300, expected [low, high]"),
        ("rows: [100, 300]", "rows: [1, 2, 3]", "scoring.rows: got [1, 2, 3], expected"),
        ("rows: [100, 300]", "rows: [true, 3]", "scoring.rows: got [True, 3], expected"),
        (
            "neighbors: 3",
            "neighbors: 3.0",
            "scoring.neighbors: got 3.0, expected a whole number from 1 to 1,000",
        ),
        ("neighbors: 3", "neighbors: true", "scoring.neighbors: got True, expected a whole number"),
        ("neighbors: 3", "neighbors: '3'", "scoring.neighbors: got '3', expected a whole number"),
        ("neighbors: 3", "neighbors:", "scoring.neighbors: got null, expected a whole number"),
        ("seed: 0", "seed: -1", "scoring.seed: got -1, expected a whole number from 0 to"),
        ("seed: 0", "seed: " + "1" * 5000, "scoring.seed: got '1111"),
        (
            "seed: 0",
            "seed: 0x" + "f" * 9000,
            "scoring.seed: got a number of thousands of digits, expected a whole number",
        ),
        ("seed: 0", "seed: !!timestamp soon", "scoring.seed: got 'soon', expected a whole number"),
        ("seed: 0", "seed: !!bool maybe", "scoring.seed: got 'maybe', expected a whole number"),
        ("seed: 0", 'seed: !!int ""', "scoring.seed: got '', expected a whole number"),
        (
            "label_noise: 0.0",
            "label_noise: 1.5",
            "scoring.label_noise: got 1.5, expected a number from 0 to 1",
        ),
        (
            "label_noise: 0.0",
            "label_noise: .nan",
            "scoring.label_noise: got nan, expected a number from 0 to 1",
        ),
        (
            "minimum_psi: 0.02",
            "minimum_psi: .inf",
            "checks.minimum_psi: got inf, expected a number from 0 to 100",
        ),
        (
            "timeout_seconds: 10",
            "timeout_seconds: 0",
            "model_api.timeout_seconds: got 0, expected a number above 0, at most 8",
        ),
        (
            "timeout_seconds: 10",
            "timeout_seconds: 1.0e+300",
            "model_api.timeout_seconds: got 1e+300, expected a number above",
        ),
        (
            "timeout_seconds: 10",
            "timeout_seconds: 1" + "0" * 400,
            "model_api.timeout_seconds: got 1000",
        ),
        (
            "attempts: 5",
            "attempts: 101",
            "model_api.attempts: got 101, expected a whole number from 1 to 100",
        ),
        (
            "workers: 8",
            "workers: 0",
            "model_api.workers: got 0, expected a whole number from 1 to 256",
        ),
        (
            "lag_days: 0",
            "lag_days: 9999999",
            "ground_truth.lag_days: got 9999999, expected a whole number from 0 to 3,650",
        ),
        (
            "requests_per_second: null",
            "requests_per_second: 0",
            "model_api.requests_per_second: got 0, expected a number abov",
        ),
        (
            "accuracy_below: null",
            "accuracy_below: high",
            "accuracy_below: got 'high', expected a number from 0 to 1, or null",
        ),
        (
            "auth: basic",
            "auth: digest",
            "model_api.auth: got 'digest', expected basic, bearer or none",
        ),
        (
            "endpoint: auto",
            "endpoint: [auto]",
            "endpoint: got ['auto'], expected auto, groundTruth or register-dataset",
        ),
        (
            "row_identifier: false",
            "row_identifier: 0",
            "declare_row_identifier: got 0, expected true or false",
        ),
        (
            "model: credit-default",
            "model: ../up",
            "model: got '../up', expected letters, digits, . _ or -, the first no .",
        ),
        ("model: credit-default", "model: 1.0", "model: got 1.0, expected letters"),
        (
            "region: null",
            'region: "a\\nb"',
            r"s3.region: got 'a\nb', expected text on one line, not empty, or null",
        ),
        (
            "region: null",
            "region: ${AWS-REGION}",
            "s3.region: got a variable that can't be read, expected ${NAME} or ${NAME:-",
        ),
        (
            "endpoint_url: null",
            "endpoint_url: s3.example",
            "s3.endpoint_url: got 's3.example', expected an http:// or https:/",
        ),
        (
            "endpoint_url: null",
            "endpoint_url: https://h:0",
            "s3.endpoint_url: got 'https://h:0', expected an http:// or https",
        ),
        (
            "endpoint_url: null",
            "endpoint_url: 'https://[h'",
            "s3.endpoint_url: got 'https://[h', expected an http:// or https",
        ),
        (
            "endpoint_url: null",
            "endpoint_url: 'https://h/ x'",
            "s3.endpoint_url: got 'https://h/ x', expected an http:// or",
        ),
        (
            "put_arguments: {}",
            "put_arguments: {IfMatch: x}",
            "s3.put_arguments: got {'IfMatch': 'x'}, expected a mapping of P",
        ),
        (
            "{project_id}_{date}.csv",
            "all.csv",
            "ground_truth.uri: got 's3://se-demo-data/all.csv', expected s3://bucket/key w",
        ),
        (
            "{project_id}_{date}.csv",
            "{day}_{date}.csv",
            "expected s3://bucket/key with {date} in it and, if wanted, {project_",
        ),
        (
            "{project_id}_{date}.csv",
            "{date.year}_{date}.csv",
            "ground_truth.uri: got 's3://se-demo-data/{date.year}_{date}.cs",
        ),
        (
            "data/german_credit.csv",
            "s3://bucket",
            "training_data: got 's3://bucket', expected a path, s3://bucket/key or",
        ),
        (
            "data/german_credit.csv",
            "~nosuchuser/x.csv",
            "training_data: got '~nosuchuser/x.csv', expected a path",
        ),
        ("data/german_credit.csv", '""', "training_data: got '', expected a path"),
        (
            "classes: [0, 1]",
            "classes: [0]",
            "schema.target.classes: got [0], expected two or more different texts, numbers or",
        ),
        (
            "classes: [0, 1]",
            "classes: [0, 0]",
            "schema.target.classes: got [0, 0], expected two or more different",
        ),
        (
            "classes: [0, 1]",
            "classes: [0, '0']",
            "schema.target.classes: got [0, '0'], expected two or more different",
        ),
        (
            "classes: [0, 1]",
            "classes: [no, yes]",
            "schema.target.positive: got 1, expected one of [False, True]",
        ),
        ("positive: 1", "positive: 2", "schema.target.positive: got 2, expected one of [0, 1]"),
        (
            "positive: 1}",
            "positive: '1'}",
            "schema.target.positive: got '1', expected one of [0, 1]",
        ),
        (", positive: 1}", "}", "schema.target.positive: missing, and it has no default"),
        (
            "classes: balanced",
            "classes: even",
            "scoring.classes: got 'even', expected balanced, training, or a share for each",
        ),
        (
            "classes: balanced",
            "classes: {0: 0.5, 1: 0.6}",
            "scoring.classes: got {0: 0.5, 1: 0.6}, expected balanced, trainin",
        ),
        (
            "classes: balanced",
            "classes: {0: 1.5, 1: -0.5}",
            "scoring.classes: got {0: 1.5, 1: -0.5}, expected balanced",
        ),
        (
            "classes: balanced",
            "classes: {0: 0.5, 2: 0.5}",
            "scoring.classes: got {0: 0.5, 2: 0.5}, expected a share for each",
        ),
        (
            "{name: age, type: numerical}",
            "{name: age}",
            "schema.features[7].type: missing, and it has no default",
        ),
        (
            "{name: age, type: numerical}",
            "age",
            "schema.features[7]: got 'age', expected a mapping of settings",
        ),
        (
            "name: age",
            "name: credit",
            "schema.features[7].name: got 'credit', expected a name of its own, this is schema.",
        ),
        (
            "name: age",
            "name: savings_A65",
            "schema.features[7].name: got 'savings_A65', expected a name of its own, this is",
        ),
        (
            "name: age",
            "name: savings",
            "schema.features[7].name: got 'savings', expected a name of its own, this is a group",
        ),
        (
            "type: numerical}",
            "type: numerical, group: g}",
            "schema.features[7].group: got 'g', expected no group for a numeri",
        ),
        (
            "name: savings_A65",
            "name: saved_A65",
            "schema.features[6].name: got 'saved_A65', expected <group>_<level>",
        ),
        (
            "key: customer_id",
            "key: credit",
            "schema.key: got 'credit', expected a name of its own, this is schema.target.name",
        ),
        (
            "label_column: credit_GT",
            "label_column: score",
            "ground_truth.label_column: got 'score', expected neither id_colum",
        ),
        ("drift: []", "drift: {}", "scoring.drift: got {}, expected a list of mappings"),
        (
            "drift: []",
            "drift: [{feature: a, shift: 1, share: 1, from: 2026-01-10}]",
            "scoring.drift[0].feature: got 'a', expe",
        ),
        (
            "drift: []",
            "drift: [{feature: age, shift: 1, share: 1, from: 2026-13-01}]",
            "from: got '2026-13-01', expected a da",
        ),
        (
            "drift: []",
            "drift: [{feature: age, shift: 1, share: 1, from: 86400}]",
            "drift[0].from: got 86400, expected a day a",
        ),
        (
            "drift: []",
            "drift: [{feature: savings_A65, shift: 2, share: 1, from: 2026-01-10}]",
            "shift: got 2.0, expected 1 (s",
        ),
        (
            "allow_plain_http: []",
            "allow_plain_http: [http://h]",
            "allow_plain_http: got ['http://h'], expected a list of host",
        ),
        ("s3:  ", "s3: []\nx:  ", "s3: got [], expected a mapping of settings"),
        ("seed: 0", "sed: 0", "scoring.sed: unknown key; did you mean seed?"),
        (
            "seed: 0",
            "zzz: 0",
            "scoring.zzz: unknown key; expected one of rows, classes, neighbors, ref",
        ),
        ("seed: 0", "7: 0", "scoring.7: unknown key"),
        ("seed: 0", "? [a]\n  : 0", "scoring.[...]: unknown key"),
        ("seed: 0", "<<: {seed: 1}", "scoring.<<: unknown key"),
        ("seed: 0", "seed: 0\n  seed: 1", "scoring.seed: doubled key, first on line"),
        (
            "{name: age, type: numerical}",
            "{name: age, type: numerical, name: a}",
            "schema.features[7].name: doubled key, firs",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_line_what_was_got_and_what_is_expected(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    text = changed(old, new)
    line = line_of(SHIPPED, old) + new.startswith("seed: 0\n")

    message = problems(tmp_path, text)

    assert expected in message
    assert re.search(rf"^config.yaml:{line}: ", message, re.MULTILINE), (line, message)
    assert "nothing was sent" in message
    assert max(map(len, message.splitlines())) < 420


def test_a_drill_of_a_nominal_feature_is_refused(tmp_path: Path) -> None:
    text = changed(
        "{name: age, type: numerical}",
        "{name: age, type: nominal}",
        "drift: []",
        "drift: [{feature: age, shift: 1, share: 1, from: 2026-01-10}]",
    )

    message = problems(tmp_path, text)

    assert (
        "scoring.drift[0].feature: got 'age', expected a numerical or 0/1 feature, this one is"
        " nominal" in message
    )


def test_every_problem_is_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    del os.environ["DMM_URL"]
    text = changed(
        "seed: 0",
        "seed: x",
        "positive: 1",
        "positive: 7",
        "workers: 8",
        "wokers: 8",
        "score",
        "score\n  score: 2",
    )

    message = problems(tmp_path, text)

    keys = [
        "schema.target.positive",
        "scoring.seed",
        "model_api.score",
        "model_api.wokers",
        "model_monitor.url",
    ]
    assert re.findall(r"^config.yaml:\d+: ([a-z_.]+): ", message, re.MULTILINE) == keys
    assert message.startswith(f"5 problems in {tmp_path}/config.yaml; nothing was sent\n")
    assert (
        f"config.yaml:{line_of(text, 'wokers')}: model_api.wokers: unknown key;"
        " did you mean workers?" in message
    )


def test_a_file_that_is_no_mapping_and_an_empty_one_are_told(tmp_path: Path) -> None:
    assert "config.yaml:1: got ['a'], expected a mapping of settings" in problems(tmp_path, "[a]")
    assert "config.yaml:1: schema.target.name: missing, and it has no default" in problems(
        tmp_path, ""
    )


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbf" + SHIPPED.encode(), SHIPPED.replace("\n", "\r\n").encode()]
)
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(
    tmp_path: Path, text: bytes
) -> None:
    assert repr(load(tmp_path, text)) == repr(load(tmp_path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SHIPPED.encode("utf-16"), "can't be read: not UTF-8 text"),
        (changed("seed: 0", "seed: \0"), "not valid YAML: unacceptable character"),
        (changed("seed: 0", "seed: [1, 2"), "not valid YAML: expected"),
        (changed("seed: 0", "\tseed: 0"), "not valid YAML: found character"),
        (
            changed("seed: 0", 'seed: !!python/object/apply:os.system ["true"]'),
            "not valid YAML: the tag",
        ),
        (
            changed("seed: 0", "seed: !!python/name:os.system"),
            "not valid YAML: could not determine a constructor",
        ),
        (changed("put_arguments: {}", "put_arguments: !!set {a}"), "not valid YAML: the tag"),
        (changed("seed: 0", "seed: *nowhere"), "not valid YAML: found undefined alias"),
        (changed("seed: 0", "seed: &a [*a]"), "not valid YAML: nested without end"),
        (SHIPPED + "---\n{}\n", "not valid YAML: but found another document"),
        ("[" * 5000, "not valid YAML: nested without end"),
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    message = problems(tmp_path, text)

    assert expected in message
    if "!!python" in str(text):
        assert f"config.yaml:{line_of(str(text), '!!python')}: " in message


def test_a_file_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"nosuch.yaml: can't be read: No such file or directory; name another file with",
    ):
        loader.load(tmp_path / "nosuch.yaml")


def test_aliases_stand_for_their_value_and_a_bomb_of_them_is_refused_at_once(
    tmp_path: Path,
) -> None:
    assert (
        load(
            tmp_path, changed("seed: 0", "seed: &n 3", "neighbors: 3", "neighbors: 3")
        ).scoring.seed
        == 3
    )
    shared = changed(
        "window_days: 7", "window_days: &n 5", "reference_days: 7", "reference_days: *n"
    )
    assert load(tmp_path, shared).checks.reference_days == 5

    bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12))
    begin = time.monotonic()

    assert "more than 10,000 values, aliases counted" in problems(tmp_path, bomb)
    assert time.monotonic() - begin < 3


def test_whatever_stands_in_the_file_ends_in_settings_or_in_a_told_problem(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    pieces = [
        *"}[]{}'\"\n\t#|>%@`~?,é\x85",
        "${",
        "${X}",
        "${X:-}",
        ": ",
        "- ",
        "\n  ",
        "&a",
        "*a",
        "<<: *a",
        "!!int ",
        "!!map ",
        "!x ",
        "null",
        ".nan",
        "1e9",
        "0x",
        "2026-99-99",
        "---",
        "true",
        "s3://",
        "http://u:p@h",
    ]
    refused = 0
    for _ in range(150):
        text = SHIPPED
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(pieces) + text[at + chance.randint(0, 12) :]
        try:
            load(tmp_path, text)
        except ConfigError as error:
            refused += 1
            assert SECRET not in str(error)
            assert "u:p@h" not in str(error)
    assert refused > 30


# --- variables and secrets


def test_a_token_may_hold_whatever_yaml_gives_a_meaning(tmp_path: Path) -> None:
    token = "a#b:c'd\"e ${X}{y}[z]&*!|>%@`\\".replace(" ", "")
    os.environ["MODEL_API_TOKEN"] = token

    assert load(tmp_path).model_api.token.get_secret_value() == token


@pytest.mark.parametrize("token", ["abc\n", "a b", "tökén", "a\tb"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(tmp_path: Path, token: str) -> None:
    os.environ["MODEL_API_TOKEN"] = token

    message = problems(tmp_path, SHIPPED)

    assert (
        "model_api.token: got the value of MODEL_API_TOKEN (not shown), expected printable ASCII"
        in message
    )
    assert token not in message


@pytest.mark.parametrize(
    "key",
    sorted({key.partition("[]")[0] for key, _, _ in every_key()} | {"s3", "model_api", "schema"}),
)
def test_what_came_from_a_variable_is_shown_by_no_problem(tmp_path: Path, key: str) -> None:
    os.environ["LEAK"] = f"{SECRET}\u00e9\n"
    for value in ("${LEAK}", ["a", "${LEAK}"], [{"name": "${LEAK}"}]):
        data = yaml.safe_load(SHIPPED)
        *sections, name = key.split(".")
        found = data
        for section in sections:
            found = found[section]
        found[name] = value
        try:
            load(tmp_path, yaml.safe_dump(data))
        except ConfigError as error:
            assert SECRET not in str(error)


@pytest.mark.parametrize(
    "new",
    [
        "literal-secret",
        "${MODEL_API_TOKEN:-literal-secret}",
        "literal-secret${MODEL_API_TOKEN}",
        "[literal-secret]",
    ],
)
def test_a_secret_in_the_file_is_refused_unseen(tmp_path: Path, new: str) -> None:
    message = problems(tmp_path, changed("${MODEL_API_TOKEN}", new))

    assert "config.yaml:37: model_api.token: got " in message
    assert "literal-secret" not in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("endpoint_url: null", "endpoint_url: https://user:pass@h"),
        ("allow_plain_http: []", "allow_plain_http: https://user:pass@h"),
        ("s3:  ", "s3: https://user:pass@h\nx:  "),
        ("${DMM_URL}", "https://user:pass@h"),
        ("put_arguments: {}", "put_arguments: [https://user:pass@h]"),
        ("seed: 0", "https://user:pass@h.example/x: 0"),
    ],
)
def test_an_address_with_credentials_is_refused_unseen(tmp_path: Path, old: str, new: str) -> None:
    message = problems(tmp_path, changed(old, new))

    assert "not shown" in message or "***" in message
    assert "pass" not in message


def test_no_repr_or_dump_of_the_settings_shows_a_secret(tmp_path: Path) -> None:
    os.environ["PING_URL"] = f"https://ping.example/{SECRET}"
    settings = load(tmp_path)

    assert settings.alerts.ping is not None
    assert settings.alerts.ping.get_secret_value().endswith(SECRET)
    assert SECRET not in f"{settings} {settings!r} {dataclasses.asdict(settings)}"


def test_numbers_booleans_and_days_may_come_from_variables(tmp_path: Path) -> None:
    os.environ |= {
        "LOW": "5",
        "SEED": "12",
        "ON": "true",
        "SHARE": "0.25",
        "RATE": "2.5",
        "DAY": "2026-01-10",
        "OFF": "",
    }
    text = changed(
        "[100, 300]",
        '["${LOW}", 300]',
        "seed: 0",
        "seed: ${SEED}",
        "identifier: false",
        "identifier: ${ON}",
        "label_noise: 0.0",
        "label_noise: ${SHARE}",
        "requests_per_second: null",
        "requests_per_second: ${RATE:-}",
        "accuracy_below: null",
        "accuracy_below: ${OFF:-}",
        "workers: 8",
        "workers: ${NONE:-4}",
        "drift: []",
        "drift: [{feature: age, shift: 1, share: 1, from: '${DAY}'}]",
    )

    settings = load(tmp_path, text)

    assert settings.scoring.rows == (5, 300)
    assert (settings.scoring.seed, settings.scoring.label_noise, settings.model_api.workers) == (
        12,
        0.25,
        4,
    )
    assert settings.ground_truth.declare_row_identifier is True
    assert (settings.model_api.requests_per_second, settings.checks.accuracy_below) == (2.5, None)
    assert str(settings.scoring.drift[0].from_day) == "2026-01-10"


@pytest.mark.parametrize("value", ["[1, 2", "abc", "!!timestamp x", "{", "null", "[1]", "9" * 5000])
def test_a_variable_that_is_no_number_is_refused_by_its_name(tmp_path: Path, value: str) -> None:
    os.environ["SEED"] = value

    message = problems(tmp_path, changed("seed: 0", "seed: ${SEED}"))

    assert "scoring.seed: got the value of SEED (not shown), expected a whole number" in message


def test_a_text_that_looks_like_a_number_stays_a_text(tmp_path: Path) -> None:
    os.environ |= {"MODEL_API_TOKEN": "0123", "DMM_MODEL_ID": "1e5", "DOMINO_PROJECT_ID": "007"}

    settings = load(tmp_path)

    assert settings.model_api.token.get_secret_value() == "0123"
    assert (settings.model_monitor.model_id, settings.project_id) == ("1e5", "007")


def test_an_empty_default_is_null_and_a_literal_empty_text_stays(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        changed("prediction: class", 'prediction: ""', "region: null", "region: ${NOWHERE:-}"),
    )

    assert (settings.model_api.prediction, settings.s3.region, settings.alerts.webhook) == (
        "",
        None,
        None,
    )


def test_what_a_variable_holds_is_not_looked_at_for_variables(tmp_path: Path) -> None:
    os.environ["REGION"] = "${MODEL_API_TOKEN}"

    assert (
        load(tmp_path, changed("region: null", "region: ${REGION}")).s3.region
        == "${MODEL_API_TOKEN}"
    )


def test_a_missing_variable_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    del os.environ["MODEL_API_TOKEN"]
    os.environ["DMM_MODEL_ID"] = ""
    expected = (
        "config.yaml:37: model_api.token: missing variable MODEL_API_TOKEN: looked for in the"
        " environment and in "
    )
    assert f"{expected}{tmp_path}/.env (no such file)" in problems(tmp_path, SHIPPED)

    (tmp_path / ".env").write_text("OTHER=1\nMODEL_API_TOKEN=\nDMM_MODEL_ID=there\n")
    message = problems(tmp_path, SHIPPED)

    assert f"{expected}{tmp_path}/.env\n" in message
    assert (
        f"missing variable DMM_MODEL_ID: empty in the environment, which wins over {tmp_path}/.env"
        in message
    )


def test_a_left_out_section_takes_its_defaults_from_the_same_variables(tmp_path: Path) -> None:
    without = SHIPPED.partition("model_monitor:")[0]
    assert load(tmp_path, without).model_monitor.model_id == VARIABLES["DMM_MODEL_ID"]

    del os.environ["DMM_MODEL_ID"]
    assert "model_monitor.model_id: missing variable DMM_MODEL_ID" in problems(tmp_path, without)


# --- what a script does not use


def test_a_setting_that_is_not_used_may_be_unset_null_or_empty(tmp_path: Path) -> None:
    for name in ("MODEL_API_URL", "MODEL_API_TOKEN"):
        del os.environ[name]
    os.environ["DMM_URL"] = ""

    for text in (SHIPPED, changed("${DMM_URL}", "null"), changed("${DMM_URL}", '""')):
        settings = load(tmp_path, text, unused=("model_api", "model_monitor.url"))
        assert (settings.model_api.url, settings.model_monitor.url) == ("", "")
        assert settings.model_api.token.get_secret_value() == ""
    message = problems(tmp_path, SHIPPED, unused=("model_monitor",))

    assert re.findall(r"missing variable (\w+)", message) == ["MODEL_API_URL", "MODEL_API_TOKEN"]


@pytest.mark.parametrize("new", ["null", '""'])
def test_a_setting_that_is_used_may_be_neither_null_nor_empty(tmp_path: Path, new: str) -> None:
    for variable, key in (
        ("${DMM_URL}", "model_monitor.url"),
        ("${DMM_MODEL_ID}", "model_monitor.model_id"),
    ):
        assert f"{key}: got " in problems(tmp_path, changed(variable, new))


def test_what_is_not_used_is_checked_all_the_same_where_it_is_set(tmp_path: Path) -> None:
    os.environ["MODEL_API_URL"] = "no address"

    assert "model_api.url: got the value of MODEL_API_URL" in problems(
        tmp_path, SHIPPED, unused=("model_api",)
    )


def test_settings_that_others_make_superfluous_may_be_unset(tmp_path: Path) -> None:
    del os.environ["MODEL_API_TOKEN"], os.environ["DOMINO_PROJECT_ID"]

    settings = load(
        tmp_path, changed("auth: basic", "auth: none", "{project_id}_{date}", "{model}_{date}")
    )

    assert settings.project_id == ""


def test_domino_metrics_need_the_model_monitor(tmp_path: Path) -> None:
    del os.environ["DMM_URL"]
    text = changed("domino_metrics: false", "domino_metrics: true")

    assert "missing variable DMM_URL" in problems(tmp_path, text, unused=("model_monitor",))
    load(tmp_path, text, unused=("model_monitor", "alerts"))
    load(tmp_path, SHIPPED, unused=("model_monitor",))


# --- addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://h.example/x",
        "HTTP://h.example/x",
        "http://127.0.0.1.example/",
        "http://0.0.0.0/",
        "http://127.1/",
    ],
)
@pytest.mark.parametrize("name", ["MODEL_API_URL", "DMM_URL", "ALERT_WEBHOOK_URL", "PING_URL"])
def test_a_token_goes_over_plain_http_to_no_host_that_is_not_named(
    tmp_path: Path, name: str, url: str
) -> None:
    os.environ[name] = url

    message = problems(tmp_path, SHIPPED)

    assert "got plain http" in message
    assert "expected https, or the host in allow_plain_http" in message
    load(
        tmp_path,
        changed(
            "allow_plain_http: []",
            "allow_plain_http: [H.example, 127.0.0.1.example, 0.0.0.0, '127.1']",
        ),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "[::1]"])
def test_plain_http_to_this_machine_is_fine(tmp_path: Path, host: str) -> None:
    os.environ["DMM_URL"] = f"http://{host}:8080/"

    assert load(tmp_path).model_monitor.url == f"http://{host}:8080"


def test_an_endpoint_without_a_token_may_be_called_over_plain_http(tmp_path: Path) -> None:
    os.environ["MODEL_API_URL"] = "http://h.example/"

    load(tmp_path, changed("auth: basic", "auth: none"))


# --- folders and .env


def test_relative_paths_count_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = load(tmp_path)

    assert settings.training_data == str(tmp_path / "data/german_credit.csv")
    assert (settings.state_dir, settings.report_dir) == (tmp_path / "state", tmp_path / "reports")
    os.environ |= {"STATE_DIR": "/elsewhere", "HOME": "/home/me", "REPORT_DIR": "~/pages"}
    settings = load(tmp_path, changed("data/german_credit.csv", "s3://bucket/a.csv"))
    assert (settings.training_data, settings.state_dir) == ("s3://bucket/a.csv", Path("/elsewhere"))
    assert settings.report_dir == Path("/home/me/pages")


def test_a_link_to_the_file_counts_with_the_folder_of_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "real" / "config.yaml").write_text(SHIPPED)
    (tmp_path / "here" / "config.yaml").symlink_to(tmp_path / "real" / "config.yaml")
    (tmp_path / "here" / ".env").write_text("STATE_DIR=kept\n")

    settings, _ = loader.load(tmp_path / "here" / "config.yaml")

    assert settings.state_dir == tmp_path / "here" / "kept"


def env_file(folder: Path, content: bytes, mode: int = 0o600) -> list[str]:
    (folder / ".env").write_bytes(content)
    (folder / ".env").chmod(mode)
    (folder / "config.yaml").write_text(SHIPPED)
    return loader.load(folder / "config.yaml")[1]


@pytest.mark.parametrize(
    "content",
    [
        b"PING_URL=https://p.example/x#y\n",
        b"\xef\xbb\xbfPING_URL=https://p.example/x#y\n",
        b"PING_URL=https://p.example/x#y\r\n",
        b"export PING_URL='https://p.example/x#y'",
        b'# a comment\n\n  PING_URL = "https://p.example/x#y"   # why\n',
    ],
)
def test_an_env_file_is_merged_into_the_environment(tmp_path: Path, content: bytes) -> None:
    assert env_file(tmp_path, content) == []

    assert os.environ["PING_URL"] == "https://p.example/x#y"


def test_the_environment_wins_over_the_env_file_and_nothing_in_it_is_expanded(
    tmp_path: Path,
) -> None:
    os.environ["STATE_DIR"] = "from-environment"

    env_file(tmp_path, b"STATE_DIR=from-file\nREPORT_DIR='${HOME}$HOME'\n")

    assert (os.environ["STATE_DIR"], os.environ["REPORT_DIR"]) == (
        "from-environment",
        "${HOME}$HOME",
    )


def test_lines_of_an_env_file_that_set_nothing_are_named_and_not_shown(tmp_path: Path) -> None:
    warnings = env_file(
        tmp_path, f"{SECRET}\nA=1\n={SECRET}\nB\tC=2\n'{SECRET}\nD={SECRET}\0\n\nE=\n".encode()
    )

    assert [int(line.split(":")[1]) for line in warnings] == [1, 3, 4, 5, 6]
    assert SECRET not in str(warnings)
    assert os.environ["A"] == "1"
    assert "E" not in os.environ


def test_an_env_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    assert env_file(tmp_path, b"A=1\n", 0o640) == [
        f"{tmp_path}/.env may be read by others: chmod 600 {tmp_path}/.env"
    ]


def test_an_env_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"\.env: can't be read: not UTF-8 text; expected lines NAME=value"
    ):
        env_file(tmp_path, "TOKEN=x".encode("utf-16"))
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigError, match=r"\.env: can't be read: Is a directory"):
        loader.load(tmp_path / "config.yaml")


# --- mistakes that have a remedy of their own


def test_the_warnings_about_the_env_file_come_with_the_errors_that_they_explain(
    tmp_path: Path,
) -> None:
    del os.environ["DMM_URL"]
    (tmp_path / ".env").write_text("DMM_URL https://h\n")
    (tmp_path / ".env").chmod(0o600)

    with pytest.raises(ConfigError) as raised:
        load(tmp_path)

    (warning,) = raised.value.warnings
    assert f"{tmp_path}/.env:1: ignored: expected NAME=value" in warning


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["config.yaml", ".env"])
def test_a_file_in_utf_16_is_said_to_be_one(tmp_path: Path, name: str, encoding: str) -> None:
    content = (SHIPPED if name == "config.yaml" else "DMM_URL=https://h\n").encode(encoding)
    (tmp_path / ".env").write_bytes(content if name == ".env" else b"")
    (tmp_path / ".env").chmod(0o600)

    with pytest.raises(ConfigError, match=rf"{name}: .*UTF-16.*save it as UTF-8"):
        load(tmp_path, content if name == "config.yaml" else SHIPPED)


@pytest.mark.parametrize("name", ["STATE_DIR", "REPORT_DIR"])
def test_a_folder_under_a_file_is_a_mistake_of_the_settings(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    os.environ[name] = "file/below/it"

    with pytest.raises(ConfigError) as raised:
        load(tmp_path)

    assert f"{name.lower()}: got the value of {name} (not shown), expected a folder" in str(
        raised.value
    )
    assert f"{tmp_path}/file is a file" in str(raised.value)


def test_a_model_name_that_no_file_can_have_is_refused_and_the_longest_is_taken(
    tmp_path: Path,
) -> None:
    longest = "m" * 255
    assert load(tmp_path, changed("model: credit-default", f"model: {longest}")).model == longest

    with pytest.raises(ConfigError, match=r"model: got .*expected .*at most 255"):
        load(tmp_path, changed("model: credit-default", f"model: {longest}m"))


# --- what a model can be


def test_a_feature_may_have_another_name_at_the_endpoint_and_arguments_any_json_value(
    tmp_path: Path,
) -> None:
    text = changed(
        "{name: age, type: numerical}",
        "{name: age, type: numerical, as: age_years}",
        "arguments: {}",
        "arguments: {channel: batch, debug: false, limit: 0.5, note: null}",
    )

    settings = load(tmp_path, text)

    assert settings.schema.features[7].as_name == "age_years"
    assert settings.model_api.arguments == {
        "channel": "batch",
        "debug": False,
        "limit": 0.5,
        "note": None,
    }


@pytest.mark.parametrize(
    ("classes", "positive", "mix"),
    [
        ("[no risk, risk]", "risk", "{no risk: 0.3, risk: 0.7}"),
        ("[false, true]", "true", "{false: 0.3, true: 0.7}"),
        ("[0.5, 1.5]", "1.5", "{0.5: 0.3, 1.5: 0.7}"),
        ("[-1, 1]", "1", "{-1: 0.3, 1: 0.7}"),
    ],
)
def test_classes_are_of_any_kind(tmp_path: Path, classes: str, positive: str, mix: str) -> None:
    text = changed(
        "classes: [0, 1], positive: 1",
        f"classes: {classes}, positive: {positive}",
        "classes: balanced",
        f"classes: {mix}",
    )

    settings = load(tmp_path, text)

    target = settings.schema.target
    assert target.classes == yaml.safe_load(classes)
    assert target.positive == target.classes[1]
    assert isinstance(settings.scoring.classes, dict)
    assert [settings.scoring.classes[label] for label in target.classes] == [0.3, 0.7]


def test_a_threshold_decides_between_two_classes_and_not_beside_probabilities(
    tmp_path: Path,
) -> None:
    of_three = changed("classes: [0, 1]", "classes: [0, 1, 2]", "threshold: null", "threshold: 0.5")
    beside = changed(
        "threshold: null", "threshold: 0.5", "probabilities: null", "probabilities: shares"
    )

    without = changed(
        "probability: score", "probability: null", "threshold: null", "threshold: 0.5"
    )

    assert "expected null, or a path in model_api.probability" in problems(tmp_path, without)
    assert "expected null: a threshold decides between two classes, not [0, 1, 2]" in problems(
        tmp_path, of_three
    )
    assert "expected null: with probabilities the largest decides" in problems(tmp_path, beside)
