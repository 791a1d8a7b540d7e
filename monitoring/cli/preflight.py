"""`--check`: try whatever a run needs, before its first night. Sends, locks and keeps nothing.

The checks are in preflight_checks; each raises the very error that the run would raise, so that the
exit code is the one that the run would end with.
"""

import argparse
import logging
from collections.abc import Sequence
from typing import NamedTuple

from monitoring.cli.main import load_settings
from monitoring.cli.output import Outcome
from monitoring.cli.preflight_checks import CHECKS, Context
from monitoring.errors import ConfigError, MonitoringError, ServiceError, worst

log = logging.getLogger("monitoring")

_TRY_LATER = "free some space or fix the rights where it is a folder; else try again later"
_INDENT = " " * 24


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

    exit_code: of a run that meets the same, 0 where it would work.
    """

    name: str
    detail: str
    fix: str | None = None
    exit_code: int = 0

    @property
    def ok(self) -> bool:
        """Whether a run would work."""
        return self.exit_code == 0


def run(needs: ScriptNeeds, arguments: argparse.Namespace) -> Outcome:
    """Do the checks of a script and return their table, {"checks": [...]}, and the worst code."""
    try:
        settings = load_settings(arguments, needs.unused)
    except ConfigError as error:
        remedy = "fix the settings above; no other check ran"
        return _outcome([CheckResult("settings", str(error), remedy, error.exit_code)])

    context = Context(settings, is_scoring=needs is SCORING)
    results = [CheckResult("settings", str(arguments.config.absolute()))]
    names = list(needs.checks)
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
        fix = _TRY_LATER if isinstance(error, ServiceError) else remedy
        return CheckResult(name, str(error), fix, error.exit_code)
    if finding.warning:
        log.warning("%s: %s: %s", name, finding.detail, finding.warning)
    return CheckResult(name, finding.detail, finding.warning)


def _outcome(results: Sequence[CheckResult]) -> Outcome:
    lines = []
    for result in results:
        verdict = "ok" if result.ok else "FAILED"
        detail = result.detail.replace("\n", "\n" + _INDENT)
        lines.append(f"{verdict:<7} {result.name:<15} {detail}")
        if not result.ok:
            lines.append(f"{_INDENT}fix: {result.fix}")

    shown = [
        {"name": result.name, "ok": result.ok, "detail": result.detail, "fix": result.fix}
        for result in results
    ]
    exit_code = worst(result.exit_code for result in results)
    return Outcome("\n".join(lines), {"checks": shown}, exit_code=exit_code)
