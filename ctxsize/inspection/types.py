"""What ``image`` says of an image: its steps, where its bytes are, what is wasted, and what would help.

Sizes are bytes. Steps are named by their ``number``, from 1, lowest first; paths begin with ``/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.engine.containers import Verification
from ctxsize.image.fates import Cause
from ctxsize.measure.figures import EngineFigures
from ctxsize.warning import Warning

#: What the bytes are listed by.
View = Literal["step", "dir", "ext", "file", "context"]
VIEWS: tuple[View, ...] = ("step", "dir", "ext", "file", "context")


@dataclass(frozen=True, slots=True)
class ImageName:
    """Which image it is. ``source`` says where it was read: ``built``, ``engine``, ``archive``, ``registry``.

    ``base`` is how many of its layers, from the lowest, are somebody else's (the base image's), and
    ``base_source`` how that is known; None where it is not, and all layers count as the user's.
    """

    name: str
    id: str
    source: str
    platform: str | None
    layers: int
    base: int | None
    base_source: str | None = None
    dockerfile: str | None = None


@dataclass(frozen=True, slots=True)
class ImageTotals:
    """``live_bytes`` + ``wasted_bytes`` = ``bytes``, which is the sum of the layers. ``reclaimable_bytes`` is
    what is wasted in the user's own layers. ``pull_bytes`` is what a first pull transfers.

    None: not known, as ``ImageReport.missing`` says. ``leftover_bytes`` and ``duplicate_bytes`` (what all but
    one of the copies take) are part of the live ones.
    """

    bytes: int | None
    files: int | None
    pull_bytes: int | None
    base_bytes: int | None
    live_bytes: int | None
    wasted_bytes: int | None
    reclaimable_bytes: int | None
    leftover_bytes: int | None
    duplicate_bytes: int | None


@dataclass(frozen=True, slots=True)
class ImageStep:
    """An entry of the image's history, and its layer.

    ``created_by`` is the instruction as the history has it, whole; ``text`` for people: the Dockerfile's own,
    where ``line`` is known. ``layer`` is the number of its layer, from 1; None when it made none. ``wasted``:
    of the bytes it stored, those that a later step buried; ``buried_bytes`` are those of earlier steps that
    it buried. ``listed``: not left out of tables as one of another layer, or of the base image.
    """

    number: int
    created_by: str
    text: str
    line: int | None
    layer: int | None
    base: bool
    bytes: int | None
    files: int | None
    pull_bytes: int | None
    live_bytes: int | None
    wasted_bytes: int | None
    buried_bytes: int | None
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Wasted:
    """A content that no file of the final image shows. ``changed`` says of ``same-content`` what differs in
    the copy that is shown: mode, owner, time. ``pull_bytes`` is an estimate."""

    path: str
    bytes: int
    cause: Cause
    stored_by: int
    buried_by: int
    reclaimable: bool
    changed: tuple[str, ...] = ()
    pull_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class WasteGroup:
    """All that one step stored and another one buried in one way. ``path`` is the directory that has all of
    it, or the only path. ``pull_bytes`` is an estimate. ``mode`` is the one that all have in their copies,
    where that changed: ``755``."""

    path: str
    bytes: int
    files: int
    cause: Cause
    stored_by: int
    buried_by: int
    reclaimable: bool
    changed: tuple[str, ...] = ()
    pull_bytes: int | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a package manager or a build left that nothing needs, in the directory ``path``. ``kind`` is a
    word for it: ``apt-lists``. ``steps`` are the bytes by the step that stored them, and ``pulls`` what these
    take compressed, estimated."""

    path: str
    kind: str
    bytes: int
    files: int
    steps: Mapping[int, int]
    pulls: Mapping[int, int | None]
    base: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """``count`` files of the same ``bytes`` bytes each, stored one by one; ``paths`` are some of them."""

    bytes: int
    count: int
    paths: tuple[str, ...]

    @property
    def wasted_bytes(self) -> int:
        """What all but one of them take."""
        return self.bytes * (self.count - 1)


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A directory, extension, file or context path, and what the layers have of it. For a file, ``step`` is
    the one that stored what is shown, or what was buried last."""

    name: str
    bytes: int
    live_bytes: int
    wasted_bytes: int
    files: int
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """How to lose bytes that need not be there.

    ``code`` is a word for the kind: ``copy-chown``, ``copy-chmod``, ``same-run``, ``cleanup``,
    ``build-tools``. ``lines`` are the Dockerfile's it is about, and ``text`` says what is wrong and what to
    do. ``bytes`` is what the image loses by it (None: can't be foretold), and ``pull_bytes`` an estimate of
    what a pull does.
    ``patched``: the Dockerfile is rewritten accordingly; else it is for the user to do. ``proven``: a build
    showed that it holds, with all others that do; False: that it does not, as ``reason`` says. None: that was
    not tried, and ``reason`` says why where others were.
    """

    code: str
    lines: tuple[int, ...]
    text: str
    bytes: int | None
    pull_bytes: int | None
    patched: bool
    proven: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that the fixed image has otherwise than the first one: ``missing``, ``new``, ``content``,
    ``mode``, ``owner``, ``type``. ``made_anew``: a RUN step wrote it, which ran again."""

    path: str
    what: str
    made_anew: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What a build of the fixed Dockerfile showed. ``expected_bytes`` is what the fixes promise, ``bytes``
    what the image really lost. ``same``: everything else is as it was; if not, ``differences`` are the first
    of what is not, and ``configuration`` what differs in how a container is started. ``builds`` counts the
    builds it took to find fixes that hold."""

    expected_bytes: int
    bytes: int
    pull_bytes: int | None
    same: bool
    differences: tuple[Difference, ...]
    difference_count: int
    configuration: tuple[str, ...] = ()
    verify: Verification | None = None
    error: str | None = None
    builds: int = 1

    @property
    def holds(self) -> bool:
        """Whether the fixes work: the image is smaller, and what it was otherwise."""
        verified = self.verify is None or self.verify.passed
        return self.error is None and self.same and verified and self.bytes > 0


@dataclass(frozen=True, slots=True)
class ImageReport:
    """The result of ``image``.

    ``wasted`` are the largest, with the number and the bytes of the others in ``wasted_left_out``; ``groups``
    are all of them, by step and cause. ``rows`` list the bytes by ``view`` (empty for ``step``, which
    ``steps`` has) and ``largest`` are the largest files that are shown. ``missing`` says why a figure is not
    known, by its name. ``diff`` is the patch that ``fixes`` come to, without those that are
    not proven where others are; empty when there is none. ``written``: the Dockerfile was replaced.
    """

    version: str
    created: str
    image: ImageName
    engine: EngineFigures | None
    totals: ImageTotals
    steps: tuple[ImageStep, ...]
    groups: tuple[WasteGroup, ...] = ()
    wasted: tuple[Wasted, ...] = ()
    wasted_left_out: tuple[int, int] = (0, 0)
    leftovers: tuple[Leftover, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    view: View = "step"
    rows: tuple[ViewRow, ...] = ()
    rows_left_out: int = 0
    largest: tuple[ViewRow, ...] = ()
    fixes: tuple[Fix, ...] = ()
    diff: str = ""
    proof: Proof | None = None
    written: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
