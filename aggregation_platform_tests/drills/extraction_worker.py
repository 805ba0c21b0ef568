"""One extracting process of the storm: fetches what it is told to, until all of it is stored.

Run as a script: extraction_worker.py CONFIG DAY ORG... It says "ready" when it has loaded, a line
per page, and ends with status 0 when every org's day is stored, else 1.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import structlog

from aggregation_platform.clock import SystemClock
from aggregation_platform.config.load import load_config
from aggregation_platform.extraction.many import extract_many
from aggregation_platform.extraction.outcome import OrgDay, Progress
from aggregation_platform.extraction.patience import Patience
from aggregation_platform.genesys.client import client_for
from aggregation_platform.genesys.retries import RetryPolicy
from aggregation_platform.genesys.transport import RequestsTransport, Timeouts
from aggregation_platform.landing.zone import LandingZone
from aggregation_platform.local_state.opening import local_state_at

# As patient as in production would mean hours of waiting for jobs that are meant to hang.
PATIENCE = Patience(
    first_poll_s=0.2,
    longest_poll_s=1.0,
    job_s=6.0,
    claim_poll_s=0.2,
    gone_jobs=20,
    failed_jobs=20,
    lost_submissions=20,
)
POLICY = RetryPolicy(tries=12, first_wait_s=0.05, longest_wait_s=1.0, jitter_s=0.05)


def main(config_path: str, day: str, *orgs: str) -> int:
    """Fetch the orgs' day."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    config = load_config(Path(config_path))
    clock = SystemClock()
    state = local_state_at(config.state_folder / "shared.sqlite", clock=clock)
    transport = RequestsTransport(clock, timeouts=Timeouts(read_s=20.0))
    clients = {
        org: client_for(
            config.organization(org), clock=clock, transport=transport, state=state, policy=POLICY
        )
        for org in orgs
    }
    orders = [
        OrgDay(org=org, day=date.fromisoformat(day), page_size=config.organization(org).page_size)
        for org in orgs
    ]
    say("ready")
    outcome = extract_many(
        clients,
        LandingZone.open(config.landing.address, config.folder),
        state,
        orders,
        clock=clock,
        patience=PATIENCE,
        progress=tell,
    )
    for failure in outcome.failures:
        say(f"failed: {failure.org} {type(failure.error).__name__}: {failure.error}")
    return 1 if outcome.failures else 0


def tell(progress: Progress) -> None:
    """Say how far it is."""
    say(f"{progress.org} {progress.state} {progress.pages}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
