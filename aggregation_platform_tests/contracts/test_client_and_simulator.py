"""The client against simulated organizations: a second witness, written by somebody else."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from isal import igzip

from aggregation_platform.clock import SystemClock
from aggregation_platform.config.deferred import Secret
from aggregation_platform.config.models import OrganizationConfig
from aggregation_platform.errors import (
    DetailsJobError,
    QueryTooLargeError,
    RateLimitedError,
    RefusedError,
)
from aggregation_platform.genesys.client import GenesysClient, client_for
from aggregation_platform.genesys.details import DetailsPage
from aggregation_platform.genesys.reference import Listing
from aggregation_platform.genesys.retries import OutcomeUnknownError, RetryPolicy
from aggregation_platform.genesys.transport import RequestsTransport, Timeouts
from aggregation_platform.intervals import Interval
from aggregation_platform.local_state.sqlite_state import SqliteState
from aggregation_platform.simulator.faults import Fault
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator

OPTIONS = SimulatorOptions(orgs=("us",), days=1, conversations_per_day=120, job_seconds=0.2)
DAY = Interval.of_day(OPTIONS.first_day)
QUICK = RetryPolicy(first_wait_s=0.05, longest_wait_s=0.2, jitter_s=0.05)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as simulator:
        yield simulator
    assert simulator.mistakes == []


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.faults.clear()


@pytest.fixture
def client(simulator: Simulator, tmp_path: Path) -> Iterator[GenesysClient]:
    clock = SystemClock()
    state = SqliteState(tmp_path / "state.sqlite", clock=clock)
    yield client_for(
        organization(simulator),
        clock=clock,
        transport=RequestsTransport(clock, Timeouts(2, 2, 30)),
        state=state,
        policy=QUICK,
    )
    state.close()


def organization(simulator: Simulator, **changes: object) -> OrganizationConfig:
    place = simulator.world.directories["us"]
    given: dict[str, object] = {
        "org": "us",
        "api_url": f"{simulator.url}/us",
        "login_url": f"{simulator.url}/us",
        "client_id": Secret(place.client_id),
        "client_secret": Secret(place.client_secret),
        "first_day": OPTIONS.first_day,
        "requests_per_second": 100,
    }
    return OrganizationConfig.model_validate(given | changes)


def all_pages(client: GenesysClient, *, page_size: int) -> list[DetailsPage]:
    job_id = client.submit_details_job(DAY)
    client.wait_for_details_job(job_id, patience_s=30)
    pages = [client.details_page(job_id, cursor=None, page_size=page_size)]
    while pages[-1].cursor is not None:
        pages.append(client.details_page(job_id, cursor=pages[-1].cursor, page_size=page_size))
    return pages


def ids_of(pages: list[DetailsPage]) -> list[str | None]:
    return [each for page in pages for each in page.conversation_ids]


def test_a_day_comes_whole_whatever_the_size_of_its_pages(client: GenesysClient):
    large, small = all_pages(client, page_size=1000), all_pages(client, page_size=17)

    assert len(large) == 1
    assert len(small) > 5
    assert len(ids_of(large)) >= OPTIONS.conversations_per_day
    assert sorted(map(str, ids_of(small))) == sorted(map(str, ids_of(large)))
    assert len(set(ids_of(large))) == len(ids_of(large))


def test_a_page_is_kept_as_it_came_and_its_head_is_right(client: GenesysClient):
    (page,) = all_pages(client, page_size=1000)
    text = igzip.decompress(page.body) if page.encoding == "gzip" else page.body  # pyright: ignore[reportUnknownMemberType] - isal is untyped
    whole = msgspec.json.decode(text)

    assert [each["conversationId"] for each in whole["conversations"]] == ids_of([page])
    assert page.data_available_to is not None
    assert abs(page.data_available_to - client.data_available_to()) < timedelta(hours=1)


@pytest.mark.parametrize("kind", list(Listing))
def test_every_listing_is_whole(client: GenesysClient, kind: Listing):
    listed = client.listing(kind)

    assert listed.whole
    assert len(listed) > 0


@pytest.mark.parametrize("kind", list(Listing))
def test_a_listing_cut_short_is_never_called_whole(
    simulator: Simulator, client: GenesysClient, kind: Listing
):
    everybody = {each["id"] for each in client.listing(kind)}
    simulator.faults.add(Fault(kind="short_listing", path=kind.path))
    listed = client.listing(kind)

    assert not listed.whole
    assert {each["id"] for each in listed} < everybody


@pytest.mark.parametrize("kind", list(Listing))
def test_a_listing_that_is_not_permitted_is_refused_at_once(
    simulator: Simulator, client: GenesysClient, kind: Listing
):
    simulator.faults.add(Fault(kind="forbidden", path=kind.path, remaining=1))

    with pytest.raises(RefusedError, match="permissions assigned") as refused:
        client.listing(kind)

    assert refused.value.status == 403
    assert client.listing(kind).whole


@pytest.mark.parametrize("kind", list(Listing))
def test_odd_entities_of_a_listing_cost_no_other_entity(
    simulator: Simulator, client: GenesysClient, kind: Listing
):
    everybody = {each["id"] for each in client.listing(kind)}
    simulator.faults.add(Fault(kind="odd_entities", path=kind.path))
    listed = client.listing(kind)

    assert {each["id"] for each in listed} == everybody
    assert listed.set_aside == 4
    assert listed.mended == 1


@pytest.mark.parametrize("cap", [200, 40])
def test_users_beyond_the_cap_of_a_listing_are_found_by_state_and_by_search(
    tmp_path: Path, cap: int
):
    options = SimulatorOptions(
        orgs=("us",), days=1, conversations_per_day=1, history_days=0,
        agents_per_org=300, max_entity_page_size=20, listing_cap=cap, requests_per_minute=100_000,
    )  # fmt: skip
    clock = SystemClock()
    with Simulator(options) as running:
        state = SqliteState(tmp_path / "state.sqlite", clock=clock)
        client = client_for(
            organization(running, requests_per_second=100),
            clock=clock,
            transport=RequestsTransport(clock, Timeouts(2, 2, 30)),
            state=state,
            policy=QUICK,
        )
        listed = client.listing(Listing.USERS)
        state.close()

        assert {each["id"] for each in listed} == {
            user.id for user in running.world.directories["us"].users
        }
        assert (listed.whole, listed.is_capped, listed.total) == (True, True, 300)
        assert running.mistakes == []


def test_the_organization_is_the_one_it_was_asked_to_be(
    simulator: Simulator, client: GenesysClient
):
    identity = client.organization()

    assert re.fullmatch(r"[0-9a-f-]{36}", identity.id)


def test_aggregates_have_handle_time_of_the_day(client: GenesysClient):
    rows = list(client.handle_time_aggregates(DAY))
    handled = [row for row in rows if row.metric == "tHandle"]

    assert handled
    assert all(DAY.contains(row.interval_start) for row in rows)
    assert all(row.user_id and row.count > 0 and row.sum_ms > 0 for row in handled)


def test_aggregates_that_are_too_large_are_asked_for_in_parts_that_add_up(
    simulator: Simulator, client: GenesysClient
):
    whole = sorted(map(str, client.handle_time_aggregates(DAY)))
    simulator.faults.add(Fault(kind="aggregates_too_large", org="us", count_of=20))

    in_parts = sorted(map(str, client.handle_time_aggregates(DAY)))

    assert len(whole) > 50
    assert in_parts == whole


def test_the_query_pages_until_a_page_is_empty(client: GenesysClient):
    pages = [client.query_details(DAY, page_number=1)]
    while pages[-1].conversation_ids:
        pages.append(client.query_details(DAY, page_number=len(pages) + 1))

    assert len({each for page in pages for each in page.conversation_ids}) == pages[0].total_hits


# faults


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="server_error", status=500, remaining=2),
        Fault(kind="server_error", status=502, remaining=2),
        Fault(kind="server_error", status=503, remaining=2),
        Fault(kind="server_error", status=504, remaining=2),
        Fault(kind="rate_limited", remaining=2, retry_after="1"),
        Fault(kind="unauthorized", remaining=1),
        Fault(kind="slow", remaining=1, seconds=0.3),
        Fault(kind="slow", remaining=1, seconds=2.5),
        Fault(kind="drop_before", remaining=2),
        Fault(kind="drop_after", remaining=2),
        Fault(kind="torn", remaining=2),
        Fault(kind="down", remaining=3),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.seconds}",
)
def test_what_passes_is_borne_while_pages_are_fetched(
    simulator: Simulator, client: GenesysClient, fault: Fault
):
    job_id = client.submit_details_job(DAY)
    client.wait_for_details_job(job_id, patience_s=30)
    simulator.faults.add(fault)
    page = client.details_page(job_id, cursor=None, page_size=1000)

    assert len(page.conversation_ids) >= OPTIONS.conversations_per_day
    assert client.tally.counts().total > 3
    assert simulator.faults.listed() == [], "the fault struck"


@pytest.mark.parametrize("kind", ["drop_after", "torn"])
def test_a_submission_whose_reply_is_lost_is_counted_on_both_sides(
    simulator: Simulator, client: GenesysClient, kind: str
):
    before = simulator.services["us"].counters.jobs_submitted
    simulator.faults.add(Fault(kind=kind, route="job_create", remaining=1))
    with pytest.raises(OutcomeUnknownError):
        client.submit_details_job(DAY)

    assert simulator.services["us"].counters.jobs_submitted - before == 1
    assert client.tally.counts().submitted_jobs == 1


@pytest.mark.parametrize(
    ("kind", "state"),
    [("job_failed", "FAILED"), ("job_expired", "EXPIRED"), ("job_stuck", "STUCK")],
)
def test_a_job_that_ends_badly_says_how(
    simulator: Simulator, client: GenesysClient, kind: str, state: str
):
    simulator.faults.add(Fault(kind=kind, remaining=1))
    job_id = client.submit_details_job(DAY)

    with pytest.raises(DetailsJobError) as raised:
        client.wait_for_details_job(job_id, patience_s=4)

    assert raised.value.state == state


def test_a_cursor_that_expired_asks_for_a_new_job(simulator: Simulator, client: GenesysClient):
    job_id = client.submit_details_job(DAY)
    client.wait_for_details_job(job_id, patience_s=30)
    first = client.details_page(job_id, cursor=None, page_size=10)
    simulator.faults.add(Fault(kind="cursor_expired", remaining=1))

    with pytest.raises(DetailsJobError) as raised:
        client.details_page(job_id, cursor=first.cursor, page_size=10)

    assert raised.value.state == "CURSOR_REFUSED"


def test_a_cancelled_job_and_a_foreign_one_are_told_apart_from_a_good_one(
    client: GenesysClient,
):
    job_id = client.submit_details_job(DAY)
    client.cancel_details_job(job_id)
    with pytest.raises(DetailsJobError) as cancelled:
        client.wait_for_details_job(job_id, patience_s=4)
    with pytest.raises(DetailsJobError) as foreign:
        client.details_job("00000000-0000-4000-8000-000000000000")

    assert cancelled.value.state in {"CANCELLED", "NOT_FOUND"}
    assert foreign.value.state == "NOT_FOUND"


def test_hours_of_retry_after_are_raised(simulator: Simulator, client: GenesysClient):
    simulator.faults.add(Fault(kind="rate_limited", retry_after="7200"))

    with pytest.raises(RateLimitedError) as raised:
        client.organization()

    assert raised.value.retry_after_s == 7200


def test_too_long_an_interval_asks_for_less(client: GenesysClient):
    month = Interval(DAY.start, DAY.start + timedelta(days=32))

    with pytest.raises(QueryTooLargeError):
        client.query_details(month, page_number=1)


@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
def test_wrong_credentials_are_refused(simulator: Simulator, tmp_path: Path, wrong: str):
    clock = SystemClock()
    state = SqliteState(tmp_path / "state.sqlite", clock=clock)
    client = client_for(
        organization(simulator, **{wrong: Secret("wrong")}),
        clock=clock,
        transport=RequestsTransport(clock),
        state=state,
    )

    with pytest.raises(RefusedError, match="Check client_id"):
        client.organization()

    state.close()


def test_credentials_of_another_organization_are_refused(simulator: Simulator, tmp_path: Path):
    clock = SystemClock()
    state = SqliteState(tmp_path / "state.sqlite", clock=clock)
    other = "00000000-0000-4000-8000-000000000000"
    client = client_for(
        organization(simulator, organization_id=other),
        clock=clock,
        transport=RequestsTransport(clock),
        state=state,
    )

    with pytest.raises(RefusedError, match="the credentials belong to organization"):
        client.data_available_to()

    state.close()
