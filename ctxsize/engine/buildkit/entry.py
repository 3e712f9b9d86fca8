"""One entry of a served directory, as it goes over the wire.

``mode`` has the bits of Go's os.FileMode, which is what fsutil sends: the permission bits of Unix, and type,
setuid, setgid and sticky bits at the top of the word (source: Go's io/fs package, tonistiigi/fsutil stat.go).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

MODE_DIR = 1 << 31
MODE_SYMLINK = 1 << 27
MODE_DEVICE = 1 << 26
MODE_NAMED_PIPE = 1 << 25
MODE_SETUID = 1 << 23
MODE_SETGID = 1 << 22
MODE_CHAR_DEVICE = 1 << 21
MODE_STICKY = 1 << 20
MODE_TYPE = MODE_DIR | MODE_SYMLINK | MODE_DEVICE | MODE_NAMED_PIPE | MODE_CHAR_DEVICE | 1 << 24 | 1 << 19

_NO_XATTRS: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class ServedEntry:
    """A file, directory, link or device.

    ``path`` is relative to the served directory, '/'-separated, decoded with os.fsdecode; ``size`` is in
    bytes (0 for directories); ``mtime_ns`` nanoseconds since the epoch; ``linkname`` the target of a symlink,
    or the first name of a hard link already listed.
    """

    path: str
    mode: int
    size: int = 0
    mtime_ns: int = 0
    linkname: str = ""
    devmajor: int = 0
    devminor: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=lambda: _NO_XATTRS)

    @property
    def is_dir(self) -> bool:
        return bool(self.mode & MODE_DIR)

    @property
    def has_data(self) -> bool:
        """Whether the engine may ask for its content. A socket may be: it is listed as an empty file."""
        return not self.mode & MODE_TYPE


_TYPES = {
    stat.S_IFDIR: MODE_DIR,
    stat.S_IFLNK: MODE_SYMLINK,
    stat.S_IFBLK: MODE_DEVICE,
    stat.S_IFCHR: MODE_DEVICE | MODE_CHAR_DEVICE,
    stat.S_IFIFO: MODE_NAMED_PIPE,
}


def go_mode(st_mode: int) -> int:
    """Unix ``st_mode`` as Go's os.FileMode; a socket loses its type, as in fsutil's mkstat."""
    mode = (st_mode & 0o777) | _TYPES.get(stat.S_IFMT(st_mode), 0)
    if st_mode & stat.S_ISUID:
        mode |= MODE_SETUID
    if st_mode & stat.S_ISGID:
        mode |= MODE_SETGID
    if st_mode & stat.S_ISVTX:
        mode |= MODE_STICKY
    return mode
