"""A listing takes what it can: odd entities, failures half way, and the organization's cap."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.errors import RefusedError, TransientSourceError, UnexpectedReplyError
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.listing_pages import read_listing_page
from aggregation_platform.genesys.reference import Listing
from aggregation_platform.genesys.transport import Reply, Request
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer, Seen

USERS, QUEUES = "GET /api/v2/users", "GET /api/v2/routing/queues"
SEARCH = "POST /api/v2/users/search"
CAP = 10_000
OVER_THE_CAP = Answer(400, {"message": "no more than 10000", "code": "bad.request", "status": 400})

User = dict[str, Any]


def page_of(body: bytes) -> Any:
    request = Request("emea", "GET", "http://127.0.0.1/api/v2/users")
    return read_listing_page(request, Reply(200, {}, body))


# odd entities


def test_half_a_character_in_a_name_becomes_u_fffd_and_is_counted():
    page = page_of(b'{"entities":[{"id":"a","name":"Ann \\ud83d"},{"id":"b"}],"total":2}')

    assert dict(page.entities) == {"a": {"id": "a", "name": "Ann \ufffd"}, "b": {"id": "b"}}
    assert (page.mended_ids, page.set_aside) == ({"a"}, 0)


@pytest.mark.parametrize("name", [b"\xff", b"\\u0000", b"\\udc00 \\ud83d"])
def test_what_no_text_can_hold_costs_no_other_entity(name: bytes):
    page = page_of(b'{"entities":[{"id":"a","name":"%s"},{"id":"b"}]}' % name)

    assert list(page.entities) == ["a", "b"]
    assert "\ufffd" in page.entities["a"]["name"]
    assert page.mended_ids == {"a"}


no_entity = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=3),
    st.lists(st.none(), max_size=1),
    st.just({}),
    st.builds(lambda: {"name": "nameless"}),
    st.sampled_from([{"id": None}, {"id": 7}, {"id": ""}, {"id": ["a"]}, {"id": {"id": "a"}}]),
)


@given(st.lists(st.integers(0, 99), max_size=5), no_entity, st.data())
def test_one_bad_item_among_good_ones_is_set_aside_alone(numbers: list[int], bad: Any, data: Any):
    good: list[Any] = [{"id": f"u{number}", "name": "n"} for number in numbers]
    place = data.draw(st.integers(0, len(good)))
    page = page_of(json.dumps({"entities": [*good[:place], bad, *good[place:]]}).encode())

    assert set(page.entities) == {each["id"] for each in good}
    assert (page.set_aside, page.returned) == (1, len(good) + 1)


@pytest.mark.parametrize("member", ["total", "pageCount", "nextUri"])
@pytest.mark.parametrize("value", ["many", [], {}, True, None])
def test_a_count_that_is_none_is_as_good_as_not_said(member: str, value: object):
    page = page_of(json.dumps({"entities": [{"id": "a"}], member: value}).encode())

    assert list(page.entities) == ["a"]
    assert (page.total, page.page_count) == (None, None)


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"entities": {"id": "a"}}', b'{"entities": 5}'])
def test_a_page_that_is_no_listing_is_unexpected(body: bytes):
    with pytest.raises(UnexpectedReplyError, match="report a bug"):
        page_of(body)


def test_entities_without_an_id_make_the_listing_incomplete_and_are_counted(
    server: ScriptedServer, client: GenesysClient
):
    body = {"entities": [{"id": "a"}, None, {"name": "no id"}], "total": 3, "pageCount": 1}
    server.on(USERS, Answer(200, body))

    listed = client.listing(Listing.USERS)

    assert [each["id"] for each in listed] == ["a"]
    assert (listed.whole, listed.set_aside, listed.unlisted) == (False, 2, 2)


# failures half way


def failing_at(page: int, failure: Answer, *, total: int = 1200) -> Callable[[Seen], Answer]:
    def answer(seen: Seen) -> Answer:
        number = int(seen.query["pageNumber"])
        if number >= page:
            return failure
        entities = [{"id": f"{number}-{each}"} for each in range(500)]
        return Answer(200, {"entities": entities, "total": total})

    return answer


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, TransientSourceError), (503, TransientSourceError), (403, RefusedError)],
)
def test_a_listing_that_fails_half_way_keeps_what_it_has_and_says_why(
    server: ScriptedServer, client: GenesysClient, status: int, error: type[Exception]
):
    server.on(QUEUES, failing_at(2, Answer(status, {"message": "no", "status": status})))

    listed = client.listing(Listing.QUEUES)

    assert (len(listed), listed.whole, listed.unlisted) == (500, False, 700)
    assert isinstance(listed.failure, error)
    assert not listed.is_capped


def test_a_listing_that_fails_at_once_is_raised(server: ScriptedServer, client: GenesysClient):
    server.on(QUEUES, failing_at(1, Answer(403, {"message": "no", "status": 403})))

    with pytest.raises(RefusedError):
        client.listing(Listing.QUEUES)


# the cap of 10,000


def everybody(active: int, deleted: int, names: str = "{:05d} user") -> list[User]:
    return [
        {"id": f"u{n}", "name": names.format(n), "state": "active" if n < active else "deleted"}
        for n in range(active + deleted)
    ]


def capped_listing(users: list[User]) -> Callable[[Seen], Answer]:
    """Serve users by name, by state, in either order; no entry beyond the cap."""

    def answer(seen: Seen) -> Answer:
        wanted = [each for each in users if seen.query["state"] in ("any", each["state"])]
        wanted.sort(key=lambda each: each["name"], reverse=seen.query["sortOrder"] == "DESC")
        return capped_page(wanted, int(seen.query["pageNumber"]), int(seen.query["pageSize"]))

    return answer


def capped_page(users: list[User], number: int, size: int, key: str = "entities") -> Answer:
    if number * size > CAP:
        return OVER_THE_CAP
    return Answer(200, {key: users[(number - 1) * size : number * size], "total": len(users)})


def capped_search(users: list[User]) -> Callable[[Seen], Answer]:
    """Serve a search by state and by the beginning of the name."""

    def answer(seen: Seen) -> Answer:
        named, state = seen.json["query"]
        assert (named["type"], named["fields"], state["fields"]) == (
            "STARTS_WITH", ["name"], ["state"],
        )  # fmt: skip
        found = [
            each
            for each in users
            if each["state"] == state["value"] and each["name"].startswith(named["value"])
        ]
        return capped_page(found, seen.json["pageNumber"], seen.json["pageSize"], "results")

    return answer


def test_deleted_users_that_fill_the_cap_are_listed_apart(
    server: ScriptedServer, client: GenesysClient
):
    users = everybody(400, 10_000)
    server.on(USERS, capped_listing(users))

    listed = client.listing(Listing.USERS)

    assert {each["id"] for each in listed} == {each["id"] for each in users}
    assert (listed.whole, listed.is_capped, listed.failure) == (True, True, None)
    assert server.asked(SEARCH) == []


def test_users_of_one_state_beyond_the_cap_are_listed_from_both_ends(
    server: ScriptedServer, client: GenesysClient
):
    users = everybody(15_000, 3)
    server.on(USERS, capped_listing(users))

    listed = client.listing(Listing.USERS)

    assert (len(listed), listed.whole) == (15_003, True)


def test_more_users_than_both_ends_have_are_searched_by_the_first_letter(
    server: ScriptedServer, client: GenesysClient
):
    users = everybody(22_000, 0)  # 0…, 1…, 2…: ten thousand of 0, ten thousand of 1, the rest
    server.on(USERS, capped_listing(users))
    server.on(SEARCH, capped_search(users))

    listed = client.listing(Listing.USERS)

    asked = {seen.json["query"][0]["value"] for seen in server.asked(SEARCH)}
    assert (len(listed), listed.whole) == (22_000, True)
    assert "1" in asked


def test_what_no_search_finds_is_counted_and_nobody_is_called_gone(
    server: ScriptedServer, client: GenesysClient
):
    users = everybody(22_000, 0)
    server.on(USERS, capped_listing(users))
    server.on(SEARCH, Answer(403, {"message": "not permitted", "status": 403}))

    listed = client.listing(Listing.USERS)

    assert (len(listed), listed.unlisted) == (20_000, 2_000)
    assert (listed.whole, listed.is_capped) == (False, True)
    assert len(server.asked(SEARCH)) == 1


def test_queues_beyond_the_cap_are_asked_for_by_the_beginning_of_their_names(
    server: ScriptedServer, client: GenesysClient
):
    queues = everybody(20_500, 0, names="q{:05d}")

    def answer(seen: Seen) -> Answer:
        prefix = seen.query.get("name", "*").removesuffix("*")
        wanted = [each for each in queues if each["name"].startswith(prefix)]
        wanted = wanted[::-1] if seen.query["sortOrder"] == "desc" else wanted
        return capped_page(wanted, int(seen.query["pageNumber"]), int(seen.query["pageSize"]))

    server.on(QUEUES, answer)

    assert len(client.listing(Listing.QUEUES)) == 20_500
