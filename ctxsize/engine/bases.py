"""What the engine knows of the images a Dockerfile starts from."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from docker.errors import APIError

from ctxsize.dockerfile.expand import platform_args
from ctxsize.dockerfile.resolve import BaseImage, resolve
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import engine_trouble, sensible
from ctxsize.engine.options import BuildOptions
from ctxsize.project import Project


def base_images(engine: Engine, project: Project, options: BuildOptions) -> dict[str, BaseImage]:
    """Variables, working directory and ONBUILD triggers of the base images the engine has.

    An image that it would have to pull is left out: what depends on it is then not known.
    """
    plan = resolve(
        project.dockerfile,
        target=options.target,
        build_args={name: value for name, value in options.build_args.items() if value is not None},
        predefined=platform_variables(engine, options),
    )
    found: dict[str, BaseImage] = {}
    for stage in plan.stages:
        if stage.image is not None and stage.image != "scratch" and stage.image not in found:
            with engine_trouble(), contextlib.suppress(APIError), sensible("a base image"):
                config = engine.api.inspect_image(stage.image).get("Config") or {}
                found[stage.image] = BaseImage(
                    env=dict(pair.split("=", 1) for pair in config.get("Env") or [] if "=" in pair),
                    workdir=config.get("WorkingDir") or "/",
                    onbuild=tuple(config.get("OnBuild") or ()),
                )
    return found


def platform_variables(engine: Engine, options: BuildOptions) -> Mapping[str, str]:
    """TARGETARCH and the like: of the platform asked for, or of the engine itself."""
    if options.platform:
        return platform_args(options.platform)
    with engine_trouble(), sensible("itself"):
        version = engine.api.version()
        return platform_args(f"{version.get('Os', 'linux')}/{version.get('Arch', 'amd64')}")
