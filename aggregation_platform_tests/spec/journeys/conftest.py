"""Calls on the page, and the journeys they make."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from aggregation_platform.facts.tables import ATTRIBUTES, CONVERSATIONS, SESSIONS
from aggregation_platform.journeys.evidence import evidence_of
from aggregation_platform.journeys.linking import all_journeys
from aggregation_platform.journeys.rules import LinkingRules
from aggregation_platform.journeys.tables import JOURNEYS, LEGS, LINKS, REVIEWS

NO_HANDLE_TIME = pl.DataFrame(
    schema={
        "org": pl.String,
        "conversation_id": pl.String,
        "handled_count": pl.Int64,
        "handle_ms": pl.Int64,
    }
)


def _instant(text):
    moment = datetime.fromisoformat(text if "T" in text else f"2026-01-05T{text}")
    return moment.replace(tzinfo=UTC)


def _frame(rows, table):
    return pl.DataFrame(rows, schema=table.frame_schema, orient="row")


class Calls:
    """Tells calls: `call("us", "a", "10:00:00", minutes=5, ani="+1555…")`."""

    def __init__(self):
        self.conversations, self.sessions, self.attributes = [], [], []

    def call(self, org, name, at, *, minutes=5.0, ani=None, dnis=None, key=None, tag=None):
        start = _instant(at)
        end = start + timedelta(minutes=minutes)
        shared = {"org": org, "day": start.date(), "conversation_id": name}
        self.conversations.append(
            {
                **shared,
                "started_at": start,
                "ended_at": end,
                "originating_direction": "inbound",
                "external_tag": tag,
            }
        )
        self._session(shared, start, end, direction="inbound", ani=ani, dnis=dnis)
        if key is not None:
            self.attributes.append({**shared, "name": "IVR_UU_ID", "value": key})
        return self

    def dials(self, org, name, at, *, number, minutes=5.0, shows=None):
        """An outbound line in a conversation that was told before."""
        start = _instant(at)
        shared = next(
            c for c in self.conversations if (c["org"], c["conversation_id"]) == (org, name)
        )
        shared = {key: shared[key] for key in ("org", "day", "conversation_id")}
        end = start + timedelta(minutes=minutes)
        self._session(shared, start, end, direction="outbound", ani=shows, dnis=number)
        return self

    def _session(self, shared, start, end, **told):
        self.sessions.append(
            {
                **shared,
                "session_number": len(self.sessions) + 1,
                "purpose": "customer",
                "media_type": "voice",
                "started_at": start,
                "ended_at": end,
                **told,
            }
        )

    def evidence(self, rules):
        return evidence_of(
            _frame(self.conversations, CONVERSATIONS),
            _frame(self.sessions, SESSIONS),
            _frame(self.attributes, ATTRIBUTES),
            rules,
        )

    def linked(self, handle_times=NO_HANDLE_TIME, **limits):
        rules = LinkingRules(**limits)
        found = all_journeys(self.evidence(rules), handle_times, rules)
        for table, frame in zip(
            (LEGS, JOURNEYS, LINKS, REVIEWS),
            (found.legs, found.journeys, found.links, found.reviews),
            strict=True,
        ):
            table.schema.validate(frame)
        return found

    def contacts(self, **limits):
        """Each journey of several legs as text: `us:a > emea:b by correlation`."""
        legs = self.linked(**limits).legs.sort("leg_number")
        told = []
        for _, of_one in legs.group_by("journey_id", maintain_order=True):
            names = of_one.select(pl.concat_str("org", pl.lit(":"), "conversation_id")).to_series()
            if of_one.height > 1:
                how = ", ".join(sorted(set(of_one["link"].to_list()) - {"first"}))
                told.append(f"{' > '.join(names)} by {how}")
        return sorted(told)


@pytest.fixture
def calls():
    return Calls()
