"""What runs by itself, as an operator would explain it. Now is Wednesday, 10:07 UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregation_platform.config.deferred import Secret
from aggregation_platform.config.models import FreshnessConfig, OrganizationConfig
from aggregation_platform.extraction.due import Stored, due_org_days, due_world_days

NOW = datetime(2026, 1, 14, 10, 7, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 1, 14), date(2026, 1, 13)
FRESHNESS = FreshnessConfig(delayed_after_minutes=15, stuck_after_hours=8, reread_days=4)
US = OrganizationConfig(
    org="us",
    region="us-east-1",
    client_id=Secret("id"),
    client_secret=Secret("secret"),
    first_day=date(2026, 1, 1),
)


def ago(text: str) -> datetime | None:
    """Read `3h`, `20m`, `-` (never)."""
    if text == "-":
        return None
    number, unit = int(text[:-1]), text[-1]
    return NOW - timedelta(**{{"h": "hours", "m": "minutes"}[unit]: number})


def everything_else() -> dict[date, Stored]:
    """All days of the window stored, complete, and read this morning."""
    this_morning = NOW.replace(hour=5)
    days = [TODAY - timedelta(days=back) for back in range(1, 6)]
    stored = {day: Stored("complete", this_morning, this_morning, this_morning) for day in days}
    return {**stored, TODAY: Stored("provisional", ago("5m"), ago("5m") or NOW, NOW)}


def asked(stored: dict[date, Stored], *, is_blocked: bool = False) -> list[str]:
    found = due_org_days(US, stored, freshness=FRESHNESS, now=NOW, is_blocked=is_blocked)
    return [f"{due.day:%d} {due.way}: {due.reason}" for due in found]


def test_nothing_is_due_when_all_was_read_this_morning_and_the_running_day_just_now():
    assert asked(everything_else()) == []


@pytest.mark.parametrize(
    ("day", "finality", "job", "rows", "due"),
    [
        (TODAY, "provisional", "61m", "5m", ["14 job: the running day, hourly"]),
        (TODAY, "provisional", "59m", "11m", ["14 tail: the fresh tail"]),
        (TODAY, "provisional", "59m", "9m", []),
        (TODAY, "provisional", "-", "5m", ["14 job: the running day, hourly"]),
        (YESTERDAY, "provisional", "31m", "31m", ["13 job: the lake lacked its end"]),
        (YESTERDAY, "provisional", "29m", "29m", []),
        (YESTERDAY, "complete", "7h", "7h", ["13 job: the source may have rewritten it"]),
        (YESTERDAY, "complete", "6h", "6h", []),
        (date(2026, 1, 9), "complete", "30h", "30h", ["09 job: the source may have rewritten it"]),
        (date(2026, 1, 9), "final", "30h", "30h", []),
        (
            date(2026, 1, 8),
            "provisional",
            "30h",
            "30h",
            ["08 job: the source may have rewritten it"],
        ),
        (date(2026, 1, 8), "complete", "30h", "30h", ["08 job: the source may have rewritten it"]),
        (date(2026, 1, 8), "complete", "6h", "6h", []),
        (date(2026, 1, 8), "final", "30h", "30h", []),
    ],
)
def test_each_day_by_itself(day: date, finality: str, job: str, rows: str, due: list[str]):
    stored = {**everything_else(), day: Stored(finality, ago(job), ago(rows) or NOW, NOW)}

    assert asked(stored) == due


def test_the_last_minutes_of_a_day_are_fetched_when_it_is_over_without_waiting_for_its_job():
    just_past_midnight = NOW.replace(hour=0, minute=3)
    before = just_past_midnight - timedelta(minutes=9)
    stored = {YESTERDAY: Stored("provisional", before, before, before)}
    found = due_org_days(US, stored, freshness=FRESHNESS, now=just_past_midnight)

    assert [str(due) for due in found if due.day == YESTERDAY] == [
        f"us {YESTERDAY}: its last minutes"
    ]


@pytest.mark.parametrize("facts", ["-", "21m"])
@pytest.mark.parametrize(
    ("day", "finality", "job", "rows"),
    [
        (TODAY, "provisional", "20m", "9m"),
        (YESTERDAY, "provisional", "20m", "20m"),
        (YESTERDAY, "complete", "20m", "20m"),
        (date(2026, 1, 9), "final", "20m", "20m"),
        (date(2026, 1, 2), "final", "20m", "20m"),
    ],
)
def test_facts_that_a_run_did_not_come_to_are_made_of_what_is_landed(
    day: date, finality: str, job: str, rows: str, facts: str
):
    stored = Stored(finality, ago(job), ago(rows) or NOW, ago(facts))

    assert asked({**everything_else(), day: stored}) == [
        f"{day:%d} landing: its facts were not made"
    ]


def test_a_new_organization_is_asked_for_the_running_day_and_the_window_newest_first():
    assert asked({}) == [
        "14 job: the running day, hourly",
        "13 job: not stored yet",
        "12 job: not stored yet",
        "11 job: not stored yet",
        "10 job: not stored yet",
        "09 job: not stored yet",
    ]


def test_an_organization_that_asked_to_stay_away_is_left_alone():
    assert asked({}, is_blocked=True) == []


def test_a_need_asked_for_twice_in_one_slot_is_one_run():
    first = due_org_days(US, {}, freshness=FRESHNESS, now=NOW)
    again = due_org_days(US, {}, freshness=FRESHNESS, now=NOW + timedelta(minutes=2))

    assert [due.run_key for due in first] == [due.run_key for due in again]


def world(facts: dict[str, str], added_up: str, *, now: datetime) -> bool:
    """Whether yesterday is due; facts: when each org's were written, as hours of the 14th."""
    at = {
        org: datetime(2026, 1, 14, tzinfo=UTC) + timedelta(hours=float(h))
        for org, h in facts.items()
    }
    done = (
        {}
        if added_up == "-"
        else {YESTERDAY: datetime(2026, 1, 14, tzinfo=UTC) + timedelta(hours=float(added_up))}
    )
    due = due_world_days(
        {YESTERDAY: at},
        done,
        orgs_on={YESTERDAY: ("us", "emea", "apac")},
        freshness=FRESHNESS,
        now=now,
    )
    return [day for day, _ in due] == [YESTERDAY]


ALL = {"us": "1", "emea": "2", "apac": "3"}
TWO = {"us": "1", "emea": "2"}


@pytest.mark.parametrize(
    ("facts", "added_up", "at_hour", "due", "why"),
    [
        (ALL, "-", 3.1, True, "all organizations are in"),
        (ALL, "3.5", 4, False, "it was added up since"),
        (ALL, "2.5", 4, True, "one came after it was added up"),
        (TWO, "-", 7.9, False, "one is missing, and not for long enough"),
        (TWO, "-", 8, True, "one is missing for the stuck threshold: the world does not wait"),
        (TWO, "8.1", 9, False, "it was added up without the one; nothing is new"),
    ],
)
def test_a_day_of_the_world(
    facts: dict[str, str], added_up: str, at_hour: float, due: bool, why: str
):
    now = datetime(2026, 1, 14, tzinfo=UTC) + timedelta(hours=at_hour)

    assert world(facts, added_up, now=now) is due, why


@pytest.mark.parametrize(
    ("newest_at", "at_hour", "due", "why"),
    [
        ("1", 8.5, False, "runs in hand load more of it: it is added up once, after them"),
        ("1", 9, True, "it has waited as long as a stuck organization is waited for"),
    ],
)
def test_a_day_that_runs_in_hand_load_is_added_up_after_them(
    newest_at: str, at_hour: float, due: bool, why: str
):
    midnight = datetime(2026, 1, 14, tzinfo=UTC)
    found = due_world_days(
        {YESTERDAY: {"us": midnight + timedelta(hours=float(newest_at))}},
        {},
        orgs_on={YESTERDAY: ("us", "emea")},
        freshness=FRESHNESS,
        now=midnight + timedelta(hours=at_hour),
        being_loaded={YESTERDAY},
    )

    assert [day for day, _ in found] == ([YESTERDAY] if due else []), why


def test_the_running_day_never_waits_for_anybody():
    at = NOW - timedelta(minutes=1)
    due = due_world_days(
        {TODAY: {"us": at}},
        {},
        orgs_on={TODAY: ("us", "emea")},
        freshness=FRESHNESS,
        now=NOW,
        being_loaded={TODAY},
    )

    assert [day for day, _ in due] == [TODAY]
