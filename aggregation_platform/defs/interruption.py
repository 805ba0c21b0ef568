"""Ctrl-C and termination while Dagster's runs execute in this process.

Belongs here: ending the process at once, with its run noted as canceled. Elsewhere: the work.

Dagster answers an interruption by failing its run, which its daemon then repeats; DuckDB by failing
a statement; and fetching would go on to the last day. All of them listen in the main thread alone.
So the work is done in a thread beside it. Everything may be cut anywhere, so it is cut.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

import dagster as dg

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ends_when_interrupted(
    work: Callable[[], None],
    *,
    say: Callable[[str], None],
    said: str,
    instance: dg.DagsterInstance,
    run: Callable[[], str],
) -> None:
    """Do the work; an interruption ends the process with status 1 and its run as canceled.

    Args:
        work: Executes runs, one at a time.
        say: Prints the last line.
        said: The last line, and the reason that the run shows.
        instance: Where the runs are.
        run: Gives the id of the run under way.
    """

    def end(*_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        try:
            say(said)
            under_way = instance.get_run_by_id(run()) if run() else None
            if under_way is not None and not under_way.is_finished:
                instance.report_run_canceled(under_way, said)
        finally:
            os._exit(1)

    for number in SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    outcome: Future[None] = Future()
    thread = threading.Thread(target=_done, args=(work, outcome), name="work", daemon=True)
    thread.start()
    thread.join()
    outcome.result()


def _done(work: Callable[[], None], outcome: Future[None]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        outcome.set_exception(error)
