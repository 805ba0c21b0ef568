"""What only the embedded state promises: the dead are known, clock steps do no harm."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregation_platform.clock import ManualClock, SystemClock
from aggregation_platform.errors import LocalStateBusyError, LocalStateError
from aggregation_platform.local_state.sqlite_state import DEAD_GRACE_S, SqliteState
from aggregation_platform.local_state.state import Permit

HOLD = """
import sys
from pathlib import Path
from aggregation_platform.clock import SystemClock
from aggregation_platform.local_state.sqlite_state import SqliteState
state = SqliteState(Path(sys.argv[1]), clock=SystemClock())
state.take_permit("us", permits=1, hold_s=3600)
state.claim("day", owner="other", seconds=3600)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state.sqlite"


def holding_process(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_process_loses_its_claim_at_once(path: Path):
    state = SqliteState(path, clock=SystemClock())
    process = holding_process(path)
    while_alive = state.claim("day", owner="me", seconds=60)
    kill(process)

    assert not while_alive
    assert state.holder("day") is None
    assert state.claim("day", owner="me", seconds=60)

    state.close()


def test_a_killed_process_gives_its_permit_back_after_a_grace_not_after_the_hold(path: Path):
    state = SqliteState(path, clock=SystemClock())
    kill(holding_process(path))
    began = time.monotonic()
    while not isinstance(state.take_permit("us", permits=1, hold_s=60), Permit):
        time.sleep(0.05)

    assert DEAD_GRACE_S - 0.1 <= time.monotonic() - began < DEAD_GRACE_S + 2

    state.close()


def test_a_living_process_keeps_its_permit(path: Path):
    state = SqliteState(path, clock=SystemClock())
    process = holding_process(path)
    end = time.monotonic() + DEAD_GRACE_S + 0.5
    got: list[object] = []
    while time.monotonic() < end:
        got.append(state.take_permit("us", permits=1, hold_s=60))
        time.sleep(0.2)

    assert not any(isinstance(each, Permit) for each in got)

    kill(process)
    state.close()


def test_nobody_else_can_read_the_file(path: Path):
    state = SqliteState(path, clock=SystemClock())
    state.put_value("token", b"sealed", seconds=60)

    made = [each for each in path.parent.iterdir() if each.is_file()]

    assert {each.name for each in made} == {
        "state.sqlite", "state.sqlite-wal", "state.sqlite-shm",
    }  # fmt: skip
    assert {oct(each.stat().st_mode & 0o777) for each in made} == {"0o600"}
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"

    state.close()


def test_a_reboot_frees_permits_and_claims_but_not_blocks(path: Path):
    before = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
    before.advance(1_000_000)
    state = SqliteState(path, clock=before)
    state.take_permit("us", permits=1, hold_s=3600)
    state.claim("day", owner="old", seconds=3600)
    state.block("emea", seconds=3600, reason="429")
    after = SqliteState(path, clock=ManualClock(before.now()))

    assert isinstance(after.take_permit("us", permits=1, hold_s=60), Permit)
    assert after.holder("day") is None
    assert after.blocked("emea") is not None

    state.close()
    after.close()


class SteppedClock(ManualClock):
    """A machine whose wall clock somebody sets, while its monotonic clock goes on."""

    step_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(super().now().timestamp() + self.step_s, UTC)


def test_setting_the_wall_clock_frees_no_permit_and_no_claim(path: Path):
    clock = SteppedClock(datetime(2026, 1, 5, tzinfo=UTC))
    state = SqliteState(path, clock=clock)
    state.take_permit("us", permits=1, hold_s=60)
    state.claim("day", owner="me", seconds=60)
    clock.step_s = 86_400.0

    assert not isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)
    assert not state.claim("day", owner="other", seconds=60)

    state.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_of_a_fork_uses_a_connection_and_presence_of_its_own(path: Path):
    state = SqliteState(path, clock=SystemClock())
    state.claim("parent", owner="parent", seconds=60)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        took = isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)
        os.write(write_end, b"y" if took else b"n")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read_end, 1) == b"y"
    assert not isinstance(state.take_permit("us", permits=1, hold_s=60), Permit)
    assert state.holder("parent") == "parent"

    os.close(read_end)
    os.close(write_end)
    state.close()


def test_a_file_that_is_no_database_says_what_to_do(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, it is a sentence that is long enough" * 20)
    state = SqliteState(path, clock=SystemClock())

    with pytest.raises(LocalStateError, match="delete the file"):
        state.blocked("us")


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("")
    state = SqliteState(tmp_path / "file" / "state.sqlite", clock=SystemClock())

    with pytest.raises(LocalStateError, match="Let this site's user write there"):
        state.lift_block("us")


def test_looking_for_a_block_makes_no_file_that_only_the_looker_could_write(path: Path):
    state = SqliteState(path, clock=SystemClock())

    assert state.blocked("us") is None
    assert not path.parent.exists()


def test_a_file_held_by_another_for_too_long_is_an_error_that_says_so(path: Path):
    state = SqliteState(path, clock=SystemClock())
    state.lift_block("us")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    hindered = SqliteState(path, clock=SystemClock(), patience_s=0.5)

    with pytest.raises(LocalStateBusyError, match="held by other processes"):
        hindered.blocked("us")

    holder.close()
    state.close()


def test_what_ended_processes_left_behind_is_swept_and_the_living_are_not(path: Path):
    for _ in range(3):
        kill(holding_process(path))
    living = holding_process(path)
    folder = path.with_name(path.name + ".presences")
    state = SqliteState(path, clock=SystemClock())
    state.claim("other day", owner="me", seconds=60)

    assert len(list(folder.iterdir())) == 2
    assert state.holder("day") == "other"

    kill(living)
    state.close()


def test_closing_leaves_no_presence(path: Path):
    state = SqliteState(path, clock=SystemClock())
    state.claim("day", owner="me", seconds=60)
    state.close()

    assert list(path.with_name(path.name + ".presences").iterdir()) == []


def test_presences_that_cannot_be_written_say_what_to_do(path: Path):
    path.parent.mkdir()
    path.with_name(path.name + ".presences").write_text("a file, not a folder")
    state = SqliteState(path, clock=SystemClock())

    with pytest.raises(LocalStateError, match="Let this site's user write there"):
        state.claim("day", owner="me", seconds=60)

    state.close()


def test_a_damaged_file_is_an_error_that_says_so_and_is_not_kept_open(path: Path):
    state = SqliteState(path, clock=SystemClock())
    state.lift_block("us")
    other = sqlite3.connect(path)
    other.execute("DROP TABLE blocks")
    other.close()
    with pytest.raises(LocalStateError, match="no such table"):
        state.blocked("us")

    assert state.blocked("us") is None, "opened anew, the table is made anew"

    state.close()
