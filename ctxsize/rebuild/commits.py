"""What `git commit` changes in a `.git` directory, as content and without git: nothing is written there.

Formats: git's own documentation (gitformat-index, gitrepository-layout, git-hash-object): a loose object
is "blob 12", a zero byte and the content, compressed with zlib and named by the hash of all that.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from ctxsize.context.changes import Changes

_AUTHOR = "ctxsize <ctxsize@localhost>"
_SMALL = 1 << 20  # bytes; refs, HEAD and the like
_INDEX_LIMIT = 64 << 20  # bytes; a larger index is left as it is
_BRANCH = re.compile(r"ref: (refs/[^\s]+)\s*")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: Where the first entry of an index has the seconds of its modification time.
_INDEX_MTIME = slice(20, 24)


class Commits:
    """Commits on top of what the repository has, one after the other.

    Each adds three loose objects (a blob, a tree with that one file, the commit), moves the branch (or a
    detached HEAD), adds to the logs, and touches the index. The repository stays valid, so that a RUN step
    that asks git for the version does not fail.
    """

    def __init__(self, root: Path, directory: str, branch: str | None, parent: str | None, when: int) -> None:
        self._root = root
        self.path = directory
        self._branch = branch
        self._parent = parent
        self._when = when
        self._hash = hashlib.sha256 if parent is not None and len(parent) == 64 else hashlib.sha1
        self._index = _read(root / directory / "index", _INDEX_LIMIT)
        self._count = self._files = 0

    @classmethod
    def of(cls, root: Path, directory: str) -> Commits | None:
        """Commits for the repository at ``directory`` of ``root``; None when it is not one that is known
        here (no HEAD, or references in a table)."""
        git = root / directory
        head = _read(git / "HEAD", _SMALL)
        if head is None or (git / "reftable").exists():
            return None
        text = head.decode("utf-8", "surrogateescape").strip()
        when = int(os.lstat(git / "HEAD").st_mtime)
        if _ID.fullmatch(text):
            return cls(root, directory, None, text, when)
        match = _BRANCH.fullmatch(text)
        if match is None or ".." in match[1].split("/"):
            return None
        return cls(root, directory, match[1], _resolve(git, match[1]), when)

    @property
    def description(self) -> str:
        """What the last commit changed: ``a commit (8 files)``."""
        return f"a commit ({self._files} files)" if self._files else "a commit"

    def next(self) -> Changes:
        """What the next `git commit` writes."""
        self._count += 1
        replaced: dict[str, bytes] = {}
        message = f"Change number {self._count}\n"
        blob = self._object(replaced, b"blob", message.encode())
        tree = self._object(replaced, b"tree", b"100644 changed\0" + bytes.fromhex(blob))
        when = f"{self._when + self._count} +0000"
        parent = f"parent {self._parent}\n" if self._parent else ""
        text = f"tree {tree}\n{parent}author {_AUTHOR} {when}\ncommitter {_AUTHOR} {when}\n\n{message}"
        commit = self._object(replaced, b"commit", text.encode())
        before = self._parent or "0" * len(commit)
        line = f"{before} {commit} {_AUTHOR} {when}\tcommit: {message}".encode()
        appended: dict[str, bytes] = {}
        for log in filter(None, ("HEAD", self._branch)):
            self._log(f"logs/{log}", line, replaced, appended)
        self._put(replaced, self._branch or "HEAD", f"{commit}\n".encode())
        self._put(replaced, "COMMIT_EDITMSG", message.encode())
        if self._index is not None:
            self._index = _touched(self._index, self._when + self._count, self._hash)
            self._put(replaced, "index", self._index)
        self._parent = commit
        self._files = len(replaced) + len(appended)
        return Changes(replaced, appended)

    def _object(self, replaced: dict[str, bytes], kind: bytes, content: bytes) -> str:
        data = b"%b %d\0%b" % (kind, len(content), content)
        name = self._hash(data).hexdigest()
        self._put(replaced, f"objects/{name[:2]}/{name[2:]}", zlib.compress(data, 1))
        return name

    def _log(self, name: str, line: bytes, replaced: dict[str, bytes], appended: dict[str, bytes]) -> None:
        if self._count > 1 or (self._root / self.path / name).is_file():
            appended[f"{self.path}/{name}"] = line
        else:
            self._put(replaced, name, line)

    def _put(self, replaced: dict[str, bytes], name: str, content: bytes) -> None:
        replaced[f"{self.path}/{name}"] = content


def _resolve(git: Path, ref: str) -> str | None:
    """The commit that ``ref`` names, in a file of its own or in the packed ones; None before the first."""
    own = (_read(git / ref, _SMALL) or b"").decode("ascii", "replace").strip()
    if _ID.fullmatch(own):
        return own
    packed = (_read(git / "packed-refs", _INDEX_LIMIT) or b"").decode("utf-8", "surrogateescape")
    for line in packed.splitlines():
        name, _, of = line.partition(" ")
        if of == ref and _ID.fullmatch(name):
            return name
    return None


def _touched(index: bytes, when: int, algorithm: Callable[[bytes], hashlib._Hash]) -> bytes:
    """The index with another modification time for its first entry, and the checksum to match. An index
    without entries, or of an unknown format, is returned as it is."""
    size = algorithm(b"").digest_size
    if index[:4] != b"DIRC" or not int.from_bytes(index[8:12], "big") or len(index) < 62 + size:
        return index
    body = bytearray(index[:-size])
    body[_INDEX_MTIME] = (when & 0xFFFFFFFF).to_bytes(4, "big")
    # A checksum of zeros says that there is none (index.skipHash).
    end = algorithm(bytes(body)).digest() if any(index[-size:]) else bytes(size)
    return bytes(body) + end


def _read(path: Path, limit: int) -> bytes | None:
    """The content of a regular file of at most ``limit`` bytes; None when there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            data = file.read(limit + 1)
    except OSError:
        return None
    return data if len(data) <= limit else None
