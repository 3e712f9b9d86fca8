"""What the engine knows of the images a Dockerfile starts from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError, ImageNotFound

from ctxsize.dockerfile.platforms import normalized, platform_args
from ctxsize.dockerfile.resolve import BaseImage
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import engine_trouble, sensible
from ctxsize.engine.names import is_reference
from ctxsize.engine.options import BuildOptions
from ctxsize.engine.platforms import engine_query, has_several


class BaseImages(Mapping[str, BaseImage]):
    """Variables, working directory and ONBUILD triggers of base images, by the reference that FROM names.

    An image is looked up on the engine when it is first asked for: the one for ``platform`` where the engine
    has several of that name, else whichever it has, as stages may be for another platform. One that the
    engine would have to pull is missing, as is what is no image's name: what depends on it is then not known.
    """

    def __init__(self, engine: Engine, platform: str | None = None) -> None:
        self._engine = engine
        self._asked = engine_query(platform) if platform and has_several(engine, (1, 49)) else {}
        self._known: dict[str, BaseImage | None] = {}

    def __getitem__(self, reference: str) -> BaseImage:
        # What another builder takes for the image of that name, an engine can't know.
        if self._engine.keeps_images and is_reference(reference) and reference not in self._known:
            self._known[reference] = None
            with engine_trouble(), contextlib.suppress(APIError), sensible("a base image"):
                config = self._inspect(reference).get("Config") or {}
                self._known[reference] = BaseImage(
                    env=dict(pair.split("=", 1) for pair in config.get("Env") or [] if "=" in pair),
                    workdir=config.get("WorkingDir") or "/",
                    onbuild=tuple(config.get("OnBuild") or ()),
                )
        image = self._known.get(reference)
        if image is None:
            raise KeyError(reference)
        return image

    def _inspect(self, reference: str) -> dict[str, Any]:
        api = self._engine.api
        if self._asked:
            with contextlib.suppress(ImageNotFound):
                return dict(api.inspect_image(reference, **self._asked))
        return dict(api.inspect_image(reference))

    def __iter__(self) -> Iterator[str]:
        return (reference for reference, image in self._known.items() if image is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def platform_variables(engine: Engine, options: BuildOptions) -> Mapping[str, str]:
    """TARGETARCH and the like of the platform asked for, else the engine's; BUILDARCH and the like of it."""
    own = normalized(engine.own_platform())
    return platform_args(options.platform or own, own)
