"""Which attempt answers: a stored one is used, a cut one gone on with, a loaded one refetched."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta

import pytest

from aggregation_platform.epochs import Epoch
from aggregation_platform.errors import (
    CorruptPageError,
    FencedError,
    LandingError,
    LocalStateError,
    TransientSourceError,
)
from aggregation_platform.extraction.claims import try_claim
from aggregation_platform.extraction.outcome import FIRST_EPOCH, MARGIN
from aggregation_platform.intervals import Interval

DAY = date(2026, 1, 5)
ALL = [f"c{n}" for n in range(10)]


def test_a_stored_day_that_is_not_loaded_is_used_without_asking_the_org(make_bench):
    bench = make_bench()
    first = bench.run()
    operations = len(bench.org.pages_given), bench.org.submissions
    second = bench.run()

    assert second.was_reused
    assert second.attempt_id == first.attempt_id
    assert (len(bench.org.pages_given), bench.org.submissions) == operations


def test_a_loaded_day_is_fetched_again_when_asked_for_again(make_bench, read_ids):
    bench = make_bench()
    first = bench.run()
    first.mark_loaded(run_id="r1", now=bench.clock.now())
    bench.clock.advance(60)
    second = bench.run()

    assert not second.was_reused
    assert second.attempt_id > first.attempt_id
    assert read_ids(first) == read_ids(second) == ALL
    assert bench.landing.current("us", DAY).attempt_id == second.attempt_id


def test_an_attempt_that_asked_from_midnight_on_is_resumed_and_the_next_asks_from_the_margin(
    make_bench, read_ids
):
    bench = make_bench()
    whole = Interval.of_day(DAY)
    before, _ = bench.landing.begin(
        "us", DAY, interval=whole, page_size=3, now=bench.clock.now(), epoch=FIRST_EPOCH
    )
    resumed = bench.run()
    resumed.mark_loaded(run_id="r1", now=bench.clock.now())
    bench.clock.advance(60)
    next_one = bench.run()

    assert resumed.attempt_id == before.attempt_id
    assert read_ids(resumed) == read_ids(next_one) == ALL
    asked = [interval for interval, _ in bench.org.jobs.values()]
    assert asked == [whole, Interval(whole.start - MARGIN, whole.end)]


def test_a_fresh_fetch_is_made_even_of_a_day_that_is_not_loaded(make_bench):
    bench = make_bench()
    first = bench.run()
    bench.clock.advance(60)
    second = bench.run(fresh=True)

    assert second.attempt_id != first.attempt_id
    assert bench.org.submissions == 2


def test_a_page_that_was_corrupted_is_found_and_it_alone_is_fetched_again(make_bench, read_ids):
    bench = make_bench()
    first = bench.run()
    victim = first.landed.pages[1]
    bench.objects.put(victim.path, b"\x1f\x8b torn")
    with pytest.raises(CorruptPageError, match=r"does not match its checksum\. Materialize"):
        victim.read()
    given = len(bench.org.pages_given)
    again = bench.run()

    assert read_ids(again) == ALL
    assert bench.org.pages_given[given:] == [("job-1", "3")]
    assert again.jobs_submitted == 1


def test_a_page_that_is_missing_is_fetched_again(make_bench, read_ids):
    bench = make_bench()
    first = bench.run()
    bench.objects.delete([first.landed.pages[0].path])
    again = bench.run()

    assert read_ids(again) == ALL
    assert bench.org.submissions == 1


def test_a_corrupted_page_of_a_job_that_is_gone_means_a_new_job_and_nothing_doubled(
    make_bench, read_ids
):
    bench = make_bench()
    first = bench.run()
    bench.objects.put(first.landed.pages[1].path, b"")
    bench.org.gone.add("job-1")
    again = bench.run()

    assert read_ids(again) == ALL
    assert again.job_ids == ("job-2",)


def test_when_a_refetched_page_leads_elsewhere_everything_after_it_is_fetched_again(
    make_bench, read_ids
):
    bench = make_bench()
    first = bench.run()
    bench.objects.put(first.landed.pages[1].path, b"")
    name = first.landed.pages[1].entry_path
    entry = json.loads(bench.objects.get(name))
    bench.objects.put(name, json.dumps({**entry, "next_cursor": "elsewhere"}).encode())
    again = bench.run()

    assert read_ids(again) == ALL


def test_an_entry_torn_by_a_power_cut_counts_as_not_written(make_bench, read_ids):
    bench = make_bench()
    first = bench.run()
    bench.objects.put(first.landed.pages[3].entry_path, b'{"number": 4, "cur')
    bench.objects.delete([f"us/2026-01-05/{first.attempt_id}/done.json"])
    again = bench.run()

    assert read_ids(again) == ALL
    assert bench.org.pages_given[-1] == ("job-1", "9")


def test_a_second_caller_waits_and_takes_what_the_first_has_stored_even_if_it_is_loaded_by_then(
    make_bench,
):
    bench = make_bench()
    first, second = bench.extraction(), bench.extraction()
    assert first.step() == 0.0
    assert second.step() == 1.0
    while first.step() is not None:
        bench.clock.advance(1)
    first.result.mark_loaded(run_id="r1", now=bench.clock.now())
    first.close()
    while second.step() is not None:
        bench.clock.advance(1)
    second.close()

    assert second.result.attempt_id == first.result.attempt_id
    assert bench.org.submissions == 1


def test_a_second_caller_takes_over_what_a_killed_first_has_left(make_bench, read_ids):
    bench = make_bench()
    first, second = bench.extraction(), bench.extraction()
    for _ in range(6):
        bench.clock.advance(first.step() or 0.0)
    second.step()
    first.close()
    while second.step() is not None:
        bench.clock.advance(1)
    second.close()

    assert read_ids(second.result) == ALL
    assert bench.org.submissions == 1


def test_waiting_for_another_process_is_bounded(make_bench):
    bench = make_bench()
    first, second = bench.extraction(), bench.extraction()
    first.step()
    second.step()
    bench.clock.advance(7300)

    with pytest.raises(TransientSourceError, match="another process of this site has been"):
        second.step()
    first.close()


def test_a_site_that_took_over_goes_on_with_the_same_job_under_its_own_epoch(
    make_bench, make_fuse, killed, read_ids
):
    bench = make_bench()
    old = bench.extraction(epoch=Epoch(6))
    for _ in range(6):
        bench.clock.advance(old.step() or 0.0)
    old.close()
    result = bench.run(epoch=Epoch(7))

    assert read_ids(result) == ALL
    assert bench.org.submissions == 1
    assert result.attempt_id.startswith("e000007-")


def test_what_an_old_site_still_writes_after_the_takeover_disturbs_nothing(make_bench, read_ids):
    bench = make_bench()
    old = bench.extraction(epoch=Epoch(6))
    for _ in range(5):
        bench.clock.advance(old.step() or 0.0)
    bench.claims.owners.clear()  # another site has claims of its own
    result = bench.run(epoch=Epoch(7))
    bench.claims.owners.clear()
    while old.step() is not None:
        bench.clock.advance(1)
    old.close()

    assert bench.landing.current("us", DAY).attempt_id == result.attempt_id
    assert read_ids(bench.run(epoch=Epoch(7))) == ALL


def test_an_old_site_that_begins_after_the_takeover_is_told_to_stop(make_bench):
    bench = make_bench()
    bench.run(epoch=Epoch(7))

    with pytest.raises(FencedError, match="epoch 7 has fetched this day, this process has epoch 6"):
        bench.run(epoch=Epoch(6))


def test_a_day_is_complete_only_if_the_watermark_before_the_job_had_passed_its_end(make_bench):
    bench = make_bench(available_to=None)
    end = DAY + timedelta(days=1)
    bench.org.available_to = bench.clock.now().replace(day=end.day, hour=0)
    complete = bench.run()
    bench.org.available_to -= timedelta(seconds=1)
    provisional = bench.run(day=DAY, fresh=True)

    assert complete.is_complete
    assert not provisional.is_complete


def test_a_watermark_that_moved_while_pages_were_read_does_not_make_a_day_complete(make_bench):
    bench = make_bench()
    bench.org.available_to = bench.clock.now().replace(day=5, hour=22)
    extraction = bench.extraction()
    for _ in range(4):
        bench.clock.advance(extraction.step() or 0.0)
    bench.org.available_to = bench.clock.now()
    while extraction.step() is not None:
        bench.clock.advance(1)
    extraction.close()

    assert not extraction.result.is_complete


class RenewedClaims:
    """Claims whose renewals end as told, one after the other; the last goes on for ever."""

    def __init__(self, *renewals: bool | LocalStateError) -> None:
        self.renewals = list(renewals)
        self.renewed = threading.Semaphore(0)

    def claim(self, name, *, owner, seconds):
        return True

    def renew(self, name, *, owner, seconds):
        end = self.renewals.pop(0) if len(self.renewals) > 1 else self.renewals[0]
        self.renewed.release()
        if isinstance(end, LocalStateError):
            raise end
        return end

    def release(self, name, *, owner):
        raise LocalStateError("away")


def held_over(claims: RenewedClaims, renewals: int):
    held = try_claim(claims, "extract:us/2026-01-05", seconds=0.01)
    assert held is not None
    for _ in range(renewals):
        assert claims.renewed.acquire(timeout=10)
    return held


def test_a_lost_claim_is_noticed_before_anything_is_written_under_it():
    held = held_over(RenewedClaims(False), 1)
    held._renewing.join(10)

    with pytest.raises(LandingError, match="was lost while it was in use"):
        held.keep()


def test_a_state_that_is_busy_twice_does_not_cost_the_claim_but_one_that_stays_away_does():
    busy = LocalStateError("busy")
    kept = held_over(RenewedClaims(busy, busy, True, busy, busy, True), 8)
    kept.keep()
    kept.release()
    lost = held_over(RenewedClaims(busy), 3)
    lost._renewing.join(10)

    with pytest.raises(LandingError):
        lost.keep()


def test_a_claim_that_cannot_be_given_up_is_left_to_run_out():
    held_over(RenewedClaims(True), 1).release()
