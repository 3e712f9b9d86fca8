"""CX5: what is copied into an image, or into the cache, and should not be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.lint.facts import Facts, Taker, literal_pattern
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.words import amount, count
from ctxsize.lint.runs import commands
from ctxsize.lint.tree import File
from ctxsize.lint.types import Finding
from ctxsize.sensitive.types import SensitiveFile

#: Commands that ask git for something, in a build.
USES_GIT = re.compile(
    r"\bgit\s+(?:-\S+\s+(?:\S+\s+)?)*(?:describe|rev-parse|log|status|show|diff|rev-list|tag)\b"
)
GO_BUILD = re.compile(r"\bgo\s+(?:build|install)\b")


@check(
    "CX501",
    "a secret is copied",
    "error",
    fix="unsafe",
    why="""The file almost certainly holds a secret, and a COPY or ADD puts it into the image, where
    whoever pulls the image has it, or into a stage that is kept in the build cache (a warning). Ignore
    it, and give secrets to a build with `--secret`.""",
    example="# nothing ignores .env\nDockerfile:\nCOPY . /app",
    instead=".env",
)
def secret(facts: Facts) -> Iterator[Finding]:
    """A likely secret that arrives, that no exception is to blame for, and that an instruction takes."""
    by_taker: dict[int, tuple[Taker, list[SensitiveFile]]] = {}
    for file in facts.secrets:
        match = facts.tree.entry(file.path)
        outcome = match.folder.outcome(match.name) if match is not None else None
        if outcome is not None and outcome.rule is not None and outcome.rule.negated:
            continue  # CX206
        taker = facts.taker_of(file.path)
        if taker is not None:
            by_taker.setdefault(taker.line, (taker, []))[1].append(file)
    for taker, files in by_taker.values():
        first = files[0]
        where = "into the image" if taker.final else "into a stage, and the build cache"
        more = f" and {count(len(files) - 1, 'more')}".removesuffix("s") if len(files) > 1 else ""
        patterns = [literal_pattern(file.path) for file in files]
        named = [pattern for pattern in patterns if pattern]
        entries = [facts.tree.entry(file.path) for file in files]
        cost = facts.cost(
            File(match.folder, match.name, match.folder.files[match.name])
            for match in entries
            if match is not None and match.below is None
        )
        yield facts.at_file(
            "CX501",
            facts.dockerfile,
            f"this copies {first.path}{more} {where}, which looks like a secret: {first.reason}",
            f"add {named[0] if named else first.path} to the ignore file; a build gets secrets with --secret",
            severity="error" if taker.final else "warning",
            line=taker.line,
            cost=cost,
            edit=facts.appended(*named) if len(named) == len(patterns) else None,
        )


@check(
    "CX502",
    "the repository's history is copied",
    "warning",
    fix="unsafe",
    why="""`.git` holds all that ever was in the repository, and tokens in `.git/config` where a CI put
    them there. Every commit changes it, so that COPY and all steps after it run anew.""",
    example="# nothing ignores .git\nDockerfile:\nCOPY . /app",
    instead=".git",
)
def history(facts: Facts) -> Iterator[Finding]:
    """A .git directory that an instruction takes, unless git is used in a stage that is not the last."""
    if not facts.rules or "CX006" in facts.codes or facts.plan is None:
        return
    match = facts.tree.entry(".git")
    if match is None or match.below is None or not match.kept:
        return
    files = list(facts.tree.arriving([match]))
    taker = facts.taker_of(".git")
    if taker is None or not files:
        return
    if not taker.final and any(
        USES_GIT.search(command.text) or GO_BUILD.search(command.text)
        for command in commands(facts.plan, taker.stage)
    ):
        return
    cost = facts.cost(files)
    where = "the image" if taker.final else "a stage"
    yield facts.at_file(
        "CX502",
        facts.dockerfile,
        f"this copies .git into {where}: {amount(cost)}",
        "add .git to the ignore file: it has the whole history, and every commit makes COPY anew",
        severity="warning",
        line=taker.line,
        cost=cost,
        edit=facts.appended(".git"),
    )


@check(
    "CX503",
    "the Dockerfile or the ignore file is copied",
    "info",
    fix="unsafe",
    why="""Every edit of the Dockerfile makes the COPY and all steps after it run anew, though nothing in
    the image needs it. Builders read both files even if they are ignored.""",
    example="# nothing ignores the Dockerfile\nDockerfile:\nCOPY . /app",
    instead="Dockerfile\n.dockerignore",
)
def build_files(facts: Facts) -> Iterator[Finding]:
    """The Dockerfile or an ignore file arrives, and an instruction takes it that takes everything."""
    if not facts.rules or "CX006" in facts.codes or not facts.all_takers:
        return
    names = dict.fromkeys([facts.project.dockerfile_in_context, ".dockerignore", facts.ignore_file])
    found = [name for name in names if name and not name.startswith("../") and facts.tree.arrives(name)]
    if not found:
        return
    patterns = [literal_pattern(name) for name in found]
    named = [pattern for pattern in patterns if pattern]
    it = "it" if len(found) == 1 else "them"
    yield facts.at_file(
        "CX503",
        facts.dockerfile,
        f"this copies {' and '.join(found)}: every edit of {it} makes COPY anew",
        f"add {' and '.join(named or found)} to the ignore file; builders read {it} all the same",
        severity="info",
        line=facts.all_takers[0].line,
        edit=facts.appended(*named) if len(named) == len(patterns) else None,
    )
