"""What holds for every mapping: each thing has exactly one meaning on each day."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.directory import tables as directory
from aggregation_platform.directory.listings import listing_of, next_history
from aggregation_platform.identity.agents import agent_rule_frame, agents
from aggregation_platform.identity.members import valid_on
from aggregation_platform.identity.queues import queues
from aggregation_platform.identity.tables import (
    AGENTS,
    FOR_EVER,
    QUEUE_NAMES,
    QUEUES,
    SINCE_EVER,
)

FIRST = date(2026, 1, 1)
days = st.integers(0, 20).map(lambda number: FIRST + timedelta(days=number))
names = st.sampled_from(["Sales", "Billing", "Help"])


def stretches(*labels):
    """A rule of some org that holds from a day to a later one, or without end."""
    end = st.one_of(st.just(FOR_EVER), st.integers(21, 30).map(lambda n: FIRST + timedelta(n)))
    return st.tuples(*labels, st.one_of(st.just(SINCE_EVER), days), end)


orgs = st.sampled_from(["us", "emea"])
listings = st.lists(
    st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), names), min_size=1, max_size=4
)
queue_rules = st.lists(
    stretches(orgs, st.sampled_from(["q1", "Sales", "Billing"]), st.sampled_from("ABC")), max_size=4
)
records = st.lists(st.tuples(orgs, days, st.sampled_from(["q1", "q9"]), names), max_size=6)


def listed(listings_of_us) -> pl.DataFrame:
    history = directory.QUEUES.empty()
    for number, entities in enumerate(listings_of_us):
        seen_at = datetime(2026, 1, 5, 6, tzinfo=UTC) + timedelta(hours=11 * number)
        entries = [{"id": queue, "name": name} for queue, name in entities.items()]
        listing = listing_of(directory.QUEUES, entries, org="us")
        history = next_history(
            history, listing, table=directory.QUEUES, seen_at=seen_at, whole=number % 2 == 0
        )
    return history


@given(listings, queue_rules, records, days)
def test_each_queue_that_was_ever_named_has_one_meaning_on_every_day(told, rules, seen, day):
    directory_rows = listed(told)
    rows = [
        (org, on, queue, name, datetime.combine(on, datetime.min.time(), UTC), 1)
        for org, on, queue, name in dict.fromkeys(seen)
    ]
    seen_names = pl.DataFrame(rows, schema=QUEUE_NAMES.frame_schema, orient="row")
    schema = ["org", "queue", "global_queue", "valid_from", "valid_to"]
    dtypes = {"org": pl.String, "queue": pl.String, "global_queue": pl.String}
    frame = pl.DataFrame(rules, schema=schema, schema_overrides=dtypes, orient="row").with_columns(
        pl.col("valid_from", "valid_to").cast(pl.Date)
    )
    mapped = QUEUES.schema.validate(queues(directory_rows, seen_names, frame))

    known = set(directory_rows.select("org", "queue_id").rows())
    known |= {(org, queue) for org, _, queue, _ in seen}
    for on in (SINCE_EVER, day, FOR_EVER - timedelta(days=1)):
        meanings = valid_on(mapped, on).select("org", "queue_id").rows()
        assert sorted(meanings) == sorted(known)


@given(
    st.lists(
        st.tuples(orgs, st.sampled_from(["u1", "u2", "u3"]), st.sampled_from([None, "a@x", "B@x"])),
        max_size=6,
        unique_by=lambda user: user[:2],
    ),
    st.lists(stretches(orgs, st.sampled_from(["u1", "u2"]), st.sampled_from("PQ")), max_size=3),
    days,
)
def test_each_account_is_one_person_on_every_day(accounts, rules, day):
    rows = [
        {
            "org": org,
            "user_id": user,
            "email": email,
            "valid_from": datetime(2026, 1, 5, tzinfo=UTC),
        }
        for org, user, email in accounts
    ]
    users = pl.DataFrame(rows, schema=directory.USERS.frame_schema)
    told_rules = [(org, user, None, person, begin, end) for org, user, person, begin, end in rules]
    frame = pl.DataFrame(told_rules, schema=agent_rule_frame([]).schema, orient="row")
    known = AGENTS.schema.validate(agents(users, frame))

    for on in (SINCE_EVER, day, FOR_EVER - timedelta(days=1)):
        assert sorted(valid_on(known, on).select("org", "user_id").rows()) == sorted(
            (org, user) for org, user, _ in accounts
        )
