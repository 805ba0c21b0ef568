"""What `materialize` says: how far it is, how long it takes, and what it waits for."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

from aggregation_platform.clock import ManualClock
from aggregation_platform.defs import work_progress as module
from aggregation_platform.defs.work_progress import WorkProgress
from aggregation_platform.extraction.outcome import Progress
from aggregation_platform.genesys.retries import Repetition

NOW = datetime(2026, 1, 14, 10, 7, tzinfo=UTC)
DOWN = Repetition("us", "us: 503", NOW + timedelta(seconds=8), NOW + timedelta(seconds=90))


def told() -> tuple[WorkProgress, ManualClock, list[str]]:
    clock, lines = ManualClock(NOW), list[str]()
    return WorkProgress(clock, lines.append), clock, lines


def test_the_time_left_is_that_of_the_parts_left_at_the_pace_of_the_parts_done():
    progress, clock, lines = told()
    progress.expect(42)
    for number in range(12):
        clock.advance(18)
        progress.done(f"part {number}")

    assert lines[0] == "part 0; 1 of 42"
    assert lines[-1] == "part 11; 12 of 42, about 9 min left"


def test_parts_that_need_not_be_done_are_not_counted():
    progress, _, lines = told()
    progress.expect(3)
    progress.skip()
    progress.done("a part")
    progress.done("another part")

    assert lines[-1] == "another part; 2 of 2"


def test_an_org_that_does_not_answer_is_named_with_until_when_and_why():
    progress, clock, lines = told()
    progress.repeated(DOWN)
    clock.advance(5)

    (line,) = lines
    assert line.startswith(
        "us does not answer; it is asked again at 10:07:08, until about 10:08:30 UTC. "
    )
    assert line.endswith("Reason: us: 503")
    assert "us does not answer" in progress.what_is_waited_for()


def test_an_org_that_answers_again_is_no_longer_waited_for():
    progress, _, lines = told()
    progress.repeated(DOWN)
    progress.day(Progress("us", date(2026, 1, 5), "submitted", 0, 0))

    assert "us answers again." in lines
    assert "does not answer" not in progress.what_is_waited_for()


def test_what_is_at_work_is_said_with_how_long_and_how_much():
    progress, clock, _ = told()
    day = date(2026, 1, 5)
    progress.day(Progress("us", day, "paging", 1, 1000))
    progress.at_work("here", "the world on 2026-01-04")
    clock.advance(40)
    progress.day(Progress("us", day, "paging", 2, 2000))

    assert progress.what_is_waited_for() == (
        "0 of 0; us 2026-01-05: pages come in, 2000 conversations, for 40 s; "
        "the world on 2026-01-04, for 40 s"
    )


def test_after_a_while_without_a_line_it_says_what_it_waits_for(monkeypatch):
    monkeypatch.setattr(module, "SILENT_S", 0.03)  # fifteen seconds are too long for a test
    heard = threading.Event()

    def say(line: str) -> None:
        if "for 40 s" in line:
            heard.set()

    clock = ManualClock(NOW)
    progress = WorkProgress(clock, say)
    progress.at_work("here", "the world on 2026-01-04")
    progress.start()
    clock.advance(40)

    assert heard.wait(20)
    progress.stop()
