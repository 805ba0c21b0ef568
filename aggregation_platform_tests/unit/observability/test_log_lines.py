"""How an event becomes a line on standard error."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest
import structlog

from aggregation_platform.observability.logs import configure_logs

NOTES = """
import logging, structlog
from aggregation_platform.observability.logs import configure_logs
configure_logs()
structlog.get_logger("ours").info("partition_replaced", org="us", rows=812)
logging.getLogger("urllib3.connectionpool").error("POST /users/%s failed", "ann@example.com")
"""


@pytest.fixture(autouse=True)
def _logging_is_put_back():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def lines():
    stream = io.StringIO()
    configure_logs(stream=stream)

    def read():
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return read


def fail(message):
    raise ValueError(message)


def test_an_event_is_one_json_line_with_its_fields_its_level_and_an_instant_in_utc(lines):
    structlog.get_logger("ours").info("partition_replaced", org="us", rows=812)

    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "partition_replaced",
        "level": "info",
        "logger": "ours",
        "org": "us",
        "rows": 812,
    }


def test_personal_data_and_secrets_are_masked_in_fields_and_in_the_event(lines):
    structlog.get_logger().warning(
        "user ann@example.com refused", ani="+4930123456", headers={"Authorization": "Bearer x"}
    )

    (line,) = lines()
    assert line["event"] == "user *** refused"
    assert (line["ani"], line["headers"]) == ("***", {"Authorization": "***"})


def test_an_exception_is_in_the_line_and_masked(lines):
    try:
        fail("no answer from +4930123456 with Bearer abcdefgh")
    except ValueError:
        structlog.get_logger().exception("request_failed")

    (line,) = lines()
    assert "ValueError: no answer from *** with Bearer ***" in line["exception"]
    assert "4930123456" not in json.dumps(line)


def test_what_is_below_the_level_is_not_written():
    stream = io.StringIO()
    configure_logs(level="warning", stream=stream)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_lines_for_people_are_masked_too():
    stream = io.StringIO()
    configure_logs(stream=stream, pretty=True)

    try:
        fail("+4930123456")
    except ValueError:
        structlog.get_logger().exception("request_failed", email="ann@example.com")

    assert "request_failed" in stream.getvalue()
    assert "4930123456" not in stream.getvalue()
    assert "example.com" not in stream.getvalue()


def test_configuring_twice_does_not_write_twice():
    stream = io.StringIO()
    configure_logs(stream=stream)
    configure_logs(stream=stream)

    structlog.get_logger().info("once")

    assert len(stream.getvalue().splitlines()) == 1


def test_standard_output_stays_free_for_results():
    run = subprocess.run(
        [sys.executable, "-c", NOTES], capture_output=True, text=True, check=True, timeout=60
    )

    assert run.stdout == ""
    told = [json.loads(line) for line in run.stderr.splitlines()]
    assert [(line["logger"], line["level"], line["event"]) for line in told] == [
        ("ours", "info", "partition_replaced"),
        ("urllib3.connectionpool", "error", "POST /users/*** failed"),
    ]
