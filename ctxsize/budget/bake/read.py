"""The builds in bake files: what ``docker buildx bake`` would build, as targets to check.

Bake's language is evaluated by bake itself (``--print``). Its paths are relative to the current directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctxsize.budget.compose.platforms import one_platform
from ctxsize.budget.compose.project import Root
from ctxsize.budget.compose.read import MADE, ComposeBuild, Composed
from ctxsize.dockerfile.platforms import VARIABLE, local_platform
from ctxsize.errors import ConfigError, UsageError
from ctxsize.files.nested import TooDeep, nested_input
from ctxsize.files.probe import is_remote, probe
from ctxsize.masking import Masker
from ctxsize.project import Inline
from ctxsize.text import unfit
from ctxsize.warning import NotChecked, Warning

_SECONDS = 120.0
_MOST_BYTES = 8 << 20
#: How docker says that it has no buildx.
_UNKNOWN = ("is not a docker command", "unknown command", "unknown shorthand flag", "unknown flag")
_HERE = "cwd://"
_IMAGE = "docker-image://"


def read_bake(
    files: Sequence[str], names: Sequence[str], environ: Mapping[str, str], root: str | Path | None = None
) -> Composed:
    """The builds of the targets and groups ``names`` (none: the group ``default``) of bake ``files``.

    What they name must lie below ``root`` (default: the current directory), links followed. Raises UsageError
    where there is no buildx to read them, and ConfigError for what it, or we, refuse.
    """
    for file in files:
        if probe(file) is None:
            raise UsageError("no such file", where=file, hint="name a bake file")
    where = files[0]
    project = Root(Path("." if root is None else root))
    builds: list[ComposeBuild] = []
    warnings: list[Warning] = []
    for name, content in sorted(_printed(files, names, environ).items()):
        target = _Target(name, content, where)
        if reason := target.not_checked():
            message = f"target {name} is not checked: {reason}"
            warnings.append(NotChecked("bake-target", message, where, name))
            continue
        builds.append(target.build(project))
        if content.get("secret") or content.get("ssh"):
            note = f"the secrets and ssh of target {name} are not passed on: --secret and --ssh are"
            warnings.append(Warning("bake-target", note, where))
    if not builds:
        why = "; ".join(warning.message for warning in warnings)
        raise UsageError(f"nothing to build{f': {why}' if why else ''}", where=where)
    return Composed(tuple(builds), tuple(warnings), Masker(()))


def _printed(
    files: Sequence[str], names: Sequence[str], environ: Mapping[str, str]
) -> dict[str, Mapping[str, Any]]:
    """The targets as bake prints them."""
    docker = shutil.which("docker", path=environ.get("PATH"))
    if docker is None:
        raise _no_buildx(files[0])
    command = [docker, "buildx", "bake", "--print"]
    for file in files:
        command += ["-f", file]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "--", *names] if names else command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"bake did not end within {_SECONDS:.0f} s", where=files[0]) from error
    except OSError as error:
        raise _no_buildx(files[0]) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        if any(sign in line for line in said[:3] for sign in _UNKNOWN):
            raise _no_buildx(files[0])
        last = next((line for line in said if line.startswith("ERROR: ")), said[-1] if said else "no reason")
        raise ConfigError(f"bake refuses it: {last.removeprefix('ERROR: ')}", where=files[0])
    try:
        if len(done.stdout) > _MOST_BYTES:
            raise ValueError("too long")
        with nested_input():
            document = json.loads(done.stdout)
        found = document["target"]
        if not all(isinstance(content, dict) for content in found.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, TooDeep) as error:
        raise ConfigError("what bake prints makes no sense", where=files[0]) from error
    return dict(found)


def _no_buildx(where: str) -> UsageError:
    return UsageError(
        "bake files are read by `docker buildx bake --print`, and there is no docker buildx here",
        where=where,
        hint="install it, or name the targets in .ctxsize.toml",
    )


class _Target:
    """A target as bake prints it."""

    def __init__(self, name: str, content: Mapping[str, Any], file: str) -> None:
        self._name = name
        self._content = content
        self._where = file

    def not_checked(self) -> str | None:
        """Why there is no directory with a Dockerfile to look at."""
        if is_remote(self._here(self._text("context") or ".")):
            return "its context is not a directory here: no ignore file applies there"
        for name, value in self._texts("contexts").items():
            if value.startswith(MADE):
                return f"its named context {name} is made by another build"
            if is_remote(self._here(value)) and not value.startswith(_IMAGE):
                return f"its named context {name} is not a directory here: no ignore file applies there"
        return None

    def build(self, root: Root) -> ComposeBuild:
        """It as a build to check. Raises ConfigError."""
        path = os.path.normpath(self._here(self._text("context") or "."))
        root.inside(path, self._where)
        text = self._text("dockerfile-inline")
        given = self._text("dockerfile")
        dockerfile = None
        if not text and given and given != "Dockerfile":
            here = given.startswith(_HERE)
            dockerfile = self._here(given) if here else os.path.normpath(os.path.join(path, given))
            root.inside(dockerfile, self._where)
        contexts = {}
        for name, value in self._texts("contexts").items():
            contexts[name] = value
            if not value.startswith(_IMAGE):
                contexts[name] = os.path.normpath(self._here(value))
                root.inside(contexts[name], self._where)
        named = [self._string("platforms", each) for each in self._content.get("platforms") or []]
        if not named and os.environ.get(VARIABLE):
            named = [local_platform()]  # Bake does not heed it
        return ComposeBuild(
            services=(self._name,),
            path=path,
            dockerfile=dockerfile,
            stage=self._text("target") or None,
            build_args=self._texts("args"),
            platform=one_platform(None, named, "", self._where),
            where=self._where,
            contexts=contexts,
            inline=Inline(text, f"{self._where} ({self._name})") if text else None,
        )

    @staticmethod
    def _here(path: str) -> str:
        return path.removeprefix(_HERE)

    def _text(self, key: str) -> str:
        value = self._content.get(key)
        return "" if value is None else self._string(key, value)

    def _texts(self, key: str) -> dict[str, str]:
        """A mapping; an argument without a value is not passed."""
        found = self._content.get(key) or {}
        if not isinstance(found, dict):
            raise ConfigError(f"target {self._name}: {key} is no mapping", where=self._where)
        return {name: self._string(key, value) for name, value in found.items() if value is not None}

    def _string(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or unfit(value):
            raise ConfigError(f"target {self._name}: {key} is no text that can be used", where=self._where)
        return value
