"""The line with which ``context`` and ``compare`` end when lint finds something that costs bytes or time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctxsize.errors import CtxsizeError
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    from ctxsize.cli.output import Output
    from ctxsize.engine.options import BuildOptions

#: Files and directories up to which ``context`` looks: more would take it too long.
MOST_ENTRIES = 20_000


def hint_at_lint(out: Output, build: BuildOptions, path: str, dockerfile: str | None, builder: str) -> None:
    """Print ``3 findings, 312MB: `ctxsize lint` `` below a table on standard output, if there is something to
    say. What lint can't do is no trouble of these commands."""
    if out.format != "table" or out.quiet or out.file not in (None, "-"):
        return
    from ctxsize.budget.config import load_config
    from ctxsize.budget.lint import LintOptions, lint_target, totals
    from ctxsize.cli.output import write
    from ctxsize.progress import Silent

    known = {name: value for name, value in build.build_args.items() if value is not None}
    options = LintOptions(dockerfile=dockerfile, stage=build.target, build_args=known, builder=builder)
    try:
        found = lint_target(load_config(path).defaults, options, Silent())
    except CtxsizeError:
        return
    costly = [each for each in found.findings if each.severity != "info" and each.files]
    if costly:
        from dataclasses import replace

        size = totals([replace(found, findings=tuple(costly))]).bytes
        count = "1 finding" if len(costly) == 1 else f"{len(costly)} findings"
        write(f"\n{count}, {format_bytes(size)}: `ctxsize lint`\n", "-")
