"""``ctxsize lint``: what is wrong with an ignore file, and what it costs; and the line about it with which
``context`` and ``compare`` end."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ctxsize.cli.options import build_options, format_option, output_options, repeated_option
from ctxsize.cli.reports import add_to_summary, further_report, report_all
from ctxsize.errors import CtxsizeError
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    from ctxsize.budget.config import Target
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions
    from ctxsize.lint.config import LintConfig

#: Files and directories, and rules, up to which ``context`` looks: more would take it too long.
MOST_ENTRIES, MOST_RULES = 20_000, 1000
_FILE = click.Path(dir_okay=False)
_EPILOG = """\b
Examples:
  ctxsize lint                       what is wrong with the ignore file here, the most expensive first
  ctxsize lint --diff                what the safe fixes would change
  ctxsize lint --fix                 make them: what arrives stays the same
  ctxsize lint --fix --unsafe-fixes  all fixes: what arrives may change
  ctxsize lint --explain CX101       what a code means
  ctxsize lint --compose compose.yaml --report sarif=ctxsize.sarif

\b
Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 something could not be linted.
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", type=click.Path(file_okay=False), nargs=-1, metavar="[PATH]...")
@click.option(
    "--builder",
    type=click.Choice(["buildkit", "classic", "podman"]),
    help="Apply this builder's ignore rules (default: as configured, else buildkit).",
)
@click.option("--fix", is_flag=True, help="Mend the ignore file with safe fixes.")
@click.option(
    "--unsafe-fixes",
    "unsafe",
    is_flag=True,
    help="With --fix or --diff: fixes that change what arrives, too.",
)
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@repeated_option("--select", metavar="CODE", help="Only look for these codes, or their beginnings (CX1).")
@repeated_option("--ignore", metavar="CODE", help="Do not look for these codes, or their beginnings.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    help="Fail if there are findings of this severity or a higher one (default: warning).",
)
@click.option("--explain", metavar="CODE", help="Say what a code means, and exit; `all` lists the codes.")
@click.option(
    "--compose",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Lint what a Compose file builds; several are merged, as with docker compose -f.",
)
@format_option("lint")
@repeated_option(
    "--report",
    "reports",
    metavar="FORMAT=FILE",
    help="Also write this report, e.g. sarif=ctxsize.sarif; - is standard output.",
)
@build_options("target", "build_args", "platform")
@output_options("lint", "file", "quiet")
def lint(
    paths: tuple[str, ...],
    compose: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    explain: str | None,
    reports: tuple[str, ...],
    build: BuildOptions,
    out: Output,
    **asked: Any,
) -> None:
    """Say what is wrong with the ignore files of the projects at PATH (default: here), without an engine.

    Every finding says what it costs: the bytes and files that reach the build, or are walked in vain. A
    comment `# ctxsize: ignore CODE - reason` above a line switches its finding off; [lint] in .ctxsize.toml
    configures the rest.
    """
    # Imported here so that other commands start without it.
    from ctxsize.budget.linting.lint import LintOptions
    from ctxsize.budget.linting.lint import lint as look
    from ctxsize.lint.config import FAIL_ON, LintConfig, check_codes

    if explain is not None:
        _explain(explain, out)
        return
    if asked["fix"] and asked["diff"]:
        raise click.UsageError("--diff changes nothing and --fix does: choose one")
    if asked["unsafe"] and not (asked["fix"] or asked["diff"]):
        raise click.UsageError("--unsafe-fixes goes with --fix or --diff")
    further = [further_report("lint", word) for word in reports]
    options = LintOptions(
        dockerfile=asked.pop("dockerfile"),
        stage=build.target,
        build_args={name: value for name, value in build.build_args.items() if value is not None},
        platform=build.platform,
        config=LintConfig(
            select=check_codes(_words(select), "--select") if select else None,
            ignore=check_codes(_words(ignore), "--ignore"),
            fail_on=next((each for each in FAIL_ON if each == fail_on), None),
        ),
        **asked,
    )
    with out.progress() as progress:
        report = look(*paths, targets=_composed(compose), options=options, progress=progress)
    add_to_summary(report, out)
    code = max(report.exit_code, report_all(report, out, further))
    if code:
        raise SystemExit(code)


def _words(codes: tuple[str, ...]) -> list[str]:
    """The codes, of which one word may hold several: ``CX101,CX2``."""
    return [code for word in codes for code in word.split(",")]


def _composed(files: tuple[str, ...]) -> tuple[Target, ...] | None:
    """The targets of Compose files; None when there are none of those."""
    if not files:
        return None
    from ctxsize.budget.compose.targets import compose_targets

    return compose_targets(files, os.environ).targets


def _explain(code: str, out: Output) -> None:
    """Print what a code means."""
    from ctxsize.cli.output import write
    from ctxsize.lint.config import check_codes
    from ctxsize.lint.findings.all import BY_CODE
    from ctxsize.report.lint.explain import explained, listed

    (begin,) = check_codes([code], "--explain")
    found = [check for each, check in BY_CODE.items() if each.startswith(begin)]
    write(explained(found[0]) if len(found) == 1 else listed(found), out.file or "-")


def hint_at_lint(
    out: Output,
    build: BuildOptions,
    path: str,
    dockerfile: str | None,
    builder: str,
    config: LintConfig | None,
) -> None:
    """Print ``3 findings, 312MB: `ctxsize lint` `` below a table on standard output, if there is something to
    say. What lint can't do is no trouble of these commands. ``config`` is what the configuration says of
    findings; all else is as it was built."""
    if out.format != "table" or out.quiet or out.file not in (None, "-"):
        return
    # Without what `ctxsize lint` has of targets and their configuration: `context` shall be quick.
    from ctxsize.cli.output import write
    from ctxsize.ignore.types import Dialect
    from ctxsize.lint.config import LintConfig
    from ctxsize.lint.lint import Subject, look
    from ctxsize.lint.types import LintTotals

    subject = Subject(
        path,
        dockerfile,
        build.target,
        {name: value for name, value in build.build_args.items() if value is not None},
        Dialect.of_builder(builder),
        contexts=build.contexts,
        platform=build.platform,
    )
    try:
        _, found = look(subject, config or LintConfig())
    except CtxsizeError:
        return
    costly = [each for each in found.findings if each.severity != "info" and each.files]
    if costly:
        size = LintTotals.of([replace(found, findings=tuple(costly))]).bytes
        count = "1 finding" if len(costly) == 1 else f"{len(costly)} findings"
        write(f"\n{count}, {format_bytes(size)}: `ctxsize lint`\n", "-")
