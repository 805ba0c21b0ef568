"""Progress where there is no terminal: silence first, then plain lines on standard error."""

from __future__ import annotations

import threading

from aggregation_platform.cli import progress as module
from aggregation_platform.cli.progress import progress


def test_short_work_says_nothing(capfd):
    with progress("counting"):
        pass

    assert capfd.readouterr().err == ""


def test_longer_work_says_what_it_does_and_how_far_it_is_and_never_on_standard_output(
    capfd, monkeypatch
):
    monkeypatch.setattr(module, "SILENT_S", 0.05)  # two seconds are too long for a test
    heard = threading.Event()

    with progress("counting", total=3) as reporter:
        reporter.step("counting sheep")
        reporter.advance(2)
        heard.wait(0.5)

    shown = capfd.readouterr()
    assert shown.err.splitlines()[0].startswith("counting sheep (2 of 3), ")
    assert shown.out == ""
