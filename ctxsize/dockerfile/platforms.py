"""Platforms: how they are written, which one a run is for, and the ARGs that BuildKit sets by it.

They are read and written as containerd's ``platforms`` and buildx do, which was measured with buildx 0.29:
``aarch64`` and ``linux/arm64/v8`` are ``linux/arm64``, ``linux`` is of this machine's architecture.
"""

from __future__ import annotations

import os
import platform as machine
import re
from collections.abc import Iterator, Sequence

from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.text import printable

#: What the official clients take where no ``--platform`` is given.
VARIABLE = "DOCKER_DEFAULT_PLATFORM"
#: Systems and architectures that may stand alone: those that Go knows.
_SYSTEMS = {
    *("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "macos"),
    *("nacl", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos"),
}
_ALONE = {
    *("386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64"),
    *("mips64le", "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le", "riscv", "riscv64"),
    *("s390", "s390x", "sparc", "sparc64", "wasm"),
}
#: Other names of an architecture, as (architecture, variant).
_ARCHITECTURES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
#: Other names of a variant, by architecture.
_VARIANTS = {
    "386": {},
    "amd64": {"v1": ""},
    "arm64": {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"},
    "arm": {"": "v7", "5": "v5", "6": "v6", "7": "v7", "8": "v8"},
}
#: What systems call an architecture that Go calls otherwise.
_MACHINES = {
    "amd64": "amd64",
    "armv5tel": "arm/v5",
    "armv6l": "arm/v6",
    "armv7l": "arm/v7",
    "armv8l": "arm/v7",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "loongarch64": "loong64",
}
_SYSTEM = re.compile(r"([A-Za-z0-9_-]+)(?:\([A-Za-z0-9_.+%-]*\))?", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_LONGEST = 100


def local_platform() -> str:
    """What an engine on this machine builds for, as far as that can be told without asking it."""
    name = machine.machine().lower()
    return normalized(f"linux/{_MACHINES.get(name, name or 'amd64')}")


def normalized(platform: str) -> str:
    """``os/arch[/variant]`` by the names that Docker uses; of what an image says, which need be no platform
    that anybody could ask for."""
    system, arch, variant = (*platform.lower().split("/", 2), "", "")[:3]
    system = "darwin" if system == "macos" else system
    arch, usual = _ARCHITECTURES.get(arch, (arch, ""))
    variant = _VARIANTS.get(arch, {}).get(usual or variant, usual or variant)
    return "/".join(filter(None, (system, arch, variant)))


def parse_platform(text: str, where: str, error: type[CtxsizeError] = UsageError) -> str:
    """The one platform that ``text`` names, normalized. Raises ``error``, with ``where``, for a list of
    several and for what is none."""
    if "," in text:
        names = [name.strip() for name in text.split(",") if name.strip()]
        hint = f"name one of {printable(', '.join(names)[:_LONGEST])}" if len(names) > 1 else "name one"
        raise error("ctxsize measures one platform per run", where=where, hint=hint)
    if text.lower() == "local":
        return local_platform()
    first, *rest = text.split("/")
    system = _SYSTEM.fullmatch(first)
    if system is None or len(rest) > 2 or not all(map(_PART.fullmatch, rest)):
        raise _refused(text, where, error)
    name = system[1].lower()
    if rest:
        return normalized("/".join([name, *rest]))
    if name in _SYSTEMS:
        return normalized("/".join([name, *local_platform().split("/")[1:]]))
    if _ARCHITECTURES.get(name, (name,))[0] not in _ALONE:
        raise _refused(text, where, error)
    return normalized(f"linux/{name}")


def _refused(text: str, where: str, error: type[CtxsizeError]) -> CtxsizeError:
    shown = printable(text[:_LONGEST])
    return error(f"{shown!r} is no platform", where=where, hint="write OS/ARCH, e.g. linux/arm64")


def asked_platform(given: str | None, *, podman: bool = False) -> str | None:
    """The platform of a run, normalized: the one that is ``given``, by an option or a configuration, else
    that of DOCKER_DEFAULT_PLATFORM, of which `podman build` knows nothing; None: the engine's own. Raises
    UsageError."""
    if given is not None:
        return parse_platform(given, "--platform")
    default = None if podman else os.environ.get(VARIABLE)
    return parse_platform(default, VARIABLE) if default else None


def chosen(platforms: Sequence[str | None], wanted: str) -> int | None:
    """Which of images, by what each is for, is taken for the platform ``wanted``; None: no one will do. As
    containerd: the very platform, else the best that such a machine runs."""
    known = [None if each is None else normalized(each) for each in platforms]
    return next((known.index(each) for each in _runs(normalized(wanted)) if each in known), None)


def _runs(platform: str) -> Iterator[str]:
    """The platforms of the images that a machine of ``platform`` runs, best first."""
    yield platform
    system, arch, variant = (*platform.split("/"), "", "")[:3]
    major, _, minor = variant.removeprefix("v").partition(".")
    level, step = _number(major), _number(minor)
    if arch == "amd64":
        yield from (normalized(f"{system}/amd64/v{lower}") for lower in range(level - 1, 0, -1))
        yield f"{system}/386"
    elif arch == "arm":
        yield from (f"{system}/arm/v{lower}" for lower in range(level - 1, 4, -1))
    elif arch == "arm64" and level in (0, 8, 9):
        # A machine of v9.N has what v8.N+5 has.
        for main, last in ((9, step), (8, min(step + 5, 9))) if level == 9 else ((8, step),):
            yield from (normalized(f"{system}/arm64/v{main}.{lower}") for lower in range(last, -1, -1))
        yield from (f"{system}/arm/v{lower}" for lower in range(8, 4, -1))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def platform_args(target: str, build: str | None = None) -> dict[str, str]:
    """The TARGET… and BUILD… ARGs of a build for the platform ``target``, on an engine of the platform
    ``build`` (None: the same)."""
    return {**_args("TARGET", target), **_args("BUILD", target if build is None else build)}


def _args(side: str, platform: str) -> dict[str, str]:
    system, _, rest = platform.partition("/")
    arch, _, variant = rest.partition("/")
    parts = {"PLATFORM": platform, "OS": system, "ARCH": arch, "VARIANT": variant}
    return {f"{side}{name}": value for name, value in parts.items()}
