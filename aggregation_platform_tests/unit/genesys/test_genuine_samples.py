"""Genuine replies, where the folder with them is present."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from aggregation_platform.errors import SourceError, TransientSourceError
from aggregation_platform.genesys.aggregates import QUERY
from aggregation_platform.genesys.client import GenesysClient
from aggregation_platform.genesys.details import JOBS
from aggregation_platform.genesys.replies import ErrorBody, failure_of, read_error
from aggregation_platform.genesys.transport import Reply, Request
from aggregation_platform.intervals import Interval, parsed
from aggregation_platform_tests.unit.genesys.scripted_server import Answer, ScriptedServer

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "genesys-samples"
PAGE = SAMPLES / "01-job-results-page-voice-10-conversations.json"
ERRORS = SAMPLES / "11-error-bodies.json"
AGGREGATES = SAMPLES / "09-conversation-aggregates-all-metrics.templated.json"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the genuine samples are not here")


@pytest.mark.parametrize("packed", [True, False])
def test_the_head_of_a_genuine_page_is_read_and_its_body_kept(
    server: ScriptedServer, client: GenesysClient, packed: bool
):
    body = PAGE.read_bytes()
    whole: dict[str, Any] = json.loads(body)
    server.on(f"GET {JOBS}/j/results", Answer(200, body, packed=packed))

    page = client.details_page("j", cursor=None, page_size=10)

    assert page.conversation_ids == tuple(each["conversationId"] for each in whole["conversations"])
    assert page.cursor == whole.get("cursor")
    assert (gzip.decompress(page.body) if packed else page.body) == body


def genuine_errors() -> list[dict[str, Any]]:
    return json.loads(ERRORS.read_text()) if ERRORS.exists() else []


@pytest.mark.parametrize("sample", genuine_errors(), ids=lambda each: str(each["status"]))
def test_genuine_error_bodies_are_read(sample: dict[str, Any]):
    method, path = sample["request"].split(" ")
    reply = Reply(sample["status"], sample["headers"], json.dumps(sample["body"]).encode())
    said = sample["body"]

    failure = failure_of(Request("us", method, f"https://api.x{path}"), reply)

    assert read_error(reply).code == said["code"]
    assert read_error(reply).context_id == said["contextId"]
    assert isinstance(failure, SourceError)
    assert isinstance(failure, TransientSourceError) is (sample["status"] >= 500)
    assert said["contextId"] in str(failure)


def test_genuine_aggregates_become_rows(server: ScriptedServer, client: GenesysClient):
    server.on(f"POST {QUERY}", Answer(200, AGGREGATES.read_bytes()))
    interval = Interval(parsed("2025-03-01T00:00:00Z"), parsed("2025-03-12T00:00:00Z"))
    whole = json.loads(AGGREGATES.read_text())
    expected = sum(
        metric["stats"]["sum"]
        for result in whole["results"]
        for bucket in result["data"]
        for metric in bucket["metrics"]
        if metric["metric"] == "tHandle"
    )

    rows = list(client.handle_time_aggregates(interval))

    assert expected > 0
    assert sum(row.sum_ms for row in rows if row.metric == "tHandle") == expected


def test_no_error_body_is_not_an_error_of_its_own():
    assert read_error(Reply(500)) == ErrorBody()
