"""Listens to what Snowflake's connector sends its server: requests pass through unchanged.

Elsewhere: a relay that breaks the connection (warehouse_relay.py), the server (warehouse_rig.py).
"""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class Recorder(ThreadingHTTPServer):
    """A server that asks another one, and keeps the JSON bodies of what it was asked."""

    def __init__(self, server_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.asked_port = server_port
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    @property
    def logins(self) -> list[dict[str, Any]]:
        """What was sent to log in."""
        return [body["data"] for path, body in self.bodies if "/login-request" in path]

    @property
    def statements(self) -> list[tuple[str, str | None]]:
        """Each statement with its query tag."""
        return [
            (body["sqlText"], (body.get("parameters") or {}).get("QUERY_TAG"))
            for _, body in self.bodies
            if "sqlText" in body
        ]


@contextmanager
def recorded(server_port: int) -> Generator[Recorder]:
    """Run a recorder before the server on that port of this machine."""
    with Recorder(server_port) as recorder:
        thread = threading.Thread(target=recorder.serve_forever, daemon=True)
        thread.start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
            thread.join()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def do_PUT(self) -> None:
        self._pass()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Print nothing."""

    def _pass(self) -> None:
        recorder = cast("Recorder", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._keep(recorder, body)
        connection = http.client.HTTPConnection("127.0.0.1", recorder.asked_port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        reply = connection.getresponse()
        answer = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        connection.close()

    def _keep(self, recorder: Recorder, body: bytes) -> None:
        if body and self.command == "POST":
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            text = gzip.decompress(body) if is_packed else body
            recorder.bodies.append((self.path, json.loads(text)))
