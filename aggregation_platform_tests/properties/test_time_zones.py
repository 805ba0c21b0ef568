"""Every time zone of the IANA list is exact in half-hour cells, or refused with what to use."""

from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation_platform.errors import ConfigurationError
from aggregation_platform.zones import CELL, is_carried_by, local_days, why_not_exact

FIRST = date(2026, 1, 1)
ZONES = sorted(zoneinfo.available_timezones())
instants = st.datetimes(
    datetime(2026, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC)  # noqa: DTZ001 - naive bounds
)  # fmt: skip


def cell_of(instant):
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (instant - midnight) // CELL * CELL


@given(zone=st.sampled_from(ZONES), instant=instants)
def test_in_a_zone_that_is_not_refused_a_cell_is_of_one_local_hour(zone, instant):
    if why_not_exact(zone, FIRST) is None:
        shown, of_cell = (each.astimezone(zoneinfo.ZoneInfo(zone)) for each in (instant, cell_of(instant)))  # noqa: E501  # fmt: skip
        assert (shown.date(), shown.hour, shown.utcoffset()) == (
            of_cell.date(),
            of_cell.hour,
            of_cell.utcoffset(),
        )


def test_the_zones_that_are_refused_are_those_off_by_a_quarter_of_an_hour():
    refused = {zone for zone in ZONES if why_not_exact(zone, FIRST) is not None}

    assert refused == {
        *("Asia/Kathmandu", "Asia/Katmandu", "Australia/Eucla", "NZ-CHAT", "Pacific/Chatham")
    } & {*ZONES}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Chatham", "Australia/Eucla"])
def test_what_is_advised_instead_is_exact(zone):
    reason = why_not_exact(zone, FIRST)

    assert reason is not None
    instead = reason.rsplit(" ", 1)[1]
    assert is_carried_by(CELL, instead, FIRST, FIRST + timedelta(days=3653))
    assert instead.split("/")[0] == zone.split("/")[0]


@given(zone=st.sampled_from(ZONES), first=st.dates(date(2015, 1, 1), date(2035, 1, 1)))
def test_local_days_tile_time_and_begin_at_that_clocks_midnight(zone, first):
    stretches = list(local_days(zone, first, first + timedelta(days=40)))
    info = zoneinfo.ZoneInfo(zone)

    assert all(one.end == other.start for one, other in itertools.pairwise(stretches))
    for stretch in stretches:
        last = stretch.end - timedelta(microseconds=1)
        for instant in (stretch.start, last):
            assert instant.astimezone(info).date() == stretch.day
            assert instant.astimezone(info).utcoffset() == stretch.offset


def test_the_configuration_refuses_such_a_zone_for_an_organization_and_for_reporting(tmp_path):
    from aggregation_platform.config.load import load_config

    file = tmp_path / "platform.yaml"
    entry = (
        "organizations:\n- {org: nepal, region: us-east-1, client_id: a, client_secret: s,"
        " first_day: 2026-01-01, time_zone: %s}\n"
    )
    for text, place in (
        (entry % "Asia/Kathmandu", "time_zone"),
        (entry % "UTC" + "reporting: {time_zones: [Asia/Kolkata, Pacific/Chatham]}\n", "[1]"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match="multiple of half an hour") as refused:
            load_config(file, today=date(2026, 6, 1))
        assert place in str(refused.value)

    file.write_text(entry % "Australia/Lord_Howe")
    assert load_config(file, today=date(2026, 6, 1)).orgs == ("nepal",)
