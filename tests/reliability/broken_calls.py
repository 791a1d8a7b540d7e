"""One case of the fault matrix: a call that fails, the script's answer, and the run after it."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.reliability import addresses, bench
from tests.reliability.killed_days import versions_of
from tests.reliability.outside_calls import Call
from tests.reliability.proof import Part
from tests.reliability.wire_faults import Kind, WireFault
from tests.support.loop import Loop
from tests.support.relay import Relay
from tests.support.servers import SocketServer

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Case:
    """A call and its fault, in a set-up of its own."""

    def __init__(self, part: Part, call: Call, fault: WireFault, loop: Loop) -> None:
        self.part, self.call, self.fault, self.loop = part, call, fault, loop
        self.day, self.next_day = bench.past_day(3), bench.past_day(2)

    @property
    def title(self) -> str:
        return f"{self.call.name}, {self.fault.name}"

    def run(self) -> None:
        """Run the script while its call fails, then again, and count what is not as promised."""
        self._prepare()
        with _receiver() as receiver, _relays(self.loop, receiver) as relays:
            relay = relays[self.call.variable]
            if self.call.name == "DMM: jobs":  # asked of the host that accepted the file
                self._run_script()
            code, errors = self._with_fault(relay)
            self._check(code, errors)
            relay.heal()
            self._run_again()
        self._check_counts()

    def _prepare(self) -> None:
        loop, call = self.loop, self.call
        for name, section in call.settings.items():
            if name == "training_data":
                key = f"{loop.env['DOMINO_PROJECT_ID']}/train.csv"
                content = Path(loop.settings["training_data"]).read_bytes()
                loop.sandbox.s3_client().put_object(Bucket="se-demo-data", Key=key, Body=content)
                loop.configure(training_data=f"s3://se-demo-data/{key}")
            else:
                loop.configure(**{name: section})
        if call.script == bench.REGISTRATION:
            loop.run(bench.SCORING, "--date", self.day)

    def _with_fault(self, relay: Relay) -> tuple[int, str]:
        loop, call, fault = self.loop, self.call, self.fault
        if fault.fault is None:
            base = loop.env[call.variable]
            with addresses.unreachable(fault.name, loop.folder) as address:
                changes = {call.variable: addresses.with_host(base, address)}
                return self._run_script(**changes)
        if fault.kind is Kind.LOST:
            relay.break_next(fault.fault, method=call.method, path=call.path)
        else:
            relay.break_all(fault.fault, method=call.method, path=call.path)
        ended = self._run_script()
        self.part.promise("calls that never came", not relay.broken, self.title)
        return ended

    def _run_script(self, *arguments: str, day: str = "", **env: str) -> tuple[int, str]:
        call = self.call
        days = () if call.script == bench.TRAINING_SET else ("--date", day or self.day)
        ended = self.loop.run(call.script, *days, *call.arguments, *arguments, code=None, **env)
        return ended.returncode, ended.stdout + ended.stderr

    def _check(self, code: int, errors: str) -> None:
        part, call, fault = self.part, self.call, self.fault
        where = f"{self.title}: {code} {errors[-1500:]}"
        part.count("cases")
        part.count(f"exit {code}")
        part.promise("tracebacks", code == 1 or bench.is_traceback(errors), where)
        part.promise("wrong exit codes", code not in call.expected(fault), where)
        is_silent = not any(name in errors for name in call.names)
        part.promise("messages that don't name the call", bool(code) and is_silent, where)
        unprintable = re.search(r"[\x00-\x08\x0b-\x1f\x7f]", errors)
        part.promise("control characters printed", unprintable is not None, repr(where))

    def _run_again(self) -> None:
        """Run without the fault, as the message says where a rerun alone is not enough."""
        code, errors = self._run_script()
        if code == 6 and "--rerun" in errors:  # rows that failed for good
            self.part.count("days begun again with --rerun, as the message says")
            code, errors = self._run_script("--rerun")
        if code == 6 and "pending" in errors:
            self.part.count("versions left pending, named by the next run")
            code, errors = self._run_script("--again")
        self.part.promise(
            "reruns that did not finish", code != 0, f"{self.title}: {errors[-1500:]}"
        )
        if self.call.name.startswith("alerts"):  # what could not be sent goes with the next day
            code, errors = self._run_script(day=self.next_day)
            is_sent = code == 0 and "could not be sent" not in errors
            self.part.promise("reruns that did not finish", not is_sent, f"{self.title}: {errors}")

    def _check_counts(self) -> None:
        part, loop, call = self.part, self.loop, self.call
        if call.script == bench.TRAINING_SET:
            complete = [version for version in versions_of(loop) if not version["pending"]]
            part.promise("versions lost or twice", len(complete) != 1, self.title)
            return
        rows = [row["event_id"] for row in bench.stored_rows(loop, self.day)]
        expected = [f"{self.day}_{index}" for index in range(bench.ROWS)]
        part.promise("files not whole", rows != expected, self.title)
        if call.script == bench.REGISTRATION and not call.arguments:
            state = loop.manifest(self.day)["state"]
            is_wrong = state not in ("registered", "ingested")
            part.promise("days not registered", is_wrong, f"{self.title}: {state}")


@contextlib.contextmanager
def _receiver() -> Iterator[str]:
    """Give the address of a server that takes whatever it is sent."""
    server = SocketServer(_OK)
    with contextlib.closing(server.socket):
        yield f"http://127.0.0.1:{server.port}"


@contextlib.contextmanager
def _relays(loop: Loop, receiver: str) -> Iterator[Mapping[str, Relay]]:
    """Put a relay before each service, and give them by the variable of its address."""
    env = loop.env
    addresses_before = {
        **{
            name: env[name]
            for name in ("MODEL_API_URL", "DMM_URL", "AWS_ENDPOINT_URL_S3", "DOMINO_API_HOST")
        },
        "ALERT_WEBHOOK_URL": f"{receiver}/hook",
        "PING_URL": f"{receiver}/ping",
    }
    with contextlib.ExitStack() as stack:
        relays = {name: stack.enter_context(Relay(url)) for name, url in addresses_before.items()}
        loop.env = env | {
            name: addresses.with_host(addresses_before[name], relay.url)
            for name, relay in relays.items()
        }
        try:
            yield relays
        finally:
            loop.env = env
