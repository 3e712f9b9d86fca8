"""Platforms as ``--platform`` takes them, and the ARGs that BuildKit sets by them.

Names are normalized as containerd's ``platforms`` does (read), as far as engines that build images have them.
"""

from __future__ import annotations

import platform as machine

_SYSTEMS = frozenset({"linux", "windows", "darwin", "freebsd"})
#: Other names of an architecture, as (architecture, variant).
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "arm": ("arm", "v7"),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
}


def local_platform() -> str:
    """What an engine on this machine builds for, as far as that can be told without asking it."""
    return normalized(machine.machine())


def normalized(platform: str) -> str:
    """``os/arch[/variant]`` for a platform that may lack the system or use another name."""
    first, _, rest = platform.lower().partition("/")
    if first not in _SYSTEMS and not rest:
        first, rest = "linux", first
    if not rest:
        return "/".join([first, *local_platform().split("/")[1:]])
    arch, _, variant = rest.partition("/")
    arch, usual = _ARCHITECTURES.get(arch, (arch, ""))
    variant = variant or usual
    if (arch, variant) in (("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")):
        variant = ""
    return "/".join(filter(None, (first, arch, variant)))


def platform_args(target: str, build: str | None = None) -> dict[str, str]:
    """The TARGET… and BUILD… ARGs of a build for the platform ``target``, on an engine of the platform
    ``build`` (None: the same)."""
    return {**_args("TARGET", target), **_args("BUILD", target if build is None else build)}


def _args(side: str, platform: str) -> dict[str, str]:
    system, _, rest = platform.partition("/")
    arch, _, variant = rest.partition("/")
    parts = {"PLATFORM": platform, "OS": system, "ARCH": arch, "VARIANT": variant}
    return {f"{side}{name}": value for name, value in parts.items()}
