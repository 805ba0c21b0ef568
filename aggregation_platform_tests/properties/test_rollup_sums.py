"""What holds for every rollup: nothing is lost or made, however it is cut and labelled."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.facts.tables import SESSION_METRICS
from aggregation_platform.identity.tables import AGENTS, FOR_EVER, QUEUES, SINCE_EVER
from aggregation_platform.rollups.handle_time import handle_time, relabelled
from aggregation_platform.rollups.tables import HANDLE_TIME

DAY = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)

metric_rows = st.lists(
    st.fixed_dictionaries(
        {
            "org": st.sampled_from(["us", "emea"]),
            "queue_id": st.sampled_from([None, "q1", "q2"]),
            "user_id": st.sampled_from([None, "u1", "u2"]),
            "media_type": st.sampled_from([None, "voice"]),
            "direction": st.sampled_from([None, "inbound"]),
            "metric": st.sampled_from(["tHandle", "tTalkComplete", "tTalk", "tAcw", "nOffered"]),
            "value_ms": st.integers(0, 10**10),
            "emitted_at": st.integers(0, 86_399_999).map(
                lambda ms: MIDNIGHT + timedelta(milliseconds=ms)
            ),
        }
    ),
    max_size=30,
)
mappings = st.dictionaries(
    st.tuples(st.sampled_from(["us", "emea"]), st.sampled_from(["1", "2"])),
    st.sampled_from(["Sales", "Billing"]),
)


def metrics_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SESSION_METRICS.frame_schema, orient="row")


def queues_of(mapping) -> pl.DataFrame:
    rows = [
        (org, f"q{number}", f"name of {number}", queue, "rule_id", SINCE_EVER, FOR_EVER)
        for (org, number), queue in mapping.items()
    ]
    return pl.DataFrame(rows, schema=QUEUES.frame_schema, orient="row")


def agents_of(mapping) -> pl.DataFrame:
    rows = [
        (org, f"u{number}", "name", person, "rule", SINCE_EVER, FOR_EVER)
        for (org, number), person in mapping.items()
    ]
    return pl.DataFrame(rows, schema=AGENTS.frame_schema, orient="row")


def totals(cells: pl.DataFrame) -> tuple[object, object]:
    return cells["handled_count"].sum(), cells["handle_ms"].sum()


@given(metric_rows, mappings, mappings)
def test_every_handle_time_is_in_one_cell_whatever_is_mapped(rows, queues, agents):
    cells = handle_time(
        metrics_of(rows), day=DAY, queues=queues_of(queues), agents=agents_of(agents)
    )

    handled = [row["value_ms"] for row in rows if row["metric"] == "tHandle"]
    assert totals(cells) == (len(handled), sum(handled))
    HANDLE_TIME.schema.validate(cells)


@given(metric_rows, mappings)
def test_totals_by_org_queue_agent_and_world_agree(rows, mapping):
    cells = handle_time(
        metrics_of(rows), day=DAY, queues=queues_of(mapping), agents=agents_of(mapping)
    )

    for dimension in ("org", "global_queue", "queue_id", "global_agent_id", "media_type"):
        grouped = cells.group_by(dimension).agg(pl.col("handled_count", "handle_ms").sum())
        assert totals(grouped) == totals(cells)


@given(metric_rows, mappings, st.integers(1, 7), st.randoms())
def test_the_sum_of_chunks_of_any_cut_and_order_is_the_whole(rows, mapping, size, random):
    whole = metrics_of(rows)
    chunks = [whole.slice(start, size) for start in range(0, whole.height, size)]
    random.shuffle(chunks)
    queues, agents = queues_of(mapping), agents_of(mapping)
    of_chunks = handle_time(chunks, day=DAY, queues=queues, agents=agents)

    assert of_chunks.equals(handle_time(whole, day=DAY, queues=queues, agents=agents))


@given(metric_rows, mappings, mappings, mappings)
def test_no_sum_changes_by_telling_the_past_under_another_mapping(rows, then, queues, agents):
    as_was = handle_time(metrics_of(rows), day=DAY, queues=queues_of(then), agents=agents_of(then))
    as_is = relabelled(
        as_was, as_of=date(2026, 3, 1), queues=queues_of(queues), agents=agents_of(agents)
    )

    labels = ["queue_name", "global_queue", "global_agent_id"]
    assert as_is.drop(labels).equals(as_was.drop(labels))
    assert totals(as_is) == totals(as_was)
