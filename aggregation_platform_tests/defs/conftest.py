"""One filled platform for the tests that look behind its figures; each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aggregation_platform_tests.simulated_platform import SimulatedPlatform, simulated_platform


@pytest.fixture(scope="session")
def filled_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPlatform]:
    """Two organizations, one day. Tests that use it are of the xdist group `filled_platform`."""
    folder = tmp_path_factory.mktemp("filled")
    with simulated_platform(
        folder,
        orgs=("us", "emea"),
        days=1,
        conversations_per_day=30,
        agents_per_org=10,
        unknown_every=7,
    ) as platform:
        platform.fill()
        yield platform
