"""The append-only journal of one attempt: one fetch of one org's day.

Belongs here: where each journal object lies, and the order in which they are written.
Elsewhere: their shapes (records.py), what follows from them (state.py).

    {org}/{day}/{attempt}/begun.json
                          w/01/intent.json        before a job is asked for
                          w/01/job.json           its id, at once
                          w/01/pages/00001-{sha256[:12]}.json.gz   the page, durable before
                          w/01/pages/00001.entry.json              its entry, durable before the
                                                                   next page is asked for
                          w/01/ended.json         why the job was given up; w/02 is the next
                          w/split.json            the window is fetched as w0/ and w1/ instead
                          done.json               every page is stored
                          loaded.json             the warehouse has committed the rows

A page object's name holds its checksum, so one that was written is never changed. The attempt's
name begins with the epoch of the site that writes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aggregation_platform.errors import LandingError
from aggregation_platform.landing.inflation import deflated
from aggregation_platform.landing.objects import Objects
from aggregation_platform.landing.records import (
    Begun,
    Done,
    Ended,
    Entry,
    EntryWithIds,
    Intent,
    Loaded,
    Record,
    Split,
    Submitted,
    from_bytes,
    to_bytes,
    without_ids,
)
from aggregation_platform.landing.state import AttemptState, JobState, WindowState, job_state

_OF_JOB = re.compile(r"(?P<window>w[01]*)/(?P<job>\d{2,})/(?P<rest>.+)")
_OF_WINDOW = re.compile(r"(?P<window>w[01]*)/split\.json")
_ENTRY = re.compile(r"pages/\d{5,}\.entry\.json")
_PAGE = re.compile(r"pages/(?P<name>\d{5,}-[0-9a-f]{12}\.json\.gz)")


@dataclass(frozen=True)
class AttemptJournal:
    """Writes and reads the journal below one prefix. One process at a time writes (a claim).

    Args:
        objects: Where the objects are.
        prefix: `{org}/{day}/{attempt}`.
    """

    objects: Objects
    prefix: str

    @property
    def attempt_id(self) -> str:
        """The attempt's name; names of one day sort by epoch, then by time."""
        return self.prefix.rsplit("/", 1)[-1]

    def begin(self, begun: Begun) -> AttemptState:
        """Write that the attempt exists."""
        self._create("begun.json", begun)
        return AttemptState(begun)

    def intend(self, window: str, number: int, intent: Intent) -> JobState:
        """Write that a job is about to be asked for.

        Raises:
            LandingError: If another process has written the same intent.
        """
        self._create(f"{window}/{number:02d}/intent.json", intent)
        return JobState(number, intent)

    def submitted(self, window: str, job: JobState, submitted: Submitted) -> JobState:
        """Write the id that a job was given."""
        self._put(f"{window}/{job.number:02d}/job.json", submitted)
        return replace(job, submitted=submitted)

    def ended(self, window: str, job: JobState, ended: Ended) -> JobState:
        """Write that a job will give no more pages."""
        self._put(f"{window}/{job.number:02d}/ended.json", ended)
        return replace(job, ended=ended)

    def split(self, window: WindowState, split: Split) -> WindowState:
        """Write that a window is fetched as its two halves."""
        self._put(f"{window.name}/split.json", split)
        return replace(window, split=split)

    def store_page(self, window: str, job: JobState, body: bytes, entry: EntryWithIds) -> JobState:
        """Store a page, then its entry; each is durable before the next step.

        Args:
            window: The window's name.
            job: The job as it was before.
            body: The reply's body exactly as it came.
            entry: What is known of the page; object, checksum and size are filled in here.
        """
        stored = deflated(body) if entry.encoding == "identity" else body
        digest = hashlib.sha256(stored).hexdigest()
        name = f"{entry.number:05d}-{digest[:12]}.json.gz"
        whole = replace(entry, object=name, sha256=digest, bytes=len(stored))
        pages = f"{window}/{job.number:02d}/pages"
        self.objects.put(f"{self.prefix}/{pages}/{name}", stored)
        self._put(f"{pages}/{entry.number:05d}.entry.json", whole)
        return job.with_entry(without_ids(whole))

    def finish(self, done: Done) -> None:
        """Write that every page is stored."""
        self._put("done.json", done)

    def mark_loaded(self, loaded: Loaded) -> None:
        """Write that the warehouse has committed the attempt's rows."""
        self._put("loaded.json", loaded)

    def begun(self) -> Begun | None:
        """Read what was attempted; None if its first object is missing or torn."""
        return from_bytes(Begun, self.objects.get(f"{self.prefix}/begun.json"))

    def done(self) -> Done | None:
        """Read whether it was finished."""
        return from_bytes(Done, self.objects.get(f"{self.prefix}/done.json"))

    def loaded(self) -> Loaded | None:
        """Read whether it was loaded."""
        return from_bytes(Loaded, self.objects.get(f"{self.prefix}/loaded.json"))

    def page_path(self, window: str, job: JobState, entry: Entry) -> str:
        """Return where a page object lies."""
        return f"{self.prefix}/{window}/{job.number:02d}/pages/{entry.object}"

    def entry_path(self, window: str, job: JobState, entry: Entry) -> str:
        """Return where a page's entry lies."""
        return f"{self.prefix}/{window}/{job.number:02d}/pages/{entry.number:05d}.entry.json"

    def read(self, *, verify: bool = False) -> AttemptState | None:
        """Return how far the attempt is; None if nothing whole is there.

        Args:
            verify: Read every page that counts and compare its checksum, not only its size.
        """
        sizes = {
            stored.path.removeprefix(f"{self.prefix}/"): stored.size
            for stored in self.objects.listing(self.prefix)
        }
        documents = self._documents(path for path in sizes if path.endswith(".json"))
        state = attempt_state(sizes, documents)
        return self.verified(state) if state is not None and verify else state

    def verified(self, state: AttemptState) -> AttemptState:
        """Return the state with pages marked that do not match their checksum."""
        for window, job in state.result_jobs:
            damaged = {
                entry.number for entry in job.entries if not self._is_well(window, job, entry)
            }
            checked = replace(job, damaged=job.damaged | damaged)
            state = state.with_window(state.window(window.name).with_job(checked))
        return state

    def _is_well(self, window: WindowState, job: JobState, entry: Entry) -> bool:
        stored = self.objects.get(self.page_path(window.name, job, entry))
        return stored is not None and hashlib.sha256(stored).hexdigest() == entry.sha256

    def _documents(self, names: Iterable[str]) -> Mapping[str, bytes]:
        found = self.objects.get_all(f"{self.prefix}/{name}" for name in names)
        return {path.removeprefix(f"{self.prefix}/"): body for path, body in found.items()}

    def _put(self, name: str, record: Record) -> None:
        self.objects.put(f"{self.prefix}/{name}", to_bytes(record))

    def _create(self, name: str, record: Record) -> None:
        if not self.objects.create(f"{self.prefix}/{name}", to_bytes(record)):
            raise LandingError(
                f"{self.prefix}/{name} was written by another process meanwhile. Two processes "
                "fetch the same org and day without sharing a claim: let one of them end, and run "
                "again; check that both use the same local state."
            )


def attempt_state(sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> AttemptState | None:
    """Put an attempt together from its listing; a torn document counts as not written.

    Args:
        sizes: Every object below the attempt's prefix, by relative path, in bytes.
        documents: The journal objects' bytes, by relative path.
    """
    begun = from_bytes(Begun, documents.get("begun.json"))
    if begun is None:
        return None
    state = AttemptState(
        begun,
        done=from_bytes(Done, documents.get("done.json")),
        loaded=from_bytes(Loaded, documents.get("loaded.json")),
    )
    for window, number in _jobs(sizes):
        job = _job(f"{window}/{number}/", sizes, documents)
        if job is not None:
            state = state.with_window(state.window(window).with_job(job))
    for path in documents:
        if match := _OF_WINDOW.fullmatch(path):
            window = state.window(match["window"])
            state = state.with_window(replace(window, split=from_bytes(Split, documents[path])))
    return state


def _jobs(sizes: Mapping[str, int]) -> list[tuple[str, str]]:
    matches = (_OF_JOB.fullmatch(path) for path in sizes)
    return sorted({(match["window"], match["job"]) for match in matches if match})


def _job(base: str, sizes: Mapping[str, int], documents: Mapping[str, bytes]) -> JobState | None:
    intent = from_bytes(Intent, documents.get(f"{base}intent.json"))
    if intent is None:
        return None
    below = [path.removeprefix(base) for path in sizes if path.startswith(base)]
    entries = (
        from_bytes(Entry, documents.get(base + name)) for name in below if _ENTRY.fullmatch(name)
    )
    pages = {
        match["name"]: sizes[base + name] for name in below if (match := _PAGE.fullmatch(name))
    }
    return job_state(
        int(base.split("/")[1]),
        intent,
        from_bytes(Submitted, documents.get(f"{base}job.json")),
        from_bytes(Ended, documents.get(f"{base}ended.json")),
        (entry for entry in entries if entry is not None),
        pages,
    )
