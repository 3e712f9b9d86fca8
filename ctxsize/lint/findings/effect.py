"""CX3: rules without effect, and effects that lack a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.facts import Facts, literal_pattern
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.usual import is_usual
from ctxsize.lint.findings.words import amount, count
from ctxsize.lint.fix import superfluous
from ctxsize.lint.tree import File, Match
from ctxsize.lint.types import Finding

_WILD = re.compile(r"[*?\[\]\\^]")
_LARGE = 100_000_000  # bytes that git ignores and the build gets, from which they are worth a word
_MOST_RULES = 5_000  # rules that are compared with each other


class _Cover:
    """Which of some rules cover a pattern: match all that it can match, or a directory above it."""

    def __init__(self, rules: list[Rule]) -> None:
        self._by_pattern: dict[str, list[Rule]] = {}
        for rule in rules:
            self._by_pattern.setdefault(rule.pattern, []).append(rule)
        plain = [Rule(rule.line, rule.text, rule.pattern, False) for rule in rules]
        self._by_line = {rule.line: rule for rule in rules}
        self._matcher = Matcher(plain, Dialect.BUILDKIT)

    def stated(self, rule: Rule) -> Iterator[Rule]:
        """Those that do so whatever there is: the same pattern, ``**/`` before it, a directory above it."""
        pattern = rule.pattern
        parts = pattern.split("/")
        above = ["/".join(parts[:size]) for size in range(1, len(parts))]
        for each in (pattern, f"**/{pattern}", *(name for name in above if not _WILD.search(name))):
            yield from (other for other in self._by_pattern.get(each, ()) if other is not rule)

    def matching(self, rule: Rule) -> Iterator[Rule]:
        """Those that match the one path that a rule without wildcards names."""
        if not _WILD.search(rule.pattern) and rule.pattern not in (".", "/"):
            for found in self._matcher.verdict(rule.pattern).matches:
                if found.line != rule.line:
                    yield self._by_line[found.line]


def _undisputed(facts: Facts) -> Iterator[Rule]:
    """The ignoring rules of which nothing was found yet."""
    for rule in facts.each_rule():
        if not rule.negated and not facts.said_of(rule.line):
            yield rule


@check(
    "CX302",
    "a rule that another one covers",
    "info",
    fix="safe",
    why="""It is there twice, or a wider rule ignores all that it could. Removing it is safe only where no
    exception stands before the later of the two.""",
    example="node_modules\n**/node_modules",
    instead="**/node_modules",
)
def covered(facts: Facts) -> Iterator[Finding]:
    """The later of two equal rules, the narrower of two others, with no exception between them."""
    ignoring = [
        rule for rule in facts.rules if not rule.negated and not facts.said_of(rule.line, "CX103", "CX105")
    ]
    if len(ignoring) > _MOST_RULES:
        return
    cover = _Cover(ignoring)
    excepting = [rule.line for rule in facts.rules if rule.negated]
    gone: set[int] = set()
    for rule in _undisputed(facts):
        found: tuple[Rule, bool] | None = None
        for stated, others in ((True, cover.stated(rule)), (False, cover.matching(rule))):
            for other in others:
                low, high = sorted((rule.line, other.line))
                if other.line in gone or (other.pattern == rule.pattern and other.line > rule.line):
                    continue
                if not any(low < line < high for line in excepting):
                    found = other, stated and not any(line < high for line in excepting)
                    break
            if found:
                break
        if found and (found[1] or superfluous(facts, rule)):
            other, safe = found
            gone.add(rule.line)
            same = other.pattern == rule.pattern
            yield facts.at_rule(
                "CX302",
                rule,
                f"line {other.line} says the same"
                if same
                else f"line {other.line} ({other.text.strip()}) covers this",
                "remove it",
                severity="info",
                edit=facts.replaced(rule),
                fix="safe" if safe else "unsafe",
            )


@check(
    "CX303",
    "a rule that exceptions override",
    "info",
    fix="unsafe",
    why="""A later exception matches all that the rule can match, so that nothing is ignored by it. One of
    the two is wrong.""",
    example="README.md\n!*.md",
    instead="*.md\n!README.md",
)
def overridden(facts: Facts) -> Iterator[Finding]:
    """A later exception covers the rule, and all that it matches arrives."""
    negated = [rule for rule in facts.rules if rule.negated]
    if not negated or len(facts.rules) > _MOST_RULES:
        return
    cover = _Cover(negated)
    for rule in _undisputed(facts):
        matches = facts.own(rule)
        if not matches or facts.decides(rule):
            continue
        later = [
            other
            for others in (cover.stated(rule), cover.matching(rule))
            for other in others
            if other.line > rule.line
        ]
        if later and all(_arrives(facts, match) for match in matches) and superfluous(facts, rule):
            yield facts.at_rule(
                "CX303",
                rule,
                f"line {later[0].line} ({later[0].text.strip()}) brings back all that this ignores",
                "remove one of the two",
                severity="info",
                edit=facts.replaced(rule),
            )


def _arrives(facts: Facts, match: Match) -> bool:
    if not match.kept:
        return False
    return all(file.kept for file in facts.tree.files([match]))


@check(
    "CX301",
    "a rule that matches nothing",
    "info",
    fix="unsafe",
    why="""Nothing in this checkout is called so. What tools, editors and builds usually make is left alone: a
    rule for it is there for the day it comes.""",
    example="legacy-exports",
    instead="",
)
def matches_nothing(facts: Facts) -> Iterator[Finding]:
    """An ignoring rule that matches no path, the Dockerfile and the ignore files counted as paths."""
    for rule in _undisputed(facts):
        if facts.own(rule) or is_usual(rule.pattern):
            continue
        # What is not ASCII is read otherwise by other builders, and changes how all rules travel.
        if facts.data.isascii() or superfluous(facts, rule):
            yield facts.at_rule(
                "CX301",
                rule,
                "nothing in this checkout matches this rule",
                "remove it, if nothing of that name is to come",
                severity="info",
                edit=facts.replaced(rule),
            )


@check(
    "CX304",
    "a rule that saves nothing with BuildKit",
    "info",
    why="""BuildKit asks its client only for what COPY, ADD and bind mounts name, and none of them names
    what the rule keeps out. The classic builder would send it, so that there is no harm in the rule. Told
    once per file, of the rule that keeps out the most.""",
    example="assets\nDockerfile:\nCOPY src /app/src",
    instead="",
)
def saves_nothing(facts: Facts) -> Iterator[Finding]:
    """BuildKit, known sources, and the rule keeps out nothing that any of them takes."""
    if not facts.buildkit or not facts.known or facts.all_takers or "CX401" in facts.codes:
        return
    apart = {facts.project.dockerfile_in_context, facts.ignore_file, ".dockerignore"}
    best: tuple[int, Rule, int] | None = None
    for rule in facts.rules:
        files, size, taken = facts.decided(rule)
        if rule.negated or rule.pattern in ("*", "**", "**/*") or taken or not files or not size:
            continue
        for path in apart:
            match = facts.tree.entry(path) if path and not path.startswith("../") else None
            if match is not None and match.below is None:
                file = File(match.folder, match.name, match.folder.files[match.name])
                if file.rule is rule:
                    size -= file.size
                    files -= 1
        if size > 0 and (best is None or size > best[0]):
            best = size, rule, files
    if best is not None:
        _, rule, _ = best
        cost = facts.cost(file for file in facts.ignored_by(rule) if file.path not in apart)
        yield facts.at_rule(
            "CX304",
            rule,
            f"this keeps out {amount(cost)} that no COPY asks for: BuildKit would not send that either",
            "leave it for the classic builder, which sends the whole context",
            severity="info",
            cost=cost,
        )


@check(
    "CX305",
    "much that git ignores reaches the build",
    "warning",
    fix="unsafe",
    why="""git ignores it, so that a clone does not have it; the build on this machine gets 100 MB of it
    or more. What the Dockerfile copies by its name is meant.""",
    example="# git ignores data/, and the Dockerfile has COPY . .",
    instead="data",
)
def git_ignored(facts: Facts) -> Iterator[Finding]:
    """At least 100 MB of what git ignores arrives, and an instruction takes it that takes everything."""
    if not facts.all_takers or not facts.git.there:
        return
    root = facts.tree.root
    everything = [Match(root, name, root.folders.get(name)) for name in root.names]
    if sum(file.size for file in facts.tree.arriving(everything)) < _LARGE:
        return  # git need not be asked
    taker = facts.all_takers[0]
    for path in facts.git.ignored:
        match = facts.tree.entry(path)
        if match is None or any(each.pattern != "." and each.takes(path) for each in facts.takers):
            continue
        cost = facts.cost(facts.tree.arriving([match]))
        if cost.bytes < _LARGE:
            continue
        pattern = literal_pattern(path)
        yield facts.at_file(
            "CX305",
            facts.dockerfile,
            f"{amount(cost)} of {path}, which git ignores, reach the build",
            f"add {pattern or path} to the ignore file",
            severity="warning",
            line=taker.line,
            cost=cost,
            edit=facts.appended(pattern) if pattern else None,
        )
        break  # one finding per line and code; the next comes when this one is mended


@check(
    "CX306",
    "a second checkout in the context",
    "warning",
    fix="unsafe",
    why="""A worktree of git inside of the context is the whole project once more. It is known by its `.git`
    file, which leads to `.git/worktrees`. A submodule's leads to `.git/modules`: it is source.""",
    example="# .claude/worktrees/fix-login is a worktree",
    instead=".claude/worktrees",
)
def worktrees(facts: Facts) -> Iterator[Finding]:
    """Kept directories that are worktrees, and an instruction that takes them."""
    found: list[Match] = []
    for folder in facts.tree.folders:
        if not folder.path or folder.above is None or ".git" not in folder.files or not folder.arrives:
            continue
        git = File(folder, ".git", folder.files[".git"])
        if not git.kept or not facts.tree.taken(git):
            continue
        data = facts.read(git.path) or b""
        if data.startswith(b"gitdir:") and b"/worktrees/" in data:
            found.append(Match(folder.above, folder.path.rpartition("/")[2], folder))
    if not found:
        return
    taker = facts.taker_of(found[0].path)
    if taker is None:
        return
    paths = sorted({_together(match, found) for match in found})
    patterns = [literal_pattern(path) for path in paths]
    named = [pattern for pattern in patterns if pattern]
    cost = facts.cost(facts.tree.arriving(found))
    what = "a worktree of git" if len(found) == 1 else f"{count(len(found), 'worktree')} of git"
    yield facts.at_file(
        "CX306",
        facts.dockerfile,
        f"{found[0].path} is {what}: {amount(cost)} reach the build"
        if len(found) == 1
        else f"{what}, such as {found[0].path}: {amount(cost)} reach the build",
        f"add {', '.join(named or paths)} to the ignore file",
        severity="warning",
        line=taker.line,
        cost=cost,
        edit=facts.appended(*named) if len(named) == len(patterns) else None,
    )


def _together(match: Match, found: list[Match]) -> str:
    """The directory that all worktrees beside this one share, if nothing else is in it and it says so."""
    above = match.folder
    worktrees = {each.path for each in found}
    names = [above.join(name) for name in above.names]
    if above.path and "worktrees" in above.path.rpartition("/")[2] and worktrees.issuperset(names):
        return above.path
    return match.path
