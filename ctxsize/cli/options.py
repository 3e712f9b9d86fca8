"""Options that several commands share, and the decorators that hand them over as one value."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from ctxsize.dockerfile.platforms import parse_platform
from ctxsize.engine.names import KINDS, is_builder, is_builder_address
from ctxsize.report.formats import FORMATS

if TYPE_CHECKING:
    from ctxsize.engine.containers import VerifyCommand
    from ctxsize.engine.options import BuildOptions
    from ctxsize.lint.config import LintConfig

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Option = Callable[[Any], Any]
_CONFIGURATIONS = (".ctxsize.toml", "pyproject.toml")


def _pairs(*, alone: Callable[[str], str | None]) -> Callable[[click.Context, Any, Iterable[str]], Any]:
    """A callback that makes a mapping of ``NAME=VALUE`` words; ``alone`` gives the value of NAME alone."""

    def mapping(_context: click.Context, _option: Any, words: Iterable[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for word in words:
            name, separator, value = word.partition("=")
            if not name:
                raise click.BadParameter("a value without a name: write NAME=VALUE")
            found[name] = value if separator else alone(name)
        return found

    return mapping


def _platform(_context: click.Context, _option: Any, given: tuple[str, ...]) -> str | None:
    """The one platform that is ``given``; several are as bad as a list of them."""
    return parse_platform(",".join(given), "--platform") if given else None


def _no_value(name: str) -> str:
    raise click.BadParameter(f"{name} has no value: write NAME=DIR")


def repeated_option(*names: str, metavar: str, help: str, **more: Any) -> _Option:
    """An option that may be given several times, as its help says."""
    return click.option(*names, multiple=True, metavar=metavar, help=f"{help} Repeatable.", **more)


class _BuilderName(click.types.StringParamType):
    """What ``--builder`` takes: a kind of builder that the engine has, a builder's name, or its address."""

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return f"{'|'.join(KINDS)}|NAME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not (is_builder(value) or is_builder_address(value)):
            self.fail(f"{value!r} names no builder", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from ctxsize.engine.endpoints.store import names

        return [CompletionItem(each) for each in (*KINDS, *names()) if each.startswith(incomplete)]


PATH = click.argument("path", type=click.Path(file_okay=False), default=".", required=False)
DOCKERFILE = click.option(
    "-f",
    "--file",
    "dockerfile",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The Dockerfile (default: Dockerfile in the context); it may lie outside the context.",
)
DIALECT = click.option(
    "--builder",
    type=click.Choice(["buildkit", "classic"]),
    default="buildkit",
    show_default=True,
    help="Apply this builder's ignore rules.",
)
#: What ``--builder`` takes where something is built.
BUILDERS = _BuilderName()
BUILDER = click.option(
    "--builder",
    type=BUILDERS,
    default="auto",
    show_default=True,
    help="Build with the engine's BuildKit or classic builder, or with the builder NAME (`ctxsize builders`"
    " lists them); auto is what `docker build` takes.",
)
#: The options of ``docker build`` that a measurement passes on, each by the field of BuildOptions it fills.
_BUILD: Mapping[str, _Option] = {
    "target": click.option("--target", metavar="STAGE", help="Build this stage."),
    "build_args": repeated_option(
        "--build-arg",
        "build_args",
        callback=_pairs(alone=os.environ.get),
        metavar="NAME[=VALUE]",
        help="Set a build argument; NAME alone takes its value from the environment.",
    ),
    "platform": click.option(
        "--platform",
        multiple=True,
        callback=_platform,
        metavar="PLATFORM",
        help="Build for this platform, e.g. linux/arm64, and take its images"
        " [env var: DOCKER_DEFAULT_PLATFORM].",
    ),
    "labels": repeated_option(
        "--label",
        "labels",
        callback=_pairs(alone=lambda _name: ""),
        metavar="NAME[=VALUE]",
        help="Add a label to the images.",
    ),
    "network": click.option(
        "--network", metavar="MODE", help="Network for RUN steps: default, none or host."
    ),
    "secrets": repeated_option(
        "--secret",
        "secrets",
        metavar="id=ID[,src=FILE|,env=NAME]",
        help="A secret for RUN --mount=type=secret (BuildKit).",
    ),
    "ssh": repeated_option(
        "--ssh", metavar="default|ID=SOCKET", help="An SSH agent for RUN --mount=type=ssh (BuildKit)."
    ),
    "pull": click.option("--pull", is_flag=True, help="Pull newer base images first."),
    "contexts": repeated_option(
        "--build-context",
        "contexts",
        callback=_pairs(alone=_no_value),
        metavar="NAME=DIR",
        help="Add a named context for COPY --from=NAME and FROM NAME: a directory, which has an ignore file"
        " of its own, or docker-image://IMAGE (BuildKit).",
    ),
    "no_cache": click.option(
        "--no-cache", is_flag=True, help="Run every step again, not only those that depend on the context."
    ),
}
#: Those that ``cache`` has no use for: it measures what the cache saves.
_CACHED = ("pull", "no_cache")
_VERIFY = ("verify", "verify_network", "verify_timeout")
_OUTPUT: Mapping[str, _Option] = {
    "file": click.option(
        "-o",
        "--output",
        "file",
        type=click.Path(dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Write the report to FILE (default: -, standard output).",
    ),
    "quiet": click.option(
        "-q", "--quiet", is_flag=True, help="Show no progress and no notes, only results and errors."
    ),
    "verbose": click.option("-v", "--verbose", is_flag=True, help="Show every step and the builder's log."),
}


def build_options(*names: str, cached: bool = False) -> Callable[[_Command], _Command]:
    """Give a command ``-f``, which it gets as ``dockerfile``, and options of ``docker build``, which it gets
    as one BuildOptions, ``build``: those in ``names``, or else all. ``cached`` leaves out those that do
    without the build cache."""
    fields = names or tuple(name for name in _BUILD if not (cached and name in _CACHED))

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        # Imported here so that commands without an engine start fast.
        from ctxsize.engine.options import BuildOptions

        return {"build": BuildOptions(**{name: values.pop(name) for name in fields})}

    return _gathering(gather, [DOCKERFILE, *(_BUILD[name] for name in fields)])


def verify_options(help: str) -> Callable[[_Command], _Command]:
    """Give a command ``--verify``, which does what ``help`` says, and what goes with it; it gets them as one
    VerifyCommand or None, ``verify``."""

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        command, network, seconds = (values.pop(name) for name in _VERIFY)
        return {"verify": _verify_command(command, network, seconds)}

    options = [
        click.option("--verify", metavar="CMD", help=help),
        click.option("--verify-network", is_flag=True, help="Give the --verify command network access."),
        seconds_option("--verify-timeout", "Stop the --verify command after this time.", 60.0),
    ]
    return _gathering(gather, options)


def _verify_command(command: str | None, network: bool, seconds: float) -> VerifyCommand | None:
    if command is None:
        return None
    if not command.strip():
        raise click.UsageError("--verify needs a command")
    # Imported here so that commands without an engine start fast.
    from ctxsize.engine.containers import VerifyCommand

    return VerifyCommand(command, network, seconds)


def output_options(result: str, *names: str) -> Callable[[_Command], _Command]:
    """Give a command that reports a ``result`` of report.formats the options about its output: those in
    ``names`` (``file``, ``quiet``, ``verbose``), or else all.

    It gets them as one Output, ``out``, with those of ``format_option``, ``rows_option`` and ``--null``.
    """

    def gather(values: dict[str, Any]) -> dict[str, Any]:
        # Imported here so that --version and --help start fast.
        from ctxsize.cli.output import Output

        known = [name for name in Output.__annotations__ if name in values]
        return {"out": Output(result, **{name: values.pop(name) for name in known})}

    return _gathering(gather, [_OUTPUT[name] for name in names or _OUTPUT])


def format_option(result: str, help: str = "Format of the report.") -> _Option:
    """``--format``: the formats of ``result``."""
    formats = FORMATS[result]
    return click.option(
        "--format", "format", type=click.Choice(formats), default=formats[0], show_default=True, help=help
    )


def top_option(help: str, name: str = "rows", default: int = 10) -> _Option:
    """``--top N``, of which ``name`` is told."""
    kind = click.IntRange(min=0)
    return click.option("--top", name, type=kind, default=default, show_default=True, metavar="N", help=help)


def repeat_option(help: str) -> _Option:
    """``--repeat N``."""
    return click.option("--repeat", type=click.IntRange(min=1), metavar="N", help=help)


def jobs_option(what: str) -> _Option:
    """``--jobs N`` of a command that measures several ``what``."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help=f"Measure N {what} at the same time, on all nodes of the builder; what is timed runs alone.",
    )


def seconds_option(name: str, help: str, default: float | None = None) -> _Option:
    """An option that takes a time, longer than none."""
    kind = click.FloatRange(min=0, min_open=True)
    shown = default is not None
    return click.option(name, type=kind, default=default, show_default=shown, metavar="SECONDS", help=help)


def _gathering(
    gather: Callable[[dict[str, Any]], dict[str, Any]], options: Iterable[_Option]
) -> Callable[[_Command], _Command]:
    """A decorator that adds ``options`` and puts what ``gather`` makes of their values in their place."""

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def run(**values: Any) -> Any:
            gathered = gather(values)
            return command(**values, **gathered)

        decorated: Any = run
        for option in reversed([*options]):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


@dataclass(frozen=True, slots=True)
class Configured:
    """What a configuration says of a build and its findings; each as in ctxsize.budget.config.Target."""

    dockerfile: str | None = None
    stage: str | None = None
    platform: str | None = None
    builder: str = "auto"
    build_args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    lint: LintConfig | None = None

    def under(self, build: BuildOptions) -> BuildOptions:
        """The options of the command line over these."""
        return replace(
            build,
            target=build.target or self.stage,
            platform=build.platform or self.platform,
            build_args={**self.build_args, **build.build_args},
            contexts={**self.contexts, **build.contexts},
        )

    def fill(self, asked: dict[str, Any], build: BuildOptions) -> BuildOptions:
        """Put the Dockerfile and the builder into ``asked``, what a command was given, where its command line
        has none; and its options of a build over these."""
        asked["dockerfile"] = asked["dockerfile"] or self.dockerfile
        asked["builder"] = self.builder_under(asked["builder"])
        return self.under(build)

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
    if not any(probe(here / name) for name in _CONFIGURATIONS):
        return Configured()
    from ctxsize.budget.config import load_config

    config = load_config(Path(path))
    found = [target for target in config.targets if os.path.realpath(target.path) == str(here)]
    # The Dockerfile outside of the targets is named relative to each of their contexts, and this is none.
    target = found[0] if len(found) == 1 else replace(config.defaults, dockerfile=None)
    return Configured(
        target.dockerfile,
        target.stage,
        target.platform,
        target.builder,
        target.build_args,
        target.contexts,
        target.lint,
    )
