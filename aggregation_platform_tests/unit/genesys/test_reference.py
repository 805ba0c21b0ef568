"""Listings, the synchronous query and aggregates, in every shape a server gives them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aggregation_platform.errors import QueryTooLargeError, UnexpectedReplyError
from aggregation_platform.genesys import aggregates, queries
from aggregation_platform.genesys.aggregates import HandleTimeAggregate
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.reference import Listing, OrganizationIdentity
from aggregation_platform.intervals import Interval
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer, Seen

DAY = Interval.of_day(date(2026, 1, 4))
USERS = "GET /api/v2/users"
TEAMS = "GET /api/v2/teams"
AGGREGATES = f"POST {aggregates.QUERY}"
QUERY = f"POST {queries.QUERY}"


def listing_of(
    ids: Sequence[str],
    *,
    largest: int = 1000,
    leave_out: Sequence[str] = (),
    total: int | None = -1,
) -> Callable[[Seen], Answer]:
    """Serve pages of ids, never larger than `largest`."""

    def answer(seen: Seen) -> Answer:
        size = min(int(seen.query["pageSize"]), largest)
        number = int(seen.query["pageNumber"])
        cut = ids[(number - 1) * size : number * size]
        body: dict[str, Any] = {
            "entities": [{"id": each, "name": f"n-{each}"} for each in cut],
            "pageSize": size,
            "pageNumber": number,
            "total": len(ids) if total == -1 else total,
        }
        return Answer(200, {k: v for k, v in body.items() if k not in leave_out})

    return answer


def teams_of(*pages: Sequence[str], last_leads_to: str | None = None) -> Callable[[Seen], Answer]:
    """Serve pages of ids by cursor: `after` is the number of the page before."""

    def answer(seen: Seen) -> Answer:
        number = int(seen.query.get("after", "0"))
        more: dict[str, Any] = {}
        if number + 1 < len(pages):
            more = {"nextUri": f"/api/v2/teams?pageSize=100&after={number + 1}"}
        elif last_leads_to is not None:
            more = {"nextUri": last_leads_to}
        return Answer(200, {"entities": [{"id": each} for each in pages[number]], **more})

    return answer


def test_the_organization_says_who_it_is(server: ScriptedServer, client: GenesysClient):
    body = {"id": "o-1", "name": "Example", "thirdPartyOrgName": "example", "new": {"key": 1}}
    server.on("GET /api/v2/organizations/me", Answer(200, body))

    assert client.organization() == OrganizationIdentity("o-1", "Example", "example")


def test_users_are_listed_in_any_state(server: ScriptedServer, client: GenesysClient):
    server.on(USERS, listing_of(["a"]))
    client.listing(Listing.USERS)

    assert server.asked(USERS)[0].query == {
        "state": "any", "sortOrder": "ASC", "pageSize": "500", "pageNumber": "1",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in Listing if kind.cursor is None])
def test_every_kind_is_listed_with_the_entities_as_they_are(
    server: ScriptedServer, client: GenesysClient, kind: Listing
):
    server.on(f"GET {kind.path}", listing_of(["a", "b"]))

    listed = client.listing(kind)

    assert [dict(each) for each in listed] == [
        {"id": "a", "name": "n-a"}, {"id": "b", "name": "n-b"},
    ]  # fmt: skip
    assert listed.whole
    assert len(listed) == listed.total == 2


@pytest.mark.parametrize(
    "leave_out", [(), ("total",), ("pageSize",), ("pageSize", "total"), ("pageNumber",)]
)
def test_a_server_that_gives_smaller_pages_is_listed_to_the_end(
    server: ScriptedServer, client: GenesysClient, leave_out: Sequence[str]
):
    ids = [f"u{number:03}" for number in range(260)]
    server.on(USERS, listing_of(ids, largest=25, leave_out=leave_out))

    listed = client.listing(Listing.USERS)

    assert [each["id"] for each in listed] == ids
    assert listed.whole is ("total" not in leave_out)


def test_teams_are_listed_by_cursor_to_the_page_that_names_no_next(
    server: ScriptedServer, client: GenesysClient
):
    server.on(TEAMS, teams_of(["a", "b"], ["c"], ["d"]))

    listed = client.listing(Listing.TEAMS)

    assert [each["id"] for each in listed] == ["a", "b", "c", "d"]
    assert (listed.whole, listed.total) == (True, None)
    assert [seen.query for seen in server.asked(TEAMS)] == [
        {"pageSize": "100"},
        {"pageSize": "100", "after": "1"},
        {"pageSize": "100", "after": "2"},
    ]


@pytest.mark.parametrize(
    "leads_to", ["/api/v2/teams?pageSize=100&after=1", "/api/v2/teams?pageSize=100", "?after="]
)
def test_a_list_of_teams_whose_last_page_leads_nowhere_is_not_called_whole(
    server: ScriptedServer, client: GenesysClient, leads_to: str
):
    server.on(TEAMS, teams_of(["a"], ["b"], last_leads_to=leads_to))

    listed = client.listing(Listing.TEAMS)

    assert {each["id"] for each in listed} == {"a", "b"}
    assert not listed.whole
    assert len(server.asked(TEAMS)) < 10


def test_no_teams_at_all_is_a_whole_list(server: ScriptedServer, client: GenesysClient):
    server.on(TEAMS, Answer(200, {"entities": []}))

    listed = client.listing(Listing.TEAMS)

    assert (len(listed), listed.whole) == (0, True)


def test_an_empty_listing_is_whole(server: ScriptedServer, client: GenesysClient):
    server.on(USERS, listing_of([]))

    listed = client.listing(Listing.USERS)

    assert (len(listed), listed.whole) == (0, True)


def test_entities_seen_twice_are_listed_once(server: ScriptedServer, client: GenesysClient):
    server.on(USERS, listing_of(["a", "b", "b", "c"], largest=2, total=3))

    listed = client.listing(Listing.USERS)

    assert [each["id"] for each in listed] == ["a", "b", "c"]
    assert listed.whole


def test_a_listing_that_lacks_some_is_read_again_and_then_not_called_whole(
    server: ScriptedServer, client: GenesysClient
):
    server.on(USERS, listing_of(["a", "b"], total=3))

    listed = client.listing(Listing.USERS)

    assert [each["id"] for each in listed] == ["a", "b"]
    assert not listed.whole
    assert listed.total == 3


def test_a_listing_that_is_whole_at_the_second_reading_is_whole(
    server: ScriptedServer, client: GenesysClient
):
    lacking = Answer(200, {"entities": [{"id": "a"}], "total": 2, "pageCount": 1})
    whole = Answer(200, {"entities": [{"id": "a"}, {"id": "b"}], "total": 2, "pageCount": 1})
    server.on(USERS, lacking, whole)

    assert client.listing(Listing.USERS).whole


def test_a_server_that_repeats_its_last_page_is_not_listed_for_ever(
    server: ScriptedServer, client: GenesysClient
):
    server.on(USERS, Answer(200, {"entities": [{"id": "a"}], "nextUri": "/api/v2/users?again"}))

    assert len(client.listing(Listing.USERS)) == 1
    assert len(server.asked(USERS)) == 4


def test_entities_without_an_id_are_not_counted(server: ScriptedServer, client: GenesysClient):
    body = {"entities": [{"id": "a"}, {"name": "no id"}, {"id": None}], "total": 3, "pageCount": 1}
    server.on(USERS, Answer(200, body))

    assert not client.listing(Listing.USERS).whole


# the synchronous query


def test_a_query_asks_for_a_page_and_tells_the_total(server: ScriptedServer, client: GenesysClient):
    server.on(QUERY, Answer(200, {"conversations": [{"conversationId": "a"}], "totalHits": 7}))

    page = client.query_details(DAY, page_number=2)

    assert (page.conversation_ids, page.total_hits, page.cursor) == (("a",), 7, None)
    assert server.asked(QUERY)[0].json == {
        "interval": "2026-01-04T00:00:00.000Z/2026-01-05T00:00:00.000Z",
        "order": "asc",
        "orderBy": "conversationStart",
        "paging": {"pageSize": 100, "pageNumber": 2},
    }


@pytest.mark.parametrize("body", [{"totalHits": 7}, {"conversations": None, "totalHits": 7}])
def test_past_the_end_there_are_no_conversations(
    server: ScriptedServer, client: GenesysClient, body: object
):
    server.on(QUERY, Answer(200, body))

    assert client.query_details(DAY, page_number=99).conversation_ids == ()


@pytest.mark.parametrize(
    "message",
    [
        "You must specify a search interval as part of your query that does not exceed 7 days",
        "Pagination may not exceed 100000 results. Tip: When extracting large chunks of data",
    ],
)
def test_a_query_over_a_cap_asks_for_less(
    server: ScriptedServer, client: GenesysClient, message: str
):
    server.on(QUERY, Answer(400, {"message": message, "code": "bad.request", "status": 400}))

    with pytest.raises(QueryTooLargeError, match="shorter interval"):
        client.query_details(DAY, page_number=1)


# aggregates


def bucket(*metrics: tuple[str, dict[str, float]], start: str = "2026-01-04T10:00:00.000Z") -> Any:
    return {
        "interval": f"{start}/2026-01-04T10:30:00.000Z",
        "metrics": [{"metric": name, "stats": stats} for name, stats in metrics],
    }


def test_aggregates_become_rows(server: ScriptedServer, client: GenesysClient):
    group = {"queueId": "q", "userId": "u", "mediaType": "voice", "direction": "inbound"}
    data = [bucket(("tHandle", {"count": 5, "sum": 110878.0, "min": 1.0}), ("tAcw", {"count": 2}))]
    server.on(AGGREGATES, Answer(200, {"results": [{"group": group, "data": data}]}))
    start = datetime(2026, 1, 4, 10, tzinfo=UTC)

    rows = list(client.handle_time_aggregates(DAY))

    assert rows == [
        HandleTimeAggregate(start, "q", "u", "voice", "inbound", "tHandle", 5, 110878),
        HandleTimeAggregate(start, "q", "u", "voice", "inbound", "tAcw", 2, 0),
    ]
    assert server.asked(AGGREGATES)[0].json == {
        "interval": "2026-01-04T00:00:00.000Z/2026-01-05T00:00:00.000Z",
        "granularity": "PT30M",
        "groupBy": ["queueId", "userId", "mediaType", "direction"],
        "metrics": ["tHandle", "tTalkComplete", "tHeldComplete", "tAcw", "tContacting", "tDialing"],
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"results": []},
        {"results": None},
        {"results": [{}]},
        {"results": [{"group": {}, "data": []}]},
        {"results": [{"group": {"mediaType": "voice"}, "data": [bucket()]}]},
    ],
)
def test_no_data_is_no_rows(server: ScriptedServer, client: GenesysClient, body: object):
    server.on(AGGREGATES, Answer(200, body))

    assert list(client.handle_time_aggregates(DAY)) == []


def test_a_group_may_lack_dimensions(server: ScriptedServer, client: GenesysClient):
    data = [bucket(("tHandle", {"count": 1, "sum": 2.0}))]
    server.on(AGGREGATES, Answer(200, {"results": [{"group": {"userId": "u"}, "data": data}]}))

    (row,) = client.handle_time_aggregates(DAY)

    assert (row.queue_id, row.user_id, row.media_type, row.direction) == (None, "u", None, None)


def test_what_has_no_queue_is_asked_for_apart_and_counts_once(
    server: ScriptedServer, client: GenesysClient
):
    data = [bucket(("tHandle", {"count": 1, "sum": 2.0}))]
    server.on(AGGREGATES, Answer(200, {"results": [{"group": {"userId": "u"}, "data": data}]}))

    rows = list(client.handle_time_aggregates(DAY))

    grouped, apart = (request.json for request in server.asked(AGGREGATES))
    assert len(rows) == 1
    assert "filter" not in grouped
    assert apart["groupBy"] == ["userId", "mediaType", "direction"]
    assert apart["filter"]["predicates"] == [
        {"type": "dimension", "dimension": "queueId", "operator": "notExists"}
    ]


def test_a_bucket_without_an_interval_is_unexpected(server: ScriptedServer, client: GenesysClient):
    data = [bucket(("tHandle", {"count": 1}), start="yesterday")]
    server.on(AGGREGATES, Answer(200, {"results": [{"data": data}]}))

    with pytest.raises(UnexpectedReplyError, match="is no interval"):
        list(client.handle_time_aggregates(DAY))
