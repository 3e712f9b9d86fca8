"""How a project is built by its configuration: for the commands that measure one project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from ctxsize.engine.options import BuildOptions

_FILES = (".ctxsize.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Configured:
    """What a configuration says of a build; each as in ctxsize.budget.config.Target."""

    dockerfile: str | None = None
    stage: str | None = None
    platform: str | None = None
    builder: str = "auto"
    build_args: Mapping[str, str] = field(default_factory=dict)

    def under(self, build: BuildOptions) -> BuildOptions:
        """The options of the command line over these."""
        return replace(
            build,
            target=build.target or self.stage,
            platform=build.platform or self.platform,
            build_args={**self.build_args, **build.build_args},
        )

    def builder_under(self, given: str) -> str:
        """The builder ``given`` on the command line of this command, else the one here."""
        source = click.get_current_context().get_parameter_source("builder")
        return self.builder if source is ParameterSource.DEFAULT and self.builder != "auto" else given


def configured(path: str) -> Configured:
    """What the configuration in the directory ``path`` says of how the project there is built.

    That is what it says of the one target whose context this is; else what it says outside of its targets.
    Raises UsageError and ConfigError.
    """
    # Imported here so that --version and --help start fast, and the rest without a configuration.
    from ctxsize.files.probe import probe
    from ctxsize.project import open_context

    here = open_context(path)
    if not any(probe(here / name) for name in _FILES):
        return Configured()
    from ctxsize.budget.config import load_config

    config = load_config(Path(path))
    found = [target for target in config.targets if os.path.realpath(target.path) == str(here)]
    # The Dockerfile outside of the targets is named relative to each of their contexts, and this is none.
    target = found[0] if len(found) == 1 else replace(config.defaults, dockerfile=None)
    return Configured(target.dockerfile, target.stage, target.platform, target.builder, target.build_args)
