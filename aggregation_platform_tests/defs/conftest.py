"""One filled platform for the tests that look behind its figures; each leaves it as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregation_platform.assembly import Assembly
from aggregation_platform.config.load import load_config
from aggregation_platform.config.models import PlatformConfig
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


@pytest.fixture
def without_api(filled_platform: SimulatedPlatform, tmp_path: Path) -> Assembly:
    """Return a copy of the filled platform whose orgs do not answer: nothing listens there."""
    original, copy = filled_platform.config_file.parent, tmp_path / "copy"
    shutil.copytree(original, copy)
    file = copy / filled_platform.config_file.name
    file.write_text(file.read_text().replace(str(original), str(copy)))
    return Assembly(unreachable(load_config(file)))


def unreachable(config: PlatformConfig) -> PlatformConfig:
    nowhere = {"api_url": "http://127.0.0.1:9", "login_url": "http://127.0.0.1:9"}
    organizations = tuple(each.model_copy(update=nowhere) for each in config.organizations)
    changed = config.model_copy(update={"organizations": organizations})
    assert config.file is not None
    return changed.read_from(config.file)
