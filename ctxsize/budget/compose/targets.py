"""The builds of a Compose file with their limits, as targets of ``ctxsize check``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize.budget.compose.read import ComposeBuild, Composed, read_compose
from ctxsize.budget.config import Config, Target, load_config
from ctxsize.budget.masked import masked_warnings
from ctxsize.errors import CtxsizeError
from ctxsize.masking import Masker, mask_error
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class ComposeTargets:
    """What is to be checked, the baseline that the configuration names, and what can't be checked."""

    targets: tuple[Target, ...]
    baseline: str | None
    warnings: tuple[Warning, ...]


def compose_targets(
    files: Sequence[str | Path], environ: Mapping[str, str], root: str | Path | None = None
) -> ComposeTargets:
    """A target for each build of the Compose ``files`` (see :func:`read_compose`), named by its services.

    Its limits are those of ``[targets.SERVICE]`` in the configuration beside the first file; else of the
    configuration in its own context; else of the top of the one beside the file. ``root`` is as for
    :func:`read_compose`. Raises UsageError and ConfigError.
    """
    return with_limits(read_compose(files, environ, root), files[0])


def with_limits(composed: Composed, file: str | Path) -> ComposeTargets:
    """The builds that the first ``file`` names as targets, with the limits that apply to each."""
    directory = Path(os.path.normpath(Path(file).parent))
    config = load_config(directory)
    try:
        targets = tuple(_target(build, config, directory, composed.mask) for build in composed.builds)
    except CtxsizeError as error:
        mask_error(error, composed.mask)
        raise
    return ComposeTargets(targets, config.baseline, masked_warnings(composed.warnings, composed.mask))


def _target(build: ComposeBuild, config: Config, directory: Path, mask: Masker) -> Target:
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
        contexts=build.contexts,
        inline=build.inline,
        platform=build.platform or base.platform,
        mask=mask,
    )
