"""Every error that a script reports, and the exit code that follows from it.

MonitoringError                1    unexpected: a bug
├── ConfigError                2    usage or configuration; nothing was sent
├── PartialError               3    some rows failed, the rest is uploaded
├── AlertError                 4    finished, an alert fired, and --fail-on-alert was given
├── ServiceError               5    a service or this machine failed for now; state is kept, rerun
│   └── TransientError         5    the same, for one try: the next try may succeed
├── RefusedError               6    refused, by a service or to protect data; a rerun won't help
│   └── CredentialsError       6    the same, by a key or token that every other day would need too
├── LockedError                11   another run holds this day's lock
└── NotYetError                75   not due, not there yet, or not ingested by the deadline

InterruptedRun                 130  interrupted (143 by SIGTERM); state is kept. It is no Exception,
                                    as KeyboardInterrupt is none: code that tolerates every error,
                                    of a day or of a library, must not swallow it

The codes are a contract: none ever changes its meaning.
"""

from collections.abc import Iterable, Sequence

EXIT_CODES = {
    0: "done, or already done",
    1: "unexpected error, traceback in the log: please report it",
    2: "usage or configuration; nothing was sent: fix the configuration",
    3: "partial: some rows failed, at most max_failed_share; the rest is uploaded: look today",
    4: "finished, an alert fired, and --fail-on-alert was given: follow the alert",
    5: "a service or this machine (disk) failed for now, after all retries; state is kept: rerun",
    6: "refused, by a service or by us to protect data: a rerun will not help, fix what is named",
    11: "another run holds this day's lock: wait",
    75: "not yet: outcome not due, object still to come, or not ingested in time: try later",
    130: "interrupted (Ctrl-C); state is kept: rerun",
    143: "interrupted (SIGTERM); state is kept: rerun",
}
"""What a reader or a scheduler does about each exit code; `--help` prints this table."""

_WORST_FIRST = (1, 2, 6, 5, 11, 3, 4, 75, 0)


class MonitoringError(Exception):
    """Something that a script reports in one message. `is_logged`: the log has it already."""

    exit_code = 1
    is_logged = False


class ConfigError(MonitoringError):
    """The configuration or the command line was wrong; nothing was sent.

    warnings: what may explain it, to be logged before it.
    """

    exit_code = 2
    warnings: Sequence[str] = ()


class PartialError(MonitoringError):
    """Some rows failed for good; the rest was uploaded."""

    exit_code = 3


class AlertError(MonitoringError):
    """The run finished and an alert fired."""

    exit_code = 4


class ServiceError(MonitoringError):
    """A service or this machine failed for now; running again is safe and may help."""

    exit_code = 5


class TransientError(ServiceError):
    """One try failed in a way that may pass.

    kind: "timeout", "connection", or a status such as "503". retry_after_seconds: how long the
    server asked to wait, None where it did not say.
    """

    def __init__(
        self, message: str, *, kind: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_seconds = retry_after_seconds


class RefusedError(MonitoringError):
    """A service refused, or we did to protect data; running again will not help."""

    exit_code = 6


class CredentialsError(RefusedError):
    """A key or token was refused; every other day would be refused too."""


class LockedError(MonitoringError):
    """Another run held the lock."""

    exit_code = 11


class NotYetError(MonitoringError):
    """What was asked for is not due or not there yet."""

    exit_code = 75


class InterruptedRun(KeyboardInterrupt):
    """The run was interrupted by a signal; `exit_code` is 128 plus its number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted; state is kept: rerun to continue")
        self.exit_code = 128 + signal_number


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that decides for several days or checks; 0 for none.

    It is the earliest of 1, 2, 6, 5, 11, 3, 4, 75, 0.
    """
    return min(codes, key=_WORST_FIRST.index, default=0)
