"""What goes to a terminal, and what to a file."""

import argparse
import io
import logging

import pytest

from monitoring.cli import output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    output.set_up_logs(argparse.Namespace(json=False, verbose=False, quiet=False))
    logging.getLogger("monitoring").warning("half full")
    return stream.getvalue()


def test_the_status_word_alone_is_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert "\033[33mwarning\033[0m: half full\n" in logged(Terminal(), monkeypatch)


def test_no_color_is_obeyed_and_a_file_gets_no_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    assert logged(io.StringIO(), monkeypatch) == "warning: half full\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert logged(Terminal(), monkeypatch) == "\r\033[Kwarning: half full\n"


def test_an_alert_is_a_status_word_and_a_check_s_verdict_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.stdout", stream)
    output.set_up_logs(argparse.Namespace(json=False, verbose=False, quiet=False))

    logging.getLogger("monitoring").warning("2026-01-01 m: alert: age; an alert: of sorts")
    assert stream.getvalue().endswith("m: \033[31malert\033[0m: age; an alert: of sorts\n")
    assert output.painted("ok      disk", "ok") == "\033[32mok\033[0m      disk"

    monkeypatch.setenv("NO_COLOR", "1")
    assert output.painted("ok      disk", "ok") == "ok      disk"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert output.painted("FAILED  disk", "FAILED") == "FAILED  disk"


@pytest.mark.parametrize(("quiet", "stream"), [(True, Terminal()), (False, io.StringIO())])
def test_a_step_is_shown_on_a_terminal_only(
    quiet: bool, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with output.step("2026-01-01 checking", argparse.Namespace(quiet=quiet, json=False)):
        pass
    assert stream.getvalue() == ""


def test_a_step_names_its_day_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)

    with output.step("2026-01-01 [2/4] checking", argparse.Namespace(quiet=False, json=False)):
        assert stream.getvalue() == "2026-01-01 [2/4] checking ...\r"

    assert stream.getvalue().endswith("\r\033[K")
