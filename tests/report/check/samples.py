"""Reports of ``ctxsize check`` to draw: one of each kind of trouble, and one with hostile names."""

from __future__ import annotations

from ctxsize.budget.types import (
    CheckReport,
    CheckTotals,
    FileFinding,
    Grown,
    Judged,
    TargetReport,
)
from ctxsize.measure.target import MeasuredTarget
from ctxsize.warning import Warning

#: Names as a stranger's repository may have them.
HOSTILE = (
    "new\nline",
    "\x1b[31mred",
    "not-utf8-\udcff",
    "a|b`c``d",
    "::error::x,y:z%0A",
    "<img src=x onerror=alert(1)>",
    "@team #12 [link](x) **bold** ~~gone~~ $x$",
    "]]></failure>&amp;\ufffe",
    "=1+1",
    "naïve 漢字",
    " ",
)

WITHIN = Judged("context", "bytes", "10 MB", 10_000_000, 2_000_000, over=False, where=".ctxsize.toml:2")
OVER = Judged(
    "image",
    "bytes",
    "250 MB",
    250_000_000,
    260_000_000,
    over=True,
    where=".ctxsize.toml:4",
    grew=(
        Grown("web/dist", 1_000_000, 9_000_000),
        Grown("new.bin", 0, 2_000_000),
        Grown("RUN make", None, 500, kind="step"),
    ),
    hint="see what is in it with `ctxsize context --largest 20`",
)
UNKNOWN = Judged(
    "pull", "bytes", "90 MB", 90_000_000, None, over=False, where="--max-pull", reason="no engine answers"
)
FORBIDDEN = FileFinding(
    "forbidden",
    "config/.env",
    'must not reach the build (forbid "**/.env")',
    where=".ctxsize.toml:6",
    help="add a rule to .dockerignore",
)
NOT_IGNORED = FileFinding("not-ignored", ".git", "must be ignored", where=".ctxsize.toml:7")
SENSITIVE = FileFinding("sensitive", "id_rsa", "looks like a private key", line=3, severity="warning")


def target(
    name: str = "shop",
    *,
    path: str = ".",
    limits: tuple[Judged, ...] = (),
    findings: tuple[FileFinding, ...] = (),
    warnings: tuple[Warning, ...] = (),
    error: str | None = None,
    log: tuple[str, ...] = (),
    exit_code: int = 0,
) -> TargetReport:
    return TargetReport(
        name,
        path,
        "Dockerfile",
        ".dockerignore",
        MeasuredTarget(),
        limits,
        findings,
        warnings,
        error,
        log,
        exit_code,
    )


def report(*targets: TargetReport) -> CheckReport:
    return CheckReport(
        version="0.1.0",
        created="2026-11-23T18:00:00+00:00",
        targets=targets,
        totals=CheckTotals(2_000_000, 12, None, None),
        exit_code=max(each.exit_code for each in targets),
    )


ALL_WELL = report(target(limits=(WITHIN,)))
EVERYTHING = report(
    target(
        limits=(WITHIN, OVER, UNKNOWN),
        findings=(FORBIDDEN, NOT_IGNORED, SENSITIVE),
        warnings=(Warning("links", "links were counted once", "Dockerfile:3"),),
        exit_code=4,
    ),
    target(
        "api",
        path="services/api",
        error="services/api/Dockerfile:3: a build failed",
        log=("step 3", "no ```space``` left"),
        exit_code=3,
    ),
)
HOSTILE_REPORT = report(
    target(
        "evil | `name`",
        limits=tuple(
            Judged("context", "bytes", "1", 1, 2, over=True, where=f"{name}:1", grew=(Grown(name, 1, 2),))
            for name in HOSTILE
        ),
        findings=tuple(FileFinding("forbidden", name, f"matches {name}", help=name) for name in HOSTILE),
        warnings=tuple(Warning("code", name, name) for name in HOSTILE),
        error="\n".join(HOSTILE),
        log=HOSTILE,
        exit_code=2,
    ),
    target(),
)
REPORTS = {"well": ALL_WELL, "everything": EVERYTHING, "hostile": HOSTILE_REPORT}
