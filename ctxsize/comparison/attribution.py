"""Which ignored path each byte of difference between the two images came from.

The difference is taken layer by layer from what the layers really hold. A file that only the
``without`` image has goes to the ignored path that a COPY or ADD put there; what a RUN step made is
``derived``; what can't be placed is ``unattributed``. By construction the parts add up to the
measured difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ctxsize.dockerfile.mapping import Origin
from ctxsize.ignore.types import Verdict
from ctxsize.image.types import Change

#: Where an image path may have come from: context paths, most likely first.
Origins = Callable[[str], Iterable[Origin]]


@dataclass(frozen=True, slots=True)
class StepChanges:
    """The paths that differ in the layer of one step.

    ``makes_files`` is True for a RUN: what has no origin was made by it, if ``after_difference``: an
    earlier step's result already differed between the variants. ``line`` is the instruction's, None for
    one that is not in the Dockerfile.
    """

    changes: Iterable[Change]
    origins: Origins
    makes_files: bool
    after_difference: bool
    line: int | None = None


@dataclass(slots=True)
class ImageSavings:
    """Bytes by ignored root, and what is left. All are without − with.

    ``written`` has, for each instruction's line, the bytes and files of each root in the layer it made.
    """

    image_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pull_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    derived_bytes: int = 0
    unattributed_bytes: int = 0
    written: dict[int, dict[str, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))


def attribute(
    steps: Iterable[StepChanges],
    verdict: Callable[[str], Verdict],
    size_in_context: Callable[[str], int | None],
) -> ImageSavings:
    """Place every changed byte.

    ``verdict`` says what the ignore file does with a context path; ``size_in_context`` gives a context
    path's bytes (file size, length of a link's target) or None when there is no such file. An origin
    is believed only when its size is the one found in the layer, or when it is an archive that ADD
    unpacked.
    """
    savings = ImageSavings()
    for step in steps:
        for change in step.changes:
            found = _placed(change, step.origins, verdict, size_in_context)
            if found is not None and found.ignored and found.root is not None:
                savings.image_bytes[found.root] += change.bytes
                savings.pull_bytes[found.root] += change.pull_bytes
                if step.line is not None:
                    size, files = savings.written[step.line].get(found.root, (0, 0))
                    savings.written[step.line][found.root] = size + change.bytes, files + 1
            elif found is None and step.makes_files and step.after_difference:
                savings.derived_bytes += change.bytes
            else:
                savings.unattributed_bytes += change.bytes
    return savings


def _placed(
    change: Change,
    origins: Origins,
    verdict: Callable[[str], Verdict],
    size_in_context: Callable[[str], int | None],
) -> Verdict | None:
    """The verdict on the context path that the change came from; None when it came from none."""
    # A file kept by the ignore file that is only a hard link to an ignored one without it: its
    # content is in both images, so the ignored path must not claim to save it.
    path = change.link if change.link is not None and change.bytes < 0 else change.path
    size = max(change.bytes_with, change.bytes_without)
    kept = None
    for origin in origins(path):
        if origin.kind == "archive" or size_in_context(origin.path) == size:
            found = verdict(origin.path)
            if found.ignored:
                return found
            kept = kept or found
    return kept
