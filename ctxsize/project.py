"""What is measured: a build context, its Dockerfile, and the ignore file that applies to them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ctxsize.dockerfile.named import Replacement, Replacements
from ctxsize.dockerfile.parse import Dockerfile, parse_dockerfile
from ctxsize.errors import CtxsizeError, DockerfileError, IgnoreFileError, UsageError
from ctxsize.files.encoding import require_utf8
from ctxsize.files.probe import is_remote, probe, probing
from ctxsize.files.repository import MOST_DOCKERFILE, MOST_IGNORE_FILE, Refused, read_file
from ctxsize.ignore.find import find_ignore_file, ignore_file_candidates
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, IgnoreFile

#: What people call their Dockerfiles.
_NAMES = tuple(
    f"{folder}{name}"
    for folder in ("", "*/")
    for name in ("[Dd]ockerfile", "[Dd]ockerfile.*", "*.[Dd]ockerfile")
)
_MOST_NAMED = 5
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


@dataclass(frozen=True, slots=True)
class Inline:
    """A Dockerfile that stands in another file: its ``text``, and ``where`` that file has it (file:line)."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class NamedContext:
    """A named context of a build: the directory of ``tree``, which has no Dockerfile, or an ``image``.
    ``given`` is how the user named it."""

    name: str
    given: str
    tree: Project | None
    image: str | None


@dataclass(frozen=True, slots=True)
class Project:
    """A build as the user would run it.

    ``dockerfile`` is None when there is none that can be read, for which ``no_dockerfile`` is the reason.
    ``ignore`` is None when no ignore file applies; ``rules`` are its rules, ready to judge paths.
    ``ignore_files`` are the context paths of every ignore file that is there and could apply to this build:
    a project without an ignore file has none of them, so the ``without`` variant hides them all.
    ``named`` are the named contexts of the build, by name. ``inline`` says where the Dockerfile is written
    when it is no file of its own; then nothing has to be at ``dockerfile_path``.
    """

    context: Path
    dockerfile_path: Path
    dockerfile_data: bytes
    dockerfile: Dockerfile | None
    no_dockerfile: str | None
    ignore: IgnoreFile | None
    ignore_path: Path | None
    ignore_files: frozenset[str]
    rules: Matcher | None
    dialect: Dialect
    named: Mapping[str, NamedContext] = field(default_factory=dict)
    inline: Inline | None = None

    @property
    def dockerfile_file(self) -> Path | None:
        """The file of the Dockerfile, which has an ignore file of its own beside it; None for one inline."""
        return None if self.inline is not None else self.dockerfile_path

    @property
    def trees(self) -> dict[str, Project]:
        """The named contexts that are directories, by name."""
        return {each.name: each.tree for each in self.named.values() if each.tree is not None}

    @property
    def filtered(self) -> bool:
        """Whether there is an ignore file, of this context or of a named one."""
        return any(tree.ignore is not None for tree in (self, *self.trees.values()))

    def split(self, path: str) -> tuple[str | None, str]:
        """The named context that a path is in which is called ``NAME:path``, and the path there; None and
        the path itself for one in the context."""
        for name in self.trees:
            if path.startswith(f"{name}:"):
                return name, path[len(name) + 1 :]
        return None, path

    def tree(self, name: str | None) -> Project:
        """The named context of that name; None is this one."""
        return self if name is None else self.trees[name]

    @property
    def replacements(self) -> Replacements:
        """What the named contexts stand for in the Dockerfile."""
        return {
            name: Replacement(image=each.image) if each.tree is None else Replacement(context=name)
            for name, each in self.named.items()
        }

    @property
    def name(self) -> str:
        """The context directory's name, for people."""
        return self.context.name or str(self.context)

    @property
    def dockerfile_in_context(self) -> str | None:
        """The Dockerfile's context path, None when it lies outside."""
        return None if self.inline else relative_to_context(self.dockerfile_path, self.context)

    @property
    def dockerfile_shown(self) -> str | None:
        """The Dockerfile's name for people; None when there is none."""
        if self.inline is not None:
            return _inline_name(self.inline)
        if self.dockerfile is None and probe(self.dockerfile_path) != "file":
            return None
        return _shown(self.dockerfile_path, self.context)

    def words(self, target: str | None = None) -> str:
        """What follows a command of ours that is to be typed here, with a space in front:
        `` -f docker/Dockerfile services/api``; nothing where the defaults say the same."""
        words = []
        name = self.dockerfile_path.name
        if self.dockerfile_path.parent != self.context or name.lower() != "dockerfile":
            words += ["-f", os.path.relpath(self.dockerfile_path)]
        if target:
            words += ["--target", target]
        for each in self.named.values():
            words += ["--build-context", f"{each.name}={each.given}"]
        if (path := os.path.relpath(self.context)) != ".":
            words.append(path)
        return "".join(f" {shlex.quote(word)}" for word in words)


def open_project(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    dialect: Dialect,
    podman: bool = False,
    required: bool = True,
    inline: Inline | None = None,
) -> Project:
    """Read the Dockerfile and the ignore file of the project at ``path``.

    ``dockerfile`` is what ``docker build -f`` takes: relative to the current directory, and by default
    ``Dockerfile`` in the context. ``podman``: the ignore file is the one that Podman reads. Unless it is
    ``required``, there may be no Dockerfile, or one that can't be parsed; a file that is named must be there.
    ``inline`` is a Dockerfile that is no file. Raises UsageError, DockerfileError or IgnoreFileError.
    """
    context = open_context(path)
    dockerfile_path = context / "Dockerfile" if inline else _dockerfile(context, dockerfile, required)
    file = None if inline else dockerfile_path
    shown = _inline_name(inline) or _shown(dockerfile_path, context)
    parsed, data, reason = None, b"", "there is no Dockerfile"
    there = inline is not None or probe(dockerfile_path) is not None
    if inline is not None:
        data = inline.text.encode("utf-8", "surrogateescape")
    elif there:
        try:
            data = read_file(_root(dockerfile_path, context), dockerfile_path, MOST_DOCKERFILE)
        except OSError as error:
            raise UsageError(f"can't be read: {error.strerror}", where=shown) from error
    ignore_path = find_ignore_file(context, file, dialect, podman=podman)
    ignore = None if ignore_path is None else read_ignore_file(ignore_path, context, dialect)
    candidates = ignore_file_candidates(context, file, dialect, podman=podman)
    inside = (relative_to_context(candidate, context) for candidate in candidates)
    if there:
        try:
            parsed = parse_dockerfile(data, shown)
        except DockerfileError as error:
            if required:
                raise
            reason = str(error)
    return Project(
        context=context,
        dockerfile_path=dockerfile_path,
        dockerfile_data=data,
        dockerfile=parsed,
        no_dockerfile=None if parsed is not None else reason,
        ignore=ignore,
        ignore_path=ignore_path,
        ignore_files=frozenset(name for name in inside if name and os.path.lexists(context / name)),
        rules=None if ignore is None else Matcher(ignore.rules, dialect, ignore.path),
        dialect=dialect,
        inline=inline,
    )


def names_of(
    path: str | Path, dockerfile: str | Path | None, dialect: Dialect, inline: Inline | None = None
) -> tuple[str | None, str | None]:
    """The names, for people, of the Dockerfile and the ignore file of a project that can't be opened: None
    for one that is not there."""
    with suppress(CtxsizeError):
        context = open_context(path)
        file = None if inline else _dockerfile(context, dockerfile, required=False)
        ignore = find_ignore_file(context, file, dialect)
        shown = _shown(file, context) if file is not None and probe(file) else None
        return shown or _inline_name(inline), (_shown(ignore, context) if ignore else None)
    return None, None


def open_context(path: str | Path) -> Path:
    """The context directory, absolute. Raises UsageError when it is not a directory, for an empty path, for
    what ``docker build`` takes besides directories, and where Python does not take names for UTF-8."""
    require_utf8()
    given = os.fspath(path)
    if not given:
        raise UsageError(
            "an empty path names no directory", hint="is a variable unset? `.` is this directory"
        )
    if given == "-":
        raise UsageError(
            "no ignore file applies to a context on standard input: there is nothing to measure",
            hint="unpack it, and name the directory",
        )
    kind = probe(given)
    if kind is None:
        refuse_remote(given, given)
    if kind == "file" and given.endswith(_ARCHIVES):
        raise UsageError(
            "no ignore file applies to a context in an archive: there is nothing to measure",
            where=given,
            hint="unpack it, and name the directory",
        )
    if kind is None:
        raise UsageError("no such directory", where=given, hint="give the path of a build context")
    if kind != "dir":
        raise UsageError("not a directory", where=given, hint="give the directory that holds the Dockerfile")
    with probing(given):
        os.getcwd()  # people see paths relative to it
        return Path(given).resolve()


def refuse_remote(given: str, where: str) -> None:
    """Raise UsageError for a context that the builder fetches: a git repository, a URL of an archive."""
    if is_remote(given):
        raise UsageError(
            "no ignore file applies to a context that the builder fetches: there is nothing to measure",
            where=where,
            hint="fetch it yourself, and name the directory",
        )


def read_ignore_file(ignore_path: Path, context: Path, dialect: Dialect) -> IgnoreFile:
    """Parse the ignore file at ``ignore_path``. Raises IgnoreFileError."""
    shown = _shown(ignore_path, context)
    try:
        data = read_file(_root(ignore_path, context), ignore_path, MOST_IGNORE_FILE)
    except Refused as error:
        raise IgnoreFileError(f"the ignore file is not read: {error.strerror}", where=shown) from error
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


def _dockerfile(context: Path, given: str | Path | None, required: bool) -> Path:
    """The path of the Dockerfile, which is there if it is ``given`` or ``required``."""
    if given is None:
        path = context / "Dockerfile"
        if probe(path) is None:
            # Docker takes a lower-case name too when there is no other.
            path = context / "dockerfile" if probe(context / "dockerfile") else path
        hint = "name it with -f, or give another directory"
    else:
        path = _given_dockerfile(os.fspath(given))
        hint = "-f is relative to the current directory, as in docker build"
        if probe(path) is None and probe(context / given):
            hint += f": did you mean {context / given}?"
    kind = probe(path)
    if kind is None and (required or given is not None):
        if found := _dockerfiles(context):
            hint += f"; there are {found} in {context}"
        raise UsageError("no Dockerfile here", where=str(given or path), hint=hint)
    if kind == "dir":
        raise UsageError("this is a directory, not a Dockerfile", where=str(given or path), hint=hint)
    # The directory part is resolved, so that a link to the context is inside it; the file itself is not,
    # because its own name decides which ignore file applies.
    with probing(path):
        return path.parent.resolve() / path.name


def _given_dockerfile(given: str) -> Path:
    """The path of a Dockerfile that was named. Raises UsageError for what ``docker build`` takes besides
    files."""
    if given == "-":
        raise UsageError("a Dockerfile on standard input is not supported", hint="save it, and name the file")
    with probing(given):
        path = Path(os.path.abspath(given))
    if probe(path) is None and is_remote(given):
        raise UsageError(
            "a Dockerfile that is fetched is not supported", where=given, hint="save it, and name the file"
        )
    return path


def _dockerfiles(context: Path) -> str:
    """The names in the context, and one directory below it, that look like Dockerfiles; a few at most."""
    found: list[str] = []
    for pattern in _NAMES:
        with suppress(OSError):
            found += islice((relative_to_context(each, context) or "" for each in context.glob(pattern)), 20)
    names = sorted(
        {name for name in found if not name.endswith("ignore") and probe(context / name) == "file"}
    )
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")


def _root(path: Path, context: Path) -> Path:
    """Where links in the place of ``path`` may lead: into the context, or if it lies elsewhere, as the user
    said, into its directory."""
    return path.parent if relative_to_context(path, context) is None else context


def _inline_name(inline: Inline | None) -> str | None:
    """What a Dockerfile that is no file is called."""
    return None if inline is None else f"{inline.where} dockerfile_inline"


def _shown(path: Path, context: Path) -> str:
    return relative_to_context(path, context) or os.path.relpath(path)
