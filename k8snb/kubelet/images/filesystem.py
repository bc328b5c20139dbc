"""What a process sees as files: an image's layer, a writable layer over it, and volumes mounted into it.

A `Volume` is a tree of text files that several containers may hold at once; what one writes the other reads.
A `Filesystem` is one container's view: a path belongs to the mount with the longest matching prefix, else to
the container's own layer. Directories exist because a file lies below them or because somebody made them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

Files = Mapping[str, str]
_EMPTY: Files = {}


class FileError(OSError):
    """A failed operation: `why` is the C library's word for it, `path` what it was about."""

    def __init__(self, why: str, path: str, *, reading: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.path = path
        self.reading = reading


MISSING = "No such file or directory"
IS_DIRECTORY = "Is a directory"
NOT_DIRECTORY = "Not a directory"
READ_ONLY = "Read-only file system"
NOT_EMPTY = "Directory not empty"
EXISTS = "File exists"


class Volume:
    """A tree of files by relative path (`a/b`, no leading slash).

    `base` is a layer below that is never changed. `source`, where given, is asked for the base when somebody
    looks, so a volume that nobody reads costs nothing.
    """

    __slots__ = ("_base", "_source", "directories", "files", "removed", "told")

    def __init__(self, base: Files = _EMPTY, source: Callable[[], Files] | None = None) -> None:
        self._base = base
        self._source = source
        self.files: dict[str, list[str]] = {}
        """Content in pieces, in the order in which they were written."""
        self.directories: dict[str, None] = {}
        self.removed: dict[str, None] = {}
        self.told: Callable[[str], None] | None = None
        """Told of every path where something is written or removed, if somebody wants to know."""

    @property
    def base(self) -> Files:
        """The layer below what was written."""
        return self._source() if self._source is not None else self._base

    def replace(self, files: Files) -> None:
        """Put another layer below, as an update of a ConfigMap does."""
        self._base, self._source = files, None

    def read(self, path: str) -> str | None:
        """A file's content, or None if there is no such file."""
        pieces = self.files.get(path)
        if pieces is None:
            return None if path in self.removed else self.base.get(path)
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return pieces[0]

    def write(self, path: str, text: str) -> None:
        """Create or replace a file."""
        self.removed.pop(path, None)
        self.files[path] = [text]
        self._tell(path)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file, which is created if need be."""
        if path not in self.files:
            self.write(path, self.read(path) or "")
        self.files[path].append(text)
        self._tell(path)

    def make_directory(self, path: str) -> None:
        """Let there be a directory, even if nothing lies below it."""
        self.directories[path] = None
        self._tell(path)

    def delete(self, path: str) -> None:
        """Remove a file or an empty directory."""
        self.files.pop(path, None)
        self.directories.pop(path, None)
        if path in self.base:
            self.removed[path] = None
        self._tell(path)

    def _tell(self, path: str) -> None:
        if self.told is not None:
            self.told(path)

    @property
    def written(self) -> int:
        """How much was written into it, in bytes."""
        return sum(len(piece) for pieces in self.files.values() for piece in pieces)

    def paths(self) -> list[str]:
        """Every file, in order of name."""
        below = [path for path in self.base if path not in self.removed and path not in self.files]
        return sorted([*below, *self.files])

    def is_directory(self, path: str) -> bool:
        """Whether something lies below the path, or it was made as a directory."""
        if not path or path in self.directories:
            return True
        prefix = f"{path}/"
        return any(name.startswith(prefix) for name in (*self.paths(), *self.directories))

    def children(self, path: str) -> list[str]:
        """The names directly below a directory, sorted."""
        prefix = f"{path}/" if path else ""
        found = {name[len(prefix) :].split("/", 1)[0]: None for name in self._all() if name.startswith(prefix)}
        return sorted(name for name in found if name)

    def link(self, path: str) -> str:
        """Where a symbolic link leads; empty for everything that is none."""
        return ""

    def mode(self, path: str) -> int:
        """The permissions."""
        return 0o755 if self.is_directory(path) else 0o644

    @property
    def changed_at(self) -> float | None:
        """When its content was written, where that is known."""
        return None

    def _all(self) -> Iterable[str]:
        return (*self.paths(), *self.directories)


class Mount(NamedTuple):
    """A volume at a place in the tree; `sub_path` is the part of the volume that is shown there."""

    path: str
    volume: Volume
    sub_path: str = ""
    read_only: bool = False


class Filesystem:
    """One container's tree of files."""

    def __init__(self, layer: Volume, mounts: Iterable[Mount] = ()) -> None:
        self.layer = layer
        self.mounts = sorted(mounts, key=lambda mount: -len(mount.path))

    def place(self, path: str) -> tuple[Volume, str, bool]:
        """The volume that holds a path, the path within it, and whether it may only be read."""
        path = posixpath.normpath(path)
        for mount in self.mounts:
            if path == mount.path or path.startswith(f"{mount.path}/"):
                inner = path[len(mount.path) :].lstrip("/")
                return mount.volume, posixpath.join(mount.sub_path, inner).rstrip("/"), mount.read_only
        return self.layer, path.lstrip("/"), False

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory."""
        return self.is_file(path) or self.is_directory(path)

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        if path == "/dev/null":
            return True
        volume, inner, _ = self.place(path)
        return volume.read(inner) is not None

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory, be it that only a mount lies below it."""
        volume, inner, _ = self.place(path)
        if volume.read(inner) is not None:
            return False
        path = posixpath.normpath(path)
        below = any(mount.path == path or mount.path.startswith(f"{path.rstrip('/')}/") for mount in self.mounts)
        return below or volume.is_directory(inner)

    def link(self, path: str) -> str:
        """Where a symbolic link leads; empty for everything that is none."""
        volume, inner, _ = self.place(path)
        return volume.link(inner)

    def read(self, path: str) -> str:
        """A file's content."""
        if path == "/dev/null":
            return ""
        volume, inner, _ = self.place(path)
        text = volume.read(inner)
        if text is None:
            raise FileError(IS_DIRECTORY if self.is_directory(path) else MISSING, path, reading=True)
        return text

    def write(self, path: str, text: str, *, append: bool = False) -> None:
        """Create or replace a file, or add to its end."""
        if path == "/dev/null":
            return
        volume, inner, read_only = self.place(path)
        if read_only:
            raise FileError(READ_ONLY, path)
        if self.is_directory(path):
            raise FileError(IS_DIRECTORY, path)
        if not self.is_directory(posixpath.dirname(posixpath.normpath(path))):
            raise FileError(MISSING, path)
        if append:
            volume.append(inner, text)
        else:
            volume.write(inner, text)

    def make_directory(self, path: str, *, parents: bool = False) -> None:
        """Make a directory; with `parents` also those above it, and no error if it is there."""
        volume, inner, read_only = self.place(path)
        if self.exists(path):
            if parents and self.is_directory(path):
                return
            raise FileError(EXISTS, path)
        if read_only:
            raise FileError(READ_ONLY, path)
        above = posixpath.dirname(posixpath.normpath(path))
        if not self.is_directory(above):
            if not parents:
                raise FileError(MISSING, path)
            self.make_directory(above, parents=True)
        volume.make_directory(inner)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, or with `recursive` a directory and all below it."""
        volume, inner, read_only = self.place(path)
        if not self.exists(path):
            raise FileError(MISSING, path)
        if read_only:
            raise FileError(READ_ONLY, path)
        if self.is_directory(path):
            if not recursive:
                raise FileError(IS_DIRECTORY, path)
            for name in self.list(path):
                self.remove(posixpath.join(path, name), recursive=True)
        volume.delete(inner)

    def list(self, path: str) -> list[str]:
        """The names in a directory, those of mounts among them, sorted."""
        if not self.is_directory(path):
            raise FileError(NOT_DIRECTORY if self.is_file(path) else MISSING, path)
        volume, inner, _ = self.place(path)
        prefix = f"{posixpath.normpath(path).rstrip('/')}/"
        mounted = [m.path[len(prefix) :].split("/", 1)[0] for m in self.mounts if m.path.startswith(prefix)]
        return sorted({*volume.children(inner), *mounted})
