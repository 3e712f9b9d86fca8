"""Base images are asked for once each, and only when a Dockerfile is resolved that names them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from docker.errors import NotFound

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.engine.bases import BaseImages


def test_every_image_of_a_from_is_asked_for_once() -> None:
    asked: list[str] = []

    def inspect(reference: str) -> dict[str, Any]:
        asked.append(reference)
        if reference == "missing":
            raise NotFound("no such image")
        return {"Config": {"Env": ["A=b=c", "odd"], "WorkingDir": "/w", "OnBuild": ["COPY x /x"]}}

    engine: Any = SimpleNamespace(api=SimpleNamespace(inspect_image=inspect), keeps_images=True)
    text = b"FROM base AS one\nFROM scratch\nFROM missing\nFROM base\nFROM one\nFROM missing\nFROM $X\n"
    images = BaseImages(engine)
    resolved = resolve(parse_dockerfile(text, "Dockerfile"), base_images=images)

    assert asked == ["base", "missing"]
    assert [stage.inspected for stage in resolved.stages] == [True, True, False, True, True, False, False]
    assert dict(images) == {"base": images["base"]}
    assert (images["base"].env, images["base"].workdir) == ({"A": "b=c"}, "/w")
    assert [step.trigger for step in resolved.stages[3].steps] == [True]
