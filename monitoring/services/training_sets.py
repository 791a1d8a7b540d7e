"""The vendor's TrainingSet client, in a child process.

The client has no time limit, hangs on a silent server, and its threads can't be stopped (contracts
8.6): so it works in a process of its own that is killed at our limit, and that ends with this
process however that ends.
"""

import contextlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from monitoring.errors import (
    ConfigError,
    CredentialsError,
    MonitoringError,
    RefusedError,
    ServiceError,
)
from monitoring.files import disk_error
from monitoring.services.exchange import Limits
from monitoring.services.server_text import server_text

if TYPE_CHECKING:
    import pandas as pd

_LIMITS = Limits()
_ROOT = Path(__file__).resolve().parents[2]
_ERRORS: dict[str, type[MonitoringError]] = {
    "config": ConfigError,
    "credentials": CredentialsError,
    "refused": RefusedError,
    "service": ServiceError,
}

# Executed by the child. -P: a module in the working directory must not pass for one of ours.
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from monitoring.services import training_sets_child; training_sets_child.main()"
)
_MAX_STDERR_CHARACTERS = 2000
_MAX_META = 10_000


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the server describes it.

    pending: its data or its second call are missing. meta: texts by name.
    """

    number: int
    pending: bool
    columns: list[str]
    meta: Mapping[str, str]
    description: str | None
    container_path: str


class TrainingSets:
    """One TrainingSet on a Domino.

    environment: of environment_for. limit_seconds: for a call, all its tries together.
    """

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        limit_seconds: float = _LIMITS.total_seconds,
    ) -> None:
        self.name, self.environment, self.limit_seconds = name, environment, limit_seconds

    @property
    def mount(self) -> Path:
        """The folder that holds the data of versions."""
        return Path(self.environment["DOMINO_TRAINING_SET_PATH"])

    def versions(self) -> list[Version]:
        """Return the set's versions by number, pending ones too; none where there is no such set.

        Up to 4 tries. Raises ServiceError (also at the time limit), RefusedError, CredentialsError.
        """
        arguments = {"training_set_name": self.name}
        versions = self._in_child("list_training_set_versions", arguments, _LIMITS.attempts)
        return sorted(versions, key=lambda version: version.number)

    def create(self, frame: "pd.DataFrame", description: Mapping[str, Any]) -> Version:
        """Create a version of these rows and return it as the server has it then.

        description: of training_set.description.description. Tried once, since it can't be
        repeated: each call creates another version, and one that is cut off leaves its version
        pending. Raises as `versions` does.
        """
        arguments = {
            "training_set_name": self.name,
            "df": frame.reset_index(drop=True),
            **description,
        }
        try:
            return self._in_child("create_training_set_version", arguments, attempts=1)[0]
        except ServiceError as error:
            raise ServiceError(
                f"{error}; it may have left a version pending: --list shows it, and so does the"
                " next run"
            ) from None

    def _in_child(
        self, function: str, arguments: Mapping[str, Any], attempts: int
    ) -> list[Version]:
        """Call a function of the vendor's client in a child process and return its versions.

        Raises what its failure means.
        """
        where = f"TrainingSet {self.name} at {self.environment['DOMINO_API_HOST']}"
        # Arguments go through stdin: no secret in the process list, no limit of length.
        call = (os.getpid(), function, arguments, attempts)
        try:
            with _pickled(call) as file:
                ended = subprocess.run(
                    [sys.executable, "-P", "-c", _CHILD, str(_ROOT)],
                    stdin=file,
                    env=dict(self.environment),
                    capture_output=True,
                    timeout=self.limit_seconds,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            raise ServiceError(
                f"{where}: no whole answer within {self.limit_seconds:g} s; run again later"
            ) from None

        answer = _read_answer(where, ended)
        if "kind" not in answer:
            return [_version(version) for version in answer["versions"]]
        if answer["kind"] in _ERRORS:
            raise _ERRORS[answer["kind"]](f"{where}: {server_text(answer['text'])}")
        raise RuntimeError(f"{where}: {answer['text']}")


@contextlib.contextmanager
def _pickled(call: object) -> Iterator[BinaryIO]:
    """Give a file without a name that holds a call: in memory it would double the rows.

    Raises ServiceError where the folder for temporary files is full.
    """
    with TemporaryFile() as file:
        try:
            pickle.dump(call, file, protocol=pickle.HIGHEST_PROTOCOL)
            file.seek(0)
        except OSError as error:
            raise disk_error(error) from None
        yield file


def _version(fields: dict[str, Any]) -> Version:
    given = fields["meta"] or {}
    meta = {server_text(name): server_text(value, _MAX_META) for name, value in given.items()}
    return Version(**{**fields, "meta": meta})


def _read_answer(where: str, ended: "subprocess.CompletedProcess[bytes]") -> Any:
    try:
        return json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = ended.stderr.decode("utf-8", "replace").strip()[-_MAX_STDERR_CHARACTERS:]
        raise RuntimeError(
            f"{where}: the client's process ended with {ended.returncode} and no answer: {last}"
        ) from None
