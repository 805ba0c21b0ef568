"""A second, plain name for a folder whose own name some libraries misread.

Belongs here: that name, a symbolic link in a private folder of the system's temporary one.
Elsewhere: the folders themselves.

Dagster looks for dagster.yaml by a pattern, so below a folder called `[eu]` it finds none and goes
on without our settings. It opens its SQLite files by SQLAlchemy, which takes what follows a `?` for
options. Snowflake's connector takes `[`, `?` and `*` in a PUT for a pattern. None of them can be
asked to take a path as it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from aggregation_platform.errors import ConfigurationError

_PLAIN = re.compile(r"[\w ./@+,-]*")


def plain_folder(folder: Path) -> Path:
    """Return the folder, or a link to it where its path has other than plain characters.

    The link is the same for every process of this user, and is made again if it is missing.

    Args:
        folder: An existing folder.

    Raises:
        ConfigurationError: If the links' folder belongs to somebody else.
    """
    if _PLAIN.fullmatch(str(folder)):
        return folder
    target = str(folder.absolute())
    link = _links() / hashlib.sha256(os.fsencode(target)).hexdigest()[:20]
    if not link.is_symlink():
        made = Path(tempfile.mkdtemp(dir=link.parent)) / "link"
        made.symlink_to(target)
        made.replace(link)  # whole or not at all, and harmless if another process was first
        made.parent.rmdir()
    return link


def _links() -> Path:
    """Return the folder of this user's links, for nobody else to change."""
    links = Path(tempfile.gettempdir()) / f"aggregation-platform-{os.getuid()}"
    links.mkdir(mode=0o700, exist_ok=True)
    found = links.lstat()
    if links.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{links} is not this user's alone; remove it, or set TMPDIR to a folder of your own."
        )
    return links
