"""People and queues: what the listings show and what they keep to themselves."""

import json
from datetime import date

from aggregation_platform.simulator.directory import DELETED, RENAMED, TEAMS
from aggregation_platform.simulator.timestamps import DAY_MS, day_start

START = day_start(date(2026, 1, 5))


def test_a_listing_clamps_the_page_size_and_leads_through_all_pages(org):
    us = org(max_entity_page_size=20)
    page = us.get("/api/v2/users?state=any&pageSize=100")
    ids = [user["id"] for user in page["entities"]]

    assert (page["pageSize"], page["pageNumber"], page["total"], page["pageCount"]) == (
        20,
        1,
        60,
        3,
    )
    while "nextUri" in page:
        page = us.get(page["nextUri"])
        ids += [user["id"] for user in page["entities"]]
    assert len(ids) == len(set(ids)) == 60
    assert us.get("/api/v2/users?state=any&pageSize=20&pageNumber=9")["entities"] == []


def test_teams_are_paged_by_cursor_and_counted_nowhere(us):
    page = us.get("/api/v2/teams?pageSize=3")
    names = [team["name"] for team in page["entities"]]
    assert set(page) == {"entities", "selfUri", "nextUri"}
    last = us.get(page["nextUri"])

    assert sorted(names + [team["name"] for team in last["entities"]]) == sorted(TEAMS)
    assert set(last) == {"entities", "selfUri"}
    assert us.send("GET", "/api/v2/teams?after=nowhere").status == 400


def test_users_are_listed_by_state_and_active_ones_by_default(us):
    totals = {
        state: us.get(f"/api/v2/users?state={state}")["total"]
        for state in ("active", "inactive", "deleted", "any")
    }

    assert us.get("/api/v2/users")["total"] == totals["active"]
    assert totals["inactive"] > 0
    assert totals["deleted"] > 0
    assert totals["any"] == totals["active"] + totals["inactive"] + totals["deleted"]


def test_a_leaver_worked_before_leaving_and_not_after(org):
    us = org(days=4, conversations_per_day=400)
    leavers = {user.id: user.left_on for user in us.place.users if user.left_on}
    worked = {}
    for event in us.simulator.truth.events("us", START - 3 * DAY_MS, START + 4 * DAY_MS):
        user = getattr(event.leg, "user", None)
        if user and user.id in leavers and event.metric == "tAlert":
            worked.setdefault(user.id, []).append(event.story.start)

    assert worked
    for user_id, starts in worked.items():
        assert max(starts) < day_start(leavers[user_id]) + DAY_MS


def test_a_deleted_queue_is_in_records_and_not_in_the_listing(org):
    us = org(conversations_per_day=400)
    deleted = next(queue for queue in us.place.queues if queue.purpose == DELETED)

    assert deleted.id not in {q["id"] for q in us.get("/api/v2/routing/queues")["entities"]}
    assert deleted.id in json.dumps(us.records())
    assert us.send("GET", f"/api/v2/routing/queues/{deleted.id}").status == 404


def test_a_renamed_queue_keeps_its_old_name_on_old_records(org):
    us = org(conversations_per_day=400, days=2)
    queue = next(queue for queue in us.place.queues if queue.purpose == RENAMED)
    listed = {q["id"]: q["name"] for q in us.get("/api/v2/routing/queues")["entities"]}
    names = {}
    for day in ("05", "06"):
        for record in us.records(f"2026-01-{day}T00:00:00Z/2026-01-{day}T23:00:00Z"):
            for participant in record["participants"]:
                session = participant["sessions"][0]
                on_queue = session["segments"][0].get("queueId") == queue.id
                began = session["segments"][0]["segmentStart"][:10]
                if (
                    participant["purpose"] == "acd"
                    and on_queue
                    and "participantName" in participant
                ):
                    names.setdefault(began, set()).add(participant["participantName"])

    assert listed[queue.id] == queue.name != queue.old_name
    assert names["2026-01-05"] == {queue.old_name}
    assert names["2026-01-06"] == {queue.name}


def test_the_same_business_has_another_queue_name_in_another_org(us):
    emea = us.simulator.world.directories["emea"]
    pairs = zip(us.place.queues, emea.queues, strict=True)

    assert all(a.purpose == b.purpose and a.name != b.name and a.id != b.id for a, b in pairs)


def test_travellers_have_one_address_in_two_cases_and_two_user_ids(us):
    emea = us.simulator.world.directories["emea"]
    here = {user.person: user for user in us.place.users}
    there = {user.person: user for user in emea.users}
    same = [person for person in here if person in there]
    folded = [p for p in same if here[p].email.casefold() == there[p].email.casefold()]

    assert folded
    assert all(here[person].email != there[person].email for person in same)
    assert all(here[person].id != there[person].id for person in same)
    assert len(folded) < len(same)
    assert all(here[person].name == there[person].name for person in same)


def test_codes_skills_divisions_groups_and_limits_are_listed(us):
    for path in (
        "routing/wrapupcodes", "routing/skills", "authorization/divisions", "groups",
    ):  # fmt: skip
        page = us.get(f"/api/v2/{path}")
        assert page["entities"]
        assert all(entity["id"] and entity["name"] for entity in page["entities"])
    limits = us.get("/api/v2/organizations/limits/namespaces/analytics")["entities"]
    assert {limit["namespace"] for limit in limits} == {"analytics"}


def test_system_literals_and_listed_codes_are_both_used(us):
    listed = {code["id"] for code in us.get("/api/v2/routing/wrapupcodes")["entities"]}
    used = {
        segment["wrapUpCode"]
        for record in us.records()
        for participant in record["participants"]
        for session in participant["sessions"]
        for segment in session["segments"]
        if "wrapUpCode" in segment
    }

    assert "ININ-WRAP-UP-TIMEOUT" in used
    assert used & listed
    assert all(code in listed or code.startswith("ININ-") for code in used)
