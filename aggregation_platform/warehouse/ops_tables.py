"""The tables of schema `ops`: what the platform keeps about its own work.

Belongs here: their shapes. The log of partitions, what named them, from which facts they were
built, the ledger of extractions, restatements, drift, gaps, marks, days, and what two sites need:
lease, mutex, journal, sites.
Elsewhere: who fills them (extraction/, sites/, defs/), the layers' own tables (<layer>/tables.py).
"""

from __future__ import annotations

import dataframely as dy

from aggregation_platform.tables import Table, instant, json_text

FINALITIES = ("provisional", "complete", "final")


class PartitionLog(dy.Schema):
    """One row per partition as it stands: its last replacement."""

    table_name = dy.String(primary_key=True, description="layer.table")
    org = dy.String(nullable=True, description="null where the table has no org partitions")
    day = dy.Date(nullable=True, description="UTC day; null where the table has no day partitions")
    rows = dy.Int64(min=0, description="rows in the partition")
    run_id = dy.String(description="the run or command that wrote it")
    epoch = dy.Int64(min=0, description="fencing token of the write")
    written_at = instant(description="when it was written")
    content_hash = dy.String(description="of the rows, independent of their order")
    finality = dy.String(description="provisional, complete or final")


class BuiltWith(dy.Schema):
    """One row per partition and mapping that named its queues or agents: in which version."""

    table_name = dy.String(primary_key=True, description="layer.table of the partition")
    partition_key = dy.String(primary_key=True, description="its UTC day; all where it has none")
    named_by = dy.String(
        primary_key=True, description="identity.queues or identity.agents; rules, of a mapping"
    )
    rules_version = dy.String(description="of the rules files that made the mapping")
    content_hash = dy.String(
        nullable=True, description="of the mapping, as in ops.partition_log; null for rules"
    )
    built_at = instant(description="when the partition was built with it")


class BuiltFrom(dy.Schema):
    """One row per table and UTC day of the world: from which version of the facts it was built."""

    table_name = dy.String(primary_key=True, description="layer.table of the partition")
    day = dy.Date(primary_key=True, description="UTC day of the partition")
    facts_version = dy.String(
        description="hash of the facts it was made of: the day's, for journeys the days around"
    )
    built_at = instant(description="when reading them began")


class ExtractionLedger(dy.Schema):
    """One row per attempt that brought an org's interval into the warehouse."""

    org = dy.String(primary_key=True)
    dataset = dy.String(primary_key=True, description="what was extracted: conversations, users")
    interval_from = instant(primary_key=True, description="start of the interval, included")
    interval_to = instant(primary_key=True, description="end of the interval, not included")
    attempt_id = dy.String(primary_key=True, description="the attempt's name in the landing zone")
    state = dy.String(description="what the extraction came to")
    rows = dy.Int64(min=0, description="rows stored")
    bytes = dy.Int64(min=0, description="bytes received over the wire")
    content_hash = dy.String(description="equal hashes mean an equal answer")
    source_job_id = dy.String(nullable=True, description="the details job; null for a query")
    epoch = dy.Int64(min=0, description="fencing token of the write")
    run_id = dy.String(description="the run or command that wrote it")
    committed_at = instant(description="when it was written")
    data_available_to = instant(nullable=True, description="the source's watermark at the time")
    pages = dy.Int64(min=0, description="pages landed")
    records = dy.Int64(min=0, description="records on those pages")
    duplicates = dy.Int64(min=0, description="records that another page had as well")
    orphans = dy.Int64(min=0, description="records of which nothing happened in the interval")
    earlier = dy.Int64(
        min=0,
        nullable=True,
        description="records that were over before the interval; null: counted as orphans then",
    )
    rejects = dy.Int64(min=0, description="records that did not fit")
    requests = dy.Int64(min=0, description="requests sent, retries included")
    retries = dy.Int64(min=0, description="requests that were repeated")
    waited_ms = dy.Int64(min=0, description="time waited for permits and for the source")
    requests_by_outcome = json_text(
        nullable=False,
        description="requests by what became of them: 2xx, 4xx, 401, 429, 5xx, lost, unsent",
    )


class FailedAttempts(dy.Schema):
    """One row per attempt at an org's day that ended without storing the day whole."""

    org = dy.String()
    day = dy.Date(description="UTC day that was asked for")
    failed_at = instant(description="when it was given up")
    error = dy.String(description="class of the error, as in errors.py")
    reason = dy.String(description="what happened, in one sentence, masked")
    next_try_at = instant(nullable=True, description="when it is repeated by itself")
    requests = dy.Int64(min=0, description="requests sent that brought no stored page")
    retries = dy.Int64(min=0, description="requests that were repeated")
    waited_ms = dy.Int64(min=0, description="time waited for permits and for the source")
    bytes = dy.Int64(min=0, description="bytes received over the wire")
    requests_by_outcome = json_text(
        nullable=False,
        description="those requests by what became of them: 2xx, 4xx, 401, 429, 5xx, lost, unsent",
    )
    run_id = dy.String(description="the run or command that made it")


class Restatements(dy.Schema):
    """One row per measure of a published cell that a later read changed."""

    org = dy.String()
    day = dy.Date(description="UTC day of the cell")
    table_name = dy.String(description="layer.table of the cell")
    cell = json_text(
        nullable=False,
        description="the cell's key columns and their values; {} for the org's whole day, which "
        "the figures count from now on, or no longer",
    )
    measure = dy.String(description="the column that changed")
    before = dy.Int64(nullable=True, description="null where the cell is new")
    after = dy.Int64(nullable=True, description="null where the cell is gone")
    found_at = instant(description="when the change was found")
    conversation_ids = json_text(description="the conversations behind the change, a list")
    run_id = dy.String(description="the run that found it")


class Drift(dy.Schema):
    """One row per thing that an org's records had and the facts did not know."""

    org = dy.String(primary_key=True)
    kind = dy.String(
        primary_key=True,
        description="member (unknown), misfit (a known member of another type), value (unknown "
        "name in a known member) or attribute (name of a participant attribute)",
    )
    path = dy.String(primary_key=True, description="where in the record, with [] for list items")
    value = dy.String(primary_key=True, description="the member, name or attribute")
    first_seen_at = instant(description="when it was first seen")
    last_seen_at = instant(description="when it was last seen")
    seen_count = dy.Int64(min=0, description="records that had it when last seen")
    example = dy.String(nullable=True, description="a conversation that has it")
    run_id = dy.String(description="the run that last saw it")


class Gaps(dy.Schema):
    """One row per interval of an org known to be missing, open or closed."""

    gap_id = dy.String(primary_key=True)
    org = dy.String()
    dataset = dy.String()
    interval_from = instant(description="start of what is missing, included")
    interval_to = instant(description="end of what is missing, not included")
    cause = dy.String(description="why: the source, the sink, a site")
    opened_at = instant()
    state = dy.String(description="open, filling, closed or unrecoverable")
    attempts = dy.Int64(min=0, description="times it was tried to be filled")
    closed_at = instant(nullable=True)
    closed_by = dy.String(nullable=True)


class OrgMarks(dy.Schema):
    """One row per org and dataset: how far it is and whether it moves."""

    org = dy.String(primary_key=True)
    dataset = dy.String(primary_key=True)
    high_water = instant(nullable=True, description="everything before is here")
    leading_edge = instant(nullable=True, description="newest record here")
    available_to = instant(nullable=True, description="the source's own watermark")
    last_progress_at = instant(nullable=True, description="when either last moved")
    state = dy.String(description="fresh, delayed, stuck or quiet")
    state_since = instant()
    stuck_after_s = dy.Int64(min=0, description="seconds without progress until it is stuck")


class Days(dy.Schema):
    """One row per publication of a UTC day; the highest revision is the present one."""

    day = dy.Date(primary_key=True)
    revision = dy.Int64(primary_key=True, min=1)
    status = dy.String(description="how complete the day was when published")
    expected_orgs = json_text(nullable=False, description="the orgs that should be in it")
    missing_orgs = json_text(nullable=False, description="the orgs that are not")
    complete_through = json_text(description="per org, the instant before which nothing lacks")
    published_at = instant()
    supersedes = dy.Int64(nullable=True, description="the revision that this one replaces")
    reason = dy.String(nullable=True)


class LeaseRows(dy.Schema):
    """One row per scope: the site that may write it, and the epoch since which it may."""

    scope = dy.String(primary_key=True)
    epoch = dy.Int64(min=1, description="grows at each change of holder, never goes back")
    holder = dy.String(description="the site")
    taken_at = instant()
    taken_by = dy.String(description="person or process")
    reason = dy.String()


class Mutex(dy.Schema):
    """One row per scope; without meaning but as something to lock."""

    scope = dy.String(primary_key=True)
    n = dy.Int64(description="counts fenced transactions")


class Journal(dy.Schema):
    """One row per step of an operation on the sites. Only ever added to."""

    id = dy.String(description="of the operation")
    op = dy.String(description="switchover, failover, failback, pause")
    step = dy.String()
    epoch = dy.Int64(min=0)
    site = dy.String()
    actor = dy.String(description="person or process")
    noted_at = instant()
    evidence = json_text(description="what was seen when the step was decided")
    outcome = dy.String(nullable=True)


class Sites(dy.Schema):
    """One row per site: what it is and what it runs."""

    site = dy.String(primary_key=True)
    role = dy.String(description="active, standby, candidate, fenced, rejoining or detached")
    code_version = dy.String()
    schema_version = dy.Int64(min=0, description="newest migration that its code knows")
    config_hash = dy.String()
    last_seen_at = instant()


class DayMembers(dy.Schema):
    """One row per rollup, UTC day and organization: whether the day counts the organization."""

    table_name = dy.String(primary_key=True, description="layer.table of the rollup")
    day = dy.Date(primary_key=True, description="UTC day")
    org = dy.String(primary_key=True)
    is_counted = dy.Bool(description="false: the day counted it once and does no more")
    built_at = instant(description="when the day was built so")
    run_id = dy.String(description="the run that built it")


class Retirements(dy.Schema):
    """One row per decision that an organization no longer counts, or counts again.

    The newest of an organization is in force. Only ever added to.
    """

    org = dy.String()
    retired_from = dy.Date(
        nullable=True, description="first UTC day on which it no longer counts; null: it counts"
    )
    reason = dy.String()
    noted_at = instant(description="when it was decided")
    noted_by = dy.String(description="who decided")
    first_day = dy.Date(description="its first day as configured then")


class Migrations(dy.Schema):
    """One row per migration that was applied whole."""

    number = dy.Int64(primary_key=True, min=1)
    title = dy.String()
    checksum = dy.String(description="of the file, when it was applied")
    applied_at = instant()


PARTITION_LOG = Table("ops", "partition_log", PartitionLog)
BUILT_FROM = Table("ops", "built_from", BuiltFrom)
EXTRACTION_LEDGER = Table("ops", "extraction_ledger", ExtractionLedger)
FAILED_ATTEMPTS = Table("ops", "failed_attempts", FailedAttempts)
BUILT_WITH = Table("ops", "built_with", BuiltWith)
RESTATEMENTS = Table("ops", "restatements", Restatements)
DRIFT = Table("ops", "drift", Drift)
GAPS = Table("ops", "gaps", Gaps)
ORG_MARKS = Table("ops", "org_marks", OrgMarks)
DAYS = Table("ops", "days", Days)
LEASE = Table("ops", "lease", LeaseRows)
MUTEX = Table("ops", "mutex", Mutex)
JOURNAL = Table("ops", "journal", Journal)
SITES = Table("ops", "sites", Sites)
DAY_MEMBERS = Table("ops", "day_members", DayMembers)
RETIREMENTS = Table("ops", "retirements", Retirements)
MIGRATIONS = Table("ops", "migrations", Migrations)

TABLES = (
    PARTITION_LOG,
    EXTRACTION_LEDGER,
    FAILED_ATTEMPTS,
    BUILT_WITH,
    BUILT_FROM,
    RESTATEMENTS,
    DRIFT,
    GAPS,
    ORG_MARKS,
    DAYS,
    LEASE,
    MUTEX,
    JOURNAL,
    SITES,
    DAY_MEMBERS,
    RETIREMENTS,
    MIGRATIONS,
)
