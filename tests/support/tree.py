"""Hashing a folder, to prove that nothing touched it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def tree_hash(top: Path | str) -> str:
    """A hash of every name, type, mode, owner, mtime (ns), link target and content at and below ``top``.

    Two equal hashes mean a tree that no one could tell apart, short of access and change times and inodes;
    ``top``'s own name is not part of it.
    """
    digest = hashlib.sha256()
    root = os.fsencode(top)
    pending = [root]
    while pending:
        path = pending.pop()
        status = os.lstat(path)
        what = (
            stat.S_IFMT(status.st_mode),
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
        )
        digest.update(repr((path.removeprefix(root), what)).encode())
        if stat.S_ISDIR(status.st_mode):
            pending += sorted((os.path.join(path, name) for name in os.listdir(path)), reverse=True)
        elif stat.S_ISLNK(status.st_mode):
            digest.update(os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
