"""Gzip, with a fast library behind two typed functions.

Belongs here: deflating what came unpacked, inflating what is stored. Elsewhere: where the bytes
lie (journal.py).
"""

from __future__ import annotations

import zlib
from typing import Any, cast

from isal import igzip, isal_zlib

_igzip = cast("Any", igzip)  # its parameters have no types
_IsalError = cast("type[Exception]", isal_zlib.error)


def deflated(body: bytes) -> bytes:
    """Pack bytes as gzip; equal bytes give equal results."""
    return _igzip.compress(body, 1, mtime=0)


def inflated(stored: bytes) -> bytes:
    """Unpack gzip, also of several members.

    Raises:
        ValueError: If the bytes are no gzip, are cut short, or fail their own checksum.
    """
    try:
        return _igzip.decompress(stored)
    except (OSError, EOFError, zlib.error, _IsalError) as error:
        raise ValueError(str(error)) from error
