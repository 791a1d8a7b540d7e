"""From the flags to the exit code: settings, errors, signals, --check."""

import argparse
import gc
import logging
import os
import signal
from collections.abc import Callable, Collection
from types import FrameType
from typing import TYPE_CHECKING

from monitoring import interpreter
from monitoring.cli import output, persistence
from monitoring.cli.output import Outcome
from monitoring.errors import ConfigError, InterruptedRun, MonitoringError
from monitoring.redaction import conceal

if TYPE_CHECKING:
    from monitoring.settings.model import Settings

Work = Callable[[argparse.Namespace], Outcome]

log = logging.getLogger("monitoring")

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Imports make a hundred thousand objects that stay. Looking through them for garbage after each
700 new ones, as Python does unless told otherwise, is a tenth of a night's processor time."""

_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DOMINO_USER_API_KEY")


def run(flags: argparse.ArgumentParser, work: Work, check: Work) -> int:
    """Parse the flags, do the work (with --check, the checks), print, and return the exit code.

    An error of the tree becomes its message and code; anything else is a bug: its traceback, 1.
    SIGTERM and Ctrl-C raise InterruptedRun in the work, which may finish what is in flight: 143
    and 130.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        return _run(flags, work, check)
    except InterruptedRun as interruption:  # before the work, or while its result is printed
        log.error("%s", interruption)
        return interruption.exit_code


def _run(flags: argparse.ArgumentParser, work: Work, check: Work) -> int:
    arguments = flags.parse_args()
    if arguments.probe and not arguments.check:
        flags.error("--probe goes with --check: give both")
    output.set_up_logs(arguments)

    outcome, exit_code = _outcome(check if arguments.check else work, arguments)
    for error in outcome.errors:
        output.log_error(error)
    unprinted = 1
    try:
        unprinted = output.print_outcome(outcome, arguments, exit_code)
    except Exception:
        _log_bug()
    return exit_code or unprinted


def load_settings(arguments: argparse.Namespace, unused: Collection[str] = ()) -> "Settings":
    """Load the settings, log the loader's warnings, and conceal the secrets among them.

    unused: as in loader.load.
    """
    from monitoring.settings.loader import load  # PyYAML is not worth loading for --help

    try:
        settings, warnings = load(arguments.config, unused)
    except ConfigError as error:
        for warning in error.warnings:
            log.warning("%s", warning)
        raise
    conceal(*(secret.get_secret_value() for secret in settings.secrets()))
    # Only now: .env may have brought them.
    conceal(*(os.environ.get(name, "") for name in _SECRET_VARIABLES))
    for warning in warnings:
        log.warning("%s", warning)
    lost_state = persistence.state_warning(settings.state_dir)
    if lost_state and not arguments.check:  # which has it among its findings
        log.warning("%s", lost_state)
    return settings


def _outcome(work: Work, arguments: argparse.Namespace) -> tuple[Outcome, int]:
    try:
        outcome = work(arguments)
        return outcome, outcome.final_exit_code
    except MonitoringError as error:
        return Outcome("", None, [error]), error.exit_code
    except InterruptedRun as interruption:
        log.error("%s", interruption)
        return Outcome("", None), interruption.exit_code
    except ImportError as error:
        problem = interpreter.missing_package(error)
        if not problem:
            _log_bug()
            return Outcome("", None), 1
        return Outcome("", None, [ConfigError(problem)]), ConfigError.exit_code
    except Exception:
        _log_bug()
        return Outcome("", None), 1


def _log_bug() -> None:
    log.exception("unexpected error: this is a bug, please report it with the lines below")


def _interrupt(number: int, _: FrameType | None) -> None:
    raise InterruptedRun(number)
