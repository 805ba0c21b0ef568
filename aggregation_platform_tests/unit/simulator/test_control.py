"""The control endpoint, and the simulator as a process."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from aggregation_platform.config.load import load_config
from aggregation_platform.config.rules import load_rules
from aggregation_platform.simulator.directory import UNMAPPED

ME = "/api/v2/organizations/me"


def _control(us, method, path, body=None):
    sent = b"" if body is None else json.dumps(body).encode()
    answer = us.simulator.request(method, f"/control/{path}", {}, sent)
    return answer.status, json.loads(answer.body or b"null")


def test_faults_are_switched_on_listed_and_off(us):
    status, told = _control(us, "POST", "faults", {"kind": "server_error", "org": "us"})
    assert status == 200
    assert us.send("GET", ME).status == 500
    assert [fault["id"] for fault in _control(us, "GET", "faults")[1]["faults"]] == [told["id"]]

    _control(us, "DELETE", f"faults/{told['id']}")

    assert us.send("GET", ME).status == 200
    assert _control(us, "DELETE", "faults/99")[0] == 404
    assert _control(us, "POST", "faults", {"kind": "earthquake"})[0] == 400


def test_the_watermark_is_held_at_a_moment_or_where_it_is_and_let_go(us):
    path = "/api/v2/analytics/conversations/details/jobs/availability"
    _control(us, "POST", "watermark", {"org": "us", "at": "2026-01-05T12:00:00Z"})
    assert us.get(path)["dataAvailabilityDate"] == "2026-01-05T12:00:00Z"
    _control(us, "POST", "watermark", {"at": None})
    moving = us.get(path)["dataAvailabilityDate"]
    us.clock.advance(3600)
    assert us.get(path)["dataAvailabilityDate"] > moving

    _, told = _control(us, "POST", "watermark", {"at": "now"})
    us.clock.advance(3600)

    assert us.get(path)["dataAvailabilityDate"] == told["orgs"]["us"]["watermark"]


def test_the_watermark_moves_in_steps_behind_the_clock(org):
    us = org(live=True, watermark_lag_minutes=60, watermark_step_minutes=30)
    lake, seen = us.simulator.services["us"].lake, set()
    for _ in range(12):
        seen.add(lake.now_ms - lake.watermark())
        assert lake.watermark() % 1_800_000 == 0
        us.clock.advance(600)

    assert 3_600_000 <= min(seen) <= max(seen) < 5_400_000


def test_rewrites_and_revocations_come_on_demand(us):
    assert _control(us, "POST", "rewrite", {"generation": 2})[1] == {"org_days": 4}
    assert _control(us, "POST", "rewrite", {"org": "us", "days": ["2026-01-05"]})[1] == {
        "org_days": 1
    }
    _control(us, "POST", "revoke", {"org": "us"})

    assert us.send("GET", ME).status == 401


def test_counters_prove_the_pace(us):
    _control(us, "POST", "reset")
    for _ in range(3):
        us.send("GET", ME)
    us.clock.advance(0.5)
    us.send("GET", ME)
    us.clock.advance(10)
    us.job()

    told = _control(us, "GET", "counters?moments=true")[1]["orgs"]["us"]

    assert told["requests"] == 5
    assert told["most_requests_in_a_second"] == 4
    assert told["by_route"] == {"organization": 4, "job_create": 1}
    assert told["jobs_submitted"] == 1
    assert len(told["moments"]) == 5
    _control(us, "POST", "reset")
    assert _control(us, "GET", "counters")[1]["orgs"]["us"]["requests"] == 0


def test_the_truth_is_told_by_any_grouping(us):
    _, whole = _control(us, "GET", "truth?from=2026-01-05&to=2026-01-06")
    _, parts = _control(us, "GET", "truth?from=2026-01-05&to=2026-01-06&by=day,globalQueue")

    assert whole["total"] == parts["total"]
    assert {row["org"] for row in whole["rows"]} == {"us", "emea"}
    assert {row["day"] for row in parts["rows"]} == {"2026-01-05", "2026-01-06"}
    assert whole["journeys"]
    assert whole["agents"]
    assert whole["queues"]
    assert _control(us, "GET", "truth?by=height")[0] == 400
    assert _control(us, "GET", "truth?from=soon")[0] == 400


def test_what_is_not_there_is_not_found(us):
    assert _control(us, "GET", "weather")[0] == 404
    assert _control(us, "POST", "watermark", {"org": "mars", "at": None})[0] == 404
    assert _control(us, "GET", "state")[1]["orgs"]["us"]["client_id"] == us.place.client_id


def test_the_process_prints_one_line_and_serves_what_its_file_describes(tmp_path: Path):
    command = [
        sys.executable, "-m", "aggregation_platform.simulator", "--port", "0", "--orgs", "2",
        "--conversations-per-day", "10", "--option", "history_days=0", "--fault",
        '{"kind": "server_error", "route": "aggregates"}', "--write", str(tmp_path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            with urllib.request.urlopen(f"{told['url']}/control/state") as answer:
                state = json.load(answer)
        finally:
            process.terminate()
        process.wait(timeout=10)

    assert list(state["orgs"]) == told["orgs"] == ["us", "emea"]
    assert [fault["kind"] for fault in state["faults"]] == ["server_error"]
    config = load_config(Path(told["config"]))
    assert [o.api_url for o in config.organizations] == [f"{told['url']}/{o}" for o in told["orgs"]]
    assert process.returncode == 0


def test_the_rules_map_every_queue_but_the_one_nobody_agreed_on(us, tmp_path: Path):
    with us.simulator as running:
        path = running.write_platform_files(tmp_path)
    config = load_config(path)
    rules = load_rules(config.rules, [entry.org for entry in config.organizations])
    mapped = {(rule.org, rule.queue) for rule in rules.queues}

    for org, place in us.simulator.world.directories.items():
        for queue in place.queues:
            known = (org, queue.name) in mapped or (org, queue.id) in mapped
            assert known == (queue.purpose != UNMAPPED)
            assert queue.old_name is None or (org, queue.old_name) in mapped
    assert {rule.org for rule in rules.agents} == {"us", "emea"}


def test_counters_say_which_faults_struck_and_where(us):
    _control(us, "POST", "reset")
    _control(us, "POST", "faults", {"kind": "slow", "seconds": 0, "route": "organization"})
    _control(us, "POST", "faults", {"kind": "job_failed", "remaining": 1})
    us.send("GET", ME)
    us.job()
    us.job()

    told = _control(us, "GET", "counters")[1]["orgs"]["us"]

    assert told["by_fault"] == {"slow/organization": 1, "job_failed/job_create": 1}


def test_a_simulator_that_is_not_running_has_no_address(us):
    with pytest.raises(RuntimeError, match="start"):
        assert us.simulator.url
