"""A target of ``ctxsize check`` as it was measured: what is judged, shown, and kept as a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctxsize.context.totals import ScanResult
from ctxsize.image.types import Layer
from ctxsize.text import json_text

#: How deep the directories lie of which a baseline has the bytes, and how many paths it has at most.
DEPTH = 3
MOST_DIRECTORIES = 500
MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class LargestPaths:
    """Bytes of the largest paths: directories (with all that is in them) and files, by name as in JSON.
    ``complete``: nothing was left out, so a path that is not in ``sizes`` did not exist."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class StepSize:
    """A step of an image: its instruction, its line in the Dockerfile, and what its layer has. None: not
    known."""

    text: str
    line: int | None
    bytes: int | None
    pull_bytes: int | None


@dataclass(frozen=True, slots=True)
class MeasuredTarget:
    """The sizes of a context and its image, in bytes and numbers of files. ``None``: not measured.

    ``image_source`` says where the image came from: ``built``, the name of an image that was there, or an
    archive's path; None when no image was looked at. ``layers`` are its layers, lowest first, and
    ``steps`` those of its steps that made one. ``inside`` are further sizes of the image by the name of a
    limit (``wasted``, ``reclaimable``, ``leftovers``, ``layer``), as far as asked for, and ``most`` says
    in words what makes up most of each. ``runs`` are the seconds of timed builds. ``without`` is the same
    target without its ignore file, as far as asked for. ``missing`` says why a size is not known, by the
    name of a limit on it (``image``, ``build-time``). ``platform`` is what the image is for, None when none
    was looked at, or it does not say, and ``platform_asked`` whether that one was asked for.
    """

    context_bytes: int | None = None
    context_files: int | None = None
    context_paths: LargestPaths = LargestPaths()
    image_bytes: int | None = None
    pull_bytes: int | None = None
    image_paths: LargestPaths = LargestPaths()
    layers: tuple[Layer, ...] = ()
    steps: tuple[StepSize, ...] = ()
    inside: Mapping[str, int] = field(default_factory=dict)
    most: Mapping[str, str] = field(default_factory=dict)
    image_source: str | None = None
    runs: tuple[float, ...] = ()
    without: MeasuredTarget | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    platform_asked: bool = False

    def size(self, of: str) -> int | None:
        """What a limit on a size, such as ``context`` or ``wasted``, is held against."""
        return {
            **self.inside,
            "context": self.context_bytes,
            "context-files": self.context_files,
            "image": self.image_bytes,
            "pull": self.pull_bytes,
        }.get(of)

    def with_context(self, found: ScanResult, *, paths: bool = False) -> MeasuredTarget:
        """This target with the sizes of its context as scanned; ``paths``: with its largest ones, too."""
        without = self.without or MeasuredTarget()
        if found.without is not None:
            without = replace(without, context_bytes=found.without.bytes, context_files=found.without.files)
        return replace(
            self,
            context_bytes=None if found.eligible_unread else found.eligible.bytes,
            context_files=None if found.eligible_unread else found.eligible.files,
            context_paths=context_paths(found) if paths else LargestPaths(),
            without=without,
        )


def context_paths(found: ScanResult) -> LargestPaths:
    """The largest directories and files that arrive, of a scan that was asked for both."""
    directories = [(item.path, item.totals.bytes) for item in found.directories]
    return largest_paths(directories, found.largest)


def largest_paths(
    directories: Sequence[tuple[str, int]],
    files: Sequence[tuple[str, int]],
    shown: Callable[[str], str] = str,
) -> LargestPaths:
    """The paths a baseline has of these, which are sorted by their bytes, the largest first. Of those that
    ``shown`` gives the same name it has the sum."""
    sizes: dict[str, int] = {}
    for path, size in (*directories[:MOST_DIRECTORIES], *files[:MOST_FILES]):
        name = json_text(shown(path))
        sizes[name] = sizes.get(name, 0) + size
    return LargestPaths(sizes, complete=len(directories) <= MOST_DIRECTORIES and len(files) <= MOST_FILES)
