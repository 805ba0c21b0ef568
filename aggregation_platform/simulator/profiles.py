"""Who the simulated organisations are: names, regions, zones, number ranges.

Belongs here: what distinguishes one simulated org from another before any person or call exists.
Elsewhere: its people and queues (directory.py).
"""

import re
from dataclasses import dataclass
from functools import cache

from aggregation_platform.errors import ConfigurationError


@dataclass(frozen=True)
class Profile:
    """One organisation's standing data; `number` is its place among all possible orgs."""

    org: str
    number: int
    name: str
    short_name: str
    region: str
    time_zone: str
    caller_prefix: str
    site_prefix: str
    language: str
    queue_style: str


_NAMED = {
    "us": ("North America", "us-east-1", "America/New_York", "+1555", "en-us", "{a}_{b}"),
    "emea": ("Europe, Middle East and Africa", "eu-west-1", "Europe/London", "+44555", "en-gb",
             "{b}_{a}"),
    "apac": ("Asia Pacific", "ap-southeast-1", "Asia/Singapore", "+65555", "en-sg", "Q | {a} {b}"),
    "latam": ("Latin America", "sa-east-1", "America/Sao_Paulo", "+55555", "pt-br", "LATAM {a}{b}"),
    "anz": ("Australia and New Zealand", "ap-southeast-2", "Australia/Sydney", "+61555", "en-au",
            "{b} - {a}"),
}  # fmt: skip
_MORE_ZONES = ("Asia/Tokyo", "Europe/Berlin", "Asia/Kolkata", "America/Chicago", "Asia/Kathmandu")
_MORE_REGIONS = ("ap-northeast-1", "eu-central-1", "ap-south-1", "us-west-2", "me-central-1")
_STYLES = ("{a}-{b}", "{b} {a}", "{a}.{b}", "the {a} {b} team")


@cache
def profile_of(org: str) -> Profile:
    """Give the standing data of an org by its key: a known name, or org6, org7 and so on."""
    if org in _NAMED:
        number = list(_NAMED).index(org)
        name, region, zone, prefix, language, style = _NAMED[org]
    else:
        found = re.fullmatch(r"org([1-9]\d{0,3})", org)
        if not found or int(found[1]) <= len(_NAMED):
            raise ConfigurationError(
                f"simulator org {org!r} is unknown; use {', '.join(_NAMED)}, or org6, org7 ..."
            )
        number = int(found[1]) - 1
        name, language = f"Organisation {number + 1}", "en-us"
        region = _MORE_REGIONS[number % len(_MORE_REGIONS)]
        zone = _MORE_ZONES[number % len(_MORE_ZONES)]
        prefix, style = f"+999{number:04d}", _STYLES[number % len(_STYLES)]
    return Profile(
        org=org,
        number=number,
        name=f"Example {name}",
        short_name=f"example-{org}",
        region=region,
        time_zone=zone,
        caller_prefix=prefix,
        site_prefix=f"{prefix}0",
        language=language,
        queue_style=style,
    )


def org_keys(count: int) -> tuple[str, ...]:
    """The first `count` org keys: us, emea, apac, latam, anz, org6 ..."""
    keys = [*_NAMED, *(f"org{n}" for n in range(len(_NAMED) + 1, count + 1))]
    return tuple(keys[:count])
