"""``registry://HOST/NAME:TAG``: which image of which registry is meant."""

from __future__ import annotations

from dataclasses import dataclass

from docker.auth import INDEX_NAME

from ctxsize.engine.clients import is_loopback
from ctxsize.engine.names import is_reference
from ctxsize.errors import UsageError

SCHEME = "registry://"
#: The host that has the images of Docker Hub.
HUB = f"registry-1.{INDEX_NAME}"
_HUB_NAMES = (INDEX_NAME, f"index.{INDEX_NAME}", HUB)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry. ``host`` may have a port; ``version`` is a tag, or a digest with its colon."""

    host: str
    name: str
    version: str

    def __str__(self) -> str:
        separator = "@" if ":" in self.version else ":"
        return f"{SCHEME}{self.host}/{self.name}{separator}{self.version}"

    @property
    def loopback(self) -> bool:
        """Whether the registry is on this machine: the only one that is spoken to without TLS."""
        bare = self.host.rpartition(":")[0] if self.host.rpartition(":")[2].isdigit() else self.host
        return is_loopback(bare.strip("[]"))


def is_remote(text: str) -> bool:
    """Whether ``text`` names an image in a registry, rather than a file or an image of the engine."""
    return text.startswith(SCHEME)


def parse_reference(text: str) -> Reference:
    """The image that ``registry://…`` names; without a host one of Docker Hub, as Docker reads it. Raises
    UsageError."""
    bare = text.removeprefix(SCHEME)
    if "@" in bare.partition("/")[0] or not is_reference(bare):
        # Not shown: it may have a password in it.
        raise UsageError(
            "no image can have that name",
            where=SCHEME,
            hint=f"write {SCHEME}HOST/NAME:TAG; logins are Docker's",
        )
    first, slash, rest = bare.partition("/")
    if not slash or not (set(".:") & set(first) or first == "localhost" or first != first.lower()):
        first, rest = INDEX_NAME, bare
    rest, at, digest = rest.partition("@")
    path, colon, tag = rest.partition(":")
    if first in _HUB_NAMES:
        first, path = HUB, path if "/" in path else f"library/{path}"
    return Reference(first, path, digest if at else tag if colon else "latest")
