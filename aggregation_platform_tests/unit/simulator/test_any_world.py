"""Whatever the options: records, aggregates and truth agree, and nothing is served twice."""

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation_platform.clock import ManualClock
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.payloads import record_of
from aggregation_platform.simulator.profiles import org_keys
from aggregation_platform.simulator.server import Simulator
from aggregation_platform.simulator.timestamps import DAY_MS, day_start, parse

WORLDS = st.builds(
    SimulatorOptions,
    orgs=st.integers(1, 7).map(org_keys),
    first_day=st.dates(date(2024, 2, 1), date(2026, 1, 20)),
    days=st.integers(1, 3),
    conversations_per_day=st.integers(0, 40),
    seed=st.integers(0, 2**31),
    history_days=st.integers(0, 20),
    orphan_every=st.sampled_from([0, 3, 500]),
    open_every=st.sampled_from([0, 7]),
    multi_day_every=st.sampled_from([0, 5]),
    pair_every=st.integers(2, 20),
    unknown_every=st.sampled_from([0, 2]),
    nightly_rewrites=st.booleans(),
)


@settings(max_examples=12, deadline=None)
@given(WORLDS, st.data())
def test_handle_time_is_the_same_by_records_by_aggregates_and_by_truth(options, data):
    simulator = Simulator(options, ManualClock(datetime(2026, 2, 1, 9, tzinfo=UTC)))
    org = data.draw(st.sampled_from(options.orgs))
    day = data.draw(st.sampled_from(options.simulated_days))
    service, start = simulator.services[org], day_start(day)
    service.lake.catch_up()
    span = simulator.world.span(org, start, start + DAY_MS, service.lake.highest_generation)
    ids: list[str] = []
    handled: list[int] = []
    for place in range(len(span)):
        story = simulator.truth.story(span.ref(place))
        record = record_of(story, simulator.world.directories[org])
        ids.append(record["conversationId"])
        for participant in record["participants"]:
            for session in participant["sessions"]:
                for metric in session["metrics"]:
                    at = parse(metric["emitDate"])
                    if metric["name"] == "tHandle" and start <= at < start + DAY_MS:
                        handled.append(metric["value"])

    interval = f"{day}T00:00:00Z/{datetime.fromtimestamp(start / 1000 + 86400, UTC):%FT%TZ}"
    answer = service.aggregates.answer({"interval": interval, "metrics": ["tHandle"]})
    stats = [m["stats"] for r in answer["results"] for b in r["data"] for m in b["metrics"]]

    assert len(ids) == len(set(ids))
    told = (len(handled), sum(handled))
    assert told == simulator.truth.handle_time(org, day)
    assert told == (stats[0]["count"], stats[0]["sum"]) if stats else told == (0, 0)
