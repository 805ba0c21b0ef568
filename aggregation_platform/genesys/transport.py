"""Transport: one request out, one reply in, its body exactly as it came.

Belongs here: the seam, `requests` behind it, and telling a request that never left from one whose
reply was lost. Elsewhere: what a status means (replies.py), when a request may leave (wire.py).
"""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from aggregation_platform.clock import Clock
from aggregation_platform.errors import RefusedError, TransientSourceError

_CHUNK = 256 * 1024


class NotSentError(TransientSourceError):
    """The organization could not be reached; it has not seen the request."""


class LostReplyError(TransientSourceError):
    """The request left, and no whole reply came; the organization may have acted on it.

    Args:
        timed_out: Whether we gave up waiting, so that the request may still be on its way.
    """

    def __init__(
        self, org: str, message: str, *, timed_out: bool = False, status: int | None = None
    ) -> None:
        super().__init__(org, message, status=status)
        self.timed_out = timed_out


@dataclass(frozen=True)
class Timeouts:
    """Bounds of one request.

    Args:
        connect_s: For a connection.
        read_s: For each silence of the server.
        whole_s: For the whole body.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    whole_s: float = 600.0


@dataclass(frozen=True)
class Request:
    """What is sent, to which org. Headers and body are not shown: they may hold secrets."""

    org: str
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The path without its query, for messages."""
        return urlsplit(self.url).path


@dataclass(frozen=True)
class Reply:
    """What came back. Header names are in lower case; the body is not inflated."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)

    @property
    def correlation_id(self) -> str:
        """The id by which the vendor's support finds this request, or an empty text."""
        return self.headers.get("inin-correlation-id", "")


Answered = Callable[[int, Mapping[str, str]], None]
"""Called with status and headers as soon as they are in, before the body."""


class Transport(Protocol):
    """Carries requests. Never repeats one, never follows a redirect."""

    @property
    def timeouts(self) -> Timeouts:
        """The bounds that hold for each request."""
        ...

    def send(self, request: Request, *, answered: Answered) -> Reply:
        """Send once and return the reply, whatever its status.

        Raises:
            NotSentError: If the organization has not seen the request.
            LostReplyError: If it may have, but no whole reply came.
            RefusedError: If the server's certificate is not trusted, or the address is none.
        """
        ...


class RequestsTransport:
    """Transport over `requests`: a session per org, process and thread.

    Proxies and certificate bundles are taken from the environment, as operators expect, but not
    for loopback addresses; a .netrc is never read (its password would replace our token).
    """

    def __init__(self, clock: Clock, timeouts: Timeouts | None = None) -> None:
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._local = threading.local()

    @property
    def timeouts(self) -> Timeouts:
        """The bounds that hold for each request."""
        return self._timeouts

    def send(self, request: Request, *, answered: Answered) -> Reply:
        """Send once and return the reply, its body as it came."""
        response = self._opened(request)
        try:
            headers = MappingProxyType({k.lower(): v for k, v in response.headers.items()})
            answered(response.status_code, headers)
            body = self._body(request, response)
        finally:
            response.close()
        return Reply(response.status_code, headers, body)

    def _opened(self, request: Request) -> requests.Response:
        """Send, and return once the head of the reply is in."""
        try:
            return self._session(request).request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                stream=True,
                allow_redirects=False,
                timeout=(self._timeouts.connect_s, self._timeouts.read_s),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _failure(request, error) from error

    def _body(self, request: Request, response: requests.Response) -> bytes:
        """Read the body within bounds; one shorter than announced is a lost reply."""
        raw: urllib3.HTTPResponse = response.raw
        chunks: list[bytes] = []
        began = self._clock.monotonic()
        try:
            while chunk := raw.read1(_CHUNK, decode_content=False):
                chunks.append(chunk)
                if self._clock.monotonic() - began > self._timeouts.whole_s:
                    raise _cut_short(request, response, "took too long", timed_out=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            timed_out = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            raise _cut_short(request, response, "ended early", timed_out=timed_out) from error
        return b"".join(chunks)

    def _session(self, request: Request) -> requests.Session:
        """Return this thread's session for the org; a forked child makes its own."""
        key = (os.getpid(), request.org, urlsplit(request.url).hostname or "")
        sessions = self._sessions()
        if key not in sessions:
            sessions[key] = _new_session(trust_env=not _is_loopback(key[2]))
        return sessions[key]

    def _sessions(self) -> dict[tuple[int, str, str], requests.Session]:
        """Return this thread's sessions."""
        return self._local.__dict__.setdefault("sessions", {})


class _NoExtraCredentials(AuthBase):
    """Keeps `requests` from looking for credentials in a .netrc."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return r


def _new_session(*, trust_env: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = trust_env
    session.auth = _NoExtraCredentials()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(
        {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "aggregation-platform",
        }
    )
    return session


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failure(request: Request, error: Exception) -> TransientSourceError | RefusedError:
    """Tell what a failed exchange means for the request."""
    what = f"{request.method} {request.path}"
    host = urlsplit(request.url).netloc
    if _is_untrusted(error):
        return RefusedError(
            request.org,
            f"{what}: the certificate of {host} is not trusted. Check api_url and login_url;"
            " behind an inspecting proxy, set REQUESTS_CA_BUNDLE to its certificates.",
        )
    if isinstance(error, ValueError):
        return RefusedError(
            request.org,
            f"{what}: nothing was sent, for {host} or the proxy to it cannot be used ({error})."
            " Correct api_url and login_url, or HTTPS_PROXY in the environment.",
        )
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or isinstance(
        _reason(error), urllib3.exceptions.NewConnectionError
    ):
        return NotSentError(
            request.org,
            f"{what}: {host} cannot be reached ({type(_reason(error)).__name__})."
            " Repeated within bounds; if it stays so, check the network, proxy and address.",
        )
    timed_out = isinstance(error, requests.Timeout)
    why = "no answer in time" if timed_out else "the connection broke"
    return LostReplyError(
        request.org,
        f"{what}: {why} after the request was sent to {host} ({type(_reason(error)).__name__})."
        " Repeated within bounds where that is safe.",
        timed_out=timed_out,
    )


def _reason(error: Exception) -> BaseException:
    """Return what lies at the bottom of an error of `requests`."""
    inner = error.args[0] if error.args else error
    if isinstance(inner, urllib3.exceptions.MaxRetryError) and inner.reason is not None:
        return inner.reason
    return inner if isinstance(inner, BaseException) else error


def _is_untrusted(error: Exception) -> bool:
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in str(error).upper()


def _cut_short(
    request: Request, response: requests.Response, how: str, *, timed_out: bool
) -> LostReplyError:
    correlation_id = response.headers.get("inin-correlation-id", "none")
    return LostReplyError(
        request.org,
        f"{request.method} {request.path}: the body of a reply with status"
        f" {response.status_code} {how} (correlation id {correlation_id})."
        " Repeated within bounds where that is safe.",
        timed_out=timed_out,
        status=response.status_code,
    )
