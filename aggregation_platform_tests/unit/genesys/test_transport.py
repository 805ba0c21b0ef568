"""The transport over real sockets: what left, what came, and what the environment may change."""

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aggregation_platform.clock import SystemClock
from aggregation_platform.errors import RefusedError
from aggregation_platform.genesys.transport import (
    LostReplyError,
    NotSentError,
    Reply,
    Request,
    RequestsTransport,
    Timeouts,
)
from aggregation_platform_tests.unit.genesys.scripted_server import (
    Answer,
    ScriptedServer,
    scripted_server,
)


@pytest.fixture
def transport() -> RequestsTransport:
    return RequestsTransport(SystemClock(), Timeouts(connect_s=2, read_s=0.4, whole_s=1.0))


def ignore(_status: int, _headers: Mapping[str, str]) -> None:
    """Take no notice of the head."""


def get(transport: RequestsTransport, url: str, org: str = "us") -> Reply:
    request = Request(org, "GET", url, headers={"Authorization": "Bearer t"})
    return transport.send(request, answered=ignore)


def test_a_reply_is_taken_as_it_came(server: ScriptedServer, transport: RequestsTransport):
    answer = Answer(200, {"a": 1}, packed=True, headers={"ININ-Correlation-Id": "c-1"})
    server.on("GET /x", answer)

    reply = get(transport, f"{server.url}/x")

    assert reply.body[:2] == b"\x1f\x8b"
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.correlation_id == "c-1"


def test_only_what_is_needed_is_sent(server: ScriptedServer, transport: RequestsTransport):
    server.on("GET /x", Answer(200, {}))
    get(transport, f"{server.url}/x")

    headers = {k: v for k, v in server.seen[0].headers.items() if k != "host"}

    assert headers == {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "authorization": "Bearer t",
        "user-agent": "aggregation-platform",
        "connection": "keep-alive",
    } or headers == {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "authorization": "Bearer t",
        "user-agent": "aggregation-platform",
    }


def test_the_head_is_told_before_the_body_is_read(
    server: ScriptedServer, transport: RequestsTransport
):
    server.on("GET /x", Answer(200, {"a": 1}, tear=2))
    told: list[int] = []

    with pytest.raises(LostReplyError):
        transport.send(
            Request("us", "GET", f"{server.url}/x"),
            answered=lambda status, headers: told.append(status),
        )

    assert told == [200]


def test_a_redirect_is_not_followed(server: ScriptedServer, transport: RequestsTransport):
    server.on("GET /x", Answer(302, None, headers={"Location": f"{server.url}/elsewhere"}))

    assert get(transport, f"{server.url}/x").status == 302
    assert [seen.path for seen in server.seen] == ["/x"]


def test_a_cookie_is_not_kept(server: ScriptedServer, transport: RequestsTransport):
    server.on("GET /x", Answer(200, {}, headers={"Set-Cookie": "sticky=1; Path=/"}))
    get(transport, f"{server.url}/x")
    get(transport, f"{server.url}/x")

    assert "cookie" not in server.seen[1].headers


def test_nobody_listening_means_not_sent(transport: RequestsTransport):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(NotSentError, match=r"us: GET /x: 127\.0\.0\.1:\d+ cannot be reached"):
        get(transport, f"http://127.0.0.1:{port}/x")


def test_an_unknown_host_means_not_sent(transport: RequestsTransport):
    with pytest.raises(NotSentError, match="check the network, proxy and address"):
        get(transport, "http://no-such-host.invalid/x")


def test_an_address_that_is_none_is_refused(transport: RequestsTransport):
    with pytest.raises(RefusedError, match="Correct api_url and login_url"):
        get(transport, f"http://{'x' * 80}.example.invalid/x")


def test_a_proxy_that_is_none_is_refused(
    transport: RequestsTransport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "http:///nowhere")

    with pytest.raises(RefusedError, match="HTTPS_PROXY"):
        get(transport, "http://api.example.invalid/x")


def test_a_silent_server_is_a_lost_reply_that_timed_out(
    server: ScriptedServer, transport: RequestsTransport
):
    server.on("GET /x", Answer(200, {}, pause_s=1.0))

    with pytest.raises(LostReplyError, match="no answer in time") as raised:
        get(transport, f"{server.url}/x")

    assert raised.value.timed_out


def test_a_broken_connection_is_a_lost_reply(server: ScriptedServer, transport: RequestsTransport):
    server.on("GET /x", Answer(drop=True))

    with pytest.raises(LostReplyError, match="the connection broke") as raised:
        get(transport, f"{server.url}/x")

    assert not raised.value.timed_out


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_shorter_than_announced_is_a_lost_reply(
    server: ScriptedServer, transport: RequestsTransport, chunked: bool
):
    server.on("GET /x", Answer(200, {"a": "b" * 100}, tear=10, chunked=chunked))

    with pytest.raises(LostReplyError, match="ended early"):
        get(transport, f"{server.url}/x")


def drip(listener: socket.socket) -> None:
    """Announce a long body and send a byte now and then, never silent for long."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(40):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.1)


def test_a_body_that_drips_has_an_end(transport: RequestsTransport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        began = time.monotonic()

        with pytest.raises(LostReplyError, match="took too long"):
            get(transport, f"http://127.0.0.1:{listener.getsockname()[1]}/x")

        assert time.monotonic() - began < 3
        thread.join()


def test_a_connection_is_kept_for_the_next_request(
    server: ScriptedServer, transport: RequestsTransport
):
    server.on("GET /x", Answer(200, {}))
    for _ in range(3):
        get(transport, f"{server.url}/x")

    assert len(server.seen) == 3
    assert len(server.connections) == 1


def test_orgs_do_not_share_connections(server: ScriptedServer, transport: RequestsTransport):
    server.on("GET /x", Answer(200, {}))
    get(transport, f"{server.url}/x", org="us")
    get(transport, f"{server.url}/x", org="emea")

    assert len(server.connections) == 2


# the environment


@pytest.fixture
def proxy() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.on("GET /x", Answer(200, {"through": "proxy"}))
        yield running


def test_a_proxy_of_the_environment_is_used(
    proxy: ScriptedServer, transport: RequestsTransport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)

    assert b"proxy" in get(transport, "http://api.example.invalid/x").body


def test_a_proxy_is_not_used_for_this_machine(
    server: ScriptedServer, transport: RequestsTransport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.on("GET /x", Answer(200, {"direct": True}))

    assert b"direct" in get(transport, f"{server.url}/x").body


def test_a_netrc_never_replaces_the_token(
    proxy: ScriptedServer,
    transport: RequestsTransport,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example.invalid login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", proxy.url)
    get(transport, "http://api.example.invalid/x")

    assert proxy.seen[0].headers["authorization"] == "Bearer t"


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody trusts yet."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_an_untrusted_certificate_is_refused_not_retried(
    server: ScriptedServer, transport: RequestsTransport, certificate: Path
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.on("GET /x", Answer(200, {}))

    with pytest.raises(RefusedError, match="REQUESTS_CA_BUNDLE"):
        get(transport, f"https://127.0.0.1:{server.server_port}/x")

    assert server.seen == []


def test_a_request_shows_neither_headers_nor_body():
    request = Request("us", "POST", "https://x/y?z=1", headers={"A": "secret"}, body=b"secret")

    assert "secret" not in repr(request)
    assert request.path == "/y"
