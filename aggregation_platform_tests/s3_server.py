"""A small S3 server for tests: moto's, in a thread of this process, on a loopback port.

Belongs here: starting, stopping, a fresh bucket per caller, the standard variables that lead a
client to it. Elsewhere: what is tested on it. It checks no credentials, and it honours the header
that the landing zone's claims on a name rest on (If-None-Match on a put).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from moto.server import ThreadedMotoServer


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    endpoint: str

    @property
    def variables(self) -> Mapping[str, str]:
        """What an operator sets, by the names that every S3 client knows."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        }

    def new_bucket(self) -> str:
        """Create an empty bucket and return its address."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        requests.put(f"{self.endpoint}/{name}", timeout=30).raise_for_status()
        return f"s3://{name}"


@contextmanager
def running_s3() -> Generator[S3Server]:
    """Serve until the caller is done; nothing is kept."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
