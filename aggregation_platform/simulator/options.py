"""What a simulated run is made of.

Belongs here: the options that, together, determine every byte the simulator serves.
Elsewhere: faults that come and go while it runs (faults.py).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from aggregation_platform.errors import ConfigurationError
from aggregation_platform.simulator.profiles import profile_of


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """Everything that a simulated world and its server are built from.

    The same seed, orgs, days and volume give the same conversations, byte for byte.
    """

    orgs: tuple[str, ...] = ("us", "emea", "apac")
    first_day: date = date(2026, 1, 5)
    days: int = 2
    conversations_per_day: int = 200
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    agents_per_org: int = 60
    history_days: int = 62
    """Days before the first one that exist too, so that old open records reach into it."""
    multi_day_every: int = 800
    orphan_every: int = 500
    open_every: int = 1000
    pair_every: int = 40
    malformed_rate: float = 0.0
    unknown_every: int = 1000
    novelties_from: date | None = None
    """From this day on records have what none had before (novelties.py); None: never."""
    job_seconds: float = 0.3
    job_expiry_hours: float = 24.0
    max_page_size: int = 10_000
    default_page_size: int = 1000
    too_large_page_size: int | None = None
    """Above this the results answer 400 response.entity.too.large; None: never."""
    result_cap: int = 400_000
    requests_per_minute: int = 6000
    requests_per_second: int | None = None
    concurrent_jobs: int = 50
    token_seconds: int = 86_399
    max_entity_page_size: int = 500
    late_midnight_metrics: bool = False
    """True: the last calls of a day end just before midnight and their handle time is emitted just
    after it, or they end and are emitted exactly at midnight."""
    exclusive_interval_start: bool = False
    """True: a job leaves out what ended exactly at the start of its interval."""
    listing_cap: int = 10_000
    """Entries of one listing that are given by page; the page beyond is answered 400."""
    watermark_lag_minutes: int = 120
    watermark_step_minutes: int = 15
    live: bool = False
    """True: nothing past the clock exists yet. False: the simulated days are over."""
    nightly_rewrites: bool = False
    """True: days older than 48 hours have been rewritten once, at 03:00 UTC."""

    def __post_init__(self) -> None:
        """Refuse what no world can be made of."""
        if not self.orgs or len(set(self.orgs)) != len(self.orgs):
            raise ConfigurationError(f"simulator orgs must be distinct, not {self.orgs}.")
        for org in self.orgs:
            profile_of(org)
        if self.days < 1 or self.conversations_per_day < 0 or self.agents_per_org < 10:
            raise ConfigurationError(
                "the simulator needs days >= 1, conversations_per_day >= 0, agents_per_org >= 10."
            )

    @property
    def simulated_days(self) -> tuple[date, ...]:
        """The days that are offered as the simulated range."""
        return tuple(self.first_day + timedelta(days=n) for n in range(self.days))

    @property
    def end_day(self) -> date:
        """The first day after the simulated range."""
        return self.first_day + timedelta(days=self.days)
