"""What was measured, where, and the figures that several results share.

Sizes are bytes, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The two variants of a project: built with its ignore file, and without it.
WITH, WITHOUT = "with", "without"


@dataclass(frozen=True, slots=True)
class NamedFigures:
    """A named context: its name, its directory from the current one, and its ignore file, None when there is
    none."""

    name: str
    path: str
    ignore_file: str | None


@dataclass(frozen=True, slots=True)
class ProjectFigures:
    """What was measured. ``ignore_file`` is None when the project has none; ``contexts`` are its named
    contexts that are directories. ``platform`` is what is built for (``linux/amd64``), None where nothing is
    and none was ``platform_asked`` for."""

    context: str
    dockerfile: str
    ignore_file: str | None
    target: str | None
    contexts: tuple[NamedFigures, ...] = ()
    platform: str | None = None
    platform_asked: bool = False

    @property
    def ignore_files(self) -> str | None:
        """Those of all contexts, for people; None when there is none."""
        first, *others = [self.ignore_file, *(each.ignore_file for each in self.contexts)]
        named = [each for each in others if each is not None]
        if first is None and named:
            first, *named = named
        return first if not named else f"{first} (with {', '.join(named)})"


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """Where it was measured. ``instance`` is the builder's name, of a builder that buildx made with this
    ``driver``; None on an engine."""

    version: str
    api: str
    builder: str
    storage: str
    remote: bool
    podman: bool = False
    instance: str | None = None
    driver: str = "docker"

    @property
    def name(self) -> str:
        """What it is, for people: ``Docker 28.5.2``, ``ci (docker-container) 0.25.0``."""
        if self.instance is not None:
            return f"{self.instance} ({self.driver}) {self.version}".rstrip()
        return f"{'Podman' if self.podman else 'Docker'} {self.version}"


@dataclass(frozen=True, slots=True)
class ImageFigures:
    """A variant's image. ``bytes`` is our own sum of its layers, ``engine_bytes`` the engine's size,
    None where no engine has it, ``pull_bytes`` the layers compressed, None when that was not asked for.
    ``tag`` is set when the image was kept."""

    id: str
    bytes: int
    engine_bytes: int | None
    pull_bytes: int | None
    layers: int
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a phase of a build costs: seconds per byte, and per entry (file or directory)."""

    per_byte: float
    per_entry: float


@dataclass(frozen=True, slots=True)
class SecondsSaved:
    """The difference of the build times: its median, a 95 % interval, and whether that excludes zero.

    With too few runs for an interval ``low``, ``high`` and ``significant`` are None.
    """

    median: float
    low: float | None
    high: float | None
    significant: bool | None
