"""Keeping secrets and people out of what is written.

Belongs here: finding bearer tokens, credentials, phone numbers and e-mail addresses in text and in
fields. Elsewhere: writing events (logs.py), secrets of the configuration (config/deferred.py).

Masks too much rather than too little: a run of 8 or more digits after a plus sign or `tel:` is a
phone number. Ids, instants, dates, counts and hashes stay readable. Not found: a national number
without `tel:` or plus sign in free text (a field named for a number is masked whole).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

MASK = "***"
DEPTH = 8
"""Deeper than this, a value is replaced by the mask."""

_SECRET_FIELD = re.compile(
    r"(secret|password|passwd|passphrase|authorization|credential|private_?key(?!_path)"
    r"|api_?key|access_?token|refresh_?token|bearer|cookie|^token$)",
    re.IGNORECASE,
)
_PERSONAL_FIELD = re.compile(
    r"^(ani|dnis|session_?dnis|caller|caller_?number|phone|phone_?number|callback_?numbers?"
    r"|e?_?mail|email_?address|address_?(from|to|self|other)|dialed_?number|participant_?name)$",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"://[^/\s@]*@")
_OUR_WORDS = (
    r"environment variable \w+ is not set|missing; add |left empty; |the value \(not shown\) "
    r"|an? (?:mapping|list|empty list|empty text) is not allowed; "
)
"""What a mistake in the configuration says where a secret would stand (config/mistakes.py)."""
_NAMED_SECRET = re.compile(
    r"(?P<name>[\"']?\b(?:access_token|refresh_token|client_secret|password|passphrase|api_?key)"
    rf"[\"']?\s*[=:]\s*)(?!{_OUR_WORDS})(?P<quote>[\"']?)[^\"'\s,&;}}]+",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"(?P<kind>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_PHONE_SEPARATORS = r"[\s().\-/\u00a0]{0,3}"
_PHONE = re.compile(
    rf"(?:tel:{_PHONE_SEPARATORS}\+?|\+|%2B)\d(?:{_PHONE_SEPARATORS}\d){{7,}}", re.IGNORECASE
)
_SHORT_TEL = re.compile(r"tel:\+?\d+", re.IGNORECASE)
_LOCAL = r"[\w.!#$&'*+=?^`{|}~%-]"
_EMAIL = re.compile(rf"(?<!{_LOCAL}){_LOCAL}+(?:@|%40)[\w-]+(?:\.[\w-]+)*")
"""Begins where a word begins, so that a long text without addresses is read once."""


def masked_text(text: str) -> str:
    """Return the text with tokens, credentials, phone numbers and e-mail addresses masked.

    Masking masked text changes nothing.
    """
    text = _URL_PASSWORD.sub(f"://{MASK}@", text)
    text = _NAMED_SECRET.sub(rf"\g<name>\g<quote>{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\g<kind>{MASK}", text)
    text = _EMAIL.sub(_masked_address, text)
    text = _PHONE.sub(MASK, text)
    return _SHORT_TEL.sub(f"tel:{MASK}", text)


def _masked_address(match: re.Match[str]) -> str:
    """Keep what `_URL_PASSWORD` has left of a URL's user: it is masked already."""
    return match.group() if match.group().startswith(f"{MASK}@") else MASK


def masked(value: object, *, depth: int = DEPTH) -> object:
    """Return the value with everything personal or secret masked, at any depth.

    Numbers, booleans, None, dates and instants stay as they are; what else is no text, mapping or
    sequence becomes its text.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if depth == 0:
        return MASK
    if isinstance(value, Mapping):
        return masked_fields(cast("Mapping[object, object]", value), depth=depth - 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth=depth - 1) for item in cast("list[object]", value)]
    return masked_text(str(value))


def masked_fields(fields: Mapping[Any, object], *, depth: int = DEPTH) -> dict[str, object]:
    """Return the fields masked; a field named for a secret or a person's number is masked whole."""
    return {
        masked_text(str(name)): MASK
        if value is not None and _is_named_for_it(str(name))
        else masked(value, depth=depth)
        for name, value in fields.items()
    }


def _is_named_for_it(name: str) -> bool:
    return bool(_SECRET_FIELD.search(name) or _PERSONAL_FIELD.match(name))
