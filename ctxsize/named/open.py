"""The named contexts of a build, read: each a directory with an ignore file of its own, or an image.

A named context reads ``.dockerignore`` at its own root, and never a ``<Dockerfile>.dockerignore``
(moby/buildkit frontend/dockerui/namedcontext.go). What the builder fetches itself has no ignore file at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ctxsize.dockerfile.named import RESERVED, familiar
from ctxsize.errors import UsageError
from ctxsize.files.probe import probe
from ctxsize.ignore.find import find_ignore_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.project import NamedContext, Project, open_context, read_ignore_file, refuse_remote

_IMAGE = "docker-image://"
_FILE = ".dockerignore"
#: Of another kind than a directory or an image: what it is, by how it begins.
_OTHERS = {
    "oci-layout://": "a context in an OCI layout",
    "target:": "a context that another target of a bake file makes",
    "service:": "a context that another service's image makes",
}


def open_named(project: Project, given: Mapping[str, str], *, podman: bool = False) -> Project:
    """``project`` with the named contexts ``given``, by name: directories, relative to the current one, and
    ``docker-image://`` references.

    Raises UsageError for what can't be measured, and for a builder that has no named contexts;
    IgnoreFileError.
    """
    if not given:
        return project
    if podman or project.dialect is not Dialect.BUILDKIT:
        raise UsageError(
            f"{'Podman' if podman else 'the classic builder'} has no named contexts here",
            where=f"--build-context {next(iter(given))}",
            hint="BuildKit has: --builder buildkit",
        )
    found: dict[str, NamedContext] = {}
    for name, value in given.items():
        known = familiar(name)
        where = f"--build-context {name}={value}"
        if not known or known.lower() in RESERVED:
            raise UsageError(f"no named context can be called {name!r}", where=where)
        if known in found:
            raise UsageError(f"two named contexts are called {known}", where=where)
        found[known] = _opened(known, value, where, project)
    return replace(project, named=found)


def _opened(name: str, value: str, where: str, project: Project) -> NamedContext:
    if value.startswith(_IMAGE):
        return NamedContext(name, value, None, value.removeprefix(_IMAGE))
    if (kind := next((text for start, text in _OTHERS.items() if value.startswith(start)), None)) is not None:
        raise UsageError(
            f"{kind} is not supported", where=where, hint="name a directory, or docker-image://NAME"
        )
    if probe(value) is None:
        refuse_remote(value, where)
    try:
        root = open_context(value)
    except UsageError as error:
        hint = error.hint if "archive" in error.message else "name a directory, or docker-image://NAME"
        raise UsageError(error.message, where=where, hint=hint) from error
    _refuse_ambiguous(name, project.context, where)
    path = find_ignore_file(root, None, project.dialect)
    ignore = None if path is None else read_ignore_file(path, root, project.dialect)
    if ignore is not None:
        ignore = replace(ignore, path=f"{name}:{ignore.path}")
    tree = Project(
        context=root,
        dockerfile_path=project.dockerfile_path,
        dockerfile_data=b"",
        dockerfile=None,
        no_dockerfile=None,
        ignore=ignore,
        ignore_path=path,
        ignore_files=frozenset([_FILE] if os.path.lexists(root / _FILE) else ()),
        rules=None if ignore is None else Matcher(ignore.rules, project.dialect, ignore.path),
        dialect=project.dialect,
    )
    return NamedContext(name, value, tree, None)


def _refuse_ambiguous(name: str, context: Path, where: str) -> None:
    """Raise UsageError where ``NAME:path`` could be a path in the context itself."""
    first, separator, _ = f"{name}:".partition("/")
    for entry in os.listdir(context):
        if entry == first if separator else entry.startswith(first):
            raise UsageError(
                f"{entry} in the context could be a path of this named context: {name}:…",
                where=where,
                hint="give the named context another name",
            )
