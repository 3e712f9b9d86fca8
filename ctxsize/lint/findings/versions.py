"""CX4, git: what asks the repository for a version in the build, and what it finds there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.ignore.types import Rule
from ctxsize.lint.facts import Facts
from ctxsize.lint.findings.leaks import GO_BUILD, USES_GIT
from ctxsize.lint.findings.needed import all_commands, asks, builds, short, table, toml
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.sources import deciding
from ctxsize.lint.runs import Command, commands
from ctxsize.lint.types import Finding

_SCM = re.compile(r"setuptools[-_]scm|hatch-vcs|versioningit", re.IGNORECASE)
_PRETEND = re.compile(
    r"SETUPTOOLS_SCM_PRETEND_VERSION|VERGEN_|VERSIONINGIT|PBR_VERSION|POETRY_DYNAMIC_VERSIONING_BYPASS|HATCH_VCS"
)
_RUST_VERSION = re.compile(r"^(?:vergen\S*|git-version|built|git2|gix)$")
_NEEDED_OF_GIT = ("HEAD", "objects", "refs", "packed-refs", "index")
_DIRTY = re.compile(r"\bgit\s+describe\b.*--(?:dirty|broken)\b|\bgit\s+(?:status|diff)\b")


@check(
    "CX404",
    "the version comes from git, and .git is ignored",
    "warning",
    why="""setuptools-scm, hatch-vcs, vergen, `git describe` and the like ask the repository. Without it
    the build fails, or the version is empty or 0.0.0. Better than to let .git in: `--build-arg
    VERSION=$(git describe)`, and a variable such as SETUPTOOLS_SCM_PRETEND_VERSION.""",
    example='.git\nDockerfile:\nRUN go build -ldflags "-X main.version=$(git describe)"',
    instead="",
)
def version(facts: Facts) -> Iterator[Finding]:
    """.git is there and ignored, and a program in the build asks it."""
    match = facts.tree.entry(".git")
    if match is None or match.below is None or "HEAD" not in match.below.files or facts.plan is None:
        return
    if facts.tree.arrives(".git/HEAD"):
        return
    rule = deciding(facts, ".git/HEAD")
    if (
        rule is None
        or not any(taker.takes("x") or taker.takes(".git") for taker in facts.takers)
        or _told_version(facts)
    ):
        return
    found = next(_asking(facts), None)
    if found is not None:
        what, command = found
        yield facts.at_rule(
            "CX404",
            rule,
            f"{what} ({facts.dockerfile}:{command.line}) asks git, and this rule ignores .git",
            "give the build the version: --build-arg VERSION=$(git describe --tags)",
            severity="warning",
        )


def _told_version(facts: Facts) -> bool:
    """Whether a variable brings the version from outside."""
    assert facts.plan is not None
    return any(
        _PRETEND.search(step.instruction.raw)
        for index in facts.plan.reachable
        for step in facts.plan.stages[index].steps
        if step.instruction.keyword in ("ARG", "ENV", "RUN")
    )


def _asking(facts: Facts) -> Iterator[tuple[str, Command]]:
    """What asks git for a version, and the command that makes it do so."""
    pyproject, cargo = toml(facts, "pyproject.toml"), toml(facts, "Cargo.toml")
    requires = table(pyproject, "build-system").get("requires", [])
    by_python = (
        next((str(each) for each in requires if _SCM.search(str(each))), None)
        if isinstance(requires, list)
        else None
    )
    if by_python is None and any(_SCM.search(name) for name in table(pyproject, "tool")):
        by_python = next(name for name in table(pyproject, "tool") if _SCM.search(name))
    by_rust = next((name for name in table(cargo, "build-dependencies") if _RUST_VERSION.match(name)), None)
    script = facts.read("build.rs") if facts.tree.entry("build.rs") is not None else None
    if by_rust is None and script is not None and re.search(rb'"git"', script):
        by_rust = "build.rs"
    for _stage, command in all_commands(facts):
        if USES_GIT.search(command.text) and not command.excused and "|| " not in command.text:
            yield f"`{short(USES_GIT.search(command.text)[0])}`", command  # type: ignore[index]
        if by_python and (builds(command, True)):
            yield re.split(r"[<>=!~\[; ]", by_python)[0], command
        if by_rust and re.search(r"\bcargo\s+(?:build|install|run|test)\b", command.text):
            yield by_rust, command


def _asks_git(facts: Facts, stage: int) -> Command | None:
    """The first command of a stage that asks git for something, or makes Go do so."""
    if facts.plan is None:
        return None
    for command in commands(facts.plan, stage):
        if USES_GIT.search(command.text) or (
            GO_BUILD.search(command.text) and "-buildvcs=false" not in command.text
        ):
            return command
    return None


@check(
    "CX405",
    "a part of .git is ignored",
    "warning",
    why="""A program in the build asks git, and the repository is not whole there: without HEAD, objects
    or refs it is none (Go: "error obtaining VCS status"), without the index all seems deleted, without
    packed-refs tags are missing. hooks and logs are not needed. A worktree's `.git` is a file that leads
    out of the context.""",
    example=".git/objects\nDockerfile:\nCOPY . .\nRUN go build .",
    instead=".git/hooks",
)
def part_of_git(facts: Facts) -> Iterator[Finding]:
    """.git is taken without one of its needed parts, or is the file of a worktree."""
    match = facts.tree.entry(".git")
    if match is None:
        return
    for taker in facts.takers:
        command = _asks_git(facts, taker.stage) if taker.takes(".git") else None
        if command is None:
            continue
        told = asks(facts, command)
        if match.below is None:
            data = facts.read(".git") or b""
            if match.kept and data.startswith(b"gitdir:") and b"/worktrees/" in data:
                yield facts.at_file(
                    "CX405",
                    facts.dockerfile,
                    f"git fails in the build ({told}): .git is a worktree's file, which leads out of it",
                    "build from a checkout of its own, or give the build what it asks git for",
                    severity="warning",
                    line=taker.line,
                )
            return
        if not match.below.arrives:
            return
        for part in _NEEDED_OF_GIT:
            entry = facts.tree.entry(f".git/{part}")
            if entry is None or entry.kept:
                continue
            rule = deciding(facts, f".git/{part}")
            if rule is not None:
                yield facts.at_rule(
                    "CX405",
                    rule,
                    f"git does not work in the build: {told} asks it, and this rule ignores .git/{part}",
                    f"let in all that git needs ({', '.join(_NEEDED_OF_GIT)}), or nothing of .git",
                    severity="warning",
                )
                return
        return


@check(
    "CX406",
    "git in the build sees changes that are none",
    "info",
    why="""To git in the build, tracked files that are ignored have been deleted: versions end in
    `-dirty`, Go says `vcs.modified`. (The Dockerfile counts, too.) Use `git describe` without `--dirty`,
    or a build argument.""",
    example="docs\nDockerfile:\nCOPY . .\nRUN go build .",
    instead="",
)
def dirty(facts: Facts) -> Iterator[Finding]:
    """.git is taken, something asks whether there are changes, and tracked files are ignored."""
    match = facts.tree.entry(".git")
    if match is None or match.below is None or not match.below.arrives or "CX405" in facts.codes:
        return
    for taker in facts.takers:
        if not taker.takes(".git") or facts.plan is None:
            continue
        command = next(
            (each for each in commands(facts.plan, taker.stage) if _asks_for_changes(facts, each)), None
        )
        if command is None:
            continue
        best: tuple[int, Rule] | None = None
        for rule in facts.each_rule():
            if not rule.negated and facts.decided(rule)[0]:
                tracked = sum(file.path in facts.git.tracked for file in facts.ignored_by(rule))
                if tracked and (best is None or tracked > best[0]):
                    best = tracked, rule
        if best is not None:
            yield facts.at_rule(
                "CX406",
                best[1],
                f"{asks(facts, command)} sees {best[0]} tracked"
                " files as deleted, which this rule ignores: the version is dirty",
                "use git describe without --dirty, or give the build the version as an argument",
                severity="info",
                cost=facts.cost(file for file in facts.ignored_by(best[1]) if file.path in facts.git.tracked),
            )
        return


def _asks_for_changes(facts: Facts, command: Command) -> bool:
    if _DIRTY.search(command.text):
        return True
    if GO_BUILD.search(command.text):
        return "-buildvcs=false" not in command.text
    return builds(command, True) and bool(
        _SCM.search((facts.read("pyproject.toml") or b"").decode("utf-8", "replace"))
    )
