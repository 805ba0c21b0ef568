"""The cases from the field, each served as an API and taken through the product itself.

The cases are beside this checkout (../shared/cases); without them these tests are left out. Each
part of the product has tests of the same rules on inputs of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aggregation_platform.errors import ConfigurationError
from aggregation_platform_tests.field_case import CASES, MONDAY, FieldCase, field_case

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the field's cases are not beside this checkout"
)

Cases = Callable[..., FieldCase]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cases]:
    """Open a case by name; its secrets are set as its configuration names them."""
    for org in ("na", "eu"):
        monkeypatch.setenv(f"SECRET_{org.upper()}", f"secret of {org}")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with ExitStack() as stack:

        def opened(name: str, **more: Any) -> FieldCase:
            return stack.enter_context(field_case(name, tmp_path, **more))

        yield opened


# Listings.


def users(active: int, *, deleted: int) -> list[dict[str, str]]:
    states = ["active"] * active + ["deleted"] * deleted
    return [
        {"id": f"u{n}", "name": f"{chr(97 + n % 26)}gent {n}", "email": f"{n}@x", "state": state}
        for n, state in enumerate(states)
    ]


def test_users_beyond_the_cap_are_listed_by_state_and_queues_have_names(case: Cases):
    large = case("more-than-10000-users", world_of="brackets-in-warehouse-path")
    large.org.world["users"][:] = users(6_000, deleted=5_000)
    large.configure()

    assert large.materialize(MONDAY) == []

    assert large.rows("select count(*) from directory.users") == [(11_000,)]
    assert large.rows("select distinct global_queue from rollups.handle_time") == [("G",)]


def test_users_that_no_way_reaches_are_counted_and_shown(case: Cases):
    large = case("more-than-10000-users", world_of="brackets-in-warehouse-path")
    large.org.world["users"][:] = users(20_700, deleted=0)
    large.org.may_search = False
    large.configure()

    checked = large.command("check")

    assert checked.exit_code == 0, checked.output
    assert "20000 users, 700 of the org's 20700 are not listed" in checked.output


# A fault costs no more than the smallest thing that has it.


def test_odd_metrics_are_set_aside_and_counted_and_their_record_counts(case: Cases):
    """The case's fraction, and beside it whatever else is no whole number."""
    odd = case("new-metric-with-a-fraction")
    session, new = new_metric_of(odd.org.world["conversations"])
    values = ({"value": each} for each in (None, "0", [1], True, 10**30))
    without_value = {key: each for key, each in new.items() if key != "value"}
    session["metrics"] += [without_value, *({**without_value, **each} for each in values)]
    odd.configure()

    assert odd.materialize(MONDAY) == []

    assert odd.handled() == {(MONDAY, "na"): (2, 2_000)}
    set_aside = odd.rows("select count(*) from facts.rejects")
    rejects = odd.command("review", "rejects")
    assert rejects.exit_code == 0, rejects.output
    assert set_aside == [(7,)], rejects.output


def new_metric_of(conversations: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the session with the fraction, and its metric."""
    (found,) = (
        (session, metric)
        for conversation in conversations
        for participant in conversation["participants"]
        for session in participant["sessions"]
        for metric in session["metrics"]
        if isinstance(metric["value"], float)
    )
    return found


# Names in one form.


def test_queue_names_that_look_alike_are_one_name(case: Cases):
    spaces = case("queue-name-with-space")
    spaces.configure()
    with (spaces.folder / "queues.csv").open("a", encoding="utf-8") as rules:
        rules.write("na,Selas,G4\n")

    assert spaces.materialize(MONDAY) == []
    checked = spaces.command("check").output
    turned = "na,\xa0SALES\t,G1\nna,facturacio\u0301n ,G2\nna,Back  office,G3\n"
    (spaces.folder / "queues.csv").write_text("org,queue,global_queue\n" + turned, encoding="utf-8")

    found = spaces.rows(
        "select global_queue, sum(handle_ms)::bigint from rollups.handle_time group by all"
    )
    assert sorted(found) == [("G1", 60_000), ("G2", 60_000), ("G3", 60_000)]
    assert checked.count("matches nothing") == 1
    assert "'Selas' of na matches nothing; did you mean 'Sales '?" in checked
    assert "matches nothing" not in spaces.command("check").output


# Zones.


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Chatham", "Australia/Eucla"])
def test_a_zone_in_which_half_hours_would_be_wrong_is_refused_with_the_reason(
    case: Cases, zone: str
):
    quarter = case("quarter-hour-time-zone")
    with pytest.raises(ConfigurationError, match=f"{zone}.*half"):
        quarter.configure(time_zone=zone)

    checked = quarter.command("check")
    assert checked.exit_code == 1
    assert zone in checked.output
