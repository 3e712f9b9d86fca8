"""What ``image A B`` says: sizes are bytes, ``a`` and ``b`` the two images; None: not known, as ``missing``
says. In every list the changes add up to that of the totals, where nothing is left out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.inspection.types import ImageName, View
from ctxsize.warning import Warning

#: How something of B is to what A has. ``same``: content, kind, mode and owner are; times may differ.
Status = Literal["added", "removed", "changed", "same"]
STATUSES: tuple[Status, ...] = ("added", "removed", "changed", "same")


@dataclass(frozen=True, slots=True)
class Sizes:
    """A size of both images. ``change`` is how much B has more than A; negative when it has less."""

    a: int | None
    b: int | None

    @property
    def change(self) -> int | None:
        """b − a."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step of either image, or of both. ``number_a`` and ``number_b`` are those of the step in its image,
    None where that has none like it; ``line`` is the Dockerfile's, of B before A. What is ``same`` has the
    same layer."""

    status: Status
    text: str
    number_a: int | None
    number_b: int | None
    line: int | None
    bytes: Sizes
    pull_bytes: Sizes


@dataclass(frozen=True, slots=True)
class PathChange:
    """A directory with all that is in it, an extension, or a file. ``bytes`` are all that the layers have of
    it, ``wasted_bytes`` those of them that the final image does not show. ``files`` counts what is shown."""

    status: Status
    name: str
    bytes: Sizes
    wasted_bytes: Sizes
    files: Sizes


@dataclass(frozen=True, slots=True)
class DifferenceTotals:
    """The two images. ``files`` and ``wasted_bytes`` as in ImageTotals."""

    bytes: Sizes
    pull_bytes: Sizes
    wasted_bytes: Sizes
    files: Sizes


@dataclass(frozen=True, slots=True)
class StatusSum:
    """All files of one status: how many, and how many bytes B has more of them than A."""

    status: Status
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ImageDifference:
    """The result of ``image A B``.

    ``steps`` are in the order of the images. ``rows`` are by ``view``, the largest changes first, those that
    are the same left out, and at most so many as were asked for: ``rows_left_out`` is the number of the
    others that differ, ``rest`` their bytes and those of what is the same. ``statuses`` is empty where no
    files were read.
    """

    version: str
    created: str
    a: ImageName
    b: ImageName
    totals: DifferenceTotals
    steps: tuple[StepChange, ...] = ()
    view: View = "dir"
    rows: tuple[PathChange, ...] = ()
    rows_left_out: int = 0
    rest: Sizes = Sizes(0, 0)
    statuses: tuple[StatusSum, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
