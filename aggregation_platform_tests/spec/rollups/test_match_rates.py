"""How much of what was handled has a known queue and a known agent."""

from datetime import date

import pytest

from aggregation_platform.rollups.match_rates import match_rates
from aggregation_platform.rollups.tables import HANDLE_TIME

CELLS = """
    org  | global_queue | global_agent_id | handled_count | handle_ms
    -----+--------------+-----------------+---------------+----------
    us   | Sales        | P-1             |             3 |   100_000
    us   | (unmapped)   | P-1             |             1 |   300_000
    us   | (none)       | (unmapped)      |             4 |   600_000
    emea | (none)       | P-2             |             1 |    10_000
"""


@pytest.fixture
def rates(told):
    found = match_rates(told(HANDLE_TIME, CELLS, day=date(2026, 1, 5)))
    return {
        (org, kind): (records, volume)
        for org, kind, records, volume in found.select(
            "org", "kind", "record_rate", "volume_rate"
        ).rows()
    }


def test_a_rate_is_told_by_records_and_by_volume(rates):
    assert rates["us", "queue"] == (0.75, 0.25)
    assert rates["us", "agent"] == (0.5, 0.4)


def test_work_without_a_queue_is_no_miss_and_without_anything_to_match_there_is_no_rate(rates):
    assert rates["emea", "queue"] == (None, None)
    assert rates["emea", "agent"] == (1.0, 1.0)
