"""Effective dating: what holds from which day to which.

Belongs here: tiling all of time with stretches of days, and laying claims over them.
Elsewhere: what is claimed of queues and agents (queues.py, agents.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from aggregation_platform.identity.tables import FOR_EVER, SINCE_EVER


def tiled(events: pl.DataFrame, *, ids: Sequence[str], label: str) -> pl.DataFrame:
    """Make stretches of events (`ids`, `day`, `label`): each holds until the next that differs.

    The first holds since ever, the last for ever, so each id's stretches tile all of time.
    """
    changed = pl.col(label).ne_missing(pl.col(label).shift(1).over(ids))
    first = pl.col("day") == pl.col("day").min().over(ids)
    starts = events.sort(*ids, "day").filter(first | changed)
    begin = pl.when(pl.col("day") == pl.col("day").min().over(ids)).then(pl.lit(SINCE_EVER))
    return starts.select(
        *ids,
        label,
        valid_from=begin.otherwise(pl.col("day")),
        valid_to=pl.col("day").shift(-1).over(ids).fill_null(FOR_EVER),
    )


def claimed(
    stretches: pl.DataFrame,
    claims: pl.DataFrame,
    *,
    ids: Sequence[str],
    disputed: str | None = None,
) -> pl.DataFrame:
    """Cut stretches where claims begin and end, and give each part its strongest claim.

    Args:
        stretches: Tiling rows: `ids`, labels, `valid_from`, `valid_to`.
        claims: `ids`, `claim`, `evidence`, `rank` (0 is strongest), `valid_from`, `valid_to`.
        ids: The columns that name one thing.
        disputed: The evidence of a part of which the strongest claims disagree; nothing is
            claimed then. Without it, the first of them in the alphabet wins.

    Returns:
        The stretches' columns with `claim` and `evidence`, null where nothing is claimed;
        neighbours that say the same are one row.
    """
    labels = [name for name in stretches.columns if name not in (*ids, "valid_from", "valid_to")]
    parts = _parts(stretches, claims, ids).join_asof(
        stretches.drop("valid_to").sort("valid_from"),
        on="valid_from",
        by=list(ids),
        strategy="backward",
        check_sortedness=False,
    )
    told = parts.join(_strongest(parts, claims, ids, disputed), on=[*ids, "valid_from"], how="left")
    return _merged(told, ids, [*labels, "claim", "evidence"])


def _parts(stretches: pl.DataFrame, claims: pl.DataFrame, ids: Sequence[str]) -> pl.DataFrame:
    known = claims.join(stretches.select(ids).unique(), on=list(ids), how="semi")
    starts = pl.concat(
        [
            stretches.select(*ids, "valid_from"),
            known.select(*ids, "valid_from"),
            known.select(*ids, valid_from="valid_to"),
        ]
    )
    inside = pl.col("valid_from").is_between(SINCE_EVER, FOR_EVER, closed="left")
    return (
        starts.filter(inside)
        .unique()
        .sort("valid_from")
        .with_columns(valid_to=pl.col("valid_from").shift(-1).over(ids).fill_null(FOR_EVER))
    )


def _strongest(
    parts: pl.DataFrame, claims: pl.DataFrame, ids: Sequence[str], disputed: str | None
) -> pl.DataFrame:
    covering = parts.select(*ids, "valid_from").join(
        claims.rename({"valid_from": "from", "valid_to": "to"}), on=list(ids)
    )
    holds = (pl.col("from") <= pl.col("valid_from")) & (pl.col("to") > pl.col("valid_from"))
    part = [*ids, "valid_from"]
    strongest = covering.filter(holds).filter(pl.col("rank") == pl.col("rank").min().over(part))
    agreed = pl.lit(disputed is None) | (pl.col("claim").n_unique().over(part) == 1)
    return (
        strongest.sort("claim")
        .select(
            *part,
            claim=pl.when(agreed).then("claim"),
            evidence=pl.when(agreed).then("evidence").otherwise(pl.lit(disputed)),
        )
        .unique(part, keep="first", maintain_order=True)
    )


def _merged(parts: pl.DataFrame, ids: Sequence[str], labels: Sequence[str]) -> pl.DataFrame:
    ordered = parts.sort(*ids, "valid_from")
    changed = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in (*ids, *labels)
    )
    numbered = ordered.with_columns(_run=changed.fill_null(value=True).cum_sum())
    return (
        numbered.group_by("_run", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in (*ids, *labels)),
            pl.col("valid_from").first(),
            pl.col("valid_to").last(),
        )
        .drop("_run")
    )
