"""raw: what each org's API returned for a UTC day, verbatim.

Belongs here: the asset. Elsewhere: jobs, pages and resuming (extraction/), which records of the
pages belong to the day (raw/conversations.py).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import asset_of
from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.membership import why_not_fetched
from aggregation_platform.defs.partitions import Partitions, day_of, partition_of
from aggregation_platform.defs.repetition import (
    MOST_REPETITIONS,
    RUN_AGAIN_AT,
    RUN_AGAIN_TAGS,
    WAY_TAG,
    again_after_outage,
    repeat_if_the_warehouse_was_held,
)
from aggregation_platform.defs.run_log import log_progress
from aggregation_platform.errors import (
    ConfigurationError,
    PlatformError,
    RateLimitedError,
    TransientSourceError,
)
from aggregation_platform.extraction.attempts import (
    AttemptListener,
    FailedAttempt,
    record_failure,
    unrecorded,
)
from aggregation_platform.extraction.day_reading import DayReading, Way, read_org_day
from aggregation_platform.extraction.ledger import ledger_entry, tail_entry
from aggregation_platform.extraction.outcome import Extracted, OrgDay, Progress
from aggregation_platform.extraction.quality import quality_of
from aggregation_platform.raw.conversations import RawConversations, raw_conversations
from aggregation_platform.raw.finality import finality_of
from aggregation_platform.raw.tables import CONVERSATIONS
from aggregation_platform.tables import Partition
from aggregation_platform.warehouse.membership import known_members
from aggregation_platform.warehouse.store import LedgerEntry, PartitionWritten


def raw_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @asset_of(
        CONVERSATIONS,
        partitions.org_days,
        kind="genesys",
        hooks={repeat_if_the_warehouse_was_held},
    )
    def conversations(
        context: dg.AssetExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> PartitionOutput:
        failed: list[FailedAttempt] = []
        try:
            reading = read_day(context, assembly, failed.append)
        except TransientSourceError as error:
            failure, again_at = _sent_away(context, assembly, error)
            _record(context, assembly, failed, again_at)
            raise failure from error
        except PlatformError as error:
            _record(context, assembly, failed or [_untried(context, assembly, error)])
            raise
        _record(context, assembly, failed)
        return _Landed(assembly, reading, context.run.run_id).output()

    return [conversations]


def order_of(assembly: Assembly, partition: Partition) -> OrgDay:
    """Return what is to be fetched for an org's day.

    Raises:
        ConfigurationError: If the org is not configured or was retired, the day is before its
            first, or is stored under another key of the same organization.
    """
    organization = assembly.config.organization(partition.org or "")
    if partition.day is None or partition.day < organization.first_day:
        raise ConfigurationError(
            f"{partition}: {organization.org} is not fetched before its first_day, "
            f"{organization.first_day}; move first_day in platform.yaml back to fetch it."
        )
    epoch = assembly.grant.epoch  # brings the tables there on a first start
    members = known_members(assembly.warehouse, assembly.config)
    if why := why_not_fetched(members, organization.org, partition.day):
        raise ConfigurationError(why)
    return OrgDay(
        org=organization.org,
        day=partition.day,
        page_size=organization.page_size,
        epoch=epoch,
    )


def _untried(
    context: dg.AssetExecutionContext, assembly: Assembly, error: PlatformError
) -> FailedAttempt:
    """An attempt that ended before anything was asked, say for a variable that is not set."""
    partition = partition_of(context.partition_key, CONVERSATIONS.partitioned_by)
    now = assembly.clock.now()
    return FailedAttempt(partition.org or "", day_of(partition), error, now)


def _record(
    context: dg.AssetExecutionContext,
    assembly: Assembly,
    failed: Iterable[FailedAttempt],
    again_at: datetime | None = None,
) -> None:
    """Keep what failed for `status`: the ledger knows only what was stored."""
    for attempt in failed:
        record_failure(
            assembly.warehouse,
            assembly.grant,
            attempt,
            run_id=context.run.run_id,
            next_try_at=again_at,
        )


def read_day(
    context: dg.AssetExecutionContext, assembly: Assembly, failed: AttemptListener = unrecorded
) -> DayReading:
    """Bring the run's org and day into the landing zone, going on from what is stored."""
    order = order_of(assembly, partition_of(context.partition_key, CONVERSATIONS.partitioned_by))

    def tell(progress: Progress) -> None:
        log_progress(
            context,
            "%s %s: %s, %s pages, %s conversations",
            progress.org,
            progress.day,
            progress.state,
            progress.pages,
            progress.conversations,
        )

    return read_org_day(
        assembly.client(order.org),
        assembly.landing,
        assembly.local_state,
        order,
        clock=assembly.clock,
        way=Way(context.run.tags.get(WAY_TAG, Way.JOB)),
        progress=tell,
        failed=failed,
        requests_per_second=assembly.config.organization(order.org).requests_per_second,
    )


def _sent_away(
    context: dg.AssetExecutionContext, assembly: Assembly, error: TransientSourceError
) -> tuple[dg.Failure, datetime | None]:
    """Note when the run is to be repeated; return what to raise, and when that is."""
    rest = _rest(error, context.run.tags)
    if rest is None:
        failure = dg.Failure(
            f"{error} This run was repeated {MOST_REPETITIONS} times by itself; once the"
            " organization answers, start it again, see runbooks/OrgDelayed.md.",
            allow_retries=False,
        )
        return failure, None
    at = assembly.clock.now() + rest
    tags = {**RUN_AGAIN_TAGS, RUN_AGAIN_AT: at.isoformat()}
    context.instance.add_run_tags(context.run.run_id, tags)
    failure = dg.Failure(
        f"{error} This run is repeated by itself after {at:%Y-%m-%d %H:%M} UTC.",
        metadata={"run_again_at": str(at)},
        allow_retries=False,
    )
    return failure, at


def _rest(error: TransientSourceError, tags: Mapping[str, str]) -> timedelta | None:
    """As long as the org asked for; else as after any outage."""
    if isinstance(error, RateLimitedError):
        return timedelta(seconds=error.retry_after_s)
    return again_after_outage(tags)


class _Landed:
    """Landed pages on their way to the warehouse, and what is told about them once they ran out."""

    def __init__(self, assembly: Assembly, reading: DayReading, run_id: str) -> None:
        self._assembly = assembly
        self._reading = reading
        self._run_id = run_id
        self._rows: RawConversations = raw_conversations(
            reading.landed.pages, org=reading.order.org, day=reading.order.day
        )

    def output(self) -> PartitionOutput:
        reading = self._reading
        return PartitionOutput(
            frames=self._rows,
            finality=finality_of(
                reading.order.whole_day,
                data_available_to=reading.data_available_to,
                read_at=reading.read_at,
                reread_days=self._assembly.config.freshness.reread_days,
            ).value,
            ledger=self._ledger,
            metadata=self._metadata,
            committed=self._committed,
        )

    def _ledger(self) -> list[LedgerEntry]:
        job, tail = self._reading.job, self._reading.tail
        entries = [ledger_entry(job, rows=self._rows.counts)] if job is not None else []
        return [*entries, tail_entry(tail)] if tail is not None else entries

    def _metadata(self) -> Mapping[str, Any]:
        counts, reading = self._rows.counts, self._reading
        told: dict[str, Any] = {
            "pages": counts.pages,
            "records": counts.records,
            "duplicates": counts.duplicates,
            "orphans": counts.orphans,
            "over_before_the_day": counts.earlier,
            "data_available_to": str(reading.data_available_to),
            "attempts": ", ".join(reading.landed.attempt_ids),
        }
        if reading.job is not None:
            told |= _quality(reading.job)
        if reading.tail is not None:
            told |= {"tail": str(reading.tail.interval), "tail_records": reading.tail.records}
        if reading.tail_trouble is not None:
            told["tail_left_out"] = str(reading.tail_trouble)
        return told

    def _committed(self, _: PartitionWritten) -> None:
        if self._reading.job is not None:
            self._reading.job.mark_loaded(run_id=self._run_id, now=self._assembly.clock.now())


def _quality(job: Extracted) -> dict[str, Any]:
    """How the job was fetched, over all the processes that worked on it."""
    quality = quality_of(job)
    may_be_unknown = {
        "ingestion_success_rate": quality.success_rate,
        "freshness_minutes": quality.freshness_minutes,
    }
    return {
        "details_jobs": quality.jobs_submitted,
        "requests": quality.requests_total,
        "requests_by_outcome": dict(quality.requests),
        "retries": quality.retries,
        "waited_seconds": round(quality.waited_s, 3),
        "bytes_fetched": quality.received_bytes,
        **{name: round(told, 4) for name, told in may_be_unknown.items() if told is not None},
    }
