"""Which ignore file applies to a build."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ctxsize.errors import IgnoreFileError
from ctxsize.files.links import follow
from ctxsize.ignore.types import Dialect


def ignore_file_candidates(
    context: Path, dockerfile: Path | None, dialect: Dialect, podman: bool = False
) -> list[Path]:
    """The files the builder looks for, the preferred one first; they need not exist.

    BuildKit takes ``<Dockerfile>.dockerignore`` beside the Dockerfile (which may lie outside the
    context) instead of ``.dockerignore`` at the context's root; the classic builder knows only the latter.
    Podman knows ``<Dockerfile>.dockerignore`` as well, and a ``.containerignore`` of both kinds: beside the
    Dockerfile ``.dockerignore`` comes first, at the root ``.containerignore``. ``dockerfile`` is None for
    one that is no file of its own, and for a named context.
    """
    candidates = []
    if dockerfile is not None and (podman or dialect is Dialect.BUILDKIT):
        candidates.append(dockerfile.with_name(dockerfile.name + ".dockerignore"))
    if dockerfile is not None and podman:
        candidates.append(dockerfile.with_name(dockerfile.name + ".containerignore"))
    if podman:
        candidates.append(context / ".containerignore")
    candidates.append(context / ".dockerignore")
    return candidates


def find_ignore_file(
    context: Path, dockerfile: Path | None, dialect: Dialect, podman: bool = False
) -> Path | None:
    """The ignore file that applies, or None when there is none; arguments as in ``ignore_file_candidates``.

    A symlink is followed, and a dangling one counts as absent. BuildKit follows it inside its directory
    only, as if that were the root of the file system (the engine asks for the file by that name, and fsutil's
    ``FollowLinks`` adds the targets): a link that leaves the context means no rules, and so do a
    loop and a directory. The path returned is then the target's, unless it is where the link leads anyway.
    Raises IgnoreFileError for a directory and a loop in the classic builder, as its client does, and when the
    file can't be looked at.
    """
    for candidate in ignore_file_candidates(context, dockerfile, dialect, podman):
        try:
            found = _scoped(candidate) if dialect is Dialect.BUILDKIT else candidate
            mode = found.stat().st_mode if found else None
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise IgnoreFileError(
                f"can't read the ignore file: {error.strerror}", where=str(candidate)
            ) from error
        if found is None or mode is None:
            continue
        if stat.S_ISDIR(mode):
            if dialect is Dialect.BUILDKIT:
                continue
            raise IgnoreFileError(
                "the ignore file is a directory, which the classic builder refuses",
                where=str(candidate),
                hint="remove the directory or rename it",
            )
        return found
    return None


def _scoped(path: Path) -> Path | None:
    """The path itself, or what the symlink leads to inside its directory; None for a loop."""
    if not path.is_symlink():
        return path
    root = path.parent
    target = resolve_scoped(root, path.name)
    if target is None:
        return None
    found = root / target
    return path if found.exists() and path.exists() and found.samefile(path) else found


def resolve_scoped(root: Path, name: str) -> str | None:
    """The path below ``root`` that ``name`` stands for with ``root`` taken as ``/``, all symlinks followed.

    The path need not exist. None when there are more than 255 links, which is a loop.
    """

    def target(here: str) -> str | None:
        path = root / here
        return os.readlink(path) if path.is_symlink() else None

    return follow(name, target, 255)
