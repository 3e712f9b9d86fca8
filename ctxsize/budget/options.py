"""What is to be checked, and how: the configuration, the environment and the options put together."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ctxsize.budget.config import LINT, LISTS, SENSITIVE, WORDS, Config, Target
from ctxsize.budget.limits import KINDS, Budget, Limit, Listed, parse_limit, parse_sensitive, unknown
from ctxsize.errors import ConfigError, UsageError
from ctxsize.warning import NotChecked, Warning

if TYPE_CHECKING:
    from ctxsize.engine.options import BuildOptions


_ENVIRONMENT = "CTXSIZE_"


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
    configuration has; ``contexts`` its named contexts where nothing is built. ``jobs`` targets are measured
    at the same time, each in a process of its own.
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
    contexts: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 1


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
    notes: Sequence[Warning] = (),
) -> Question:
    """The targets of the configurations and ``targets``, with the limits of the environment and ``options``
    over their own. ``notes`` say what is no target, and why. Raises ConfigError and UsageError for what can't
    be answered."""
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
    chosen = _only(named, options.only, notes)
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


def _only(targets: list[Target], only: Sequence[str], notes: Sequence[Warning]) -> list[Target]:
    known = list(dict.fromkeys(name for target in targets for name in target.names))
    for name in only:
        if name not in known:
            for note in notes:
                if isinstance(note, NotChecked) and note.name == name:
                    raise UsageError(note.message, where=note.where)
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


def environment_budget(environ: Mapping[str, str]) -> Budget:
    """The limits in the environment: ``CTXSIZE_IMAGE``, ``CTXSIZE_GROWTH_BUILD_TIME``, ``CTXSIZE_FORBID`` (a
    pattern a line) … Raises ConfigError, also for a variable that looks like a misspelt one."""
    names = {_variable(name): name for name in (*KINDS, *LISTS, *WORDS)}
    words: dict[str, Listed] = {}
    limits: dict[str, Limit | None] = {}
    lists: dict[str, tuple[Listed, ...]] = {}
    for variable in sorted(name for name in environ if name.startswith(_ENVIRONMENT)):
        name, value = names.get(variable), environ[variable]
        if name is None:
            _check_spelling(variable, {*names, _variable("baseline")})
        elif name in LISTS:
            lists[name] = tuple(Listed(line.strip(), variable) for line in value.splitlines() if line.strip())
        elif not value.strip():
            continue
        elif name in WORDS:
            words[name] = parse_sensitive(value, variable, name)
        else:
            limits[name] = parse_limit(name, value, variable)
    return Budget(
        limits,
        lists.get("forbid", ()),
        lists.get("require-ignored", ()),
        words.get(SENSITIVE),
        lists.get("not-sensitive", ()),
        words.get(LINT),
        lists.get("exempt", ()),
    )


def options_budget(
    limits: Iterable[str],
    forbid: Iterable[str],
    require_ignored: Iterable[str],
    sensitive: str | None = None,
    lint: str | None = None,
    exempt: Iterable[str] = (),
) -> Budget:
    """The limits of the command line: ``NAME=SIZE`` words, patterns and paths. Raises ConfigError."""
    found = {}
    for word in limits:
        name, separator, text = word.partition("=")
        if not separator:
            raise ConfigError(
                f"{word!r} sets no limit", where="--limit", hint="write NAME=SIZE: image='250 MB'"
            )
        found[name.strip()] = parse_limit(name.strip(), text, "--limit")
    return Budget(
        found,
        tuple(Listed(pattern, "--forbid") for pattern in forbid),
        tuple(Listed(path, "--require-ignored") for path in require_ignored),
        None if sensitive is None else parse_sensitive(sensitive, "--sensitive"),
        lint=None if lint is None else parse_sensitive(lint, "--lint", LINT),
        exempt=tuple(Listed(pattern, "--exempt") for pattern in exempt),
    )


def _variable(name: str) -> str:
    return _ENVIRONMENT + re.sub(r"[.-]", "_", name).upper()


def _check_spelling(variable: str, known: set[str]) -> None:
    """Raise ConfigError when a variable that is none of ours looks like one of them."""
    from difflib import get_close_matches

    if variable in known:
        return
    if near := get_close_matches(variable, list(known), n=1, cutoff=0.85):
        raise ConfigError("unknown environment variable", where=variable, hint=f"did you mean {near[0]}?")
