"""GenesysClient: one organization's API, for everybody above.

Belongs here: the front door, and putting its parts together.
Elsewhere: each part (see the package's charter).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from aggregation_platform.clock import Clock
from aggregation_platform.config.models import OrganizationConfig
from aggregation_platform.errors import RefusedError
from aggregation_platform.genesys import aggregates, details, listings, queries, reference
from aggregation_platform.genesys.aggregates import HandleTimeAggregate
from aggregation_platform.genesys.api import Api
from aggregation_platform.genesys.auth import Credentials, Login
from aggregation_platform.genesys.details import DetailsJob, DetailsPage
from aggregation_platform.genesys.rate_limits import RateBudget
from aggregation_platform.genesys.reference import Listed, Listing, OrganizationIdentity
from aggregation_platform.genesys.replies import decoded, failure_of
from aggregation_platform.genesys.retries import Heard, Retries, RetryPolicy, unheard
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.genesys.transport import Request, Transport
from aggregation_platform.genesys.wire import Wire
from aggregation_platform.intervals import Interval
from aggregation_platform.local_state.state import LocalState


class GenesysClient:
    """One org's API. Safe over threads; cheap to make; nothing is sent before the first call.

    Every method may raise TransientSourceError (after bounded repetition), RateLimitedError (wait
    `retry_after_s` and start the run again), RefusedError and UnexpectedReplyError.
    """

    def __init__(self, api: Api, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    @property
    def org(self) -> str:
        """Our key of the organization."""
        return self._api.org

    @property
    def tally(self) -> RequestTally:
        """What this client's requests cost so far."""
        return self._api.tally

    def organization(self) -> OrganizationIdentity:
        """Ask which organization the credentials belong to."""
        return reference.organization(self._api)

    def submit_details_job(self, interval: Interval) -> str:
        """Submit a job for all conversations with activity in the interval; return its id.

        Raises:
            OutcomeUnknownError: If a job may have been made whose id did not reach us. It is
                counted in the tally; submitting again is allowed and harmless.
            QueryTooLargeError: If the interval is longer than the organization takes.
        """
        return details.submit(self._api, interval)

    def details_job(self, job_id: str) -> DetailsJob:
        """Look at a job.

        Raises:
            DetailsJobError: If the organization does not know it (NOT_FOUND).
        """
        return details.status(self._api, job_id)

    def wait_for_details_job(self, job_id: str, *, patience_s: float) -> DetailsJob:
        """Look at a job until it is fulfilled.

        Raises:
            DetailsJobError: If it ended otherwise, or not within `patience_s` (STUCK).
        """
        return details.wait_for(self._api, job_id, patience_s=patience_s, clock=self._clock)

    def details_page(self, job_id: str, *, cursor: str | None, page_size: int) -> DetailsPage:
        """Fetch the page that a cursor stands for (None: the first).

        Raises:
            DetailsJobError: If the job (NOT_FOUND) or cursor (CURSOR_REFUSED) is not known.
            QueryTooLargeError: If a smaller page is wanted.
        """
        return details.page(self._api, job_id, cursor=cursor, page_size=page_size)

    def cancel_details_job(self, job_id: str) -> None:
        """Cancel a job; one that is gone is fine."""
        details.cancel(self._api, job_id)

    def data_available_to(self) -> datetime:
        """Ask for the data lake's watermark: data before it is there."""
        return details.data_available_to(self._api)

    def query_details(
        self, interval: Interval, *, page_number: int, page_size: int = queries.LARGEST_PAGE
    ) -> DetailsPage:
        """Fetch one page (from 1) of the synchronous query; past the end it has no ids.

        Raises:
            QueryTooLargeError: If the interval is too long or the page too deep.
        """
        return queries.query_page(self._api, interval, page_number=page_number, page_size=page_size)

    def listing(self, kind: Listing) -> Listed:
        """List users (of any state), queues, wrap-up codes, divisions, skills, groups or teams.

        A listing that fails half way, or is cut at the organization's cap, keeps what was read;
        it says that it is not whole.
        """
        return listings.listing(self._api, kind)

    def handle_time_aggregates(
        self, interval: Interval, granularity: str = "PT30M"
    ) -> Iterator[HandleTimeAggregate]:
        """Yield the organization's own handle time, for reconciliation."""
        return aggregates.handle_time_aggregates(self._api, interval, granularity)


def client_for(
    organization: OrganizationConfig,
    *,
    clock: Clock,
    transport: Transport,
    state: LocalState,
    policy: RetryPolicy | None = None,
    keep_free: int = 0,
    heard: Heard = unheard,
) -> GenesysClient:
    """Put a client together.

    Args:
        organization: The org's part of the configuration; its credentials are revealed here.
        clock: Waits are slept on it.
        transport: May be shared between orgs.
        state: What this site's processes share; the budget holds over all that use it.
        policy: Bounds of repetition.
        keep_free: Permits left to others, for work that must not hinder bulk extraction.
        heard: Told when a request failed and is sent again, before the wait.

    Raises:
        MissingVariableError: If a credential's variable is not set.
    """
    policy = policy or RetryPolicy()
    tally = RequestTally()
    budget = RateBudget(
        organization.org,
        organization.requests_per_second,
        state=state,
        clock=clock,
        tally=tally,
        timeouts=transport.timeouts,
        keep_free=keep_free,
        wait_cap_s=policy.retry_after_cap_s,
    )
    wire = Wire(transport, budget, tally)
    login = Login(
        _credentials(organization),
        wire=wire,
        state=state,
        clock=clock,
        confirm=_confirmation(organization, wire),
    )
    api = Api(
        organization.org,
        organization.api_url,
        login=login,
        wire=wire,
        retries=Retries(policy, org=organization.org, clock=clock, tally=tally, heard=heard),
    )
    return GenesysClient(api, clock=clock)


def _credentials(organization: OrganizationConfig) -> Credentials:
    return Credentials(
        org=organization.org,
        login_url=organization.login_url,
        client_id=organization.client_id.reveal(),
        client_secret=organization.client_secret.reveal(),
    )


@dataclass(frozen=True)
class _Confirmation:
    """Makes sure that a token belongs to the organization the configuration names."""

    org: str
    expected_id: str
    api_url: str
    wire: Wire

    def __call__(self, token: str) -> None:
        request = Request(
            self.org,
            "GET",
            f"{self.api_url.rstrip('/')}{reference.ORGANIZATION.path}",
            headers={"Authorization": f"Bearer {token}"},
        )
        reply = self.wire.send(request)
        failure = failure_of(request, reply)
        if failure is not None:
            raise failure
        said = decoded(request, reply, reference.OrganizationReply)
        if said.id.lower() != self.expected_id.lower():
            raise RefusedError(
                self.org,
                f"the credentials belong to organization {said.id} ({said.name or 'no name'}), but"
                f" organization_id is {self.expected_id}. Nothing was fetched. Correct client_id,"
                " client_secret and region, or organization_id.",
            )


def _confirmation(organization: OrganizationConfig, wire: Wire) -> _Confirmation | None:
    if organization.organization_id is None:
        return None
    return _Confirmation(
        organization.org, str(organization.organization_id), organization.api_url, wire
    )
