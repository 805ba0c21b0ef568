"""Assets as their tables declare them: key, group, description, columns.

Belongs here: what every asset over a table has in common. Elsewhere: each asset (its layer's file).
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

import dagster as dg

from aggregation_platform.defs.io_managers import PartitionOutput
from aggregation_platform.defs.pictures import column_schema
from aggregation_platform.tables import Table

IO_MANAGER = "warehouse"

Declare: TypeAlias = Callable[[Callable[..., PartitionOutput]], dg.AssetsDefinition]


def key_of(table: Table) -> dg.AssetKey:
    """Return a table's asset key: layer, name."""
    return dg.AssetKey([table.layer, table.name])


def asset_of(
    table: Table,
    partitions_def: dg.PartitionsDefinition[Any] | None = None,
    *,
    ins: Mapping[str, dg.AssetIn] | None = None,
    kind: str = "polars",
    hooks: AbstractSet[dg.HookDefinition] = frozenset(),
) -> Declare:
    """Declare a function as the asset of a table."""
    return dg.asset(
        name=table.name,
        key_prefix=table.layer,
        group_name=table.layer,
        partitions_def=partitions_def,
        io_manager_key=IO_MANAGER,
        description=table.grain,
        metadata=_metadata(table),
        kinds={kind},
        ins=ins,
        hooks=hooks,
    )


def outs_of(
    tables: Sequence[Table], *, kind: str = "polars", is_required: bool = True
) -> dict[str, dg.AssetOut]:
    """Declare the outputs of a function that makes several tables, named as they are."""
    return {
        table.name: dg.AssetOut(
            key=key_of(table),
            io_manager_key=IO_MANAGER,
            description=table.grain,
            metadata=_metadata(table),
            group_name=table.layer,
            kinds={kind},
            is_required=is_required,
        )
        for table in tables
    }


def _metadata(table: Table) -> dict[str, Any]:
    """Return columns, and the partition's columns under the name that Dagster's tools look for."""
    told: dict[str, Any] = {"dagster/column_schema": column_schema(table)}
    if len(table.partitioned_by) == 1:
        told["partition_expr"] = table.partitioned_by[0]
    elif table.partitioned_by:
        told["partition_expr"] = {name: name for name in table.partitioned_by}
    return told
