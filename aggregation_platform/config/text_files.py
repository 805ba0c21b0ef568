"""Text files that a person wrote.

Belongs here: reading one, with a line that says why if it cannot be read. Elsewhere: what is in
them (yaml_text.py, rules.py).
"""

from __future__ import annotations

from pathlib import Path

from aggregation_platform.errors import ConfigurationError


def read_text(file: Path) -> str:
    """Read a UTF-8 file that a person wrote (with or without a byte order mark).

    Raises:
        ConfigurationError: If it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        reason = "this is a folder; name the file in it"
    except FileNotFoundError:
        reason = "there is no such file; correct the path"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8; save the file as UTF-8"
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check its permissions"
    raise ConfigurationError(f"{file}: {reason}.")
