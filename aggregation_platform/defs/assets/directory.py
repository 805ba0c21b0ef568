"""directory: who and what each org has, with its history.

Belongs here: the assets, and what a listing that is refused or cut short means for them.
Elsewhere: listings (genesys/), versions (directory/listings.py).
"""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from aggregation_platform.assembly import Assembly
from aggregation_platform.defs.assets.declared import key_of, outs_of
from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.partitions import Partitions
from aggregation_platform.directory.listings import listing_of, next_history
from aggregation_platform.directory.tables import (
    DIVISIONS,
    GROUPS,
    QUEUES,
    SKILLS,
    TABLES,
    TEAMS,
    USERS,
    WRAP_UP_CODES,
)
from aggregation_platform.errors import RefusedError, SourceError
from aggregation_platform.genesys.reference import NEEDED, PERMISSION_FOR, Listed, Listing
from aggregation_platform.observability.masking import masked_text
from aggregation_platform.tables import Partition, Table

LISTING_OF = {
    USERS.key: Listing.USERS,
    QUEUES.key: Listing.QUEUES,
    WRAP_UP_CODES.key: Listing.WRAPUP_CODES,
    DIVISIONS.key: Listing.DIVISIONS,
    SKILLS.key: Listing.SKILLS,
    GROUPS.key: Listing.GROUPS,
    TEAMS.key: Listing.TEAMS,
}
IS_WHOLE = "is_whole"
FORBIDDEN = 403


def directory_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the layer."""

    @dg.multi_asset(
        name="directory",
        outs=outs_of(TABLES, kind="genesys", is_required=False),
        partitions_def=partitions.orgs,
        check_specs=_specs(partitions),
    )
    def directory(
        context: dg.AssetExecutionContext, assembly: dg.ResourceParam[Assembly]
    ) -> Iterator[dg.Output[PartitionOutput] | dg.AssetCheckResult]:
        yield from listed_directory(assembly, context.partition_key)

    return [directory]


def listed_directory(
    assembly: Assembly, org: str
) -> Iterator[dg.Output[PartitionOutput] | dg.AssetCheckResult]:
    """List every kind of entity of one org; no listing that fails stops the next one.

    A kind that the client may not list, or that fails at once, keeps its last snapshot. One that
    fails half way, or is cut at the org's cap, takes what was listed and ends nobody.

    Raises:
        SourceError: After all kinds were tried, if users, queues or wrap-up codes were refused or
            failed. A listing that is only cut at the org's cap is no failure.
    """
    failures: list[SourceError] = []
    for table in TABLES:
        kind = LISTING_OF[table.key]
        try:
            found = assembly.client(org).listing(kind)
        except SourceError as error:
            if isinstance(error, RefusedError) and error.status != FORBIDDEN:
                raise
            yield _result(table, passed=False, told=_not_listed(kind, error))
            failures += [error] if kind in NEEDED else []
            continue
        yield dg.Output(continued(assembly, table, org, found), output_name=table.name)
        yield _result(table, passed=found.whole and not found.set_aside, told=_of(found))
        failures += [found.failure] if found.failure and kind in NEEDED else []
    if failures:
        raise failures[0]


def continued(assembly: Assembly, table: Table, org: str, found: Listed) -> PartitionOutput:
    """Continue the history of one kind of entity of one org by a listing."""
    grant = assembly.grant  # brings the tables there before the history is read
    history = next_history(
        assembly.warehouse.read(table, [Partition(org=org)]),
        listing_of(table, found, org=org),
        table=table,
        seen_at=assembly.clock.now(),
        whole=found.whole,
    )
    return PartitionOutput(
        history,
        finality="final",
        metadata=lambda: {**_counts(found), "whole": found.whole, "epoch": grant.epoch},
    )


def _specs(partitions: Partitions) -> list[dg.AssetCheckSpec]:
    with warnings.catch_warnings():
        # Checks by partition are called a preview; without them one org's would stand for all.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                IS_WHOLE,
                asset=key_of(table),
                description="The org let us list them, and the list was read to its end.",
                partitions_def=partitions.orgs,
            )
            for table in TABLES
        ]


def _result(table: Table, *, passed: bool, told: Mapping[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=key_of(table),
        check_name=IS_WHOLE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=told,
    )


def _counts(found: Listed) -> Mapping[str, Any]:
    return {
        "listed": len(found),
        "counted_by_the_org": "not told" if found.total is None else found.total,
        "not_listed": found.unlisted,
        "set_aside": found.set_aside,
        "with_unreadable_characters": found.mended,
    }


def _of(found: Listed) -> Mapping[str, Any]:
    because = found.failure or found.obstacle
    why = {"why_not_whole": masked_text(str(because))} if because else {}
    return {"permitted": True, **_counts(found), **why, "what_to_do": _what_to_do(found)}


def _what_to_do(found: Listed) -> str:
    if found.whole:
        if found.set_aside:
            return "Items of the list have no id: their names are missing. Everybody else is here."
        return "Nothing."
    if found.is_capped:
        return (
            "The org gives no more than 10,000 entries of a list, deleted ones included. The rest "
            "was looked for by state and by the first letters of names; what is not listed has no "
            "name in the figures. Nobody is removed for being absent."
        )
    return (
        "Nothing at once: what was listed is taken, and nobody is removed for being absent. It is "
        "listed again within a day; if it stays, the org's list has a fault."
    )


def _not_listed(kind: Listing, error: SourceError) -> Mapping[str, Any]:
    is_permitted = not isinstance(error, RefusedError)
    return {
        "permitted": is_permitted,
        "why_not": masked_text(str(error)),
        "what_to_do": "The last snapshot stays. It is listed again with the next run; see "
        "runbooks/OrgDelayed.md if the org does not answer."
        if is_permitted
        else "The last snapshot stays. Let an administrator of the org add "
        f"{PERMISSION_FOR[kind]} to the role of the OAuth client; `aggregation-platform check` "
        "shows what else is missing.",
    }
