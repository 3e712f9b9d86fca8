"""Which ignore file applies to a build."""

from __future__ import annotations

import stat
from pathlib import Path

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.types import Dialect


def ignore_file_candidates(
    context: Path, dockerfile: Path, dialect: Dialect, podman: bool = False
) -> list[Path]:
    """The files the builder looks for, the preferred one first; they need not exist.

    BuildKit takes ``<Dockerfile>.dockerignore`` beside the Dockerfile (which may lie outside the
    context) instead of ``.dockerignore`` at the context's root; the classic builder knows only the latter.
    Podman looks for ``.containerignore`` before ``.dockerignore``, and builds with the dialect given.
    """
    candidates = []
    if dialect is Dialect.BUILDKIT:
        candidates.append(dockerfile.with_name(dockerfile.name + ".dockerignore"))
    if podman:
        candidates.append(context / ".containerignore")
    candidates.append(context / ".dockerignore")
    return candidates


def find_ignore_file(context: Path, dockerfile: Path, dialect: Dialect, podman: bool = False) -> Path | None:
    """The ignore file that applies, or None when there is none.

    A symlink is followed, and a dangling one counts as absent. A directory of that name holds no rules
    for BuildKit and stops its search. Raises IgnoreFileError for a directory in the classic builder, as
    its client does, and when the file can't be looked at.
    """
    for candidate in ignore_file_candidates(context, dockerfile, dialect, podman):
        try:
            mode = candidate.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise IgnoreFileError(
                f"can't read the ignore file: {error.strerror}", where=str(candidate)
            ) from error
        if stat.S_ISDIR(mode):
            if dialect is Dialect.CLASSIC:
                raise IgnoreFileError(
                    "the ignore file is a directory, which the classic builder refuses",
                    where=str(candidate),
                    hint="remove the directory or rename it",
                )
            return None
        return candidate
    return None
