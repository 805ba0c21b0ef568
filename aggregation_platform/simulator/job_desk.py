"""The desk for details jobs: submit, ask, cancel, read.

Belongs here: the answers of `analytics/conversations/details/jobs` and below. Elsewhere: what a
job is (jobs.py), what the lake holds (lake.py).
"""

from __future__ import annotations

import json
import threading
from typing import Any

import orjson

from aggregation_platform.simulator import filters
from aggregation_platform.simulator.counters import Counters
from aggregation_platform.simulator.dice import mixed, named_uuid
from aggregation_platform.simulator.faults import JOB_FATES, Fault
from aggregation_platform.simulator.jobs import (
    Job,
    Selection,
    cursor_at,
    hide_earlier_days,
    place_of,
)
from aggregation_platform.simulator.lake import Lake
from aggregation_platform.simulator.oddities import MALFORMATIONS, break_record
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.replies import (
    RefusalError,
    Reply,
    Request,
    bad_request,
    json_body,
    not_found,
    read_interval,
    reply,
)
from aggregation_platform.simulator.timestamps import HOUR_MS, iso_seconds
from aggregation_platform.simulator.world import Ref, World, number_of_ref

Json = dict[str, Any]
JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB_KEYS = frozenset({
    "interval", "order", "orderBy", "limit", "startOfDayIntervalMatching", "conversationFilters",
    "segmentFilters", "evaluationFilters", "surveyFilters", "resolutionFilters",
})  # fmt: skip

_LARGE_DAY = 20_000
"""Above so many conversations a day, a job looks for its results while it pends."""


class JobDesk:
    """One org's details jobs. Safe over threads."""

    def __init__(
        self, options: SimulatorOptions, world: World, lake: Lake, counters: Counters
    ) -> None:
        self.options, self.world, self.lake, self.counters = options, world, lake, counters
        self.org = lake.org
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def availability(self) -> Reply:
        """GET details/jobs/availability."""
        return reply({"dataAvailabilityDate": iso_seconds(self.lake.watermark())})

    def create(self, request: Request, struck: list[Fault]) -> Reply:
        """POST details/jobs."""
        body = json_body(request)
        for key in body.keys() - _JOB_KEYS:
            raise bad_request(f"Unrecognized property {key}", "invalid.property")
        start, end = read_interval(body)
        now = self.lake.now_ms
        fates = [fault for fault in struck if fault.kind in JOB_FATES]
        more = sum(fault.seconds for fault in fates if fault.kind == "job_slow")
        with self._lock:
            running = sum(job.state(now) in {"QUEUED", "PENDING"} for job in self._jobs.values())
            if running >= self.options.concurrent_jobs:
                raise RefusalError(
                    429, "too.many.requests", "Rate limit exceeded the maximum "
                    f"[{self.options.concurrent_jobs}] concurrent details jobs",
                )  # fmt: skip
            self.counters.jobs_submitted += 1
            job_id = named_uuid(
                self.options.seed, self.org, "job", self.counters.jobs_submitted, now
            )
            takes = int(1000 * (self.options.job_seconds + more))
            job = Job(
                job_id=job_id, start=start, end=end, submitted_at=now, takes_ms=takes,
                expires_at=now + takes + int(self.options.job_expiry_hours * HOUR_MS),
                watermark=self.lake.watermark(), generations=dict(self.lake.generations),
                select=lambda: self._select(job, body),
                fate=next((fault.kind for fault in fates if fault.kind != "job_slow"), None),
            )  # fmt: skip
            self._jobs[job_id] = job
        if self.options.conversations_per_day > _LARGE_DAY:
            job.finding = threading.Thread(target=job.results, daemon=True)
            job.finding.start()
        return reply({"jobId": job_id}, 202)

    def _select(self, job: Job, body: Json) -> Selection:
        """Find what the lake held when the job ran; what lies past its watermark is not there."""
        until = max(job.start, min(job.end, job.watermark))
        generation = max(job.generations.values(), default=0)
        span = self.world.span(
            self.org, job.start, until, generation,
            exclusive=self.options.exclusive_interval_start,
        )  # fmt: skip
        hidden = 0
        if until == job.start:
            hidden = len(span)
        elif body.get("startOfDayIntervalMatching"):
            hidden = hide_earlier_days(span, job.start, self.world.start_of)
        limit = body.get("limit")
        found = Selection(span, hidden, body.get("order") == "desc", None)
        if filters.has_filters(body):
            found.chosen = [
                ref
                for ref in Selection(span, hidden).refs(0, len(span))
                if filters.meets(body, self.lake.record(ref, job.generations, job.watermark))
            ]
        found.limit = limit if isinstance(limit, int) else None
        return found

    def _job(self, request: Request) -> Job:
        job_id = request.path.removeprefix(f"{JOBS}/").partition("/")[0]
        return self.found(job_id)

    def found(self, job_id: str) -> Job:
        """Give a job of this org.

        Raises:
            RefusalError: 404, there is none.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise not_found(f"job {job_id}")
        return job

    def status(self, request: Request) -> Reply:
        """GET details/jobs/{id}: 202 while it is under way, 200 afterwards."""
        told = self._job(request).status(self.lake.now_ms)
        return reply(told, 202 if told["state"] in {"QUEUED", "PENDING"} else 200)

    def cancel(self, request: Request) -> Reply:
        """DELETE details/jobs/{id}."""
        self._job(request).cancelled = True
        return Reply(204)

    def results(self, request: Request, struck: list[Fault]) -> Reply:
        """GET details/jobs/{id}/results: one page."""
        job = self._job(request)
        kinds = {fault.kind for fault in struck}
        state = job.state(self.lake.now_ms)
        if state != "FULFILLED" or "unfulfilled_results" in kinds:
            raise not_found(f"results of job {job.job_id} in state {state}")
        cursor = request.first("cursor")
        if cursor and "cursor_expired" in kinds:
            raise bad_request("The cursor has expired.", "invalid.value")
        size = self._page_size(request)
        place = place_of(cursor) if cursor else 0
        cap = self.options.result_cap
        if place >= cap:
            raise bad_request(f"Pagination may not exceed {cap} results")
        found = job.results()
        until = min(place + size, len(found))
        again = sum(fault.count_of for fault in struck if fault.kind == "duplicates")
        refs = found.refs(place - again if place else 0, until)
        pages = [self._written(ref, job) for ref in refs]
        with self.counters.lock:
            self.counters.conversations_served += len(pages)
        parts: list[bytes] = []
        if pages:
            parts.append(b'"conversations":[' + b",".join(pages) + b"]")
        if until < len(found):
            parts.append(b'"cursor":"' + cursor_at(until).encode() + b'"')
        parts.append(b'"dataAvailabilityDate":"' + iso_seconds(job.watermark).encode() + b'"')
        return Reply(200, b"{" + b",".join(parts) + b"}")

    def _page_size(self, request: Request) -> int:
        text = request.first("pageSize") or str(self.options.default_page_size)
        if not text.isdecimal() or int(text) < 1:
            raise bad_request(f"Value [{text}] is not valid for pageSize.", "invalid.value")
        size = int(text)
        largest = self.options.too_large_page_size
        if largest is not None and size > largest:
            raise bad_request(
                "The response entity is too large; reduce the pageSize.",
                "response.entity.too.large",
            )
        return min(size, self.options.max_page_size)

    def _written(self, ref: Ref, job: Job) -> bytes:
        record = self.lake.record(ref, job.generations, job.watermark)
        if self.world.is_malformed(ref):
            how = MALFORMATIONS[mixed(number_of_ref(ref) + 1) % len(MALFORMATIONS)]
            # The standard library writes a lone surrogate as an escape; orjson refuses it.
            return json.dumps(break_record(record, how)).encode()
        return orjson.dumps(record)
