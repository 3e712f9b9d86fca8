"""What is to be checked, and how: the configuration, the environment and the options put together."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ctxsize.budget.config import Config, Target, environment_budget, options_budget
from ctxsize.budget.limits import unknown
from ctxsize.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from ctxsize.engine.options import BuildOptions


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check; what is None is as the configuration says.

    ``limits`` are ``NAME=SIZE`` words (``image=250 MB``), ``forbid`` patterns and ``require_ignored``
    paths, for every target, as the environment's. ``sensitive`` and ``lint`` are ``off``, ``warn`` or
    ``fail``; ``exempt`` are patterns of what may be wasted or left in the image. ``baseline`` and
    ``save_baseline`` are files; ``against`` are images that growth is measured from, in a registry or
    wherever ``image`` finds them, and ``images`` those that are there already, both by target name ('' is
    for the only target); ``archive`` is a saved image, read without an engine. ``static`` leaves out
    every limit that needs an image. ``only`` are the names of the targets to check. ``platform`` is that of
    what is built and of the images that are there. ``build`` are options for the build besides those the
    configuration has.
    """

    limits: Sequence[str] = ()
    forbid: Sequence[str] = ()
    require_ignored: Sequence[str] = ()
    sensitive: str | None = None
    lint: str | None = None
    exempt: Sequence[str] = ()
    baseline: str | None = None
    against: Mapping[str, str] = field(default_factory=dict)
    save_baseline: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    archive: str | None = None
    static: bool = False
    only: Sequence[str] = ()
    dockerfile: str | None = None
    stage: str | None = None
    platform: str | None = None
    builder: str | None = None
    repeat: int | None = None
    build: BuildOptions | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be checked: ``targets``, and the ``baseline``'s file. ``alone``: there is no other target,
    even where ``targets`` are only some of them."""

    targets: tuple[Target, ...]
    baseline: str | None
    alone: bool


def put_together(
    configs: Sequence[Config],
    targets: Iterable[Target],
    options: CheckOptions,
    environ: Mapping[str, str],
) -> Question:
    """The targets of the configurations and ``targets``, with the limits of the environment and ``options``
    over their own. Raises ConfigError and UsageError for what can't be answered."""
    given = options_budget(
        options.limits,
        options.forbid,
        options.require_ignored,
        options.sensitive,
        options.lint,
        options.exempt,
    )
    over = given.over(environment_budget(environ))
    named = [target for config in configs for target in config.targets]
    named = [_with_options(target, options) for target in (*named, *targets)]
    named = _distinct([replace(target, budget=over.over(target.budget)) for target in named])
    chosen = _only(named, options.only)
    baseline = options.baseline or environ.get("CTXSIZE_BASELINE") or _one_baseline(configs)
    _check(chosen, options)
    return Question(tuple(chosen), baseline, len(named) == 1)


def _with_options(target: Target, options: CheckOptions) -> Target:
    return replace(
        target,
        dockerfile=options.dockerfile or target.dockerfile,
        stage=options.stage or target.stage,
        platform=options.platform or (options.build and options.build.platform) or target.platform,
        builder=options.builder or target.builder,
        against=next(filter(None, map(options.against.get, (*target.names, ""))), target.against),
    )


def _distinct(targets: list[Target]) -> list[Target]:
    """The targets with names that differ: those of several paths get the path in front."""
    names = [target.name for target in targets]
    found = [
        replace(target, name=os.path.normpath(target.path)) if names.count(target.name) > 1 else target
        for target in targets
    ]
    names = [target.name for target in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two targets are called {name!r}", hint="give each a name of its own")
    return found


def _only(targets: list[Target], only: Sequence[str]) -> list[Target]:
    known = list(dict.fromkeys(name for target in targets for name in target.names))
    for name in only:
        if name not in known:
            raise unknown(name, known, "--only", what="target")
    return [target for target in targets if not only or not target.names.keys().isdisjoint(only)]


def _one_baseline(configs: Iterable[Config]) -> str | None:
    found = {config.baseline for config in configs if config.baseline}
    if len(found) > 1:
        raise ConfigError(f"several baselines: {', '.join(sorted(found))}", hint="name one with --baseline")
    return next(iter(found), None)


def _check(targets: Sequence[Target], options: CheckOptions) -> None:
    """Raise UsageError or ConfigError for what can't be answered."""
    if not targets:
        raise UsageError("there is nothing to check", hint="name a directory")
    if len(targets) > 1:
        for given, flag in ((options.archive, "--archive"), (options.dockerfile, "--file")):
            if given:
                raise UsageError(f"{flag} is for one target and there are {len(targets)}", hint="use --only")
        for images, flag in ((options.images, "--image"), (options.against, "--against")):
            if "" in images:
                raise UsageError(
                    f"{flag} names an image for one target and there are {len(targets)}",
                    hint=f"write TARGET=IMAGE, such as {targets[0].name}={images['']}",
                )
    names = list(dict.fromkeys(name for target in targets for name in target.names))
    for images, flag in ((options.images, "--image"), (options.against, "--against")):
        for name in images:
            if name and name not in names:
                raise unknown(name, names, flag, what="target")
    if options.save_baseline is None:
        for target in targets:
            if target.budget.empty:
                raise ConfigError(
                    "there is no limit to check",
                    where=target.config or target.path,
                    hint=f"`ctxsize check --init{_words(target)}` writes limits a little above today's sizes",
                )


def _words(target: Target) -> str:
    """What of a target the command that makes its configuration has to be told."""
    words = [] if target.dockerfile is None else ["-f", target.dockerfile]
    words += [] if target.stage is None else ["--target", target.stage]
    words += [] if os.path.normpath(target.path) == "." else [target.path]
    return "".join(f" {shlex.quote(word)}" for word in words)
