"""A relay between Snowflake's connector and its server that can break the connection.

Belongs here: passing HTTP on over real sockets, knowing which statement passes, and failing at the
one that a test names. Elsewhere: the server (warehouse_rig.py), the tests (contracts/).
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Literal, cast

Fault = Literal["unsent", "unanswered", "held", "bereft", "refused"]
"""What becomes of the statement: it never arrives; it is carried out and the reply is lost; it
waits until it is released; its session's transaction is rolled back before it arrives; the server
answers with an error instead."""

_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Message:
    """One HTTP request or reply, as it came."""

    start: str
    headers: dict[str, str]
    raw: bytes
    body: bytes

    @property
    def statement(self) -> str:
        """The SQL of a query, or else the method and path."""
        method, path, *_ = self.start.split()
        if not path.startswith("/queries/v1/query-request"):
            return f"{method} {path}"
        is_packed = self.headers.get("content-encoding") == "gzip"
        return str(json.loads(gzip.decompress(self.body) if is_packed else self.body)["sqlText"])

    @property
    def request_id(self) -> str | None:
        """The id that a query keeps when the connector sends it again."""
        found = re.search(r"[?&]requestId=([^& ]+)", self.start)
        return found[1] if found else None


@dataclass(frozen=True)
class Failing:
    """One fault, at the next statement that begins as the expression says.

    Args:
        at: What the statement begins with.
        fault: What becomes of it.
        is_lasting: Whether nothing passes after it, until the relay is restored.
    """

    at: re.Pattern[str]
    fault: Fault
    is_lasting: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def await_reached(self) -> None:
        """Wait until the statement is there."""
        assert self.reached.wait(30), f"no statement like {self.at.pattern}"


@dataclass
class Relay:
    """Passes everything on until told otherwise. Safe for use by several threads.

    Args:
        port: Where the connector finds it.
        server_port: Where the server is.
        statements: Everything that the server was sent, in order.
        knows_repeats: Whether a request that is sent again, under the id that it had, gets the
            reply that it got before. Snowflake does that, the emulator carries it out again.
    """

    port: int
    server_port: int
    statements: list[str] = field(default_factory=list[str])
    knows_repeats: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: set[str] = field(default_factory=set[str])
    _failing: list[Failing] = field(default_factory=list[Failing])
    _replies: dict[str, Message] = field(default_factory=dict[str, Message])
    _is_out: bool = False

    def fail(self, at: str, fault: Fault, *, lasting: bool = False) -> Failing:
        """Fail once, at the next statement that begins like this."""
        failing = Failing(re.compile(at), fault, lasting)
        with self._lock:
            self._failing.append(failing)
        return failing

    def restore(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._failing, self._is_out, self.knows_repeats = [], False, True

    def end_sessions(self) -> None:
        """End the sessions seen so far, at the server, and with them their transactions.

        Snowflake does so itself with a transaction that is idle for five minutes and in somebody's
        way; the emulator never does.
        """
        with self._lock:
            tokens, self._tokens = self._tokens, set()
        for token in tokens:
            self._post("/session?delete=true", token)

    def end_transactions(self) -> None:
        """Roll back, at the server, what the sessions seen so far have begun; they go on.

        An administrator may do so, and Snowflake itself with a transaction that is idle for five
        minutes and in somebody's way. Nobody tells the session.
        """
        with self._lock:
            tokens = set(self._tokens)
        ended = [self.end_transaction(token) for token in tokens]
        assert any(ended)

    def end_transaction(self, token: str) -> bool:
        """Roll back what one session has begun; return whether there is such a session."""
        return self._post("/queries/v1/query-request", token, _query("ROLLBACK")) is not None

    def refusal(self, token: str) -> Message | None:
        """Return what the server says to a session that asks for something impossible."""
        return self._post("/queries/v1/query-request", token, _query("SELECT 1 FROM NOWHERE"))

    def failing_at(self, message: Message) -> Failing | None:
        """Return what is to become of a request, if anything is."""
        with self._lock:
            if token := message.headers.get("authorization"):
                self._tokens.add(token)
            if self._is_out:
                return _OUT
            statement = message.statement
            failing = next((one for one in self._failing if one.at.match(statement)), None)
            if failing is None:
                return None
            self._failing.remove(failing)
            self._is_out = failing.is_lasting
        failing.reached.set()
        return failing

    def reply_to(self, request: Message) -> Message | None:
        """Have the server carry a request out; or not, if it has done so before."""
        known = request.request_id and self._replies.get(request.request_id)
        if known and self.knows_repeats:
            return known
        with self._lock:
            self.statements.append(request.statement)
        reply = self._sent(request.raw)
        if request.request_id and reply:
            self._replies[request.request_id] = reply
        return reply

    def _post(self, path: str, token: str, body: bytes = b"") -> Message | None:
        """Say something to the server in the name of a session; None if it knows no such."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        reply = self._sent(head.encode() + body)
        return reply if reply and reply.start.split()[1] == "200" else None

    def _sent(self, raw: bytes) -> Message | None:
        """Send by a connection of its own: the server ends one that is idle for a while."""
        with socket.create_connection(("127.0.0.1", self.server_port)) as server:
            server.sendall(raw)
            with server.makefile("rb") as replies:
                return read_message(replies)


@contextmanager
def relayed(server_port: int) -> Generator[Relay]:
    """Run a relay to the server on that port of this machine."""
    with _Server(("127.0.0.1", 0), _Passing) as server:
        server.relay = Relay(server.server_address[1], server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.relay
        finally:
            server.relay.restore()
            server.shutdown()
            thread.join()


def _query(sql: str) -> bytes:
    return json.dumps({"sqlText": sql}).encode()


_OUT = Failing(re.compile(""), "unsent")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    relay: Relay


class _Passing(socketserver.StreamRequestHandler):
    """One connection of the connector."""

    def handle(self) -> None:
        relay = cast("_Server", self.server).relay
        while request := read_message(self.rfile):
            if not self._pass(relay, request):
                return

    def _pass(self, relay: Relay, request: Message) -> bool:
        failing = relay.failing_at(request)
        if failing and failing.fault == "unsent":
            return self._reset()
        if failing and failing.fault == "held" and not failing.released.wait(30):
            return self._reset()
        if failing and failing.fault == "bereft":
            assert relay.end_transaction(request.headers["authorization"])
        is_refused = failing is not None and failing.fault == "refused"
        token = request.headers.get("authorization", "")
        reply = relay.refusal(token) if is_refused else relay.reply_to(request)
        if reply is None or (failing and failing.fault == "unanswered"):
            return self._reset()
        return self._answer(reply)

    def _answer(self, reply: Message) -> bool:
        try:
            self.wfile.write(reply.raw)
        except OSError:  # whoever asked was killed
            return False
        return True

    def _reset(self) -> bool:
        """Break the connection as a failing network does: with a reset, not a farewell."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()
        return False


def read_message(stream: BufferedIOBase) -> Message | None:
    """Read one request or reply; None if the connection was ended."""
    head = _head(stream)
    if not head.endswith(b"\r\n\r\n"):
        return None
    start, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = stream.read(int(headers.get("content-length", 0)))
    return Message(start, headers, head + body, body)


def _head(stream: BufferedIOBase) -> bytes:
    head = b""
    try:
        while line := stream.readline():
            head += line
            if line == b"\r\n":
                break
    except OSError:  # whoever spoke was killed
        return b""
    return head
