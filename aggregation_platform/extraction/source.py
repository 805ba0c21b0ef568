"""What an extraction needs of one org's API.

Belongs here: the seams that genesys.GenesysClient meets, and tests meet with a small fake.
Elsewhere: how a request is sent, limited and repeated (genesys/).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from aggregation_platform.genesys.details import DetailsJob, DetailsPage
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.intervals import Interval


class Counting(Protocol):
    """A client that counts what its requests cost."""

    @property
    def tally(self) -> RequestTally:
        """The running count."""
        ...


class DetailsSource(Counting, Protocol):
    """The details jobs of one org; errors as GenesysClient's."""

    def submit_details_job(self, interval: Interval) -> str:
        """Ask for a job and return its id."""
        ...

    def details_job(self, job_id: str) -> DetailsJob:
        """Ask how far a job is."""
        ...

    def details_page(self, job_id: str, *, cursor: str | None, page_size: int) -> DetailsPage:
        """Fetch one page of a fulfilled job."""
        ...

    def cancel_details_job(self, job_id: str) -> None:
        """Cancel a job."""
        ...

    def data_available_to(self) -> datetime:
        """Ask for the lake's watermark."""
        ...


class QuerySource(Counting, Protocol):
    """The synchronous query of one org; errors as GenesysClient's."""

    def query_details(
        self, interval: Interval, *, page_number: int, page_size: int = 100
    ) -> DetailsPage:
        """Fetch one page (from 1) of conversations that began on a day the interval touches."""
        ...
