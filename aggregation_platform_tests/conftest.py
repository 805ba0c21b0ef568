"""What every test shares: Hypothesis profiles, and the one emulator of Snowflake of a worker.

Other fixtures live beside the tests that use them.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def emulator_port() -> Iterator[int]:
    """Serve Snowflake's protocol; each test makes a database of its own in it."""
    from aggregation_platform_tests.warehouse_rig import snowflake_emulator  # heavy; few need it

    with snowflake_emulator() as port:
        yield port
