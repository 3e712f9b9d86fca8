"""CX4, the first half: what instructions name and the ignore file keeps out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.dockerfile.wildcard import has_wildcard
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.facts import Facts, Taker, literal_pattern
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.words import amount, count
from ctxsize.lint.tree import Match
from ctxsize.lint.types import Edit, Finding, Severity

_TEMPLATES = re.compile(
    r"(?:\*\*/)?(?:bin|obj|lib|vendor|charts|build|dist|env|out|target|packages|deps|var|tmp|media|public|storage)"
)


def deciding(facts: Facts, path: str) -> Rule | None:
    """The rule that keeps a path out; None where none does."""
    if facts.project.rules is None:
        return None
    rule = facts.project.rules.verdict(path).rule
    return rule if rule is not None and not rule.negated and rule.line else None


def let_in(facts: Facts, rule: Rule, path: str) -> Edit | None:
    """The edit that lets a path in again: the rule goes if it names just that, else an exception is added."""
    name = literal_pattern(path)
    if name is None:
        return None
    if rule.pattern in (path, name):
        return facts.replaced(rule)
    return Edit(facts.ignore_file, {rule.line: (facts.lines[rule.line - 1], f"!{name}")}) if _behind(
        facts, rule, path) else facts.appended(f"!{name}")  # fmt: skip


def _behind(facts: Facts, rule: Rule, path: str) -> bool:
    """Whether an exception right behind the rule is enough: no later rule says a word about the path."""
    assert facts.project.rules is not None  # it has the rule
    if rule.pattern.strip("*/") == "":
        return False  # an allow-list: its exceptions stand together, at the end
    return all(match.line <= rule.line for match in facts.project.rules.verdict(path).matches)


@check(
    "CX401",
    "what is copied is ignored",
    "error",
    fix="unsafe",
    why="""Everything that a source of COPY, ADD or a bind mount names is kept out. A path: the build
    fails. A wildcard alone: BuildKit copies nothing and says nothing, the classic builder fails. A
    wildcard beside a source that arrives: nothing is said (a warning). It is fine if a part of a
    directory is ignored, or all in it.""",
    example="dist\nDockerfile:\nCOPY dist /app",
    instead="dist/*.map",
)
def copied_and_ignored(facts: Facts) -> Iterator[Finding]:
    """A source with matches of which none arrives."""
    if facts.project.rules is None:
        return
    names = ContextDirectory(facts.project.context)
    told: set[int] = set()
    for taker in facts.takers:
        found = _nothing_arrives(facts, names, taker)
        if found is None:
            continue
        paths, link = found
        rule = next(filter(None, (deciding(facts, path) for path in paths)), None)
        if rule is None or rule.line in told:
            continue
        told.add(rule.line)
        yield _copied(facts, names, taker, rule, paths, link)


def _nothing_arrives(
    facts: Facts, names: ContextDirectory, taker: Taker
) -> tuple[list[str], str | None] | None:
    """The paths that a source stands for, of which none arrives, and the link that led there; None when
    something arrives or there is nothing."""
    if taker.pattern == ".":
        root = facts.tree.root
        apart = (".dockerignore", facts.ignore_file, facts.dockerfile)
        there = [name for name in root.names if name not in apart]
        if not there or any(facts.tree.arrives(name) for name in root.names):
            return None
        return there, None
    paths: list[str] = []
    link = None
    for path in matches(names, taker.pattern):
        real = resolve_links(names, path)
        if real is None or real == ".":
            return None
        if facts.tree.arrives(real) and facts.tree.arrives(path):
            return None
        if real != path and facts.tree.arrives(path):
            link = path
        paths.append(real if link else path)
    return (paths, link) if paths else None


def _copied(
    facts: Facts, names: ContextDirectory, taker: Taker, rule: Rule, paths: list[str], link: str | None
) -> Finding:
    wildcard = has_wildcard(taker.pattern)
    beside = wildcard and _beside(facts, names, taker)
    lost = [match for path in paths if (match := facts.tree.entry(path)) is not None]
    cost = facts.cost(facts.tree.files(lost))
    source = f"{taker.step.instruction.keyword} {taker.pattern} ({facts.dockerfile}:{taker.line})"
    all_of = f"all {count(cost.files, 'file')} of it are" if cost.files != 1 else f"{cost.paths[0]} is"
    severity: Severity = "error"
    if taker.pattern == ".":
        message, severity = f"{source} brings nothing: everything is ignored", "warning"
    elif beside:
        message, severity = f"{source} goes without {', '.join(paths[:2])}, ignored by this rule", "warning"
    elif wildcard and "/" not in taker.pattern and facts.dialect is Dialect.BUILDKIT:
        message = f"{source} copies nothing, and BuildKit does not say so: {all_of} ignored by this rule"
    elif link:
        message = f"the build fails: {source} is a link to {paths[0]}, which this rule ignores"
    else:
        message = f"the build fails: {source} finds nothing, {all_of} ignored by this rule"
    edit = None
    if not wildcard and taker.pattern != ".":
        edit = let_in(facts, rule, paths[0])
    return facts.at_rule(
        "CX401",
        rule,
        message,
        f"remove the rule, or let it in with !{paths[0] if not wildcard else taker.pattern} at the end",
        severity=severity,
        cost=cost,
        edit=edit,
    )


def _beside(facts: Facts, names: ContextDirectory, taker: Taker) -> bool:
    """Whether another source of the same instruction brings something."""
    return any(
        facts.tree.arrives(path)
        for pattern in taker.pick.patterns
        if pattern != taker.pattern
        for path in matches(names, pattern)
    )


@check(
    "CX408",
    "a template's rule hits committed source",
    "warning",
    fix="unsafe",
    why="""Templates of ignore files have rules for what one language's tools build: `**/bin`, `lib/`,
    `**/vendor`, `**/charts`. Here git tracks what such a rule keeps out, and the Dockerfile copies it.""",
    example="**/bin",
    instead="**/bin\n!src/bin",
)
def template(facts: Facts) -> Iterator[Finding]:
    """A rule for build output keeps out files that git tracks and an instruction would take."""
    for rule in facts.rules:
        if rule.negated or not _TEMPLATES.fullmatch(rule.pattern) or facts.said_of(rule.line, "CX401"):
            continue
        if not facts.decided(rule)[2] or not facts.git.there:
            continue
        tracked = facts.git.tracked
        hit: list[Match] = []
        clean = True
        for match in facts.own(rule):
            files = [file for file in facts.tree.files([match]) if not file.kept and file.rule is rule]
            if any(file.path in tracked and facts.tree.taken(file) for file in files):
                hit.append(match)
                clean = clean and all(file.path in tracked for file in files)
        if not hit:
            continue
        cost = facts.cost(
            file
            for file in facts.tree.files(hit)
            if file.path in tracked and file.rule is rule and facts.tree.taken(file)
        )
        names = [literal_pattern(match.path) for match in hit]
        named = [f"!{name}" for name in names if name]
        edit = None
        if clean and len(named) == len(names):
            alone = len(facts.own(rule)) == len(hit) and all(not match.folder.path for match in hit)
            lines = () if alone else (facts.lines[rule.line - 1], *named)
            edit = Edit(facts.ignore_file, {rule.line: lines})
        yield facts.at_rule(
            "CX408",
            rule,
            f"this keeps out {amount(cost)} that git tracks, such as {cost.paths[0]}",
            f"it is source here: let it in with {', '.join(named) or 'an exception'}, or remove the rule",
            severity="warning",
            cost=cost,
            edit=edit,
        )
