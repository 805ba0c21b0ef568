"""Which person a user of an org is, over all orgs, and how we know.

Belongs here: evidence for global agents, and the pairs that a person should look at.
Elsewhere: the rules file (config/rules.py), labelling rows (members.py).

E-mail addresses decide and are not kept: no table here has one.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from aggregation_platform.config.rules import AgentRule
from aggregation_platform.identity.rule_reviews import lines_of, with_nearest
from aggregation_platform.identity.stretches import claimed, tiled
from aggregation_platform.identity.tables import (
    AGENT_REVIEWS,
    AGENTS,
    FOR_EVER,
    NONE,
    SINCE_EVER,
)
from aggregation_platform.names import folded_column

_IDS = ("org", "user_id")
_BY_EMAIL = "(by e-mail)"
_CLAIM = [*_IDS, "claim", "evidence", "rank", "valid_from", "valid_to"]
_RULE = {
    "org": pl.String,
    "user_id": pl.String,
    "email": pl.String,
    "global_agent_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
}
_ALIKE = 0.8
"""Ids and addresses are long: only a slip of the hand is near."""


def agents(users: pl.DataFrame, rules: Iterable[AgentRule] | pl.DataFrame) -> pl.DataFrame:
    """Return `identity.agents` of all orgs, whole.

    Evidence, strongest first: a rule for the account; the same e-mail address (last known,
    compared as `names.folded`) in several orgs; else the account is a person of its own,
    `org:user_id`. Accounts joined by an address take the first known account's id, or the
    rule's of one of them. Of two accounts of one org under one address, the one still there is
    joined; of two still there neither is. A name alone joins nobody.

    Args:
        users: `directory.users`, all orgs.
        rules: The agent rules, or a frame of org, user_id, email (one of both null),
            global_agent_id, valid_from, valid_to.
    """
    accounts = _accounts(users)
    names = _day_events(users).rename({"user_name": "agent_name"})
    stretches = tiled(names, ids=_IDS, label="agent_name")
    ruled = _ruled(accounts, agent_rule_frame(rules))
    claims = pl.concat([ruled, _inherited(accounts, ruled), _joined(accounts), _own(accounts)])
    told = claimed(stretches, claims, ids=_IDS).rename({"claim": "global_agent_id"})
    return told.select(list(AGENTS.frame_schema)).sort(AGENTS.schema.primary_key())


def agent_reviews(users: pl.DataFrame, rules: Iterable[AgentRule] | pl.DataFrame) -> pl.DataFrame:
    """Return `identity.agent_reviews`: what neither joins nor parts people by itself.

    Accounts of different orgs with one name and different global ids; accounts of one org under
    one address; rules that match no account of an org whose accounts are known. Each account is
    paired with the first of its kind, so a common name does not multiply.

    Args:
        users: `directory.users`, all orgs.
        rules: As for `agents`; a frame may have `line`.
    """
    accounts = _accounts(users)
    rules = rules if isinstance(rules, pl.DataFrame) else tuple(rules)
    frame = agent_rule_frame(rules).with_columns(lines_of(rules))
    known = agents(users, frame).filter(pl.col("valid_to") == FOR_EVER)
    people = accounts.join(known.select(*_IDS, "global_agent_id"), on=_IDS)
    found = pl.concat(
        [_same_names(people), _shared_addresses(people), _unmatched(accounts, frame)],
        how="diagonal",
    )
    return (
        found.with_columns(pl.col("rule_line").fill_null(0))
        .select(list(AGENT_REVIEWS.frame_schema))
        .unique()
        .sort(AGENT_REVIEWS.schema.primary_key())
    )


def agent_rule_frame(rules: Iterable[AgentRule] | pl.DataFrame) -> pl.DataFrame:
    """Return agent rules as a frame; e-mail addresses in the form in which they are compared."""
    if isinstance(rules, pl.DataFrame):
        frame = rules.select(pl.col(name).cast(dtype) for name, dtype in _RULE.items())
    else:
        rows = [
            (r.org, r.user_id, r.email, r.global_agent_id, r.valid_from, r.valid_to) for r in rules
        ]
        frame = pl.DataFrame(rows, schema=_RULE, orient="row")
    return frame.with_columns(_address("email"))


def _address(name: str) -> pl.Expr:
    """Return e-mail addresses as they are compared; what is none is null."""
    form = folded_column(name)
    return pl.when(form.str.contains("@", literal=True)).then(form).alias(name)


def _day_events(users: pl.DataFrame) -> pl.DataFrame:
    return (
        users.sort("valid_from")
        .with_columns(day=pl.col("valid_from").dt.date())
        .unique([*_IDS, "day"], keep="last", maintain_order=True)
        .select(*_IDS, "day", "user_name")
    )


def _accounts(users: pl.DataFrame) -> pl.DataFrame:
    """One row per account: last known name and address, whether it is still there, since when.

    `joinable` says whether its address speaks for it; `key` is its id as it is compared.
    """
    there = pl.col("valid_to").is_null() & (pl.col("state").fill_null("") != "deleted")
    accounts = (
        users.sort("valid_from")
        .with_columns(_address("email"), there=there)
        .group_by(_IDS, maintain_order=True)
        .agg(
            pl.col("user_name").drop_nulls().last(),
            pl.col("email").drop_nulls().last(),
            pl.col("there").last(),
            since=pl.col("valid_from").min(),
        )
    )
    shared = ["org", "email"]
    alone = pl.len().over(shared) == 1
    only_one_there = pl.col("there") & (pl.col("there").sum().over(shared) == 1)
    return accounts.with_columns(
        joinable=pl.col("email").is_not_null() & (alone | only_one_there),
        key=folded_column("user_id"),
    ).sort("since", *_IDS)


def _ruled(accounts: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    claim = rules.rename({"global_agent_id": "claim"})
    by_id = accounts.select(_IDS).join(claim.drop("email"), on=_IDS)
    by_key = accounts.select(*_IDS, "key").join(_keyed(claim), on=["org", "key"])
    by_email = accounts.select(*_IDS, "email").join(claim.drop("user_id"), on=["org", "email"])
    ranked = [
        frame.with_columns(rank=pl.lit(rank))
        for rank, frame in enumerate((by_id, by_key, by_email))
    ]
    return pl.concat(
        [frame.with_columns(evidence=pl.lit("rule")).select(_CLAIM) for frame in ranked]
    )


def _keyed(rules: pl.DataFrame) -> pl.DataFrame:
    return rules.with_columns(key=folded_column("user_id")).drop("user_id", "email")


def _inherited(accounts: pl.DataFrame, ruled: pl.DataFrame) -> pl.DataFrame:
    """A rule for one account speaks for those joined to it, unless rules disagree."""
    joined = accounts.filter("joinable").select(*_IDS, "email")
    claims = joined.join(ruled, on=_IDS).select("email", "claim", "valid_from", "valid_to")
    agreed = claims.filter(pl.col("claim").n_unique().over("email") == 1).unique()
    return (
        joined.join(agreed, on="email")
        .with_columns(evidence=pl.lit("email"), rank=pl.lit(3))
        .select(_CLAIM)
    )


def _joined(accounts: pl.DataFrame) -> pl.DataFrame:
    """Accounts of several orgs under one address are the first known of them."""
    several = pl.col("org").n_unique().over("email") > 1
    first = pl.concat_str("org", pl.lit(":"), "user_id").first().over("email")
    return _always(
        accounts.filter("joinable").filter(several).with_columns(claim=first), "email", rank=4
    )


def _own(accounts: pl.DataFrame) -> pl.DataFrame:
    own = pl.concat_str("org", pl.lit(":"), "user_id")
    return _always(accounts.with_columns(claim=own), "own", rank=5)


def _always(accounts: pl.DataFrame, evidence: str, *, rank: int) -> pl.DataFrame:
    return accounts.with_columns(
        evidence=pl.lit(evidence),
        rank=pl.lit(rank),
        valid_from=pl.lit(SINCE_EVER),
        valid_to=pl.lit(FOR_EVER),
    ).select(_CLAIM)


def _same_names(people: pl.DataFrame) -> pl.DataFrame:
    named = people.with_columns(_key=folded_column("user_name")).filter(pl.col("_key") != "")
    pairs = _with_first(named, ["_key"]).filter(
        pl.col("org") != pl.col("other_org"),
        pl.col("global_agent_id") != pl.col("other_global_agent_id"),
    )
    return pairs.with_columns(
        reason=pl.lit("same_name"),
        advice=pl.lit("If both are one person, give both one global_agent_id in the agent rules."),
    )


def _shared_addresses(people: pl.DataFrame) -> pl.DataFrame:
    pairs = _with_first(people.filter(pl.col("email").is_not_null()), ["org", "email"])
    return pairs.with_columns(
        reason=pl.lit("shared_email"),
        advice=pl.lit("One address, two accounts of one org: say by rules who is who."),
    )


def _with_first(people: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    firsts = people.unique(key, keep="first", maintain_order=True)
    other = firsts.select(
        *(pl.col(name).alias(f"_of_{name}") for name in key),
        other_org="org",
        other_user_id="user_id",
        other_agent_name="user_name",
        other_global_agent_id="global_agent_id",
    )
    pairs = people.join(other, left_on=key, right_on=[f"_of_{name}" for name in key])
    itself = (pl.col("org") == pl.col("other_org")) & (pl.col("user_id") == pl.col("other_user_id"))
    return pairs.filter(~itself).with_columns(agent_name=pl.col("user_name"))


def _unmatched(accounts: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    known = rules.join(accounts.select("org").unique(), on="org", how="semi")
    by_id = (
        known.filter(pl.col("user_id").is_not_null())
        .with_columns(key=folded_column("user_id"))
        .join(accounts, on=["org", "key"], how="anti")
    )
    by_email = known.filter(pl.col("email").is_not_null()).join(
        accounts, on=["org", "email"], how="anti"
    )
    addressed = accounts.drop_nulls("email")
    without = pl.concat(
        [
            with_nearest(
                by_id.drop("key"),
                "user_id",
                accounts,
                like="user_id",
                named="user_id",
                cutoff=_ALIKE,
            ),
            with_nearest(
                by_email, "email", addressed, like="email", named="user_id", cutoff=_ALIKE
            ),
        ]
    )
    return without.select(
        "org",
        user_id=pl.col("user_id").fill_null(_BY_EMAIL),
        other_org=pl.lit(NONE),
        other_user_id=pl.col("global_agent_id"),
        reason=pl.lit("rule_without_user"),
        advice=pl.lit("A rule names an account that no listing has: correct or remove it."),
        rule_line="line",
        nearest_user_id="nearest",
    )
