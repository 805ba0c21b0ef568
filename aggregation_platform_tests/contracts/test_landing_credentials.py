"""Each way to log in to an object store, by the variables that the documents name for it.

Nothing is stored here: a small server looks at what comes with a request. The whole landing zone is
tried on S3 (test_landing_zone.py); Azure Blob and Google Cloud Storage are not served here.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aggregation_platform.landing.objects import open_objects

ROOT = Path(__file__).parents[2]
TOKENS = {
    "access_token": "a-token",
    "expires_in": 3600,
    "expires_on": "4070908800",
    "token_type": "Bearer",
    "AccessKeyId": "AKID",
    "SecretAccessKey": "secret",
    "Token": "session",
    "Expiration": "2099-01-01T00:00:00Z",
}


class Store(ThreadingHTTPServer):
    """Gives a token to who asks for one, has no object, and keeps what came with requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.seen: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def asked(self) -> list[str]:
        """The addresses asked for, in order, without what follows a question mark."""
        return [path.partition("?")[0] for path, _, _ in self.seen]

    @property
    def shown(self) -> str:
        """What the last request showed to be let in: a header, or the address itself."""
        path, authorization, _ = self.seen[-1]
        return authorization or path


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Print nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        store = cast("Store", self.server)
        store.seen.append((self.path, self.headers.get("Authorization", ""), body))
        is_token = "/token" in self.path
        reply = json.dumps(TOKENS).encode() if is_token else b""
        self.send_response(200 if is_token else 404)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as store:
        thread = threading.Thread(target=store.serve_forever, daemon=True)
        thread.start()
        yield store
        store.shutdown()
        thread.join()


@pytest.fixture
def ask(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Ask for one object, with these variables and no others of an object store."""
    for name in [each for each in os.environ if each.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)

    def ask(url: str, variables: Mapping[str, str]) -> str:
        for name, value in variables.items():
            assert f"`{name}`" in (ROOT / "docs" / "production.md").read_text(), name
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
        for name in ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", store.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        objects = open_objects(url, Path())
        assert url in repr(objects)
        assert objects.get("x") is None
        return store.shown

    return ask


def test_s3_by_keys(ask):
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
    shown = ask("s3://bucket/path", keys | {"AWS_REGION": "eu-central-1"})

    assert shown.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-central-1/s3/" in shown


def test_s3_by_the_role_of_a_container(ask, store: Store, tmp_path: Path):
    token = token_file(tmp_path)
    shown = ask(
        "s3://bucket/path",
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{store.url}/token",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
            "AWS_REGION": "eu-central-1",
        },
    )

    assert store.seen[0][:2] == ("/token", "of-the-machine")
    assert shown.startswith("AWS4-HMAC-SHA256 Credential=AKID/")


def test_azure_by_the_accounts_key(ask):
    key = base64.b64encode(b"k" * 32).decode()

    assert ask("az://container/path", {"AZURE_STORAGE_ACCOUNT_KEY": key}).startswith(
        "SharedKey account:"
    )


def test_azure_by_a_shared_access_signature(ask):
    shown = ask("az://container/path", {"AZURE_STORAGE_SAS_TOKEN": "sv=2020&sig=abc"})

    assert shown == "/container/path/x?sv=2020&sig=abc"


def test_azure_by_an_application_and_its_secret(ask, store: Store):
    application = {"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "hush"}
    directory = {"AZURE_TENANT_ID": "tenant", "AZURE_AUTHORITY_HOST": store.url}

    assert ask("az://container/path", application | directory) == "Bearer a-token"
    assert store.asked[0] == "/tenant/oauth2/v2.0/token"
    assert "client_secret=hush" in store.seen[0][2]


def test_azure_by_the_token_of_a_workload(ask, store: Store, tmp_path: Path):
    workload = {"AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": token_file(tmp_path)}
    directory = {"AZURE_TENANT_ID": "tenant", "AZURE_AUTHORITY_HOST": store.url}

    assert ask("az://container/path", workload | directory) == "Bearer a-token"
    assert "client_assertion=of-the-machine" in store.seen[0][2]


def test_azure_by_the_machines_identity(ask, store: Store):
    assert ask("az://container/path", {"AZURE_MSI_ENDPOINT": f"{store.url}/token"}) == (
        "Bearer a-token"
    )


@pytest.mark.parametrize("name", ["GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_SERVICE_ACCOUNT"])
def test_google_by_a_service_account(ask, store: Store, tmp_path: Path, name: str):
    account = service_account(store.url)
    file = tmp_path / "account.json"
    file.write_text(account)
    shown = ask("gs://bucket/path", {name: account if name.endswith("_KEY") else str(file)})

    assert shown.startswith("Bearer ey")
    assert store.asked == ["/bucket/path%2Fx"]


def token_file(folder: Path) -> str:
    path = folder / "token"
    path.write_text("of-the-machine")
    return str(path)


def service_account(url: str) -> str:
    """The JSON of a service account's key, whose store is our server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {"type": "service_account", "client_email": "a@example.org", "private_key_id": "k"}
    return json.dumps(account | {"private_key": key.decode(), "gcs_base_url": url})
