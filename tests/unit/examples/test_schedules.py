"""The examples of schedules: crontab, systemd, Kubernetes, Domino; flags and facts of each."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.errors import EXIT_CODES
from tests.support.loop import ROOT
from tools.check_docs.flags import own_flags

EXAMPLES = ROOT / "examples"
CRON = r"(\d+|\*) (\d+|\*) (\d+|\*) (\d+|\*) (\d+|\*)"
RERUN_HELPS = {0, 5, 11, 130, 143}


@pytest.fixture(scope="module")
def flags() -> dict[str, set[str]]:
    return own_flags()


def assert_is_command(command: str, flags: dict[str, set[str]]) -> None:
    """Fail unless a command runs one of the scripts, with flags that it has."""
    script = next(name for name in flags if name in command)
    given = re.findall(r"--[a-z-]+", command.partition(script)[2])
    assert set(given) <= flags[script], command


def test_the_crontab_has_five_fields_and_commands_that_exist(flags: dict[str, set[str]]) -> None:
    lines = [line for line in (EXAMPLES / "crontab").read_text().splitlines() if line[:1].isdigit()]

    assert len(lines) == 3
    for line in lines:
        assert re.match(CRON + r" +cd /srv/monitoring && \.venv/bin/python \w+\.py", line), line
        assert "%" not in line
        assert_is_command(line, flags)


def test_the_jobs_of_domino_have_quartz_lines(flags: dict[str, set[str]]) -> None:
    lines = (EXAMPLES / "domino" / "jobs.txt").read_text().splitlines()
    jobs = [line for line in lines if not line.startswith("#")]

    for job in jobs:
        # Seconds first; of the days of month and week, one is a question mark.
        fields, command = job.split(None, 6)[:6], job.split(None, 6)[6]
        assert fields[0] == "0" and "?" in (fields[3], fields[5])
        assert not re.match(r"\w+=", command), "a job has no variables of its own"
        assert_is_command(command, flags)
    assert len(jobs) == 3


def test_the_variables_of_domino_are_those_that_it_does_not_set_itself() -> None:
    text = (EXAMPLES / "domino" / "variables.env").read_text()
    named = set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))
    shipped = re.sub(r"#.*", "", (ROOT / "config.yaml").read_text())

    needed = set(re.findall(r"\$\{([A-Z_]+)\}", shipped))
    assert needed - named == {"DOMINO_PROJECT_ID"}  # Domino sets it
    assert not any(name.startswith("DOMINO_") for name in named)  # reserved
    source = json.loads((EXAMPLES / "domino" / "data-source.json").read_text())
    assert f"DMM_DATA_SOURCE={source['name']}\n" in text
    assert (source["type"], source["config"]["bucket"]) == ("s3", "YOUR-BUCKET")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units = []
    for path in sorted((EXAMPLES / "systemd").glob("*.*")):
        text = path.read_text().replace("/srv/monitoring/.venv/bin/python", sys.executable)
        text = text.replace("file:///srv/monitoring/README.md", "man:systemd(1)")
        units.append(tmp_path / path.name)
        units[-1].write_text(text.replace("User=monitoring", "User=root"))

    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)],
        capture_output=True,
        text=True,
        check=False,
    )

    ours = [line for line in ended.stderr.splitlines() if str(tmp_path) in line]
    assert (ours, ended.returncode) == ([], 0), ended.stderr
    assert len(units) == 6


def test_each_service_has_its_timer_and_is_locked_down(flags: dict[str, set[str]]) -> None:
    for path in (EXAMPLES / "systemd").glob("*.service"):
        text = path.read_text()
        assert path.with_suffix(".timer").exists()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n"):
            assert line in text
        assert "SuccessExitStatus=75\n" in text
        prevented = re.search(r"RestartPreventExitStatus=(.+)", text)
        assert prevented
        assert set(map(int, prevented[1].split())) == EXIT_CODES.keys() - RERUN_HELPS - {75}
        assert_is_command(text, flags)


def documents() -> list[dict[str, Any]]:
    text = (EXAMPLES / "kubernetes" / "cronjob.yaml").read_text()
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize("number", [1, 2])
def test_each_cron_job_is_one(number: int, flags: dict[str, set[str]]) -> None:
    volume, *jobs = documents()
    job = jobs[number - 1]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert re.fullmatch(CRON, job["spec"]["schedule"])
    assert job["spec"]["concurrencyPolicy"] == "Forbid"

    template = job["spec"]["jobTemplate"]["spec"]
    pod = template["template"]["spec"]
    (container,) = pod["containers"]
    (rule,) = template["podFailurePolicy"]["rules"]
    # Kubernetes wants a pod that is not restarted, and another code than 0, for such a policy.
    assert pod["restartPolicy"] == "Never"
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert set(rule["onExitCodes"]["values"]) == EXIT_CODES.keys() - RERUN_HELPS
    assert_is_command(" ".join(container["args"]), flags)

    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts.keys() == {each["name"] for each in pod["volumes"]}
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert all(path.startswith(mounts["monitoring"]) for path in variables.values())
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]


def test_the_image_has_what_the_scripts_need() -> None:
    lines = (EXAMPLES / "kubernetes" / "Dockerfile").read_text().splitlines()

    for line in lines:
        if line.startswith("COPY"):
            *sources, _ = line.split()[1:]
            assert all(list(ROOT.glob(source)) for source in sources), line
    image = re.search(r"-t (\S+) ", lines[0])
    assert image
    assert all(image[1] in yaml.safe_dump(job) for job in documents()[1:])
