"""The builds in a Compose file: what ``docker compose build`` would build, as targets to check.

After the Compose Specification and compose-go: several files are merged in their order, ``extends`` and
``include`` are followed, variables come from the environment and from ``.env``, and a service with profiles
is left out unless ``COMPOSE_PROFILES`` names one of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ctxsize.budget.compose.interpolate import interpolate
from ctxsize.budget.compose.platforms import one_platform
from ctxsize.budget.compose.project import Room, Root, Variables, load_variables, masker
from ctxsize.budget.compose.values import list_of, mapping_of, plain_text, text_of, words_of
from ctxsize.budget.compose.yaml_lines import Document, Reset, read_yaml
from ctxsize.dockerfile.platforms import VARIABLE
from ctxsize.errors import ConfigError, CtxsizeError, UsageError
from ctxsize.files.probe import is_remote
from ctxsize.masking import Masker, mask_error
from ctxsize.project import Inline
from ctxsize.warning import NotChecked, Warning

_DEEPEST = 50
# What counts as many characters as it says: a value, and a file that is included.
_ENTRY = 32
_INCLUDED = 32_768
_CONTEXTS = "additional_contexts"
#: How a context begins that another build makes.
MADE = ("service:", "target:")


@dataclass(frozen=True, slots=True)
class ComposeBuild:
    """A build that one or more services share.

    ``path`` is the context directory and ``dockerfile`` the Dockerfile (None: the context's own), both
    relative to the current directory; ``inline`` is one written in the Compose file. ``contexts`` are the
    named contexts. ``where`` is the file:line of the (first) service's ``build``.
    """

    services: tuple[str, ...]
    path: str
    dockerfile: str | None
    stage: str | None
    build_args: Mapping[str, str]
    platform: str | None
    where: str
    contexts: Mapping[str, str] = field(default_factory=dict)
    inline: Inline | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """The builds of a Compose project, and what in it can't be checked, and why. ``mask`` hides the values of
    the variables that are in their texts and paths."""

    builds: tuple[ComposeBuild, ...]
    warnings: tuple[Warning, ...]
    mask: Masker


@dataclass(frozen=True, slots=True)
class _Service:
    """A service as far as its build goes, variables replaced, paths relative to the current directory.

    ``build`` is in its long form; a :class:`Reset` in it, or in its place, is for what it is merged into.
    """

    name: str
    where: str
    build: dict[str, Any] | Reset | None
    profiles: tuple[str, ...] = ()
    platform: str | None = None


def read_compose(
    files: Sequence[str | Path], environ: Mapping[str, str], root: str | Path | None = None
) -> Composed:
    """The builds of the Compose ``files``, later ones merged into the first, as ``docker compose -f`` does.

    ``environ`` is the environment; it wins over the ``.env`` beside the first file. What the files name must
    lie below ``root`` (default: the first file's directory), links followed. Raises UsageError and
    ConfigError, with file and line, and with no value of a variable in their texts.
    """
    shown: dict[str, str] = {}
    try:
        return _composed([Path(file) for file in files], Variables(environ, shown), root)
    except CtxsizeError as error:
        mask_error(error, masker(shown))
        raise


def _composed(files: Sequence[Path], environ: Variables, root: str | Path | None) -> Composed:
    first = files[0]
    project = Root(first.parent if root is None else Path(root))
    variables = load_variables(project, first.parent, environ)
    services = _Loader(variables, first.parent, project, Room()).load(files, depth=0)
    active = [name for name in re.split(r"[\s,]+", {**variables}.get("COMPOSE_PROFILES", "")) if name]
    builds: dict[object, ComposeBuild] = {}
    sharing: dict[object, list[str]] = {}
    warnings: list[Warning] = []
    left_out = False
    for service in services.values():
        content = _settled(service.build)
        if content is None:
            continue
        if not _enabled(service.profiles, active):
            left_out = True
            continue
        if reason := _not_checked(content):
            message = f"service {service.name} is not checked: {reason}"
            warnings.append(NotChecked("compose-build", message, service.where, service.name))
            continue
        build = _compose_build(service, content, project, {**variables}.get(VARIABLE, ""))
        args = tuple(sorted(build.build_args.items()))
        contexts = tuple(sorted(build.contexts.items()))
        inline = None if build.inline is None else build.inline.text
        key = (build.path, build.dockerfile, build.stage, build.platform, args, contexts, inline)
        builds.setdefault(key, build)
        sharing.setdefault(key, []).append(service.name)
    if not builds:
        why = "; ".join(warning.message for warning in warnings)
        hint = "services with profiles need COMPOSE_PROFILES" if left_out else None
        hint = hint or (None if why else "no service has a `build`")
        raise UsageError(f"nothing to build{f': {why}' if why else ''}", where=str(first), hint=hint)
    return Composed(
        tuple(replace(build, services=tuple(sharing[key])) for key, build in builds.items()),
        tuple(warnings),
        masker(environ.shown),
    )


class _Loader:
    """Loads the files of one project directory; what they include has a loader of its own."""

    def __init__(self, variables: Variables, directory: Path, root: Root, room: Room) -> None:
        self._room = room
        self._root = root
        self._variables = variables
        self._directory = directory
        self._documents: dict[Path, Document] = {}

    def load(self, files: Sequence[Path], *, depth: int) -> dict[str, _Service]:
        """The services of ``files``, merged in their order, with those they include."""
        services: dict[str, _Service] = {}
        included: dict[str, _Service] = {}
        for file in files:
            # Those that the user named may lie elsewhere.
            document = self._document(file, self._root.path if depth else file.parent)
            for name in self._services(document):
                found = self._service(document, file, name, (), base=self._directory)
                services[name] = _merge_service(services[name], found) if name in services else found
            included |= self._included(document, file, depth)
        for name, service in included.items():
            if name in services:
                raise ConfigError(f"service {name} is also in an included file", where=services[name].where)
            services[name] = service
        return services

    def _document(self, file: Path, root: Path) -> Document:
        file = Path(os.path.normpath(file))
        if file not in self._documents:
            document = read_yaml(root, file, os.path.relpath(file))
            if not isinstance(document.value, dict):
                raise ConfigError("not a Compose file: there are no services in it", where=document.shown)
            self._documents[file] = document
        return self._documents[file]

    def _services(self, document: Document) -> dict[str, Any]:
        services = document.value.get("services")
        if services is None:
            services = {}
        return mapping_of(services, "services", document.where("services"))

    def _included(self, document: Document, file: Path, depth: int) -> dict[str, _Service]:
        if depth > _DEEPEST:
            raise ConfigError("files that include each other", where=document.where("include"))
        entries = document.value.get("include")
        if entries is None:
            return {}
        found: dict[str, _Service] = {}
        for index, entry in enumerate(list_of(entries, "include", document.where("include"))):
            where = document.where("include", index)
            content = self._value({"path": entry} if isinstance(entry, str) else entry, where)
            content = mapping_of(content, "include", where)
            words = words_of(content.get("path"), "path", where)
            paths = [self._root.inside(file.parent / path, where) for path in words]
            if not paths:
                raise ConfigError("include names no path", where=where)
            project = text_of(content.get("project_directory"), "project_directory", where)
            directory = file.parent / project if project else paths[0].parent
            directory = self._root.inside(directory, where)
            words = words_of(content.get("env_file"), "env_file", where)
            own = [self._root.inside(file.parent / each, where) for each in words]
            variables = load_variables(self._root, directory, self._variables, own or None)
            self._room.take(_INCLUDED, where)
            found |= _Loader(variables, directory, self._root, self._room).load(paths, depth=depth + 1)
        return found

    def _service(
        self, document: Document, file: Path, name: str, above: tuple[tuple[Path, str], ...], *, base: Path
    ) -> _Service:
        """The service ``name`` of ``document``, with what it extends; its paths are relative to ``base``."""
        where = document.where("services", name)
        if (file, name) in above or len(above) > _DEEPEST:
            raise ConfigError(f"service {name} extends itself", where=where)
        content = self._services(document)[name]
        content = mapping_of({} if content is None else content, f"service {name}", where)
        at = document.where("services", name, "build")
        service = _Service(
            name=name,
            where=at if "build" in content else where,
            build=self._build(self._value(content.get("build"), at), at, base),
            profiles=tuple(words_of(self._value(content.get("profiles"), where), "profiles", where)),
            platform=text_of(self._value(content.get("platform"), where), "platform", where) or None,
        )
        extends = self._value(content.get("extends"), document.where("services", name, "extends"))
        if extends is None:
            return service
        return _merge_service(self._extended(document, file, name, extends, above, base), service)

    def _extended(
        self,
        document: Document,
        file: Path,
        name: str,
        extends: Any,
        above: tuple[tuple[Path, str], ...],
        base: Path,
    ) -> _Service:
        where = document.where("services", name, "extends")
        extends = mapping_of({"service": extends} if isinstance(extends, str) else extends, "extends", where)
        wanted = text_of(extends.get("service"), "service", where)
        other_file = text_of(extends.get("file"), "file", where)
        other, here = document, (file, name)
        if other_file:
            file = self._root.inside(base / other_file, where)
            # What is extended from another file is relative to that file.
            other, base = self._document(file, self._root.path), file.parent
        if not wanted or wanted not in self._services(other):
            raise ConfigError(f"there is no service {wanted} in {other.shown} to extend", where=where)
        return self._service(other, file, wanted, (*above, here), base=base)

    def _build(self, content: Any, where: str, base: Path) -> dict[str, Any] | Reset | None:
        """``build`` in its long form; a context relative to the current directory."""
        if isinstance(content, Reset):
            return Reset(self._build(content.value, where, base), content.replaces)
        if content is None:
            return None
        build: dict[str, Any] = {"context": content}
        if not isinstance(content, str):
            build = dict(mapping_of(content, "build", where))
        context = build.get("context")
        if isinstance(context, Reset):
            build["context"] = Reset(self._context(context.value, where, base), context.replaces)
        elif context is not None:
            build["context"] = self._context(context, where, base)
        args = build.get("args")
        if isinstance(args, Reset):
            build["args"] = Reset(self._args(args.value, where), args.replaces)
        else:
            build["args"] = self._args(args, where)
        named = build.get(_CONTEXTS)
        if isinstance(named, Reset):
            build[_CONTEXTS] = Reset(self._contexts(named.value, where, base), named.replaces)
        else:
            build[_CONTEXTS] = self._contexts(named, where, base)
        # Compose's default, once everything is merged: the directory of the file that says so.
        build["."] = os.path.relpath(base)
        return build

    def _context(self, content: Any, where: str, base: Path) -> str:
        """A context relative to the current directory; empty when there is none."""
        context = text_of(content, "build.context", where)
        if not context or is_remote(context):
            return context
        return os.path.relpath(base / os.path.expanduser(context))

    def _contexts(self, content: Any, where: str, base: Path) -> dict[str, str]:
        """Named contexts: directories relative to the current one, and what is none as it is written."""
        if isinstance(content, list):
            words = (plain_text(word, _CONTEXTS, where).partition("=") for word in content)
            content = {name: value for name, _, value in words}
        found: dict[str, str] = {}
        for name, given in (mapping_of(content, _CONTEXTS, where) if content is not None else {}).items():
            self._room.take(_ENTRY, where)
            value = plain_text(given, _CONTEXTS, where)
            directory = not (is_remote(value) or value.startswith(MADE))
            found[name] = os.path.relpath(base / os.path.expanduser(value)) if directory else value
        return found

    def _args(self, content: Any, where: str) -> dict[str, str]:
        """Arguments with a value; one without takes it from the environment, or is not passed."""
        pairs: dict[str, Any] = {}
        if isinstance(content, list):
            for word in content:
                name, separator, value = str(word).partition("=")
                pairs[name] = value if separator else None
        elif content is not None:
            pairs = mapping_of(content, "build.args", where)
        found: dict[str, str] = {}
        for name, given in pairs.items():
            known: Any = self._variables.get(name) if given is None else given
            self._room.take(_ENTRY, where)
            if known is not None:
                found[name] = plain_text(known, "build.args", where)
        return found

    def _value(self, content: Any, where: str) -> Any:
        """``content`` with the variables in its strings replaced."""
        if isinstance(content, str):
            value = interpolate(content, self._variables, where)
            self._room.take(len(value) + _ENTRY, where)
            return value
        if isinstance(content, list):
            return [self._value(item, where) for item in content]
        if isinstance(content, dict):
            return {name: self._value(item, where) for name, item in content.items()}
        if isinstance(content, Reset):
            return Reset(self._value(content.value, where), content.replaces)
        return content


def _merge_service(below: _Service, above: _Service) -> _Service:
    """``above`` merged into ``below``: what it says wins, mappings are merged."""
    if above.build is None:
        build = below.build
    elif isinstance(above.build, Reset) or not isinstance(below.build, dict):
        build = above.build
    else:
        build = _merge_build(below.build, above.build)
    return _Service(
        name=above.name,
        where=below.where if above.build is None else above.where,
        build=build,
        profiles=tuple(dict.fromkeys((*below.profiles, *above.profiles))),
        platform=above.platform or below.platform,
    )


def _merge_build(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        mapping = name in ("args", _CONTEXTS)
        if mapping and isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = {**merged[name], **value}
        else:
            merged[name] = value
    return merged


def _settled(build: dict[str, Any] | Reset | None) -> dict[str, Any] | None:
    """A merged build without resets: those that removed something, and those that had nothing to remove."""
    if isinstance(build, Reset):
        return _settled(build.value) if build.replaces else None
    if build is None:
        return None
    kept = {name: value for name, value in build.items() if not isinstance(value, Reset) or value.replaces}
    return {name: value.value if isinstance(value, Reset) else value for name, value in kept.items()}


def _enabled(profiles: Sequence[str], active: Sequence[str]) -> bool:
    return not profiles or "*" in active or any(name in active for name in profiles)


def _not_checked(build: Mapping[str, Any]) -> str | None:
    """Why there is no directory with a Dockerfile to look at."""
    if is_remote(str(build.get("context") or "")):
        return "its context is not a directory here: no ignore file applies there"
    # Without one of them, a name that the Dockerfile takes for it would mean an image of somebody else's.
    for name, value in (build.get(_CONTEXTS) or {}).items():
        if value.startswith(MADE):
            return f"its named context {name} is made by another build"
        if is_remote(value) and not value.startswith("docker-image://"):
            return f"its named context {name} is not a directory here: no ignore file applies there"
    return None


def _compose_build(service: _Service, content: Mapping[str, Any], root: Root, default: str) -> ComposeBuild:
    path = content.get("context") or content["."]
    root.inside(path, service.where)
    dockerfile = text_of(content.get("dockerfile"), "build.dockerfile", service.where)
    if dockerfile:
        dockerfile = os.path.normpath(os.path.join(path, dockerfile))
        root.inside(dockerfile, service.where)
    contexts = content.get(_CONTEXTS) or {}
    for value in contexts.values():
        if not is_remote(value):
            root.inside(value, service.where)
    text = text_of(content.get("dockerfile_inline"), "build.dockerfile_inline", service.where)
    if text and dockerfile:
        raise ConfigError("dockerfile and dockerfile_inline are both given", where=service.where)
    named = words_of(content.get("platforms"), "build.platforms", service.where)
    return ComposeBuild(
        services=(service.name,),
        path=path,
        dockerfile=dockerfile or None,
        stage=text_of(content.get("target"), "build.target", service.where) or None,
        build_args=content.get("args") or {},
        platform=one_platform(service.platform, named, default, service.where),
        where=service.where,
        contexts=contexts,
        inline=Inline(text, service.where) if text else None,
    )
