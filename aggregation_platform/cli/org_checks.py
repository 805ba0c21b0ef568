"""What `check` tries at one org.

Belongs here: login, identity, each permission that the platform needs, the lake's watermark.
Elsewhere: the requests (genesys/), what is printed (check.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregation_platform.assembly import Assembly
from aggregation_platform.cli.findings import Finding, State, found
from aggregation_platform.config.models import OrganizationConfig
from aggregation_platform.errors import PlatformError, RefusedError
from aggregation_platform.genesys.client import GenesysClient, client_for
from aggregation_platform.genesys.reference import (
    NEEDED,
    PERMISSION_FOR,
    Listed,
    Listing,
    OrganizationIdentity,
)
from aggregation_platform.genesys.retries import RetryPolicy
from aggregation_platform.genesys.tokens import TokenStore
from aggregation_platform.intervals import Interval
from aggregation_platform.local_state.state import LocalState

QUICK = RetryPolicy(tries=2, total_s=20.0, retry_after_cap_s=5.0)
"""A person waits for the answer: one repetition, no long waits."""


def check_org(assembly: Assembly, org: str) -> Sequence[Finding]:
    """Try one org; after a failed login the rest is skipped."""
    config = assembly.config.organization(org)
    try:
        _forget_token(assembly.local_state, config)
        client = client_for(
            config,
            clock=assembly.clock,
            transport=assembly.transport,
            state=assembly.local_state,
            policy=QUICK,
        )
        identity = client.organization()
    except PlatformError as error:
        return [
            Finding(State.FAILED, f"{org} login", _told(error, org)),
            *(
                Finding(State.SKIPPED, f"{org} {what}", "not tried without a login")
                for what in ("identity", "permissions", "availability")
            ),
        ]
    return [
        Finding(State.OK, f"{org} login", f"token from {config.login_url}"),
        _identity(config, identity),
        *_permissions(config, client),
        found(f"{org} availability", lambda: _availability(client, assembly.clock.now())),
    ]


def _told(error: PlatformError, org: str) -> str:
    """Return the message without the org, which the line begins with."""
    return str(error).removeprefix(f"{org}: ")


def _forget_token(state: LocalState, config: OrganizationConfig) -> None:
    """Let the login be a real one: a shared token outlives a secret that was changed over there."""
    shared = TokenStore(
        state,
        org=config.org,
        login_url=config.login_url,
        client_id=config.client_id.reveal(),
        client_secret=config.client_secret.reveal(),
    )
    state.drop_value(shared.name)


def _identity(config: OrganizationConfig, identity: OrganizationIdentity) -> Finding:
    subject = f"{config.org} identity"
    named = f"{identity.name} ({identity.id})"
    if config.organization_id is None:
        told = f"{named}; add organization_id: {identity.id} to have it compared at each login"
        return Finding(State.NOTE, subject, told)
    if identity.id.lower() != config.organization_id.lower():
        told = (
            f"the credentials belong to {named}, but organization_id is {config.organization_id}; "
            "correct client_id and client_secret, or organization_id"
        )
        return Finding(State.FAILED, subject, told)
    return Finding(State.OK, subject, named)


def _permissions(config: OrganizationConfig, client: GenesysClient) -> Sequence[Finding]:
    """Try what each permission allows; a listing that only adds names is a note when refused."""
    tried = [
        _allowed(config, "aggregates", "analytics > conversationAggregate > view", client),
        *(_listed(config, kind, client) for kind in Listing),
    ]
    wrong = [finding for finding in tried if finding.state is not State.OK]
    allowed = ", ".join(finding.told for finding in tried if finding.state is State.OK)
    subject = f"{config.org} permissions"
    summary = [Finding(State.OK, subject, allowed)] if allowed else []
    return [*summary, *wrong]


def _allowed(
    config: OrganizationConfig, what: str, permission: str, client: GenesysClient
) -> Finding:
    first_hour = Interval.of_day(config.first_day)
    asked = Interval(first_hour.start, first_hour.start + timedelta(minutes=30))
    try:
        list(client.handle_time_aggregates(asked))
    except PlatformError as error:
        told = f"{what} (permission {permission}): {_told(error, config.org)}"
        return Finding(State.FAILED, f"{config.org} permissions", told)
    return Finding(State.OK, f"{config.org} permissions", what)


def _listed(config: OrganizationConfig, kind: Listing, client: GenesysClient) -> Finding:
    name = kind.name.lower().replace("_", " ")
    worst = State.FAILED if kind in NEEDED else State.NOTE
    try:
        listed = client.listing(kind)
    except RefusedError as error:
        told = f"{name} (permission {PERMISSION_FOR[kind]}): {_told(error, config.org)}"
        return Finding(worst, f"{config.org} permissions", told)
    except PlatformError as error:
        return Finding(worst, f"{config.org} listings", f"{name}: {_told(error, config.org)}")
    if listed.failure is not None:
        told = f"{_how_many(listed, name)}; then: {_told(listed.failure, config.org)}"
        return Finding(worst, f"{config.org} listings", told)
    if listed.unlisted or listed.set_aside or listed.mended:
        told = _how_many(listed, name)
        if listed.obstacle is not None:
            told += f"; {_told(listed.obstacle, config.org)}"
        return Finding(State.NOTE, f"{config.org} listings", told)
    return Finding(State.OK, f"{config.org} permissions", f"{len(listed)} {name}")


def _how_many(listed: Listed, name: str) -> str:
    """Say how many are listed, and what is missing or odd."""
    told = f"{len(listed)} {name}"
    if listed.unlisted:
        why = " (it gives no more than 10,000 of a list by page)" if listed.is_capped else ""
        told += f", {listed.unlisted} of the org's {listed.total} are not listed{why}"
    if listed.set_aside:
        told += f", {listed.set_aside} items without an id are left out"
    if listed.mended:
        told += f", {listed.mended} with a character that cannot be read"
    return told


def _availability(client: GenesysClient, now: datetime) -> str:
    """Say up to when details are there; needs analytics > conversationDetail > view."""
    until = client.data_available_to()
    behind = max(timedelta(), now - until)
    hours, minutes = divmod(int(behind.total_seconds()) // 60, 60)
    return f"conversation details up to {until:%Y-%m-%d %H:%M} UTC, {hours} h {minutes} min ago"
