"""History entries are matched with the Dockerfile's instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ctxsize.comparison.layers import step_changes
from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.image.types import Change, HistoryEntry, Image, Layer
from ctxsize.measure.history import keyword_of


@pytest.mark.parametrize(
    ("created_by", "keyword"),
    [
        ("COPY . . # buildkit", "COPY"),
        ("ADD file.tar / # buildkit", "ADD"),
        ("RUN /bin/sh -c make # buildkit", "RUN"),
        ("RUN |1 A=b /bin/sh -c make # buildkit", "RUN"),
        ("WORKDIR /app", "WORKDIR"),
        ("ENV PATH=/bin", "ENV"),
        ('CMD ["gunicorn" "main:app"]', "CMD"),
        ("/bin/sh -c #(nop) COPY dir:3f1a in /app ", "COPY"),
        ("/bin/sh -c #(nop) WORKDIR /app", "WORKDIR"),
        ("/bin/sh -c #(nop)  LABEL a=b", "LABEL"),
        ("/bin/sh -c pip install -r requirements.txt", "RUN"),
        ("|1 A=b /bin/sh -c make", "RUN"),
        ("/usr/bin/ENVOY --version", "RUN"),
        ("COPY /ctxsize-marker-0123abcd* / # buildkit", None),
    ],
)
def test_both_builders_ways_of_writing_history(created_by: str, keyword: str | None) -> None:
    assert keyword_of(created_by) == keyword


class NoFiles:
    """A reader of layers in which nothing lies."""

    def changes(self, with_: Layer | None, without: Layer | None) -> Iterator[Change]:
        return iter(())

    def symlinks(self, layers: Sequence[Layer]) -> dict[str, str]:
        return {}


def image(layers: str) -> Image:
    """An image of one COPY for each letter, which names the content of its layer; ``a`` is smallest."""
    made = [Layer(number, letter, 0, 0, ord(letter) - ord("a") + 1) for number, letter in enumerate(layers)]
    return Image("", tuple(made), tuple(HistoryEntry("COPY", layer) for layer in made))


@pytest.mark.parametrize(
    ("with_", "without", "added"),
    [
        ("a", "a", []),
        ("a", "c", [2]),
        ("ab", "cb", [2]),
        ("ab", "cc", [2, -2]),  # the second c is not pulled again
        ("ab", "bb", [1, -2]),  # what is in both images as it is may be pulled in one of them already
        ("a", "ac", [3]),
    ],
)
def test_what_each_step_adds_to_a_first_pull(with_: str, without: str, added: list[int]) -> None:
    dockerfile = parse_dockerfile(b"FROM scratch\n", "Dockerfile")
    image_map = ImageMap(resolve(dockerfile, buildkit=True), ContextDirectory(Path()), {})
    steps = list(step_changes(NoFiles(), image(with_), image(without), image_map))

    assert [step.pull_bytes for step in steps] == added
    assert sum(added) == image(without).pull_bytes - image(with_).pull_bytes
