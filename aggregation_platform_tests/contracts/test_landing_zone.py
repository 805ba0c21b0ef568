"""The landing zone keeps pages verbatim and says how far a fetch is, on every store."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aggregation_platform.epochs import Epoch
from aggregation_platform.errors import CorruptPageError
from aggregation_platform.intervals import Interval
from aggregation_platform.landing.records import (
    Done,
    Encoding,
    EntryWithIds,
    Intent,
    Source,
    Submitted,
)
from aggregation_platform.landing.zone import LandingZone

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
PAGE = b'{"conversations":[{"conversationId":"c1"},{}]}'


@pytest.fixture
def zone(landing_url: str, tmp_path: Path) -> LandingZone:
    return LandingZone.open(landing_url, tmp_path)


def entry(number=1, *, cursor=None, next_cursor=None, encoding: Encoding = "gzip") -> EntryWithIds:
    return EntryWithIds(
        number=number,
        cursor=cursor,
        next_cursor=next_cursor,
        object="",
        sha256="",
        bytes=0,
        count=2,
        page_size=2,
        fetched_at=NOON,
        data_available_to=NOON,
        encoding=encoding,
        conversation_ids=("c1", None),
    )


def begun(zone: LandingZone, *, source: Source = "job", now=NOON, epoch=1):
    """An attempt with a job under way."""
    journal, _ = zone.begin(
        "us",
        DAY,
        interval=Interval.of_day(DAY),
        page_size=2,
        now=now,
        epoch=Epoch(epoch),
        source=source,
    )
    interval = Interval.of_day(DAY)
    intent = Intent(start=interval.start, end=interval.end, intended_at=now)
    job = journal.intend("w", 1, intent)
    return journal, journal.submitted("w", job, Submitted(job_id="j1", submitted_at=now))


def finished(zone: LandingZone, *, available_to=NOON, **how):
    journal, job = begun(zone, **how)
    journal.store_page("w", job, gzip.compress(PAGE), entry())
    done = Done(
        pages=1,
        records=2,
        bytes=1,
        data_available_to=available_to,
        jobs_submitted=1,
        done_at=NOON,
    )
    journal.finish(done)
    return journal


def test_a_packed_body_is_stored_byte_for_byte(zone: LandingZone):
    body = gzip.compress(PAGE, 9)
    journal, job = begun(zone)
    job = journal.store_page("w", job, body, entry())

    assert zone.objects.get(f"{journal.prefix}/w/01/pages/{job.entries[0].object}") == body


def test_an_unpacked_body_is_stored_packed_and_reads_as_it_came(zone: LandingZone):
    journal, job = begun(zone)
    journal.store_page("w", job, PAGE, entry(encoding="identity"))
    [page] = zone.landed(journal)

    assert page.read() == PAGE
    assert page.conversation_ids == ("c1", None)
    assert (page.number, page.source, page.job_id, page.fetched_at) == (1, "job", "j1", NOON)


def test_the_state_read_back_is_the_state_written(zone: LandingZone):
    journal, job = begun(zone)
    job = journal.store_page("w", job, gzip.compress(PAGE), entry(next_cursor="n"))
    state = journal.read(verify=True)

    assert state is not None
    assert state.window("w").job == job
    assert not state.is_whole


def test_a_flipped_byte_is_found_when_the_page_is_read(zone: LandingZone):
    journal = finished(zone)
    [page] = zone.landed(journal)
    stored = bytearray(zone.objects.get(page.path) or b"")
    stored[-1] ^= 1
    zone.objects.put(page.path, bytes(stored))

    with pytest.raises(CorruptPageError, match=rf"{page.path}: does not match its checksum"):
        page.read()


def test_a_flipped_byte_is_found_when_the_journal_is_verified_and_a_short_page_at_once(
    zone: LandingZone,
):
    journal = finished(zone)
    [page] = zone.landed(journal)
    whole = zone.objects.get(page.path) or b""
    zone.objects.put(page.path, bytes([whole[0] ^ 1]) + whole[1:])
    flipped = journal.read(verify=True)
    zone.objects.put(page.path, whole[:-1])
    short = journal.read()

    assert flipped is not None
    assert not flipped.is_whole
    assert short is not None
    assert not short.is_whole


def test_the_newest_finished_attempt_is_current_and_older_ones_are_kept(zone: LandingZone):
    first = finished(zone)
    second = finished(zone, now=NOON + timedelta(hours=1))
    begun(zone, now=NOON + timedelta(hours=2))

    assert zone.current("us", DAY) == second
    assert len(zone.attempts("us", DAY)) == 3
    assert zone.attempts("us", DAY)[0] == first


def test_what_is_older_than_the_current_attempt_is_superseded_and_nothing_else(zone: LandingZone):
    cut, _ = begun(zone)
    first = finished(zone, now=NOON + timedelta(hours=1))
    finished(zone, now=NOON + timedelta(hours=2))
    begun(zone, now=NOON + timedelta(hours=3))

    assert zone.superseded("us", DAY) == (cut, first)
    assert zone.superseded("us", DAY, "query") == ()


def test_an_attempt_of_a_newer_epoch_is_current_whatever_its_time(zone: LandingZone):
    newer = finished(zone, epoch=2)
    finished(zone, now=NOON + timedelta(days=9), epoch=1)

    assert zone.current("us", DAY) == newer


EVENING = datetime(2026, 1, 5, 18, tzinfo=UTC)


def test_a_tail_follows_the_pages_of_a_job_that_does_not_reach_past_it(zone: LandingZone):
    finished(zone, source="query")
    finished(zone, available_to=EVENING, now=NOON + timedelta(minutes=5))
    day = zone.landed_day("us", DAY)

    assert day is not None
    assert [(page.number, page.source) for page in day] == [(1, "job"), (2, "query")]


def test_a_tail_is_replaced_by_a_job_that_reaches_past_it(zone: LandingZone):
    finished(zone, source="query", now=NOON + timedelta(minutes=5))
    finished(zone)
    day = zone.landed_day("us", DAY)

    assert day is not None
    assert [page.source for page in day] == ["job"]


def test_a_tail_of_a_site_that_was_taken_over_is_left_out(zone: LandingZone):
    finished(zone, available_to=EVENING, epoch=7)
    finished(zone, source="query", now=NOON + timedelta(days=9), epoch=6)
    day = zone.landed_day("us", DAY)

    assert day is not None
    assert [page.source for page in day] == ["job"]


def test_a_tail_alone_is_all_there_is_of_a_day_no_job_has_been_read_for(zone: LandingZone):
    finished(zone, source="query")
    day = zone.landed_day("us", DAY)

    assert day is not None
    assert [page.source for page in day] == ["query"]


def test_a_day_of_which_nothing_was_finished_has_no_pages(zone: LandingZone):
    begun(zone)

    assert zone.landed_day("us", DAY) is None


def test_days_and_orgs_are_listed(zone: LandingZone):
    finished(zone)

    assert (zone.orgs(), zone.days("us"), zone.days("emea")) == (("us",), (DAY,), ())


def test_an_attempt_is_removed_whole(zone: LandingZone):
    first = finished(zone)
    second = finished(zone, now=NOON + timedelta(hours=1))
    removed = zone.remove(first)

    assert removed == 6
    assert zone.attempts("us", DAY) == (second,)
