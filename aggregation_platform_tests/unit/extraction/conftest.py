"""An org of the size of a page of code, a fuse that cuts a run at its n-th operation, claims."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregation_platform.clock import ManualClock
from aggregation_platform.errors import DetailsJobError, QueryTooLargeError
from aggregation_platform.extraction.outcome import Extracted, OrgDay
from aggregation_platform.extraction.steps import OrgDayExtraction
from aggregation_platform.genesys.details import DetailsJob, DetailsJobState, DetailsPage
from aggregation_platform.genesys.retries import OutcomeUnknownError
from aggregation_platform.genesys.tally import RequestTally
from aggregation_platform.intervals import Interval, spelled
from aggregation_platform.landing.objects import Objects, Stored, open_objects
from aggregation_platform.landing.zone import LandingZone

DAY = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 1, 7, 9, 0, tzinfo=UTC)


class KilledError(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@dataclass
class Fuse:
    """Counts operations and cuts at one of them, before or after it took effect."""

    cut_at: int | None = None
    before: bool = True
    count: int = 0

    def around(self, operation: Callable[[], Any]) -> Any:
        self.count += 1
        is_cut = self.count == self.cut_at
        if is_cut and self.before:
            raise KilledError
        try:
            return operation()
        finally:
            if is_cut:
                raise KilledError


@dataclass
class Conversation:
    """What a job selects by; an open one has no end."""

    id: str | None
    start: datetime
    end: datetime | None

    def lives_in(self, interval: Interval) -> bool:
        return self.start < interval.end and (self.end is None or self.end >= interval.start)


@dataclass
class FakeOrg:
    """One org's details API. What goes wrong is set from outside."""

    conversations: list[Conversation]
    clock: ManualClock
    available_to: datetime = NOW
    polls_needed: int = 1
    result_cap: int | None = None
    largest_page: int | None = None
    fates: dict[int, str] = field(default_factory=dict)  # by number of the job, from 1
    lost_replies: set[int] = field(default_factory=set)
    packed: bool = True
    lives_in: Callable[[Conversation, Interval], bool] = Conversation.lives_in
    fuse: Fuse = field(default_factory=Fuse)
    tally: RequestTally = field(default_factory=RequestTally)
    jobs: dict[str, tuple[Interval, list[Conversation]]] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)
    pages_given: list[tuple[str, str | None]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    submissions: int = 0

    def submit_details_job(self, interval: Interval) -> str:
        return self.fuse.around(lambda: self._submit(interval))

    def _submit(self, interval: Interval) -> str:
        self.submissions += 1
        job_id = f"job-{self.submissions}"
        found = [known for known in self.conversations if self.lives_in(known, interval)]
        self.jobs[job_id] = (interval, found)
        if self.submissions in self.lost_replies:
            raise OutcomeUnknownError("us", "no reply")
        return job_id

    def details_job(self, job_id: str) -> DetailsJob:
        return self.fuse.around(lambda: self._look(job_id))

    def _look(self, job_id: str) -> DetailsJob:
        self._stands(job_id)
        self.polls[job_id] += 1
        fate = self.fates.get(int(job_id.removeprefix("job-")), "FULFILLED")
        if self.polls[job_id] <= self.polls_needed and fate != "PENDING":
            return DetailsJob(job_id, DetailsJobState.PENDING)
        state, _, message = fate.partition(": ")
        return DetailsJob(job_id, DetailsJobState(state), error_message=message or None)

    def _stands(self, job_id: str) -> None:
        if job_id in self.gone or job_id not in self.jobs:
            raise DetailsJobError("us", "not known", job_id=job_id, state="NOT_FOUND")

    def details_page(self, job_id: str, *, cursor: str | None, page_size: int) -> DetailsPage:
        return self.fuse.around(lambda: self._page(job_id, cursor, page_size))

    def _page(self, job_id: str, cursor: str | None, page_size: int) -> DetailsPage:
        self._stands(job_id)
        if self.largest_page is not None and page_size > self.largest_page:
            raise QueryTooLargeError("us", "reduce", code="response.entity.too.large")
        at = int(cursor or 0)
        found = self.jobs[job_id][1]
        if self.result_cap is not None and at + page_size > self.result_cap < len(found):
            raise QueryTooLargeError("us", "Pagination may not exceed results")
        self.pages_given.append((job_id, cursor))
        shown = found[at : at + page_size]
        following = str(at + page_size) if at + page_size < len(found) else None
        records = [{"conversationId": c.id, "conversationStart": spelled(c.start)} for c in shown]
        text = json.dumps({"conversations": records, "cursor": following}).encode()
        return DetailsPage(
            body=gzip.compress(text, mtime=0) if self.packed else text,
            encoding="gzip" if self.packed else "identity",
            conversation_ids=tuple(c.id for c in shown),
            cursor=following,
            data_available_to=self.available_to,
        )

    def cancel_details_job(self, job_id: str) -> None:
        self.fuse.around(lambda: self.cancelled.append(job_id))

    def data_available_to(self) -> datetime:
        return self.fuse.around(lambda: self.available_to)


@dataclass(frozen=True)
class FusedObjects:
    """A store that passes every operation through a fuse."""

    inner: Objects
    fuse: Fuse

    def put(self, path: str, body: bytes) -> None:
        self.fuse.around(lambda: self.inner.put(path, body))

    def create(self, path: str, body: bytes) -> bool:
        return self.fuse.around(lambda: self.inner.create(path, body))

    def get(self, path: str) -> bytes | None:
        return self.fuse.around(lambda: self.inner.get(path))

    def get_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return self.fuse.around(lambda: self.inner.get_all(paths))

    def listing(self, prefix: str) -> Iterator[Stored]:
        return self.fuse.around(lambda: self.inner.listing(prefix))

    def children(self, prefix: str) -> tuple[str, ...]:
        return self.fuse.around(lambda: self.inner.children(prefix))

    def copy(self, source: str, target: str) -> None:
        self.fuse.around(lambda: self.inner.copy(source, target))

    def delete(self, paths: Iterable[str]) -> None:
        self.fuse.around(lambda: self.inner.delete(paths))


class MemoryClaims:
    """Claims of one process; none ever runs out."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}

    def claim(self, name: str, *, owner: str, seconds: float) -> bool:
        return self.owners.setdefault(name, owner) == owner

    def renew(self, name: str, *, owner: str, seconds: float) -> bool:
        return self.owners.get(name) == owner

    def release(self, name: str, *, owner: str) -> None:
        if self.owners.get(name) == owner:
            del self.owners[name]


@dataclass
class Bench:
    """An org, a landing zone and claims, and a run over them."""

    org: FakeOrg
    clock: ManualClock
    objects: Objects
    claims: MemoryClaims = field(default_factory=MemoryClaims)

    @property
    def landing(self) -> LandingZone:
        return LandingZone(self.objects)

    def extraction(self, **order: Any) -> OrgDayExtraction:
        settings: dict[str, Any] = {"org": "us", "day": DAY, "page_size": 3, **order}
        asked = OrgDay(**settings)
        landing = LandingZone(FusedObjects(self.objects, self.org.fuse))
        return OrgDayExtraction(self.org, landing, self.claims, asked, clock=self.clock)

    def run(self, **order: Any) -> Extracted:
        extraction = self.extraction(**order)
        try:
            while (wait_s := extraction.step()) is not None:
                self.clock.sleep(wait_s)
        finally:
            extraction.close()
        assert extraction.result is not None
        return extraction.result


def ids_of(result: Extracted) -> list[str | None]:
    """Every id on the stored bodies, as they read back, in order, repeated ones too."""
    pages = [json.loads(page.read()) for page in result.landed.pages]
    return [record["conversationId"] for page in pages for record in page["conversations"]]


def calls(count: int) -> list[Conversation]:
    """So many five-minute calls over the day, evenly."""
    starts = (MIDNIGHT + timedelta(minutes=1440 * n // count) for n in range(count))
    return [
        Conversation(f"c{n}", start, start + timedelta(minutes=5)) for n, start in enumerate(starts)
    ]


@pytest.fixture(scope="session")
def make_bench() -> Callable[..., Bench]:
    def make(conversations: list[Conversation] | int = 10, **settings: Any) -> Bench:
        clock = ManualClock(NOW)
        known = calls(conversations) if isinstance(conversations, int) else conversations
        org = FakeOrg(known, clock, **settings)
        return Bench(org, clock, open_objects("memory:///", Path()))

    return make


@pytest.fixture(scope="session")
def read_ids() -> Callable[[Extracted], list[str | None]]:
    return ids_of


@pytest.fixture(scope="session")
def killed() -> type[KilledError]:
    return KilledError


@pytest.fixture(scope="session")
def make_fuse() -> type[Fuse]:
    return Fuse


@pytest.fixture(scope="session")
def make_conversation() -> type[Conversation]:
    return Conversation
