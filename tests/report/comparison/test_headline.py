"""The first sentence of a comparison, in every case there is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ctxsize.comparison.types import Comparison
from ctxsize.engine.containers import Verification
from ctxsize.measure.figures import SecondsSaved
from ctxsize.report.comparison.headline import headline
from tests.report.comparison.test_formats import RESULT

NO_TIME = SecondsSaved(0.01, -0.1, 0.1, False)


def with_saved(**saved: Any) -> Comparison:
    return dataclasses.replace(
        RESULT, saved=dataclasses.replace(RESULT.saved, **saved), paths=RESULT.paths[:1]
    )


def with_variants(**changes: Any) -> Comparison:
    """RESULT with changed fields of variants: ``with_`` and ``without``."""
    variants = {
        name: dataclasses.replace(RESULT.variants[name], **changes.get(key, {}))
        for name, key in (("with", "with_"), ("without", "without"))
    }
    saved = dataclasses.replace(RESULT.saved, image_bytes=None, pull_bytes=None, seconds=None)
    return dataclasses.replace(RESULT, variants=variants, saved=saved)


FAILED: dict[str, Any] = {"image": None, "build": None, "error": "no"}
PASSED = Verification("true", 0, 0.1, (), False)
BROKEN = Verification("true", 1, 0.1, (), False)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (
            RESULT,
            "Your .dockerignore saves 3MB of context, 3MB of image and 1.50 s per build (60%);"
            " `.git` alone is 2.9MB.",
        ),
        (
            with_saved(seconds=NO_TIME),
            "Your .dockerignore saves 3MB of context and 3MB of image; build times don't differ measurably.",
        ),
        (
            with_saved(seconds=SecondsSaved(1.5, None, None, None)),
            "Your .dockerignore saves 3MB of context and 3MB of image; 1.50 s less per build (60%), in too"
            " few builds to tell it from noise.",
        ),
        (
            with_saved(image_bytes=0),
            "Your .dockerignore saves 3MB of context and 1.50 s per build (60%), but nothing of the image.",
        ),
        (
            with_saved(seconds=SecondsSaved(-0.5, -0.7, -0.3, True)),
            "Your .dockerignore saves 3MB of context and 3MB of image, but costs 0.50 s per build (20%).",
        ),
        (
            with_saved(context_bytes=0, image_bytes=0, seconds=NO_TIME),
            "Your .dockerignore saves nothing; build times don't differ measurably.",
        ),
        (
            with_saved(context_bytes=-221, image_bytes=-221, seconds=NO_TIME),
            "Your .dockerignore costs more than it saves: 221B of context and 221B of image.",
        ),
        (
            dataclasses.replace(RESULT, project=dataclasses.replace(RESULT.project, ignore_file=None)),
            "There is no ignore file, so nothing was built and nothing is saved.",
        ),
        (
            with_variants(with_=FAILED),
            "The build with .dockerignore failed, the one without it works: it keeps out what a step needs;"
            " of the context it saves 3MB.",
        ),
        (
            with_variants(without=FAILED),
            "The build without .dockerignore failed, so there is nothing to compare the other one with;"
            " of the context it saves 3MB.",
        ),
        (
            with_variants(with_=FAILED, without=FAILED),
            "Neither build worked, so what .dockerignore saves is not known; of the context it saves 3MB.",
        ),
        (
            with_variants(without={"image": None, "error": "the engine went away"}),
            "The measurement ended early, so what .dockerignore saves is not known;"
            " of the context it saves 3MB.",
        ),
        (
            with_variants(with_={"verify": BROKEN, "error": "no"}, without={"verify": PASSED}),
            "The image built with .dockerignore does not work, the one without it does: it keeps out"
            " too much; of the context it saves 3MB.",
        ),
    ],
)
def test_the_sentence_answers_the_question(result: Comparison, text: str) -> None:
    assert headline(result) == text


def test_names_from_outside_are_harmless() -> None:
    odd = dataclasses.replace(RESULT.paths[0], path="a\x1b[2J\nb")
    project = dataclasses.replace(RESULT.project, ignore_file="{x}\n.dockerignore")
    text = headline(dataclasses.replace(RESULT, project=project, paths=(odd, RESULT.paths[1])))

    assert text.isprintable()
    assert text.startswith("Your {x}\\n.dockerignore saves")
    assert "`a\\x1b[2J\\nb` alone is 2.9MB" in text
