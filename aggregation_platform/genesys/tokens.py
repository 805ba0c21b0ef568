"""Access tokens shared between the processes of a site, unreadable to others.

Belongs here: the token's value, and keeping it encrypted in the local state.
Elsewhere: fetching one (auth.py), file modes (local_state/).

The key is derived from the client secret: who can read a stored token could fetch one anyway, and
a changed secret makes old entries unreadable, which is treated as none.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aggregation_platform.local_state.state import LocalState

RENEW_AT = 0.9
"""A token is renewed when this part of its life is over."""


class Token(msgspec.Struct, frozen=True):
    """A bearer token; Unix times on this machine's clock."""

    access_token: str
    obtained_s: float
    life_s: float

    def __repr__(self) -> str:
        return f"Token(obtained_s={self.obtained_s:.0f}, life_s={self.life_s:.0f})"

    def is_good_at(self, now_s: float) -> bool:
        """Whether it is in the first nine tenths of its life."""
        return -60.0 <= now_s - self.obtained_s < RENEW_AT * self.life_s


class TokenStore:
    """One OAuth client's token in the local state."""

    def __init__(
        self, state: LocalState, *, org: str, login_url: str, client_id: str, client_secret: str
    ) -> None:
        self._state = state
        client = hashlib.sha256(f"{login_url}\n{client_id}".encode()).hexdigest()[:16]
        self.name = f"token/{org}/{client}"
        derived = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=self.name.encode(), info=b"access token"
        ).derive(client_secret.encode())
        self._cipher = Fernet(base64.urlsafe_b64encode(derived))

    def read(self) -> Token | None:
        """Return the stored token; None if there is none that this secret can read."""
        sealed = self._state.value(self.name)
        if sealed is None:
            return None
        try:
            return msgspec.json.decode(self._cipher.decrypt(sealed), type=Token)
        except (InvalidToken, msgspec.DecodeError):
            return None

    def write(self, token: Token) -> None:
        """Store a token for the rest of its life."""
        sealed = self._cipher.encrypt(msgspec.json.encode(token))
        self._state.put_value(self.name, sealed, seconds=token.life_s)
