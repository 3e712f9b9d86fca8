"""The builds in a Compose file: what ``docker compose build`` would build, as targets to check.

After the Compose Specification and compose-go: several files are merged in their order, ``extends`` and
``include`` are followed, variables come from the environment and from ``.env``, and a service with profiles
is left out unless ``COMPOSE_PROFILES`` names one of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ctxsize.budget.compose.dotenv_file import read_dotenv
from ctxsize.budget.compose.interpolate import interpolate
from ctxsize.budget.compose.yaml_lines import Document, Reset, read_yaml
from ctxsize.errors import ConfigError, UsageError
from ctxsize.files.probe import is_remote, probe
from ctxsize.warning import Warning

_DEEPEST = 50
# Characters of all values of a project, and what counts as many: a value, and a file that is included.
_MOST_VALUES = 8 << 20
_ENTRY = 32
_INCLUDED = 32_768


@dataclass(frozen=True, slots=True)
class ComposeBuild:
    """A build that one or more services share.

    ``path`` is the context directory and ``dockerfile`` the Dockerfile (None: the context's own), both
    relative to the current directory. ``where`` is the file:line of the (first) service's ``build``.
    """

    services: tuple[str, ...]
    path: str
    dockerfile: str | None
    stage: str | None
    build_args: Mapping[str, str]
    platform: str | None
    where: str


@dataclass(frozen=True, slots=True)
class Composed:
    """The builds of a Compose project, and what in it can't be checked, and why."""

    builds: tuple[ComposeBuild, ...]
    warnings: tuple[Warning, ...]


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


def read_compose(files: Sequence[str | Path], environ: Mapping[str, str]) -> Composed:
    """The builds of the Compose ``files``, later ones merged into the first, as ``docker compose -f`` does.

    ``environ`` is the environment; it wins over the ``.env`` beside the first file. Raises UsageError and
    ConfigError, with file and line.
    """
    first = Path(files[0])
    variables = _variables(first.parent, environ)
    services = _Loader(variables, first.parent, _Room()).load([Path(file) for file in files], depth=0)
    active = [name for name in re.split(r"[\s,]+", variables.get("COMPOSE_PROFILES", "")) if name]
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
            warnings.append(Warning("compose-build", message, service.where))
            continue
        build = _compose_build(service, content)
        args = tuple(sorted(build.build_args.items()))
        key = (build.path, build.dockerfile, build.stage, build.platform, args)
        builds.setdefault(key, build)
        sharing.setdefault(key, []).append(service.name)
    if not builds:
        why = "; ".join(warning.message for warning in warnings)
        hint = "services with profiles need COMPOSE_PROFILES" if left_out else None
        hint = hint or (None if why else "no service has a `build`")
        raise UsageError(f"nothing to build{f': {why}' if why else ''}", where=str(first), hint=hint)
    return Composed(
        tuple(replace(build, services=tuple(sharing[key])) for key, build in builds.items()), tuple(warnings)
    )


class _Room:
    """What is left for a whole Compose project: files include each other, and services extend each other, so
    that a few kilobytes could stand for any number of services, arguments and characters."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def take(self, size: int, where: str) -> None:
        """Raise ConfigError when there is none left for values of ``size`` characters."""
        self._left -= size
        if self._left < 0:
            raise ConfigError("the services' values are too many, or too long together", where=where)


class _Loader:
    """Loads the files of one project directory; what they include has a loader of its own."""

    def __init__(self, variables: Mapping[str, str], directory: Path, room: _Room) -> None:
        self._room = room
        self._variables = variables
        self._directory = directory
        self._documents: dict[Path, Document] = {}

    def load(self, files: Sequence[Path], *, depth: int) -> dict[str, _Service]:
        """The services of ``files``, merged in their order, with those they include."""
        services: dict[str, _Service] = {}
        included: dict[str, _Service] = {}
        for file in files:
            document = self._document(file)
            for name in self._services(document):
                found = self._service(document, file, name, (), base=self._directory)
                services[name] = _merge_service(services[name], found) if name in services else found
            included |= self._included(document, file, depth)
        for name, service in included.items():
            if name in services:
                raise ConfigError(f"service {name} is also in an included file", where=services[name].where)
            services[name] = service
        return services

    def _document(self, file: Path) -> Document:
        file = Path(os.path.normpath(file))
        if file not in self._documents:
            document = read_yaml(file, os.path.relpath(file))
            if not isinstance(document.value, dict):
                raise ConfigError("not a Compose file: there are no services in it", where=document.shown)
            self._documents[file] = document
        return self._documents[file]

    def _services(self, document: Document) -> dict[str, Any]:
        services = document.value.get("services")
        if services is None:
            services = {}
        return _mapping(services, "services", document.where("services"))

    def _included(self, document: Document, file: Path, depth: int) -> dict[str, _Service]:
        if depth > _DEEPEST:
            raise ConfigError("files that include each other", where=document.where("include"))
        entries = document.value.get("include")
        if entries is None:
            return {}
        found: dict[str, _Service] = {}
        for index, entry in enumerate(_list(entries, "include", document.where("include"))):
            where = document.where("include", index)
            content = self._value({"path": entry} if isinstance(entry, str) else entry, where)
            content = _mapping(content, "include", where)
            paths = [file.parent / path for path in _words(content.get("path"), "path", where)]
            if not paths:
                raise ConfigError("include names no path", where=where)
            project = _text(content.get("project_directory"), "project_directory", where)
            directory = file.parent / project if project else paths[0].parent
            own = _words(content.get("env_file"), "env_file", where)
            variables = _variables(directory, self._variables, [file.parent / each for each in own] or None)
            self._room.take(_INCLUDED, where)
            found |= _Loader(variables, directory, self._room).load(paths, depth=depth + 1)
        return found

    def _service(
        self, document: Document, file: Path, name: str, above: tuple[tuple[Path, str], ...], *, base: Path
    ) -> _Service:
        """The service ``name`` of ``document``, with what it extends; its paths are relative to ``base``."""
        where = document.where("services", name)
        if (file, name) in above or len(above) > _DEEPEST:
            raise ConfigError(f"service {name} extends itself", where=where)
        content = self._services(document)[name]
        content = _mapping({} if content is None else content, f"service {name}", where)
        at = document.where("services", name, "build")
        service = _Service(
            name=name,
            where=at if "build" in content else where,
            build=self._build(self._value(content.get("build"), at), at, base),
            profiles=tuple(_words(self._value(content.get("profiles"), where), "profiles", where)),
            platform=_text(self._value(content.get("platform"), where), "platform", where) or None,
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
        extends = _mapping({"service": extends} if isinstance(extends, str) else extends, "extends", where)
        wanted = _text(extends.get("service"), "service", where)
        other_file = _text(extends.get("file"), "file", where)
        other = document
        if other_file:
            file = base / other_file
            # What is extended from another file is relative to that file.
            other, base = self._document(file), file.parent
        if not wanted or wanted not in self._services(other):
            raise ConfigError(f"there is no service {wanted} in {other.shown} to extend", where=where)
        return self._service(other, file, wanted, (*above, (file, name)), base=base)

    def _build(self, content: Any, where: str, base: Path) -> dict[str, Any] | Reset | None:
        """``build`` in its long form; a context relative to the current directory."""
        if isinstance(content, Reset):
            return Reset(self._build(content.value, where, base), content.replaces)
        if content is None:
            return None
        build: dict[str, Any] = {"context": content}
        if not isinstance(content, str):
            build = dict(_mapping(content, "build", where))
        context = build.get("context")
        if not isinstance(context, Reset):
            context = _text(context, "build.context", where)
            if context and not is_remote(context):
                build["context"] = os.path.relpath(base / os.path.expanduser(context))
        args = build.get("args")
        if isinstance(args, Reset):
            build["args"] = Reset(self._args(args.value, where), args.replaces)
        else:
            build["args"] = self._args(args, where)
        # Compose's default, once everything is merged: the directory of the file that says so.
        build["."] = os.path.relpath(base)
        return build

    def _args(self, content: Any, where: str) -> dict[str, str]:
        """Arguments with a value; one without takes it from the environment, or is not passed."""
        pairs: dict[str, Any] = {}
        if isinstance(content, list):
            for word in content:
                name, separator, value = str(word).partition("=")
                pairs[name] = value if separator else None
        elif content is not None:
            pairs = _mapping(content, "build.args", where)
        found: dict[str, str] = {}
        for name, given in pairs.items():
            known: Any = self._variables.get(name) if given is None else given
            self._room.take(_ENTRY, where)
            if known is not None:
                found[name] = _plain_text(known, "build.args", where)
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
        if name == "args" and isinstance(value, dict) and isinstance(merged.get(name), dict):
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
        return "its context is not a directory here"
    if build.get("dockerfile_inline"):
        return "its Dockerfile is written in the Compose file"
    if build.get("additional_contexts"):
        # Without them, a name that the Dockerfile takes for one would mean an image of somebody else's.
        return "its additional_contexts are not supported"
    return None


def _compose_build(service: _Service, content: Mapping[str, Any]) -> ComposeBuild:
    path = content.get("context") or content["."]
    dockerfile = _text(content.get("dockerfile"), "build.dockerfile", service.where)
    platforms = _words(content.get("platforms"), "build.platforms", service.where)
    return ComposeBuild(
        services=(service.name,),
        path=path,
        dockerfile=os.path.normpath(os.path.join(path, dockerfile)) if dockerfile else None,
        stage=_text(content.get("target"), "build.target", service.where) or None,
        build_args=content.get("args") or {},
        # The image of one platform is looked at: the service's own, or the first of several.
        platform=service.platform or (platforms[0] if platforms else None),
        where=service.where,
    )


def _variables(
    directory: Path, environ: Mapping[str, str], files: Sequence[Path] | None = None
) -> dict[str, str]:
    """What variables stand for: what ``environ`` says, else ``.env`` in ``directory``, or ``files``."""
    found: dict[str, str] = {}
    for file in files if files is not None else [directory / ".env"]:
        if files is not None or probe(file) == "file":
            found |= read_dotenv(file, environ)
    return {**found, **environ}


def _mapping(content: Any, what: str, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ConfigError(f"{what} must be a mapping", where=where)
    return content


def _list(content: Any, what: str, where: str) -> list[Any]:
    if not isinstance(content, list):
        raise ConfigError(f"{what} must be a list", where=where)
    return content


def _words(content: Any, what: str, where: str) -> list[str]:
    """A list of strings; one alone is a list of one, and none an empty one."""
    if content is None or isinstance(content, Reset):
        return []
    items = [content] if isinstance(content, str) else _list(content, what, where)
    return [_plain_text(item, what, where) for item in items]


def _text(content: Any, what: str, where: str) -> str:
    """A string, empty when there is none."""
    return "" if content is None or isinstance(content, Reset) else _plain_text(content, what, where)


def _plain_text(content: Any, what: str, where: str) -> str:
    """A value as Compose hands it on: ``1.10`` is the number 1.1, ``yes`` the word."""
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, float):
        return repr(content).removesuffix(".0")
    if isinstance(content, (str, int)):
        return str(content)
    raise ConfigError(f"{what} must be a string", where=where)
