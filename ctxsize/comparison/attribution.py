"""Which ignored path each byte of difference between the two images came from.

The difference is taken layer by layer from what the layers really hold. A file that only the ``without``
image has belongs to the ignored path that a COPY or ADD put there; what a RUN step made is ``derived``;
what can't be placed is ``unattributed``. All three are counted, so that their sum can be checked against the
measured sizes of the images.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ctxsize.comparison.layers import Origins, StepChanges, step_changes
from ctxsize.context.roots import IgnoredRoots
from ctxsize.ignore.types import Verdict
from ctxsize.image.types import Change
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.images import Images
from ctxsize.measure.subject import Subject


@dataclass(slots=True)
class ImageSavings:
    """Bytes by ignored root, and what is left. All are without − with.

    ``unattributed_pull_bytes`` are counted per layer: what its compressed size differs by, less what its
    placed files account for. ``written`` has, for each instruction's line, the bytes and files of each root
    in the layer it made.
    """

    image_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pull_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    derived_bytes: int = 0
    unattributed_bytes: int = 0
    unattributed_pull_bytes: int = 0
    written: dict[int, dict[str, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def total_bytes(self) -> int:
        """What the images differ by, counted part by part."""
        return sum(self.image_bytes.values()) + self.derived_bytes + self.unattributed_bytes

    @property
    def total_pull_bytes(self) -> int:
        """What first pulls of the images differ by, counted part by part."""
        return sum(self.pull_bytes.values()) + self.unattributed_pull_bytes


def attribute_images(subject: Subject, images: Images, builds: Mapping[str, Builds]) -> ImageSavings | None:
    """What each ignored root saves in the image; None unless both variants were built."""
    project = subject.project
    if images.reader is None or len(images.images) < 2 or not project.filtered:
        return None
    roots = IgnoredRoots(subject.plan.ignored)
    links = directory_links(images.reader.symlinks(images.images[WITHOUT].layers))

    def verdict(called: str) -> Verdict:
        context, path = project.split(called)
        rules = project.tree(context).rules
        found = Verdict(False, None, None) if rules is None else rules.quick_verdict(path)
        return Verdict(found.ignored, found.rule, roots.of(called))

    return attribute(
        step_changes(images.reader, images.images[WITH], images.images[WITHOUT], subject.image_map(links)),
        verdict,
        lambda path, size, variant: _was_sent(builds[variant], path, size),
    )


def attribute(
    steps: Iterable[StepChanges],
    verdict: Callable[[str], Verdict],
    was_sent: Callable[[str, int, str], bool],
) -> ImageSavings:
    """Place every changed byte.

    ``verdict`` says what the ignore file does with a context path; ``was_sent`` says whether the
    build of a variant was sent a context path with that many bytes (file size, length of a link's target). An
    origin is believed only when it was sent with the size found in the layer, or when it is an archive that
    ADD unpacked.
    """
    savings = ImageSavings()
    for step in steps:
        savings.unattributed_pull_bytes += step.pull_bytes
        for change in step.changes:
            found = _placed(change, step.origins, verdict, was_sent)
            if found is not None and found.ignored and found.root is not None:
                savings.image_bytes[found.root] += change.bytes
                savings.pull_bytes[found.root] += change.pull_bytes
                savings.unattributed_pull_bytes -= change.pull_bytes
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
    was_sent: Callable[[str, int, str], bool],
) -> Verdict | None:
    """The verdict on the context path that the change came from; None when it came from none."""
    # A file that the ignore file keeps may be a mere hard link to an ignored one in the image without it.
    # Both images then hold the content, so that the ignored path must not claim to save it.
    linked = change.link is not None and change.bytes < 0
    path = change.link if change.link is not None and linked else change.path
    variant = WITH if change.bytes < 0 and not linked else WITHOUT
    size = max(change.bytes_with, change.bytes_without)
    kept = None
    for origin in origins(path):
        if origin.kind == "archive" or was_sent(origin.path, size, variant):
            found = verdict(origin.path)
            if found.ignored:
                return found
            kept = kept or found
    return kept


def directory_links(symlinks: Mapping[str, str]) -> dict[str, str]:
    """The symlinks at the root of an image as clean paths from there (bin → usr/bin)."""
    return {
        path: os.path.normpath(os.path.join("/", os.path.dirname(path), target)).lstrip("/")
        for path, target in symlinks.items()
    }


def _was_sent(builds: Builds, path: str, size: int) -> bool:
    """Whether the build whose image is read was sent a context path with that many bytes."""
    return builds.sent is not None and builds.sent.has(path, size)
