"""A loopback server that answers as a test tells it to, and remembers what it was asked.

Belongs here: scripted replies, dropped and torn connections. Elsewhere: a whole organization
(aggregation_platform/simulator).
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

JSON_TYPE = {"Content-Type": "application/json"}


@dataclass
class Seen:
    """One request as it arrived."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """One reply; `packed` gzips it, `tear` ends it some bytes early, `drop` hangs up instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bool = False
    tear: int = 0
    drop: bool = False
    pause_s: float = 0.0
    chunked: bool = False

    def payload(self) -> bytes:
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        if self.body is None:
            raw = b""
        return gzip.compress(raw) if self.packed else raw


TOKEN = {"access_token": "token-1", "token_type": "bearer", "expires_in": 86399}


class ScriptedServer(ThreadingHTTPServer):
    """Answers per "METHOD path" in the order given; the last answer is repeated."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []
        self.connections: set[tuple[str, int]] = set()
        self.script: dict[str, deque[Answer | Callable[[Seen], Answer]]] = {}
        self.lock = threading.Lock()
        self.on("POST /oauth/token", Answer(200, TOKEN))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, what: str, *answers: Answer | Callable[[Seen], Answer]) -> None:
        with self.lock:
            self.script[what] = deque(answers)

    def asked(self, what: str) -> list[Seen]:
        with self.lock:
            return [seen for seen in self.seen if f"{seen.method} {seen.path}" == what]

    def answer_to(self, seen: Seen) -> Answer:
        with self.lock:
            self.seen.append(seen)
            self.connections.add(seen.client)
            answers = self.script.get(f"{seen.method} {seen.path}")
            if not answers:
                return Answer(404, {"message": "nothing scripted", "code": "not.found"})
            answer = answers.popleft() if len(answers) > 1 else answers[0]
        return answer(seen) if callable(answer) else answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        at = time.monotonic()  # test server: its own clock is the witness
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(at, self.command, parts.path, query, headers, body, self.client_address)
        answer = cast("ScriptedServer", self.server).answer_to(seen)
        if answer.pause_s:
            time.sleep(answer.pause_s)
        if answer.drop:
            self._hang_up()
            return
        self._reply(answer)

    do_GET = do_POST = do_DELETE = _any  # noqa: N815 - the base class's spelling

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, answer: Answer) -> None:
        payload = answer.payload()
        self.send_response(answer.status)
        for name, value in {**JSON_TYPE, **answer.headers}.items():
            self.send_header(name, value)
        if answer.packed:
            self.send_header("Content-Encoding", "gzip")
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        sent = payload[: len(payload) - answer.tear]
        self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) if answer.chunked else sent)
        if answer.chunked and not answer.tear:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        if answer.tear:
            self._hang_up()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


@contextmanager
def scripted_server() -> Generator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
