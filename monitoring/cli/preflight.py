"""`--check`: try whatever a run needs, before its first night. Sends, locks and keeps nothing.

With `--probe` also what leaves a trace (preflight_probes), and says so.

The checks are in preflight_checks; each raises the very error that the run would raise, so that the
exit code is the one that the run would end with.
"""

import argparse
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from monitoring import clock
from monitoring.cli.arguments import named_days
from monitoring.cli.main import load_settings
from monitoring.cli.output import Outcome, painted
from monitoring.cli.preflight_checks import CHECKS, Context
from monitoring.cli.preflight_probes import new_name
from monitoring.errors import ConfigError, MonitoringError, ServiceError, worst

log = logging.getLogger("monitoring")

_OF_DISK = "free some space or fix the folder's rights; else name another folder"
_INDENT = " " * 24
_VERDICTS = {True: "ok", False: "FAILED", None: "?"}


class ScriptNeeds(NamedTuple):
    """What a script needs: the settings that it does not use, and the checks of the others."""

    unused: Sequence[str]
    checks: Sequence[str]


SCORING = ScriptNeeds(
    unused=["model_monitor"],
    checks=["disk", "training data", "model endpoint", "object store"],
)
REGISTRATION = ScriptNeeds(
    unused=["model_api"],
    checks=["disk", "object store", "Model Monitor", "data source"],
)
TRAINING_SET = ScriptNeeds(
    unused=["model_api", "model_monitor", "ground_truth", "project_id", "alerts"],
    checks=["disk", "training data", "TrainingSet"],
)


class CheckResult(NamedTuple):
    """What came of a check; fix: the remedy, None where nothing is wrong.

    exit_code: of a run that meets the same, 0 where it would work. not_verified: what was not
    tried.
    """

    name: str
    detail: str
    fix: str | None = None
    exit_code: int = 0
    not_verified: str | None = None

    @property
    def ok(self) -> bool | None:
        """Whether a run would work; None where that was not verified."""
        if self.exit_code:
            return False
        return None if self.not_verified else True


def run(needs: ScriptNeeds, arguments: argparse.Namespace) -> Outcome:
    """Do the checks of a script and return their table, {"checks": [...]}, and the worst code."""
    try:
        settings = load_settings(arguments, needs.unused)
    except ConfigError as error:
        remedy = "fix the settings above; no other check ran"
        return _outcome([CheckResult("settings", str(error), remedy, error.exit_code)])

    is_scoring = needs is SCORING
    lag_days = settings.ground_truth.lag_days if needs is REGISTRATION else 0
    day = clock.today() - timedelta(days=lag_days)
    if "date" in arguments:
        day = named_days(arguments, default=day)[0]
    context = Context(settings, is_scoring, day, probe=new_name() if arguments.probe else None)
    results = [CheckResult("settings", str(arguments.config.absolute()))]
    names = list(needs.checks)
    if settings.scoring.source and "training data" in names:
        names.insert(names.index("training data") + 1, "scoring source")
    if settings.alerts.domino_metrics and needs is SCORING:
        names.append("Model Monitor")
    results += [_try(context, name) for name in names]
    if context.skews:
        results.append(_try(context, "clock"))
    return _outcome(results)


def _try(context: Context, name: str) -> CheckResult:
    check, remedy = CHECKS[name]
    try:
        finding = check(context)
    except MonitoringError as error:
        if isinstance(error, ServiceError):
            remedy = _OF_DISK if name == "disk" else f"{remedy}; if it is right, try again later"
        return CheckResult(name, str(error), remedy, error.exit_code)
    if finding.warning:
        log.warning("%s: %s: %s", name, finding.detail, finding.warning)
    return CheckResult(name, finding.detail, finding.warning, not_verified=finding.not_verified)


def _outcome(results: Sequence[CheckResult]) -> Outcome:
    lines = []
    for result in results:
        detail = result.detail.replace("\n", "\n" + _INDENT)
        word = _VERDICTS[result.ok]
        lines.append(painted(f"{word:<7} {result.name:<15} {detail}", word))
        if result.not_verified:
            lines.append(f"{_INDENT}not verified: {result.not_verified}")
        if result.ok is False:
            lines.append(f"{_INDENT}fix: {result.fix}")
    lines.append(_count_text([result.ok for result in results]))

    shown = [
        {"name": result.name, "ok": result.ok, "detail": result.detail, "fix": result.fix}
        for result in results
    ]
    exit_code = worst(result.exit_code for result in results)
    return Outcome("\n".join(lines), {"checks": shown}, exit_code=exit_code)


def _count_text(verdicts: Sequence[bool | None]) -> str:
    """Return "5 of 6 passed, 1 not verified"."""
    parts = [f"{verdicts.count(True)} of {len(verdicts)} passed"]
    if failed := verdicts.count(False):
        parts.append(f"{failed} failed")
    if unknown := verdicts.count(None):
        parts.append(f"{unknown} not verified")
    return ", ".join(parts)
