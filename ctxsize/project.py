"""What is measured: a build context, its Dockerfile, and the ignore file that applies to them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ctxsize.dockerfile.parse import Dockerfile, parse_dockerfile
from ctxsize.errors import UsageError
from ctxsize.ignore.find import find_ignore_file, ignore_file_candidates
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, IgnoreFile


@dataclass(frozen=True, slots=True)
class Project:
    """A build as the user would run it.

    ``dockerfile_in_context`` is the Dockerfile's path relative to the context, None when it lies
    outside. ``ignore`` is None when no ignore file applies. ``ignore_files`` are the context paths of
    every ignore file that is there and could apply to this build: a project without an ignore file has
    none of them, so the ``without`` variant hides them all.
    """

    context: Path
    dockerfile_path: Path
    dockerfile_data: bytes
    dockerfile: Dockerfile
    dockerfile_in_context: str | None
    ignore: IgnoreFile | None
    ignore_path: Path | None
    ignore_files: frozenset[str]
    dialect: Dialect

    @property
    def name(self) -> str:
        """The context directory's name, for people."""
        return self.context.name or str(self.context)


def open_project(
    path: str | Path = ".", *, dockerfile: str | Path | None = None, dialect: Dialect, podman: bool = False
) -> Project:
    """Read the Dockerfile and the ignore file of the project at ``path``.

    ``dockerfile`` is what ``docker build -f`` takes: relative to the current directory, and by default
    ``Dockerfile`` in the context. Raises UsageError, DockerfileError or IgnoreFileError.
    """
    context = open_context(path)
    dockerfile_path = _dockerfile(context, dockerfile)
    shown = _shown(dockerfile_path, context)
    try:
        data = dockerfile_path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=shown) from error
    ignore_path = find_ignore_file(context, dockerfile_path, dialect, podman=podman)
    ignore = None if ignore_path is None else read_ignore_file(ignore_path, context, dialect)
    candidates = ignore_file_candidates(context, dockerfile_path, dialect, podman=podman)
    inside = (relative_to_context(candidate, context) for candidate in candidates)
    return Project(
        context=context,
        dockerfile_path=dockerfile_path,
        dockerfile_data=data,
        dockerfile=parse_dockerfile(data, shown),
        dockerfile_in_context=relative_to_context(dockerfile_path, context),
        ignore=ignore,
        ignore_path=ignore_path,
        ignore_files=frozenset(name for name in inside if name and os.path.lexists(context / name)),
        dialect=dialect,
    )


def open_context(path: str | Path) -> Path:
    """The context directory, absolute. Raises UsageError when it is not a directory."""
    context = Path(path)
    if not os.path.exists(context):  # unlike Path.exists(), also for a name that is too long
        raise UsageError("no such directory", where=str(path), hint="give the path of a build context")
    if not context.is_dir():
        raise UsageError(
            "not a directory", where=str(path), hint="give the directory that holds the Dockerfile"
        )
    return context.resolve()


def read_ignore_file(ignore_path: Path, context: Path, dialect: Dialect) -> IgnoreFile:
    """Parse the ignore file at ``ignore_path``. Raises IgnoreFileError."""
    shown = _shown(ignore_path, context)
    if ignore_path.is_dir():
        return IgnoreFile(shown, ())  # what BuildKit makes of it; the classic dialect refused it before
    try:
        data = ignore_path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"can't be read: {error.strerror}", where=shown, hint="check its permissions"
        ) from error
    return parse_ignore(data, shown, dialect)


def relative_to_context(path: Path, context: Path) -> str | None:
    """``path`` as a context path, or None when it lies outside."""
    try:
        return path.relative_to(context).as_posix()
    except ValueError:
        return None


def _dockerfile(context: Path, given: str | Path | None) -> Path:
    if given is None:
        path = context / "Dockerfile"
        if not path.exists():
            # Docker takes a lower-case name too when there is no other.
            path = context / "dockerfile" if (context / "dockerfile").exists() else path
        hint = "name it with -f, or give another directory"
    else:
        path = Path(os.path.abspath(given))
        hint = "-f is relative to the current directory, as in docker build"
        if not os.path.exists(path) and os.path.exists(context / given):
            hint += f": did you mean {context / given}?"
    if not os.path.exists(path):
        raise UsageError("no Dockerfile here", where=str(given or path), hint=hint)
    if path.is_dir():
        raise UsageError("this is a directory, not a Dockerfile", where=str(given or path), hint=hint)
    # The directory part is resolved, so that a link to the context is inside it; the file itself is not,
    # because its own name decides which ignore file applies.
    return path.parent.resolve() / path.name


def _shown(path: Path, context: Path) -> str:
    return relative_to_context(path, context) or os.path.relpath(path)
