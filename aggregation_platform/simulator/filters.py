"""The filter grammar of detail queries, on records as they are served.

Belongs here: conversation and segment filters; predicates of one entry are met by one segment.
A segment dimension among the conversation filters is ignored, as the real service does.
Elsewhere: filters of aggregates (aggregates.py).
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

from aggregation_platform.simulator.replies import objects

Json = dict[str, Any]
Values = Callable[[str], list[object]]

_CONVERSATION = {
    "conversationId", "conversationStart", "conversationEnd", "originatingDirection", "divisionId",
    "externalTag", "conversationInitiator",
}  # fmt: skip


def meets(body: Json, record: Json) -> bool:
    """Tell whether a record passes the filters of a query body."""
    for entry in objects(body, "conversationFilters"):
        if not _holds(entry, lambda name: _of_conversation(record, name), _CONVERSATION):
            return False
    for entry in objects(body, "segmentFilters"):
        if not any(_holds(entry, values, None) for values in _segments(record)):
            return False
    return True


def has_filters(body: Json) -> bool:
    """Tell whether a query body filters at all."""
    return bool(body.get("conversationFilters") or body.get("segmentFilters"))


def _of_conversation(record: Json, name: str) -> list[object]:
    value = record.get("divisionIds" if name == "divisionId" else name)
    if value is None:
        return []
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _segments(record: Json) -> Iterator[Values]:
    for participant in record["participants"]:
        for session in participant["sessions"]:
            for segment in session["segments"]:
                yield _lookup(segment, session, participant)


def _lookup(*levels: Json) -> Values:
    def values(name: str) -> list[object]:
        for level in levels:
            for key in (name, f"{name}s"):
                if key in level:
                    found = level[key]
                    return cast("list[object]", found) if isinstance(found, list) else [found]
        return []

    return values


def _holds(entry: Json, values: Values, known: set[str] | None) -> bool:
    parts = [_test(p, values, known) for p in objects(entry, "predicates")]
    parts += [_holds(clause, values, known) for clause in objects(entry, "clauses")]
    if not parts:
        return True
    return any(parts) if str(entry.get("type", "and")).lower() == "or" else all(parts)


def _test(predicate: Json, values: Values, known: set[str] | None) -> bool:
    name = str(predicate.get("dimension", ""))
    if known is not None and name not in known:
        return True
    found = values(name)
    operator = predicate.get("operator") or "matches"
    if operator == "exists":
        return bool(found)
    if operator == "notExists":
        return not found
    if predicate.get("range"):
        return any(_within(str(value), predicate["range"]) for value in found)
    return any(str(value).lower() == str(predicate.get("value")).lower() for value in found)


def _within(value: str, bounds: Json) -> bool:
    return (
        (bounds.get("gte") is None or value >= str(bounds["gte"]))
        and (bounds.get("gt") is None or value > str(bounds["gt"]))
        and (bounds.get("lte") is None or value <= str(bounds["lte"]))
        and (bounds.get("lt") is None or value < str(bounds["lt"]))
    )
