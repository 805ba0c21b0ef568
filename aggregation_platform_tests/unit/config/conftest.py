"""What the configuration tests share: writing a file, and reading what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from aggregation_platform.config.load import load_config
from aggregation_platform.errors import ConfigurationError

TODAY = date(2026, 2, 1)

ORGANIZATION = """
organizations:
  - org: us
    region: us-east-1
    client_id: an-id
    client_secret: the-secret
    first_day: 2026-01-01
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a writer of ./platform.yaml."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        Path("platform.yaml").write_text(text)
        return Path("platform.yaml")

    return write


@pytest.fixture
def mistakes(written: Callable[[str], Path]) -> Callable[..., list[str]]:
    """Return the lines that a configuration is refused with."""

    def lines(text: str, **environment: str) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            load_config(written(text), today=TODAY, environment=environment)
        return str(refused.value).splitlines()

    return lines
