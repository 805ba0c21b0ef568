"""Of a conversation that is on several pages, the fullest record stays, whatever their order."""

from datetime import date
from itertools import permutations

from aggregation_platform.raw.conversations import RawCounts, raw_conversations
from aggregation_platform_tests.records import Page, Record, page, told

DAY = date(2026, 1, 5)


def kept(*pages: Page) -> list[tuple[str, int, str]]:
    """Which conversations stay, from which page and source."""
    frames = raw_conversations(pages, org="us", day=DAY)
    rows = [frame.select("conversation_id", "page", "source").rows() for frame in frames]
    return sorted(row for each in rows for row in each)


def early(conversation_id: str = "c1") -> Record:
    """The longer text, but less has happened yet."""
    return told("what | from | to\ninteract | 05T10:00:00 |", conversation_id, note="x" * 999)


def late(conversation_id: str = "c1") -> Record:
    return told(
        """
        what     | from        | to          | value
        ---------+-------------+-------------+------
        interact | 05T10:00:00 | 05T10:05:00 |
        tHandle  |             | 05T10:05:00 | 300
        """,
        conversation_id,
    )


def test_the_record_with_more_segments_and_metrics_stays_in_any_order():
    pages = [page([early()], 1), page([late(), early("c2")], 2), page([early()], 3)]

    assert [kept(*each) for each in permutations(pages)] == [
        [("c1", 2, "job"), ("c2", 2, "job")]
    ] * 6


def test_an_odd_metric_does_not_let_the_fuller_record_lose():
    odd = late()
    odd["participants"][0]["sessions"][0]["metrics"] += [{"name": "x", "emitDate": 7}, "none"]

    assert kept(page([early()], 1), page([odd], 2)) == [("c1", 2, "job")]


def test_of_equally_full_records_the_jobs_stays_because_it_has_attributes():
    asked, job = page([late()], 1, source="query", job_id=None), page([late()], 2)

    assert kept(asked, job) == kept(job, asked) == [("c1", 2, "job")]


def test_a_fuller_record_of_the_query_stays_until_the_job_has_it_too():
    asked, job = page([late()], 1, source="query", job_id=None), page([early()], 2)

    assert kept(asked, job) == [("c1", 1, "query")]


def test_a_record_twice_on_one_page_stays_once():
    assert kept(page([late(), late()])) == [("c1", 1, "job")]


def test_a_day_without_repeated_conversations_reads_each_page_once():
    pages = [page([late("c1")], 1), page([late("c2")], 2)]
    list(raw_conversations(pages, org="us", day=DAY))

    assert [each.reads for each in pages] == [[1], [2]]


def test_only_pages_that_share_a_conversation_are_read_twice():
    pages = [page([late("c1")], 1), page([late("c2")], 2), page([late("c1")], 3)]
    list(raw_conversations(pages, org="us", day=DAY))

    assert [len(each.reads) for each in pages] == [2, 1, 2]


def test_what_became_of_each_record_is_counted():
    other_day = told("what | from | to\nhold | 01T10:00:00 | 01T11:00:00", "c3")
    raw = raw_conversations(
        [page([late("c1"), other_day, {"noId": 1}], 1), page([late("c1")], 2)], org="us", day=DAY
    )
    list(raw)

    assert raw.counts == RawCounts(
        pages=2, records=4, kept=2, duplicates=1, orphans=1, unidentified=1
    )


def test_iterating_again_gives_the_same_frames_and_counts():
    raw = raw_conversations([page([late("c1"), late("c2")])], org="us", day=DAY)
    first, counted = list(raw), raw.counts
    again = list(raw)

    assert [each.rows() for each in again] == [each.rows() for each in first]
    assert raw.counts == counted
