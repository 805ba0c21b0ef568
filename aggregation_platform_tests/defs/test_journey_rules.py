"""What platform.yaml says of contacts reaches the linking, each of it."""

from __future__ import annotations

from pathlib import Path

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import JourneyRules
from aggregation_platform.defs.assets.journeys import rules_of
from aggregation_platform.journeys.rules import LinkingRules

PLATFORM = """
organizations:
  - {org: us, region: us-east-1, client_id: an-id, client_secret: a-secret, first_day: 2026-01-01}
"""
UNUSUAL = """
rules:
  journeys:
    correlation_keys: [Ticket, Case]
    transfer_seconds: 77
    ani_window_minutes: 33
    max_legs: 44
    max_span_hours: 99
    ignored_numbers: ["+15550001111"]
    common_number_per_day: 55
    common_value_per_day: 66
    common_value_callers: 7
    common_value_minutes: 8
"""


def rules(folder: Path, text: str) -> LinkingRules:
    file = folder / "platform.yaml"
    file.write_text(text)
    return rules_of(Assembly(load_config(file)))


def test_every_configured_limit_is_the_one_that_links(tmp_path: Path):
    linking = rules(tmp_path, PLATFORM + UNUSUAL)

    assert linking == LinkingRules(
        correlation_keys=("Ticket", "Case"),
        transfer_seconds=77,
        ani_window_minutes=33,
        max_legs=44,
        max_span_hours=99,
        ignored_numbers=("+15550001111",),
        common_number_per_day=55,
        common_value_per_day=66,
        common_value_callers=7,
        common_value_minutes=8,
    )
    usual = JourneyRules()
    assert all(getattr(linking, name) != getattr(usual, name) for name in JourneyRules.model_fields)


def test_what_is_not_configured_is_as_the_linking_has_it(tmp_path: Path):
    assert rules(tmp_path, PLATFORM) == LinkingRules()


SEVERAL = """
organizations:
  - {org: us, country: us, region: us-east-1, client_id: a, client_secret: s, first_day: 2026-01-01}
  - {org: no, country: NO, region: eu-west-1, client_id: b, client_secret: s, first_day: 2026-01-01}
  - {org: apac, region: ap-south-1, client_id: c, client_secret: s, first_day: 2026-01-01}
"""


def test_the_country_of_each_organization_completes_its_numbers(tmp_path: Path):
    assert rules(tmp_path, SEVERAL).countries == {"us": "US", "no": "NO"}
