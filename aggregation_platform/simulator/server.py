"""The simulator as a running server.

Belongs here: sockets, HTTP/1.1, compression, connections that break, starting and stopping.
Elsewhere: what an org answers (services.py), the control endpoint (control.py).
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from isal import igzip

from aggregation_platform.clock import Clock, SystemClock
from aggregation_platform.simulator.control import Control
from aggregation_platform.simulator.dice import named_uuid
from aggregation_platform.simulator.faults import Faults
from aggregation_platform.simulator.gate import Gate
from aggregation_platform.simulator.lake import Lake
from aggregation_platform.simulator.options import SimulatorOptions
from aggregation_platform.simulator.platform_file import platform_yaml, write_rules
from aggregation_platform.simulator.replies import RefusalError, Reply, Request
from aggregation_platform.simulator.services import OrgService
from aggregation_platform.simulator.truth import Truth
from aggregation_platform.simulator.world import World

if TYPE_CHECKING:
    from types import TracebackType

_WORTH_COMPRESSING = 500


def _gzip(body: bytes) -> bytes:
    return igzip.compress(body, compresslevel=1, mtime=0)  # pyright: ignore[reportUnknownMemberType]


class Simulator:
    """Simulated organisations behind one port; org `us` answers under `{url}/us`.

    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, options: SimulatorOptions | None = None, clock: Clock | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.clock: Clock = clock or SystemClock()
        self.world = World(self.options)
        self.faults = Faults(self.options.seed)
        generations: dict[tuple[str, int], int] = {}
        self.truth = Truth(self.world, generations)
        self.services: dict[str, OrgService] = {}
        for org, place in self.world.directories.items():
            lake = Lake(self.options, self.world, org, self.clock.now, generations)
            gate = Gate(self.options, place, self.clock.now)
            self.services[org] = OrgService(
                self.options, self.world, self.truth, gate, lake, self.faults
            )
        self.control = Control(self.services, self.truth)
        self.mistakes: list[str] = []
        """Errors of the simulator itself; a test expects none."""
        self._numbers = count(1)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen and answer in the background."""
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True,
            name="simulator",
        )  # fmt: skip
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; connections that are open are closed."""
        server, self._server = self._server, None
        if server is None:
            return
        server.stopping.set()
        server.shutdown()
        server.close_connections()
        server.server_close()
        if self._thread:
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port in use."""
        if self._server is None:
            raise RuntimeError("the simulator is not running; start() it first")
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        """Where it listens; an org is under `{url}/{org}`."""
        return f"http://{self.options.host}:{self.port}"

    def platform_yaml(self, directory: Path) -> str:
        """Give the text of a platform.yaml for these orgs, with paths under `directory`."""
        return platform_yaml(self.world, self.url, directory)

    def write_platform_files(self, directory: Path) -> Path:
        """Write platform.yaml and the rules files into a directory; gives the former's path."""
        directory.mkdir(parents=True, exist_ok=True)
        write_rules(self.world, directory / "rules")
        path = directory / "platform.yaml"
        path.write_text(self.platform_yaml(directory), encoding="utf-8")
        return path

    def answer(self, request: Request) -> Reply:
        """Answer one request, whole path; the tests' way in without a socket."""
        if request.path.startswith("/control"):
            return self.control.answer(request)
        _, org, *rest = request.path.split("/", 2)
        service = self.services.get(org)
        if service is None:
            return RefusalError(404, "not found", "HTTP 404 Not Found").reply(request.number)
        return service.answer(
            Request(
                request.number,
                request.method,
                f"/{rest[0] if rest else ''}",
                request.query,
                request.headers,
                request.body,
            )
        )

    def request(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Answer a request given by its target (path and query)."""
        parts = urlsplit(target)
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        return self.answer(
            Request(next(self._numbers), method, parts.path.rstrip("/"), query, lowered, body)
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((simulator.options.host, simulator.options.port), _Handler)

    def keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def close_connections(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say what went wrong in here; clients that go away are no news."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.simulator.mistakes.append(repr(error))
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.server.keep(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay silent; the counters tell."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_HEAD = do_PATCH = do_PUT = do_GET  # noqa: N815 - the base's names

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.simulator.request(self.command, self.path, headers, body)
        if answer.delay_s and self.server.stopping.wait(answer.delay_s):
            self.close_connection = True
            return
        if answer.loss == "drop":
            self._break_off(b"")
            return
        sent = self._bytes(answer, headers)
        if answer.loss == "tear":
            self._break_off(sent[: max(1, len(sent) - max(1, len(answer.body) // 3))])
            return
        self.wfile.write(sent)

    def _bytes(self, answer: Reply, headers: dict[str, str]) -> bytes:
        body = answer.body
        lines = dict(answer.headers)
        if len(body) >= _WORTH_COMPRESSING and "gzip" in headers.get("accept-encoding", ""):
            body = _gzip(body)
            lines["Content-Encoding"] = "gzip"
        if body:
            lines["Content-Type"] = answer.content_type
        lines["Content-Length"] = str(len(body))
        lines["ININ-Correlation-Id"] = named_uuid("correlation", id(self), self.path, len(body))
        lines["Cache-Control"] = "no-cache, no-store, must-revalidate"
        reason = self.responses.get(answer.status, ("",))[0]
        head = f"HTTP/1.1 {answer.status} {reason}\r\nDate: {self.date_time_string()}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        sent = head.encode("latin-1") + b"\r\n"
        return sent if self.command == "HEAD" or answer.status == 204 else sent + body

    def _break_off(self, sent: bytes) -> None:
        """Send what there is, and reset the connection."""
        self.close_connection = True
        if sent:
            self.wfile.write(sent)
        else:
            # With a linger of zero the kernel resets instead of closing in good order.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        _shut(self.connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
