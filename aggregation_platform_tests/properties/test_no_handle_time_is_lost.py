"""Over any split into days and pages, every metric is booked exactly once."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from aggregation_platform.facts.facts import Facts, facts_of
from aggregation_platform.raw.conversations import raw_conversations
from aggregation_platform_tests.records import Page, Record, page

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = [date(2026, 1, 5) + timedelta(days=offset) for offset in range(4)]

_DAY_MS = 86_400_000


def around_midnight(day: int, off: int) -> int:
    return max(0, day * _DAY_MS + off)


# instants at and around midnight more often than elsewhere
moments = st.one_of(
    st.integers(0, 4 * _DAY_MS - 1),
    st.builds(around_midnight, st.integers(0, 3), st.integers(-2, 2)),
)
metrics = st.lists(
    st.tuples(st.sampled_from(["tHandle", "tTalk", "tAcw"]), st.integers(0, 2**40), moments),
    max_size=4,
)
conversations = st.lists(st.lists(metrics, max_size=3), min_size=1, max_size=8)


def spelled(moment: int) -> str:
    instant = FIRST + timedelta(milliseconds=moment)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment % 1000:03d}Z"


def record(number: int, sessions: list[list[tuple[str, int, int]]]) -> Record:
    return {
        "conversationId": f"c{number}",
        "conversationStart": spelled(0),
        "participants": [
            {
                "userId": f"u{place}",
                "sessions": [
                    {
                        "sessionId": f"s{number}-{place}",
                        "metrics": [
                            {"name": name, "value": value, "emitDate": spelled(moment)}
                            for name, value, moment in session
                        ],
                    }
                ],
            }
            for place, session in enumerate(sessions)
        ],
    }


def dealt(records: list[Record], random: Random) -> list[Page]:
    """Deal records to pages at random, some of them twice."""
    hands: list[list[Record]] = [[] for _ in range(random.randint(1, 4))]
    for each in records:
        for hand in random.choices(hands, k=random.choice([1, 1, 2])):
            hand.append(each)
    return [page(hand, number) for number, hand in enumerate(hands, start=1)]


def facts_of_day(pages: list[Page], day: date) -> list[Facts]:
    raw = raw_conversations(pages, org="us", day=day)
    return [facts_of(frame, org="us", day=day) for frame in raw]


def whole(chunks: list[Facts]) -> dict[str, pl.DataFrame]:
    """All chunks of a day by table, in an order of their own, without where they lay."""
    frames: dict[str, list[pl.DataFrame]] = {}
    for facts in chunks:
        for table, frame in facts.by_table():
            frames.setdefault(table.name, []).append(frame.drop("page", "position", strict=False))
    return {name: pl.concat(each).sort(pl.all()) for name, each in frames.items()}


@given(conversations, st.randoms(use_true_random=False))
def test_no_handle_time_is_lost_or_made(told, random):
    records = [record(number, sessions) for number, sessions in enumerate(told)]
    booked: Counter[tuple[str, str, int]] = Counter()
    for day in DAYS:
        for facts in facts_of_day(dealt(records, random), day):
            booked.update(facts.session_metrics.select("session_id", "metric", "value_ms").rows())

    assert booked == Counter(
        (f"s{number}-{place}", name, value)
        for number, sessions in enumerate(told)
        for place, session in enumerate(sessions)
        for name, value, _ in session
    )


@given(conversations, st.randoms(use_true_random=False))
def test_the_order_of_pages_does_not_matter(told, random):
    records = [record(number, sessions) for number, sessions in enumerate(told)]
    pages = dealt(records, random)
    shuffled = random.sample(pages, len(pages))

    one, other = (whole(facts_of_day(each, DAYS[0])) for each in (pages, shuffled))

    assert one.keys() == other.keys()
    for name, frame in one.items():
        assert_frame_equal(frame, other[name])


@given(conversations, st.randoms(use_true_random=False))
def test_replaying_a_day_gives_identical_frames(told, random):
    pages = dealt([record(number, sessions) for number, sessions in enumerate(told)], random)

    for once, again in zip(facts_of_day(pages, DAYS[0]), facts_of_day(pages, DAYS[0]), strict=True):
        for frame, same in zip(once, again, strict=True):
            assert_frame_equal(frame, same)


@given(conversations, st.randoms(use_true_random=False))
def test_the_facts_of_chunks_are_the_facts_of_all(told, random):
    pages = dealt([record(number, sessions) for number, sessions in enumerate(told)], random)
    frames = list(raw_conversations(pages, org="us", day=DAYS[0]))
    chunks = [facts_of(frame, org="us", day=DAYS[0]) for frame in frames]

    together = facts_of(pl.concat(frames), org="us", day=DAYS[0])

    for place, frame in enumerate(together):
        assert_frame_equal(frame, pl.concat([chunk[place] for chunk in chunks]))
