"""What of an image is the project's, and what a measurement put into it."""

from __future__ import annotations

import pytest

from ctxsize.image.types import HistoryEntry, Image, Layer
from ctxsize.measure.images import without_markers

COPY, EMPTY = Layer(0, "sha256:0", 10, 1, 8), Layer(1, "sha256:1", 0, 0, 32)
STEP = HistoryEntry("COPY . / # buildkit", COPY)
METADATA = HistoryEntry("ENV A=b", None)
MARKER = HistoryEntry("COPY /ctxsize-marker-0123abcd* / # buildkit", EMPTY)


@pytest.mark.parametrize(
    ("layers", "history", "left"),
    [
        ((EMPTY, COPY), (MARKER, METADATA, STEP), (COPY,)),
        ((EMPTY,), (MARKER, METADATA), ()),
        ((COPY,), (METADATA,), (COPY,)),
        ((COPY,), (), (COPY,)),
    ],
    ids=["marker", "nothing-but-a-marker", "history-without-layers", "no-history"],
)
def test_layers_of_markers_do_not_count(
    layers: tuple[Layer, ...], history: tuple[HistoryEntry, ...], left: tuple[Layer, ...]
) -> None:
    image = without_markers(Image("sha256:2", layers, history))

    assert image.layers == left
    assert (image.bytes, image.pull_bytes) == (sum(each.bytes for each in left), 8 * len(left))
    assert MARKER not in image.history


def test_a_layer_that_an_image_has_twice_is_pulled_once() -> None:
    image = Image("sha256:2", (COPY, COPY), (STEP, STEP))

    assert (image.bytes, image.pull_bytes) == (20, 8)
