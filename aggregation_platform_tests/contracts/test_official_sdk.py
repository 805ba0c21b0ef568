"""The vendor's own client talks to the simulator, and understands what it says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aggregation_platform.simulator.oddities import UNKNOWN_VALUES
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator

with warnings.catch_warnings():
    # The client's own modules warn while they are imported.
    warnings.simplefilter("ignore")
    import PureCloudPlatformClientV2 as Sdk  # pyright: ignore[reportMissingTypeStubs]
    from PureCloudPlatformClientV2 import rest  # pyright: ignore[reportMissingTypeStubs]

DAY = "2026-01-05T00:00:00.000Z/2026-01-06T00:00:00.000Z"
OPTIONS = SimulatorOptions(
    orgs=("us", "emea"), conversations_per_day=150, history_days=62, orphan_every=40,
    open_every=60, multi_day_every=50, pair_every=15, unknown_every=25, job_seconds=0.05,
)  # fmt: skip
UNKNOWN = "outdated_sdk_version"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(OPTIONS) as running:
        yield running
    assert running.mistakes == []


def _client(simulator: Simulator, org: str) -> Any:
    client = Sdk.api_client.ApiClient()
    client.set_gateway("127.0.0.1", "http", simulator.port, org, org)
    place = simulator.world.directories[org]
    client.get_client_credentials_token(place.client_id, place.client_secret)
    return client


@pytest.fixture(scope="module")
def client(simulator: Simulator) -> Any:
    return _client(simulator, "us")


def _conversations(client: Any) -> list[Any]:
    """Run a job and read all its pages, as an integration of the vendor's would."""
    api = Sdk.ConversationsApi(client)
    query = Sdk.AsyncConversationQuery()
    query.interval = DAY
    job = api.post_analytics_conversations_details_jobs(query)
    for _ in range(10_000):
        state = api.get_analytics_conversations_details_job(job.job_id).state
        if state == "FULFILLED":
            break
    found: list[Any] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = api.get_analytics_conversations_details_job_results(
            job.job_id, page_size=100, **more
        )
        assert page.data_availability_date is not None
        found += page.conversations
        cursor = page.cursor
        if not cursor:
            return found


@pytest.fixture(scope="module")
def conversations(client: Any) -> list[Any]:
    return _conversations(client)


def _leaves(model: Any) -> Iterator[tuple[str, Any]]:
    """Give every value in a model, with its attribute's name."""
    for name in getattr(model, "swagger_types", {}):
        value = getattr(model, name)
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "swagger_types"):
                yield from _leaves(item)
            elif item is not None:
                yield name, item


def test_a_job_is_run_and_read_to_its_end(simulator, conversations):
    ids = [conversation.conversation_id for conversation in conversations]

    assert len(ids) == len(set(ids)) > 150
    assert all(simulator.world.ref_of(one) is not None for one in ids)


def test_nothing_but_the_deliberately_unknown_is_unknown_to_the_sdk(conversations):
    unknown: dict[str, int] = {}
    for conversation in conversations:
        for name, value in _leaves(conversation):
            if value == UNKNOWN:
                unknown[name] = unknown.get(name, 0) + 1

    assert set(unknown) == {"used_routing", "disconnect_type"}
    assert set(unknown.values()) == {sum(1 for c in conversations if _is_odd(c))}
    assert len(UNKNOWN_VALUES) == 3


def _is_odd(conversation: Any) -> bool:
    return any(value == UNKNOWN for _, value in _leaves(conversation))


def test_instants_and_values_survive_the_models(conversations):
    values = [
        metric
        for conversation in conversations
        for participant in conversation.participants
        for session in participant.sessions
        for metric in session.metrics
    ]

    assert all(metric.emit_date.tzinfo is not None for metric in values)
    assert max(metric.value for metric in values) > 2**31
    assert any(c.conversation_end is None for c in conversations)


def test_handle_time_of_the_models_is_the_truth(simulator, conversations):
    handled = [
        metric.value
        for conversation in conversations
        for participant in conversation.participants
        for session in participant.sessions
        for metric in session.metrics
        if metric.name == "tHandle" and metric.emit_date.date() == OPTIONS.first_day
    ]

    assert (len(handled), sum(handled)) == simulator.truth.handle_time("us", OPTIONS.first_day)


def test_aggregates_are_queried(simulator, client):
    query = Sdk.ConversationAggregationQuery()
    query.interval, query.metrics = DAY, ["tHandle", "nOffered", "oServiceLevel"]
    query.group_by = ["mediaType"]
    answer = Sdk.ConversationsApi(client).post_analytics_conversations_aggregates_query(query)
    stats = [
        metric.stats
        for group in answer.results
        for data in group.data
        for metric in data.metrics
        if metric.metric == "tHandle"
    ]

    told = (sum(s.count for s in stats), sum(s.sum for s in stats))
    assert told == simulator.truth.handle_time("us", OPTIONS.first_day)


def test_the_synchronous_query_is_paged(client):
    query = Sdk.ConversationQuery()
    query.interval = DAY
    query.paging = Sdk.PagingSpec()
    query.paging.page_size, query.paging.page_number = 50, 1
    answer = Sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query)

    assert len(answer.conversations) == 50
    assert answer.total_hits > 100


def test_users_queues_and_codes_are_listed(simulator, client):
    place = simulator.world.directories["us"]
    users = Sdk.UsersApi(client).get_users(page_size=500, state="any")
    queues = Sdk.RoutingApi(client).get_routing_queues(page_size=500)
    codes = Sdk.RoutingApi(client).get_routing_wrapupcodes(page_size=100)
    divisions = Sdk.AuthorizationApi(client).get_authorization_divisions()

    assert {user.id for user in users.entities} == {user.id for user in place.users}
    assert {queue.id for queue in queues.entities} == {q.id for q in place.queues if not q.deleted}
    assert {code.id for code in codes.entities} == set(place.wrap_up_ids)
    assert len(divisions.entities) == 3
    for page in (users, queues, codes, divisions):
        assert UNKNOWN not in {value for _, value in _leaves(page) if isinstance(value, str)}


def test_users_are_searched_by_state_and_the_beginning_of_their_names(simulator, client):
    named, state = Sdk.UserSearchCriteria(), Sdk.UserSearchCriteria()
    named.type, named.fields, named.value = "STARTS_WITH", ["name"], "a"
    state.type, state.fields, state.value = "EXACT", ["state"], "active"
    request = Sdk.UserSearchRequest()
    request.page_size, request.page_number, request.query = 100, 1, [named, state]
    found = Sdk.UsersApi(client).post_users_search(request)

    wanted = {
        user.id
        for user in simulator.world.directories["us"].users
        if user.state == "active" and user.name.startswith("A")
    }
    assert {user.id for user in found.results} == wanted
    assert found.total == len(wanted) > 0


def test_teams_are_listed_by_the_sdk_by_cursor(simulator, client):
    api, ids = Sdk.TeamsApi(client), []
    page = api.get_teams(page_size=3)
    ids += [team.id for team in page.entities]
    while page.next_uri:
        (after,) = parse_qs(urlsplit(page.next_uri).query)["after"]
        page = api.get_teams(page_size=3, after=after)
        ids += [team.id for team in page.entities]

    assert sorted(ids) == sorted(simulator.world.directories["us"].team_ids)
    assert UNKNOWN not in {value for _, value in _leaves(page) if isinstance(value, str)}


def test_two_orgs_are_two_clients(simulator, client):
    other = _client(simulator, "emea")
    told = [Sdk.OrganizationApi(c).get_organizations_me() for c in (client, other)]

    assert [organization.id for organization in told] == [
        simulator.world.directories[org].organization_id for org in ("us", "emea")
    ]


def test_an_error_body_is_what_the_sdk_expects(client):
    with pytest.raises(rest.ApiException) as refused:
        Sdk.ConversationsApi(client).get_analytics_conversations_details_job("no such job")

    assert refused.value.status == 404
    assert '"not.found"' in str(refused.value.body)
