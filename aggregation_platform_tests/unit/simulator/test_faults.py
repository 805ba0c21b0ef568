"""Each fault looks as it does in the field, strikes whom it is meant for, and stops."""

import contextlib
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from aggregation_platform.simulator.faults import KINDS, Fault, Faults
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.server import Simulator

DAY = "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"
JOBS = "/api/v2/analytics/conversations/details/jobs"
ME = "/api/v2/organizations/me"
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"


def _code(answer):
    return answer.status, json.loads(answer.body)["code"]


def _strike(us, **fault):
    return us.simulator.faults.add(Fault(**fault))


def test_a_storm_of_429_strikes_so_many_requests_and_is_over(us):
    _strike(us, kind="rate_limited", retry_after="7", remaining=2)
    answers = [us.send("GET", ME) for _ in range(3)]

    assert [answer.status for answer in answers] == [429, 429, 200]
    assert _code(answers[0])[1] == "too.many.requests.retry.after"
    assert answers[0].headers["Retry-After"] == "7"


def test_a_429_may_come_without_retry_after_or_with_hours(us):
    _strike(us, kind="rate_limited", remaining=1)
    bare = us.send("GET", ME)
    _strike(us, kind="rate_limited", retry_after="14400", remaining=1)
    hours = us.send("GET", ME)

    assert _code(bare) == (429, "too.many.requests")
    assert "Retry-After" not in bare.headers
    assert hours.headers["Retry-After"] == "14400"


def test_a_fault_strikes_only_its_org_and_route(us, clock):
    emea = type(us)(us.simulator, "emea", clock).log_in()
    _strike(us, kind="server_error", status=500, org="us", route="availability")

    assert _code(us.send("GET", f"{JOBS}/availability")) == (500, "internal.server.error")
    assert us.send("GET", ME).status == 200
    assert emea.send("GET", f"{JOBS}/availability").status == 200


def test_a_fault_may_let_some_requests_pass_first(us):
    _strike(us, kind="server_error", skip=2, remaining=1)

    assert [us.send("GET", ME).status for _ in range(4)] == [200, 200, 500, 200]


def test_chance_is_seeded(us):
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault(kind="server_error", probability=0.5))
        return [bool(faults.strike("us", "query")) for _ in range(40)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 8 < sum(drawn(1)) < 32


def test_a_token_revoked_in_the_middle_needs_a_new_one(us):
    job_id = us.job()
    _strike(us, kind="unauthorized", route="job_results", remaining=1)

    assert _code(us.send("GET", f"{JOBS}/{job_id}/results")) == (401, "bad.credentials")
    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 401
    us.log_in()
    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 200


def test_the_token_endpoint_may_be_down_while_the_api_is_up(us):
    _strike(us, kind="server_error", status=503, route="token")
    refused = us.simulator.request("POST", "/us/oauth/token", us.basic())

    assert refused.status == 503
    assert us.send("GET", ME).status == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "internal.server.error"), (503, "service.unavailable"), (504, "request.timeout")],
)
def test_server_errors_carry_their_codes(us, status, code):
    _strike(us, kind="server_error", status=status)

    assert _code(us.send("GET", ME)) == (status, code)


def test_a_502_is_html(us):
    _strike(us, kind="server_error", status=502)
    answer = us.send("GET", ME)

    assert (answer.status, answer.content_type) == (502, "text/html")
    assert answer.body.startswith(b"<html>")


def test_an_org_that_is_down_is_down_altogether(us):
    number = _strike(us, kind="down", org="us")

    assert us.send("GET", ME).status == 503
    assert us.simulator.request("POST", "/us/oauth/token", us.basic()).status == 503
    us.simulator.faults.remove(number)
    assert us.send("GET", ME).status == 200


@pytest.mark.parametrize(
    ("kind", "state"),
    [("job_failed", "FAILED"), ("job_expired", "EXPIRED"), ("job_stuck", "PENDING")],
)
def test_a_job_may_end_otherwise_or_never(us, kind, state):
    _strike(us, kind=kind, remaining=1)
    struck, spared = us.job(), us.job()
    us.clock.advance(3600)
    answer = json.loads(us.send("GET", f"{JOBS}/{struck}").body)

    assert answer["state"] == state
    assert ("errorMessage" in answer) == (state == "FAILED")
    assert us.send("GET", f"{JOBS}/{struck}/results").status == 404
    assert us.get(f"{JOBS}/{spared}")["state"] == "FULFILLED"


def test_a_job_may_be_slow(us):
    _strike(us, kind="job_slow", seconds=60)
    job_id = us.job()
    us.clock.advance(40)

    assert json.loads(us.send("GET", f"{JOBS}/{job_id}").body)["state"] == "PENDING"
    us.clock.advance(30)
    assert us.get(f"{JOBS}/{job_id}")["state"] == "FULFILLED"


def test_a_cursor_may_expire(us):
    job_id = us.job()
    first = us.get(f"{JOBS}/{job_id}/results?pageSize=20")
    _strike(us, kind="cursor_expired")

    assert us.send("GET", f"{JOBS}/{job_id}/results?pageSize=20").status == 200
    answer = us.send("GET", f"{JOBS}/{job_id}/results?pageSize=20&cursor={first['cursor']}")
    assert _code(answer) == (400, "invalid.value")


def test_pages_may_repeat_records_of_the_page_before(us):
    job_id = us.job()
    _strike(us, kind="duplicates", count_of=3)
    pages = [page["conversations"] for page in us.pages(job_id, size=40)]
    ids = [record["conversationId"] for page in pages for record in page]

    assert pages[1][:3] == pages[0][-3:]
    assert len(ids) == len(set(ids)) + 3 * (len(pages) - 1)


def test_results_may_be_refused_for_a_moment(us):
    job_id = us.job()
    _strike(us, kind="unfulfilled_results", remaining=1)

    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 404
    assert us.send("GET", f"{JOBS}/{job_id}/results").status == 200


def test_an_org_may_claim_to_be_another(us):
    _strike(us, kind="wrong_organization")

    assert us.get(ME)["id"] != us.place.organization_id


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="earthquake"):
        Fault(kind="earthquake")


# What only a socket can show --------------------------------------------------------------


@pytest.fixture(scope="module")
def served() -> Iterator[Simulator]:
    options = SimulatorOptions(
        orgs=("us", "emea"), conversations_per_day=80, history_days=2, job_seconds=0.0
    )
    with Simulator(options) as simulator:
        yield simulator
    assert simulator.mistakes == []


class _Line:
    """One keep-alive connection to `us`."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=10)
        gate, place = simulator.services["us"].gate, simulator.world.directories["us"]
        assert gate.place is place
        import base64

        pair = base64.b64encode(f"{place.client_id}:{place.client_secret}".encode()).decode()
        _, body, _ = self.send(
            "POST", "/oauth/token", b"grant_type=client_credentials",
            {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        self.token = json.loads(body)["access_token"]

    def send(self, method, path, body=None, headers=None):
        given = headers or {"Authorization": f"Bearer {self.token}"}
        self.connection.request(method, f"/us{path}", body, given)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers


@pytest.fixture
def line(served: Simulator) -> Iterator[_Line]:
    opened = _Line(served)
    yield opened
    served.faults.clear()
    opened.connection.close()


def test_a_connection_is_kept_and_headers_are_on_every_reply(line):
    kept = line.connection.sock
    for path in (ME, "/api/v2/users", "/nowhere"):
        _, _, headers = line.send("GET", path)
        assert headers["ININ-Correlation-Id"]

    assert line.connection.sock is kept
    assert line.send("GET", ME)[2]["inin-ratelimit-allowed"] == "6000"


def test_a_reply_is_compressed_for_whoever_asks(line):
    headers = {"Authorization": f"Bearer {line.token}", "Accept-Encoding": "gzip"}
    _, plain, _ = line.send("GET", "/api/v2/users")
    _, packed, told = line.send("GET", "/api/v2/users", headers=headers)

    assert told["Content-Encoding"] == "gzip"
    assert len(packed) < len(plain) / 3
    assert gzip.decompress(packed) == plain


def test_a_dropped_request_does_nothing(line):
    jobs = line.simulator.services["us"].counters.jobs_submitted
    line.simulator.faults.add(Fault(kind="drop_before", route="job_create"))
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        line.send("POST", JOBS, json.dumps({"interval": DAY}).encode())

    assert line.simulator.services["us"].counters.jobs_submitted == jobs


def test_a_lost_reply_leaves_a_job_behind(line):
    jobs = line.simulator.services["us"].counters.jobs_submitted
    line.simulator.faults.add(Fault(kind="drop_after", route="job_create"))
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        line.send("POST", JOBS, json.dumps({"interval": DAY}).encode())

    assert line.simulator.services["us"].counters.jobs_submitted == jobs + 1


def test_a_body_may_be_torn(line):
    job_id = json.loads(line.send("POST", JOBS, json.dumps({"interval": DAY}).encode())[1])["jobId"]
    line.simulator.faults.add(Fault(kind="torn", remaining=1))
    with pytest.raises(http.client.IncompleteRead) as torn:
        line.send("GET", f"{JOBS}/{job_id}/results")
    line.connection.close()

    assert torn.value.partial.startswith(b'{"conversations":[')
    status, body, _ = line.send("GET", f"{JOBS}/{job_id}/results")
    assert status == 200
    assert json.loads(body)["conversations"]


def test_a_reply_may_be_slow(line):
    line.simulator.faults.add(Fault(kind="slow", seconds=0.3))
    begun = time.monotonic()
    line.send("GET", ME)

    assert time.monotonic() - begun >= 0.3


def test_stopping_closes_what_is_open():
    simulator = Simulator(SimulatorOptions(orgs=("us",), conversations_per_day=5)).start()
    port = simulator.port
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as opened:
        opened.sendall(b"GET /us/api/v2/users HTTP/1.1\r\nHost: x\r\n\r\n")
        assert opened.recv(100)
        simulator.stop()
        with contextlib.suppress(ConnectionResetError):
            while opened.recv(65536):
                pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_permission_that_lacks_is_refused_for_its_path_alone(us):
    _strike(us, kind="forbidden", path="/api/v2/teams")
    refused = us.send("GET", "/api/v2/teams")

    assert refused.status == 403
    assert json.loads(refused.body)["code"] == "missing.any.permissions"
    assert us.send("GET", "/api/v2/groups").status == 200


@pytest.mark.parametrize("listing", ["users", "routing/skills", "groups"])
def test_a_listing_cut_short_says_a_size_that_it_has_not(us, listing):
    whole = us.get(f"/api/v2/{listing}?pageSize=500")
    _strike(us, kind="short_listing", count_of=2)
    cut = us.get(f"/api/v2/{listing}?pageSize=500")

    assert cut["total"] == whole["total"] == len(whole["entities"])
    assert cut["entities"] == whole["entities"][:-2]


def test_a_list_of_teams_cut_short_names_a_next_page_that_brings_nothing(us):
    _strike(us, kind="short_listing")
    cut = us.get("/api/v2/teams")

    assert us.get(cut["nextUri"])["entities"] == []


def test_a_request_may_be_refused_as_beyond_a_cap(us):
    _strike(us, kind="bad_request", path="/api/v2/users")

    assert us.send("GET", "/api/v2/users").status == 400


def test_a_listing_with_odd_entities_has_them_beside_the_good_ones(us):
    whole = us.get("/api/v2/users")["entities"]
    _strike(us, kind="odd_entities")
    odd = us.get("/api/v2/users")["entities"]

    assert len(odd) == len(whole) + 5
    assert odd[0]["name"].endswith("\ud83d")
    assert None in odd


def test_aggregates_with_too_many_figures_are_refused_as_too_large_and_smaller_ones_answered(us):
    asked = {"interval": DAY, "metrics": ["tHandle"], "groupBy": ["queueId", "userId"]}
    fewer = {"interval": DAY, "metrics": ["tHandle"]}
    _strike(us, kind="aggregates_too_large", count_of=20)

    assert us.send("POST", AGGREGATES, asked).status == 413
    assert us.send("POST", AGGREGATES, fewer).status == 200


def test_every_kind_of_fault_is_tested():
    import pathlib

    tests = pathlib.Path(__file__).parent.glob("test_*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert all(f'"{kind}"' in source for kind in KINDS)
