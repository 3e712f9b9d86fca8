"""The directories a session serves: what BuildKit calls local sources, ``context`` and ``dockerfile``."""

from __future__ import annotations

import errno
import io
import os
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Union

from ctxsize.engine.buildkit.entry import MODE_DIR, ServedEntry, go_mode
from ctxsize.engine.buildkit.errors import ServeError
from ctxsize.engine.buildkit.filter import Filter, FilterState, MatcherFactory, follow_links, without_nested
from ctxsize.files.beneath import Beneath, Listed
from ctxsize.files.sent import SentContext, SentTree

_NEW_FILE_MODE = 0o644
_NEW_DIRECTORY_MODE = MODE_DIR | 0o755
#: What opening a file fails with when it went away or became a link or a pipe.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)
_Inode = tuple[int, int]
_Listed = Union[Listed, "_OverlayEntry"]


class Content(Protocol):
    """What is served of a file, from its beginning on."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class LocalDir:
    """A directory on disk, served as the official client serves it, with changes that exist only in the
    stream.

    ``root`` is resolved once. ``only``, if given, are the names at the top that are served at all.
    ``hidden`` are paths served as if they did not exist (a directory with all below). ``overlay`` maps
    paths to the content served there, instead of or beside what is on disk; ``appended`` maps paths to
    bytes served at the end of the file that is there. A replaced file keeps its mode; a changed one gets
    a modification time up to a millisecond later that depends on the change, so that the engine, which
    compares size and time, sees every difference. ``record`` is told what is listed.
    Semantics: tonistiigi/fsutil fs.go, stat.go, stat_unix.go;
    owners are always root, as BuildKit's client resets them (client/solve.go).

    Raises ServeError when ``root`` is not a directory.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        matcher_factory: MatcherFactory,
        *,
        only: frozenset[str] | None = None,
        hidden: frozenset[str] = frozenset(),
        overlay: Mapping[str, bytes] | None = None,
        appended: Mapping[str, bytes] | None = None,
        record: SentTree | SentContext | None = None,
    ) -> None:
        self.root = os.path.realpath(root)
        if not os.path.isdir(self.root):
            raise ServeError(f"not a directory: {os.fspath(root)}")
        self.only = only
        self.hidden = hidden
        self.overlay = dict(overlay or {})
        self.appended = dict(appended or {})
        self._record = record
        self._overlay_entries: dict[str, dict[str, _OverlayEntry]] = {}
        self._new_directories: set[str] = set()
        for path in self.overlay:
            self._add_overlay(path, is_dir=False)
        self._matcher_factory = matcher_factory
        # One for listing and one for content: they go through the tree at the same time, at two places.
        try:
            self._listed = Beneath(self.root)
            self._read = Beneath(self.root)
        except OSError as error:
            raise ServeError(_text(error, "")) from error

    def select(self, include: Sequence[str], exclude: Sequence[str], follow: Sequence[str]) -> Selection:
        """What one request asks for. Raises ServeError for a malformed pattern."""
        wanted: Sequence[str] | None = include
        try:
            if follow:
                targets = follow_links(follow, self, self._matcher_factory)
                if targets is not None:
                    wanted = without_nested([*include, *targets])
            return Selection(self, Filter(wanted or (), exclude, self._matcher_factory))
        except ValueError as error:
            raise ServeError(f"invalid pattern: {error}") from error

    def _add_overlay(self, path: str, *, is_dir: bool) -> None:
        directory, _, name = path.rpartition("/")
        self._overlay_entries.setdefault(directory, {})[name] = _OverlayEntry(name, is_dir)
        known = not directory or directory in self._new_directories
        if not known and not os.path.isdir(os.path.join(self.root, directory)):
            self._new_directories.add(directory)
            self._add_overlay(directory, is_dir=True)

    def _served(self, path: str) -> bool:
        return self.only is None or path.partition("/")[0] in self.only

    # --- the file system as served: disk, minus hidden, plus overlay ---

    def readlink(self, path: str) -> str | None:
        """See filter.Links."""
        if path in self.hidden or path in self.overlay or not self._served(path):
            return None
        try:
            return self._listed.readlink(path)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                return None
            raise ServeError(_text(error, path), path) from error

    def names(self, directory: str) -> Sequence[str]:
        """See filter.Links."""
        relative = "" if directory == "." else directory
        try:
            return [entry.name for entry in self.scan(relative)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise ServeError(_text(error, directory), directory) from error

    def scan(self, directory: str) -> list[_Listed]:
        """What is served directly in ``directory`` ('' for the root), in byte order of names."""
        prefix = directory + "/" if directory else ""
        entries: list[_Listed] = []
        if directory not in self._new_directories:
            entries.extend(self._listed.entries(directory))
        if self.only is not None:
            entries = [e for e in entries if self._served(prefix + e.name)]
        if self.hidden:
            entries = [e for e in entries if prefix + e.name not in self.hidden]
        if added := self._overlay_entries.get(directory):
            entries = [e for e in entries if e.name not in added]
            entries.extend(added.values())
        entries.sort(key=_name_bytes)
        return entries

    def info(self, path: str, entry: _Listed, seen: dict[_Inode, str]) -> ServedEntry:
        """Everything about one entry; ``seen`` collects the first name of each inode. Raises OSError."""
        if isinstance(entry, _OverlayEntry):
            if entry.is_dir:
                return ServedEntry(path, _NEW_DIRECTORY_MODE)
            return self._overlay_info(path)
        tail = self.appended.get(path)
        st = self._listed.lstat(path)
        xattrs = self._listed.named(path, _xattrs)
        if self._record is not None:
            size = 0 if stat.S_ISDIR(st.st_mode) else st.st_size + len(tail or b"")
            self._record.add(path, size, st.st_ctime_ns)
        if stat.S_ISDIR(st.st_mode):
            return ServedEntry(path, go_mode(st.st_mode), 0, st.st_mtime_ns, xattrs=xattrs)
        if tail is not None and stat.S_ISREG(st.st_mode):
            # Other names of the inode keep the content it has: this one is a file of its own.
            size, time = st.st_size + len(tail), st.st_mtime_ns + _later(tail)
            return ServedEntry(path, go_mode(st.st_mode), size, time, xattrs=xattrs)
        linkname, devmajor, devminor = "", 0, 0
        if st.st_nlink > 1:
            linkname = seen.setdefault((st.st_dev, st.st_ino), path)
            if linkname == path:
                linkname = ""
        if stat.S_ISLNK(st.st_mode):
            linkname = self._listed.readlink(path)
        elif not stat.S_ISREG(st.st_mode):
            devmajor, devminor = os.major(st.st_rdev), os.minor(st.st_rdev)
        return ServedEntry(
            path, go_mode(st.st_mode), st.st_size, st.st_mtime_ns, linkname, devmajor, devminor, xattrs
        )

    def _overlay_info(self, path: str) -> ServedEntry:
        size, later = len(self.overlay[path]), _later(self.overlay[path])
        try:
            st = self._listed.lstat(path)
        except OSError:
            return ServedEntry(path, _NEW_FILE_MODE, size, later)
        mode = go_mode(st.st_mode) if stat.S_ISREG(st.st_mode) else _NEW_FILE_MODE
        return ServedEntry(path, mode, size, st.st_mtime_ns + later)

    def open(self, path: str) -> Content | None:
        """The content served at ``path``, or None when no file is there any more (it arrives empty then).

        One that may not be read fsutil sends empty, too, without a word; here that is a ServeError: what is
        built from it would be another image than the one that was meant.
        """
        if path in self.overlay:
            return io.BytesIO(self.overlay[path])
        if path in self.hidden or not self._served(path):
            return None
        try:
            # Non-blocking, or a file that became a fifo since it was listed would hang the build.
            fd = self._read.open(path, os.O_RDONLY | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                return None
            file = _Opened(fd)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise ServeError(_text(error, path), path) from error
        tail = self.appended.get(path)
        return file if tail is None else _Lengthened(file, tail)


class _OverlayEntry(NamedTuple):
    """Stands in a listing for a file of the overlay, or for a directory that only the overlay has."""

    name: str
    is_dir: bool


class _Opened:
    """A file that is there. Python's own would look at each once more when it opens it."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read(self, size: int) -> bytes:
        return os.read(self._fd, size)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd != -1:
            os.close(fd)

    __del__ = close


class _Lengthened:
    """A file's content with more bytes at its end."""

    def __init__(self, file: Content, tail: bytes) -> None:
        self._file = file
        self._tail = tail

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        if not data:
            data, self._tail = self._tail, b""
        return data

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class _Frame:
    """A directory being walked; ``unlisted`` is its own entry while it is not known to hold anything
    wanted."""

    prefix: str
    entries: Iterator[_Listed]
    state: FilterState
    unlisted: _Listed | None


class Selection:
    """A LocalDir narrowed down to what one request asked for."""

    def __init__(self, directory: LocalDir, filter_: Filter) -> None:
        self._directory = directory
        self._filter = filter_

    def walk(self) -> Iterator[ServedEntry]:
        """Entries in walk order; as in fsutil, a file that vanished since its directory was listed ends that
        directory. Raises ServeError for what can't be read."""
        try:
            yield from self._walk()
        except OSError as error:
            path = os.fsdecode(error.filename or "")
            raise ServeError(_text(error, path), path) from error

    def _walk(self) -> Iterator[ServedEntry]:
        """A stack of open directories rather than recursion: trees can be deeper than Python's stack."""
        scan, info, visit = self._directory.scan, self._directory.info, self._filter.visit
        seen: dict[_Inode, str] = {}
        stack = [_Frame("", iter(scan("")), self._filter.root(), None)]
        unlisted = 0
        while stack:
            frame = stack[-1]
            entry = next(frame.entries, None)
            if entry is None:
                stack.pop()
                unlisted -= frame.unlisted is not None
                continue
            path = frame.prefix + entry.name
            is_dir = entry.is_dir
            listed, entered = visit(frame.state, path, entry.name, is_dir)
            if listed:
                try:
                    found = info(path, entry, seen)
                    if unlisted:
                        for above in stack:
                            if above.unlisted is not None:
                                yield info(above.prefix[:-1], above.unlisted, seen)
                                above.unlisted = None
                                unlisted -= 1
                except (FileNotFoundError, NotADirectoryError):
                    if not is_dir:
                        stack.pop()
                        unlisted -= frame.unlisted is not None
                    continue
                yield found
            if entered:
                try:
                    entries = scan(path)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except PermissionError:
                    if listed:
                        raise
                    continue
                state = self._filter.child(frame.state, entry.name)
                stack.append(_Frame(path + "/", iter(entries), state, None if listed else entry))
                unlisted += not listed

    def open(self, path: str) -> Content | None:
        """The content of a listed file; see LocalDir.open."""
        return self._directory.open(path) if self._filter.opens(path) else None


def _name_bytes(entry: _Listed) -> bytes:
    return os.fsencode(entry.name)


def _later(change: bytes) -> int:
    """Nanoseconds by which a changed file is younger than the one on disk, different for each change."""
    return 1 + zlib.crc32(change) % 1_000_000


def _text(error: OSError, path: str) -> str:
    return f"{path or '.'}: {error.strerror or error}"


def _xattrs(path: str) -> Mapping[str, bytes]:
    """Extended attributes, of the link itself for a symlink; those that can't be read are left out."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    result = {}
    for name in names:
        if name.startswith("com.apple."):
            continue
        try:
            result[name] = os.getxattr(path, name, follow_symlinks=False)
        except OSError:
            continue
    return result
