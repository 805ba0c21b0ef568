"""Aggregates that an org refuses as too large are asked for in parts that add up to the whole."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aggregation_platform.errors import QueryTooLargeError, TransientSourceError
from aggregation_platform.genesys.aggregates import GROUPS, METRICS, QUERY
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.intervals import Interval, parsed, spelled
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer, Seen

AGGREGATES = f"POST {QUERY}"
DAY = Interval.of_day(date(2026, 1, 4))
HALF_HOUR = timedelta(minutes=30)
NOON = datetime(2026, 1, 4, 12, tzinfo=UTC)
TOO_LARGE = {"message": "too large", "code": "request.entity.too.large", "status": 413}
DIRECTIONS = ["inbound", "outbound"]
GROUP = {"queueId": "q", "userId": "u", "mediaType": "voice"}


class Org:
    """Has one handle time a half hour and direction; refuses what holds more than `most`."""

    def __init__(self, most: int, status: int = 413, body: Any = TOO_LARGE) -> None:
        self.most, self.status, self.body = most, status, body

    @staticmethod
    def group(direction: str, start: datetime) -> dict[str, Any]:
        metric = {"metric": "tHandle", "stats": {"count": 1}}
        bucket = {"interval": f"{spelled(start)}/", "metrics": [metric]}
        return {"group": {"direction": direction}, "data": [bucket]}

    def __call__(self, seen: Seen) -> Answer:
        asked = seen.json
        if asked["groupBy"] == list(GROUPS[1:]):
            return Answer(200, {"results": []})
        start, end = map(parsed, asked["interval"].split("/"))
        only = [
            predicate["value"]
            for predicate in asked.get("filter", {}).get("predicates", [])
            if predicate["dimension"] == "direction"
        ]
        if asked["groupBy"] == ["direction"]:
            return Answer(200, {"results": [self.group(each, start) for each in DIRECTIONS]})
        steps = (end - start) // HALF_HOUR
        directions = only or DIRECTIONS
        if steps * len(directions) * len(asked["metrics"]) > self.most:
            return Answer(self.status, self.body)
        return Answer(
            200,
            {
                "results": [
                    {
                        "group": {**GROUP, "direction": direction},
                        "data": [
                            {
                                "interval": f"{spelled(start + HALF_HOUR * step)}/",
                                "metrics": [
                                    {"metric": name, "stats": {"count": 1, "sum": 1000.0}}
                                    for name in asked["metrics"]
                                ],
                            }
                            for step in range(steps)
                        ],
                    }
                    for direction in directions
                ]
            },
        )


def cells(client: GenesysClient) -> list[tuple[datetime, str | None, str]]:
    rows = list(client.handle_time_aggregates(DAY))
    return sorted((row.interval_start, row.direction, row.metric) for row in rows)


EVERY_CELL = sorted(
    (DAY.start + HALF_HOUR * step, direction, metric)
    for step in range(48)
    for direction in ("inbound", "outbound")
    for metric in METRICS
)


@pytest.mark.parametrize("most", [576, 575, 12, 1])
def test_the_parts_hold_every_cell_once_however_small_they_must_be(
    server: ScriptedServer, client: GenesysClient, most: int
):
    server.on(AGGREGATES, Org(most))

    assert cells(client) == EVERY_CELL


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, {"message": "payload too large", "code": "payload.too.large"}),
        (413, b"<html>Request Entity Too Large</html>"),
        (400, {"message": "reduce", "code": "response.entity.too.large"}),
        (400, {"message": "Results may not exceed 10000", "code": "bad.request"}),
    ],
)
def test_every_way_of_calling_an_answer_too_large_is_understood(
    server: ScriptedServer, client: GenesysClient, status: int, body: Any
):
    server.on(AGGREGATES, Org(200, status, body))

    assert cells(client) == EVERY_CELL


def test_an_interval_is_halved_before_anything_else_is_split(
    server: ScriptedServer, client: GenesysClient
):
    server.on(AGGREGATES, Org(300))

    cells(client)

    bodies = [seen.json for seen in server.asked(AGGREGATES)]
    grouped = [body for body in bodies if body["groupBy"] == list(GROUPS)]
    assert [body["interval"] for body in grouped] == [
        str(DAY), str(Interval(DAY.start, NOON)), str(Interval(NOON, DAY.end)),
    ]  # fmt: skip
    assert all(body["metrics"] == list(METRICS) for body in grouped)


def test_an_org_that_refuses_the_smallest_part_is_a_clear_error_and_not_asked_for_ever(
    server: ScriptedServer, client: GenesysClient
):
    server.on(AGGREGATES, Org(0))

    with pytest.raises(QueryTooLargeError, match="even for tHandle of 2026-01-04") as refused:
        list(client.handle_time_aggregates(DAY))

    assert "Ask the vendor" in str(refused.value)
    assert len(server.asked(AGGREGATES)) < 20


def test_an_answer_that_takes_the_org_too_long_is_asked_for_by_half(
    server: ScriptedServer, client: GenesysClient
):
    server.on(AGGREGATES, Org(300, 504, {"message": "timeout", "code": "request.timeout"}))

    assert cells(client) == EVERY_CELL


def test_an_org_that_is_down_is_not_asked_for_smaller_parts(
    server: ScriptedServer, client: GenesysClient
):
    server.on(AGGREGATES, Org(0, 503, {"message": "down", "code": "service.unavailable"}))

    with pytest.raises(TransientSourceError):
        list(client.handle_time_aggregates(DAY))

    assert {seen.json["interval"] for seen in server.asked(AGGREGATES)} == {str(DAY)}
