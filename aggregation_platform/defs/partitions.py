"""How the world is cut: organizations by UTC days.

Belongs here: partition definitions and mappings, and Dagster's keys <-> our Partition.
Elsewhere: days and intervals themselves (intervals.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from aggregation_platform.config.models import PlatformConfig
from aggregation_platform.intervals import day_key, parse_day
from aggregation_platform.tables import Partition

ORG = "org"
DAY = "day"


@dataclass(frozen=True)
class Partitions:
    """The partition definitions of one configuration.

    Organizations are static: they come from the configuration, where a review sees them, and are
    the same on both sites. Days are UTC, from the earliest first_day on; the newest is the running
    one, whose figures are provisional.
    """

    orgs: dg.StaticPartitionsDefinition
    days: dg.DailyPartitionsDefinition
    org_days: dg.MultiPartitionsDefinition


def partitions_of(config: PlatformConfig) -> Partitions:
    """Cut the configured organizations and days."""
    orgs = dg.StaticPartitionsDefinition([each.org for each in config.organizations])
    days = dg.DailyPartitionsDefinition(
        start_date=day_key(min(each.first_day for each in config.organizations)),
        timezone="UTC",
        end_offset=1,
    )
    return Partitions(orgs, days, dg.MultiPartitionsDefinition({ORG: orgs, DAY: days}))


def every_org_of_the_day() -> dg.PartitionMapping:
    """Map a day to all organizations' partitions of that day, and back."""
    with warnings.catch_warnings():
        # Still called beta; the class is what Dagster would infer without being asked.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name=DAY)


def org_day_key(partition: Partition) -> dg.MultiPartitionKey:
    """Return Dagster's key of an org's day.

    Raises:
        ValueError: If the partition lacks the org or the day.
    """
    if partition.org is None or partition.day is None:
        raise ValueError(f"{partition} is not an org's day")
    return dg.MultiPartitionKey({ORG: partition.org, DAY: day_key(partition.day)})


def partition_of(key: str, dimensions: Sequence[str]) -> Partition:
    """Read one of Dagster's keys.

    Args:
        key: A multi-partition key, or the plain key of one dimension.
        dimensions: What the asset is partitioned by: (org, day), (day,), (org,) or ().
    """
    if isinstance(key, dg.MultiPartitionKey):
        by = key.keys_by_dimension
        return Partition(org=by[ORG], day=parse_day(by[DAY]))
    if tuple(dimensions) == (ORG,):
        return Partition(org=key)
    return Partition(day=parse_day(key))


def day_of(partition: Partition) -> date:
    """Return a partition's day.

    Raises:
        ValueError: If it has none.
    """
    if partition.day is None:
        raise ValueError(f"{partition} has no day")
    return partition.day
