"""What FROM and --from mean where there are named contexts, as BuildKit decides it."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.named import Replacement, familiar
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import BaseImage, ResolvedDockerfile, resolve
from ctxsize.dockerfile.rewrite import affected_steps
from ctxsize.dockerfile.sources import plan_sources

CONTEXTS = {"lib": Replacement(context="lib"), "alpine": Replacement(image="other:1")}


def plan(text: str, **images: BaseImage) -> ResolvedDockerfile:
    bases = {name.replace("_", ":"): image for name, image in images.items()}
    return resolve(parse_dockerfile(text.encode(), "Dockerfile"), base_images=bases, replacements=CONTEXTS)


def taken(text: str, context: str | None = "lib") -> list[tuple[str, str]]:
    """What the target takes of a context: instruction and pattern."""
    return [(item.keyword, item.pattern) for item in plan_sources(plan(text), None, context).items]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("lib", "lib"),
        ("alpine:latest", "alpine"),
        ("docker.io/library/alpine:latest", "alpine"),
        ("docker.io/me/x:1", "me/x:1"),
        ("library/alpine", "alpine"),
        ("ghcr.io/library/x", "ghcr.io/library/x"),
    ],
)
def test_names_are_compared_as_people_write_them(name: str, known: str) -> None:
    assert familiar(name) == known


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("FROM scratch\nCOPY --from=lib a b/ /\n", [("COPY", "a"), ("COPY", "b")]),
        ("FROM scratch\nCOPY --from=lib:latest . /\n", [("COPY", ".")]),
        ("FROM alpine\nRUN --mount=type=bind,from=lib,source=x,target=/x true\n", [("RUN", "x")]),
        ("FROM lib\n", [("FROM", ".")]),
        ("FROM scratch\nCOPY . /\n", []),
        # A stage of that name comes first for those after it …
        ("FROM scratch AS x\nFROM scratch\nCOPY --from=x . /\n", []),
        # … but a named context of a stage's own name is that stage, and what stands in it does not run.
        ("FROM scratch AS lib\nCOPY gone /\nFROM lib\nCOPY a /\n", [("FROM", ".")]),
        # Only what the target needs.
        ("FROM scratch AS a\nCOPY --from=lib a /\nFROM scratch\n", []),
    ],
)
def test_what_is_taken_of_a_named_context(text: str, items: list[tuple[str, str]]) -> None:
    assert taken(text) == items


def test_the_context_itself_gives_nothing_of_it() -> None:
    text = "FROM scratch AS lib\nCOPY gone /\nFROM scratch\nCOPY --from=lib a /\nCOPY own /\n"
    assert taken(text, None) == [("COPY", "own")]


def test_an_image_in_the_place_of_another_has_its_own_settings() -> None:
    found = plan("FROM alpine\nCOPY a .\n", other_1=BaseImage(workdir="/srv"))
    (stage,) = found.stages
    assert (stage.image, stage.inspected, stage.steps[0].picks[0].dest) == ("other:1", True, "srv")


def test_steps_are_affected_by_the_context_they_take_from() -> None:
    found = plan("FROM scratch AS a\nCOPY x /\nCOPY --from=lib y /\nFROM lib AS b\nRUN z\nFROM a\n")
    assert affected_steps(found, lambda pick: pick.context == "lib") == (1, 0, 0)
    assert affected_steps(found, lambda pick: pick.from_context) == (0, None, 0)
