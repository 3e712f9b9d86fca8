"""The builds of a Compose file with their limits, as targets of ``ctxsize check``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize.budget.compose.read import ComposeBuild, read_compose
from ctxsize.budget.config import Config, Target, load_config
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class ComposeTargets:
    """What is to be checked, the baseline that the configuration names, and what can't be checked."""

    targets: tuple[Target, ...]
    baseline: str | None
    warnings: tuple[Warning, ...]


def compose_targets(files: Sequence[str | Path], environ: Mapping[str, str]) -> ComposeTargets:
    """A target for each build of the Compose ``files`` (see :func:`read_compose`), named by its services.

    Its limits are those of ``[targets.SERVICE]`` in the configuration beside the first file; else of the
    configuration in its own context; else of the top of the one beside the file. Raises UsageError and
    ConfigError.
    """
    composed = read_compose(files, environ)
    directory = Path(os.path.normpath(Path(files[0]).parent))
    config = load_config(directory)
    targets = tuple(_target(build, config, directory) for build in composed.builds)
    return ComposeTargets(targets, config.baseline, composed.warnings)


def _target(build: ComposeBuild, config: Config, directory: Path) -> Target:
    base = next((target for target in config.targets if target.name in build.services), None)
    if base is None:
        base = config.defaults
        if os.path.realpath(build.path) != os.path.realpath(directory):
            own = load_config(build.path).defaults
            base = base if own.config is None else own
    return replace(
        base,
        name=", ".join(build.services),
        services=build.services,
        path=build.path,
        dockerfile=build.dockerfile,
        stage=build.stage,
        build_args=build.build_args,
        platform=build.platform or base.platform,
    )
