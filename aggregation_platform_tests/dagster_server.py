"""Talking to a Dagster webserver that a test has started.

Belongs here: GraphQL, whether it answers yet, waiting. Elsewhere: starting it (the tests).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen


def graphql(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """Send a query or mutation and return its data; its errors fail the test."""
    request = Request(
        f"{url}/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=60) as reply:
        answer = json.load(reply)
    assert "errors" not in answer, answer
    return answer["data"]


def answers(url: str) -> bool:
    """Whether the webserver is up."""
    try:
        with urlopen(f"{url}/server_info", timeout=5):
            return True
    except OSError:
        return False


def until(true: Callable[[], bool], *, within_s: float) -> None:
    """Wait for something to come about."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.5)


LAUNCH_BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
BACKFILL_STATUS = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""
_ORG_DAY = (
    ["raw", "conversations"],
    *(
        ["facts", name]
        for name in (
            *("conversations", "sessions", "segments"),
            *("session_metrics", "attributes", "rejects"),
        )
    ),
)


def launch_backfill(url: str, partitions: list[str]) -> str:
    """Ask for raw and facts of these org-days, as the UI does; return the backfill's id."""
    selection = [{"path": path} for path in _ORG_DAY]
    params = {"assetSelection": selection, "partitionNames": partitions}
    started = graphql(url, LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
    assert started["__typename"] == "LaunchBackfillSuccess", started
    return started["backfillId"]


def backfill_status(url: str, backfill: str) -> str:
    """Return where a backfill stands, as Dagster calls it."""
    return graphql(url, BACKFILL_STATUS, id=backfill)["partitionBackfillOrError"]["status"]
