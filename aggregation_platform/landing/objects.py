"""Objects by path: the few operations the landing zone needs of a folder or an object store.

Belongs here: the Objects seam, its one implementation over obstore, what makes a folder durable.
Elsewhere: which objects there are (journal.py).

A write is atomic: a reader sees the whole object or none. On a folder it is also durable when it
returns: obstore renames a temporary file into place but does not flush it (0.12, traced), so the
file and the folders above it are flushed here.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from aggregation_platform.errors import LandingError
from aggregation_platform.private_files import private_folder

READERS = 8
"""Small objects read at once from a store that is far away."""


@dataclass(frozen=True)
class Stored:
    """One object in a listing; `size` in bytes."""

    path: str
    size: int


class Objects(Protocol):
    """Named byte strings. Every method raises LandingError if the store cannot be reached."""

    def put(self, path: str, body: bytes) -> None:
        """Write or replace an object; atomic, and durable on return."""
        ...

    def create(self, path: str, body: bytes) -> bool:
        """Write an object unless one is there; False if another one is."""
        ...

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes; None if there is none."""
        ...

    def get_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of those that exist."""
        ...

    def listing(self, prefix: str) -> Iterator[Stored]:
        """Yield every object below a prefix."""
        ...

    def children(self, prefix: str) -> tuple[str, ...]:
        """Return the names one level below a prefix that have objects below them, sorted."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store."""
        ...

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; what is not there is no error."""
        ...


@dataclass(frozen=True)
class ObstoreObjects:
    """Objects in a folder, S3, Azure Blob, Google Cloud Storage or memory.

    Args:
        store: The obstore client.
        spelled: The address as a person wrote it, for messages.
        folder: The local folder, where it is one; its writes are flushed to disk.
    """

    store: ObjectStore = field(repr=False)  # obstore's own repr panics on an account's variable
    spelled: str
    folder: Path | None = None
    _flushed: set[Path] = field(default_factory=set[Path], compare=False, repr=False)

    def put(self, path: str, body: bytes) -> None:
        """Write or replace an object."""
        self._write(path, body, "overwrite")

    def create(self, path: str, body: bytes) -> bool:
        """Write an object unless another is there.

        An equal one counts as ours: a store may have kept the first try of a request that was
        repeated because its reply was lost.
        """
        try:
            self._write(path, body, "create")
        except AlreadyExistsError:
            return self.get(path) == body
        return True

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes; None if there is none."""
        with self._explained("read", path):
            try:
                return bytes(obstore.get(self.store, path).bytes())
            except FileNotFoundError:
                return None

    def get_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the bytes of those that exist, several at a time where the store is far."""
        wanted = tuple(paths)
        if self.folder is not None or isinstance(self.store, MemoryStore):
            found = map(self.get, wanted)
        else:
            with ThreadPoolExecutor(READERS) as readers:
                found = list(readers.map(self.get, wanted))
        return {path: body for path, body in zip(wanted, found, strict=True) if body is not None}

    def listing(self, prefix: str) -> Iterator[Stored]:
        """Yield every object below a prefix; a prefix is a whole path segment."""
        with self._explained("list", prefix):
            for batch in obstore.list(self.store, prefix):
                for found in batch:
                    yield Stored(found["path"], found["size"])

    def children(self, prefix: str) -> tuple[str, ...]:
        """Return the names one level below a prefix, sorted."""
        with self._explained("list", prefix):
            found = obstore.list_with_delimiter(self.store, prefix or None)
        return tuple(sorted(path.rsplit("/", 1)[-1] for path in found["common_prefixes"]))

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store."""
        with self._explained("copy", source):
            obstore.copy(self.store, source, target)
        self._flush(target)

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects."""
        for path in paths:
            with self._explained("remove", path):
                try:
                    obstore.delete(self.store, path)
                except FileNotFoundError:
                    continue

    def _write(self, path: str, body: bytes, mode: Literal["create", "overwrite"]) -> None:
        with self._explained("write", path):
            obstore.put(self.store, path, body, mode=mode, use_multipart=False)
            self._flush(path)

    def _flush(self, path: str) -> None:
        """Flush a file and every folder that may be new; on an object store there is no need."""
        if self.folder is None:
            return
        written = self.folder / path
        _fsync(written)
        _fsync(written.parent)
        for above in written.parent.relative_to(self.folder).parents:
            folder = self.folder / above
            if written.parent not in self._flushed:
                _fsync(folder)
        self._flushed.add(written.parent)

    @contextmanager
    def _explained(self, verb: str, path: str) -> Generator[None]:
        try:
            yield
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as error:
            raise LandingError(
                f"landing zone {self.spelled}: cannot {verb} {path}: {_reason(error)}. "
                "Check landing.url, the space left, the permissions and the credentials."
            ) from error


def open_objects(url: str, base: Path) -> ObstoreObjects:
    """Open a folder (relative to `base`), file://, memory://, s3://, az:// or gs://.

    Credentials and endpoint of an object store come from its own environment variables
    (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP and the
    like; AZURE_*; GOOGLE_*) and machine roles: obstore reads them, this project does not. A store
    must honour conditional writes (If-None-Match), as S3, Azure Blob and Google do.

    A folder that is made here is its owner's alone: pages hold personal data.

    Raises:
        LandingError: If the address cannot be understood or the folder cannot be made.
    """
    try:
        if "://" not in url or url.startswith("file://"):
            folder = (base / url.removeprefix("file://")).absolute()
            if not folder.exists():
                private_folder(folder)
            return ObstoreObjects(LocalStore(folder, automatic_cleanup=True), str(folder), folder)
        return ObstoreObjects(from_url(url), url)
    except (BaseError, OSError, ValueError) as error:
        raise LandingError(
            f"landing zone {url}: cannot be opened: {_reason(error)}. "
            "landing.url is a folder, s3://bucket/path, az://container/path or "
            "gs://bucket/path; correct it, or set the store's credentials."
        ) from error


def _reason(error: Exception) -> str:
    """Return what an error says, on one line and without obstore's dump of it."""
    return " ".join(str(error).partition("Debug source")[0].split())


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
