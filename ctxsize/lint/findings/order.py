"""CX2: exceptions. What they bring back, what they do not, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.ignore.walkers import Walker
from ctxsize.lint.facts import Facts, literal_pattern
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.usual import is_usual
from ctxsize.lint.fix import superfluous
from ctxsize.lint.tree import File, Folder, below
from ctxsize.lint.types import Cost, Edit, Finding
from ctxsize.units import format_bytes, format_seconds

_WILD = re.compile(r"[*\[\]?^\\]")
_MANY = 1_000  # entries walked in vain from which it is a warning
_MOST_NAMED = 10  # exceptions that replace one with a wildcard


def exceptions(facts: Facts) -> Iterator[Rule]:
    """The exceptions of which nothing was found yet."""
    for rule in facts.each_rule():
        if rule.negated and not facts.said_of(rule.line):
            yield rule


@check(
    "CX202",
    "a file that arrives with 0 bytes",
    "error",
    fix="unsafe",
    why="""A rule after the exception matches the file again. It is not asked while it would change
    nothing, but BuildKit's client asks it when it opens the file, and then sends 0 bytes without a word.
    The classic builder sends the content. Put the exception last.""",
    example="*\n!src/keep.txt\nsrc",
    instead="*\nsrc\n!src/keep.txt",
)
def emptied(facts: Facts) -> Iterator[Finding]:
    """Files that BuildKit delivers empty."""
    matcher = facts.project.rules
    if not facts.buildkit or matcher is None:
        return
    by_rule: dict[Rule, list[File]] = {}
    for file in facts.tree.emptied:
        ignoring = [rule for rule in matcher.verdict(file.path).matches if not rule.negated]
        if ignoring:
            by_rule.setdefault(ignoring[-1], []).append(file)
    for rule, files in by_rule.items():
        cost = facts.cost(files)
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        keeper = files[0].rule
        edit = None
        if keeper is not None and keeper.negated and keeper.line < rule.line:
            edit = facts.moved_below(keeper, rule.line)
        yield facts.at_rule(
            "CX202",
            rule,
            f"BuildKit delivers {files[0].path}{more} empty (0 of {format_bytes(cost.bytes)})",
            f"{rule.pattern} comes after the exception that keeps it and ignores it again;"
            f" put {keeper.text.strip() if keeper else 'the exception'} last",
            severity="error",
            cost=cost,
            edit=edit,
        )


@check(
    "CX206",
    "an exception lets a secret in",
    "warning",
    fix="unsafe",
    why="""An exception keeps a file that almost certainly holds a secret. Usually an example was meant:
    `!.env.example`, not `!.env*`. An error where the Dockerfile takes the file.""",
    example=".env*\n!.env*",
    instead=".env*\n!.env.example",
)
def readmitted(facts: Facts) -> Iterator[Finding]:
    """A likely secret that an exception keeps."""
    by_rule: dict[Rule, list[File]] = {}
    for secret in facts.secrets:
        match = facts.tree.entry(secret.path)
        if match is None or match.below is not None:
            continue
        file = File(match.folder, match.name, match.folder.files[match.name])
        if file.rule is not None and file.rule.negated and file.rule.line:
            by_rule.setdefault(file.rule, []).append(file)
    for rule, files in by_rule.items():
        taken = any(facts.tree.taken(file) for file in files)
        harmless = [match for match in facts.own(rule) if match.below is None and match.kept]
        secret_paths = {secret.path for secret in facts.secrets}
        names = [literal_pattern(each.path) for each in harmless if each.path not in secret_paths]
        named = [f"!{name}" for name in names if name]
        edit = facts.replaced(rule, *named) if len(named) == len(names) <= _MOST_NAMED else None
        yield facts.at_rule(
            "CX206",
            rule,
            f"this exception lets {files[0].path} in, which looks like a secret",
            "name the files that are meant" + (f": {', '.join(named)}" if edit and named else ""),
            severity="error" if taken else "warning",
            cost=facts.cost(files),
            edit=edit,
        )


@check(
    "CX201",
    "an exception that comes too early",
    "warning",
    fix="unsafe",
    why="The last rule that matches a path decides. An exception stands below the rule it excepts from.",
    example="!docs/a.md\ndocs",
    instead="docs\n!docs/a.md",
)
def too_early(facts: Facts) -> Iterator[Finding]:
    """An exception that decides nothing, and a later rule ignores what it names."""
    for rule in exceptions(facts):
        if facts.decides(rule):
            continue
        later: dict[Rule, str] = {}
        for path, deciding in _ignored(facts, rule):
            if deciding.line > rule.line:
                later.setdefault(deciding, path)
        if later:
            last = max(later, key=lambda each: each.line)
            yield facts.at_rule(
                "CX201",
                rule,
                f"no effect: line {last.line} ({last.text.strip()}) comes later and decides",
                "the last rule that matches wins; move the exception below it",
                severity="warning",
                cost=Cost(paths=tuple(later.values())[:5]),
                edit=facts.moved_below(rule, last.line),
            )


def _ignored(facts: Facts, rule: Rule) -> Iterator[tuple[str, Rule]]:
    """What of the entries that a rule's pattern matches is ignored, and by which rule."""
    for match in facts.own(rule):
        outcome = match.folder.outcome(match.name)
        if outcome is not None and outcome.ignored and outcome.rule is not None:
            yield match.path, outcome.rule
        for folder in below(match.below) if match.below is not None else ():
            if folder.default is not None:
                for name in folder.names:
                    found = folder.special.get(name, folder.default)
                    if found.ignored and found.rule is not None:
                        yield folder.join(name), found.rule


@check(
    "CX205",
    "an exception that excepts nothing",
    "info",
    fix="safe",
    why="""Nothing that it matches is ignored, or nothing is called so. Safe to remove only where it is
    the one exception of the file and stands before every rule: elsewhere it may let a builder into a
    directory.""",
    example="node_modules\n!README.md",
    instead="node_modules",
)
def excepts_nothing(facts: Facts) -> Iterator[Finding]:
    """An exception that decides nothing."""
    several = sum(rule.negated for rule in facts.rules) > 1
    first = next((rule.line for rule in facts.rules if not rule.negated), None)
    for rule in exceptions(facts):
        if facts.decides(rule):
            continue
        there = facts.own(rule)
        if not there and is_usual(rule.pattern):
            continue  # `!.env.example` waits for the day it comes
        if not superfluous(facts, rule):
            continue  # it lets a builder into a directory, for another exception
        leading = first is None or rule.line < first
        yield facts.at_rule(
            "CX205",
            rule,
            "nothing ignores what this exception names"
            if there
            else "nothing is called as this exception says",
            "remove it, if nothing of that name is to come",
            severity="info",
            edit=facts.replaced(rule),
            fix="safe" if leading and not several else "unsafe",
        )


@check(
    "CX203",
    "the classic builder does not get there",
    "warning",
    why="""The classic builder enters an ignored directory only if an exception begins with the
    directory's name. What an exception with a wildcard keeps deeper down does not arrive. BuildKit does
    look there (CX204).""",
    example="*\n!**/*.py",
    instead="*\n!s/*.py",
)
def not_entered(facts: Facts) -> Iterator[Finding]:
    """What BuildKit would deliver, and the classic builder does not, because of an exception."""
    if facts.dialect is not Dialect.CLASSIC or not any(rule.negated for rule in facts.rules):
        return
    found: dict[Rule, list[File]] = {}
    other = Matcher(facts.rules, Dialect.BUILDKIT)
    for match, ours, theirs in facts.tree.differing(facts.project.rules, other):
        if match.below is not None or ours is None or not ours.ignored or theirs is None or theirs.ignored:
            continue
        if theirs.rule is not None and theirs.rule.negated:
            file = File(match.folder, match.name, match.folder.files[match.name])
            found.setdefault(theirs.rule, []).append(file)
    for rule, files in found.items():
        cost = facts.cost(files)
        yield facts.at_rule(
            "CX203",
            rule,
            f"the classic builder does not deliver {files[0].path}"
            + (f" and {len(files) - 1} more" if len(files) > 1 else ""),
            "it enters an ignored directory only if an exception begins with its name; name the directories",
            severity="warning",
            cost=cost,
        )


@check(
    "CX204",
    "BuildKit walks through everything that is ignored",
    "warning",
    fix="unsafe",
    why="""With a wildcard in an exception (other than `/*` or `/**` at its end) BuildKit's client looks
    into every ignored directory for what the exception may bring back. That takes 10 to 20 microseconds
    for each entry, minutes with millions of them or on a slow disk. Information below 1,000 entries. Name
    the paths that are to be kept.""",
    example="node_modules\n*.md\n!**/README.md",
    instead="node_modules\n*.md\n!README.md",
)
def walked_in_vain(facts: Facts) -> Iterator[Finding]:
    """A wildcard exception, and ignored directories that are entered only for it."""
    if not facts.buildkit:
        return
    rules = [
        rule for rule in facts.rules if rule.negated and _WILD.search(
            rule.pattern.removesuffix("/**").removesuffix("/*"))
    ]  # fmt: skip
    told = [rule for rule in rules if not facts.said_of(rule.line)]
    if not told:
        return
    lines = {rule.line for rule in rules}
    rest = Walker([rule for rule in facts.rules if rule.line not in lines], Dialect.BUILDKIT)
    entries, seconds, paths = 0, 0.0, []
    for folder in _ignored_folders(facts.tree.root):
        if folder.arrives or not folder.entries or rest.enters(folder.path):
            continue
        paths.append(folder.path)
        entries += folder.entries
        seconds += sum(each.seconds for each in below(folder))
    if not entries:
        return
    first, *others = told
    with_lines = f" (with {', '.join(f'line {rule.line}' for rule in others)})" if others else ""
    kept = [
        match for match in facts.own(first) if match.kept and match.folder.outcome(match.name) is not None
    ]
    names = [literal_pattern(match.path) for match in kept]
    named = [f"!{name}" for name in names if name]
    fits = 0 < len(named) == len(names) <= _MOST_NAMED and not others
    again = facts.cost(
        file
        for file in facts.tree.arriving(facts.own(first))
        if file.rule is first and "node_modules/" in file.path
    )
    brings = f"; it also brings {format_bytes(again.bytes)} of node_modules back" if again.files else ""
    many = "1 ignored entry" if entries == 1 else f"{entries} ignored entries"
    yield facts.at_rule(
        "CX204",
        first,
        f"BuildKit looks at {many} in vain for this exception{with_lines}"
        f" ({format_seconds(seconds)} here){brings}",
        "a wildcard in an exception makes it enter every ignored directory; name the paths to be kept",
        severity="warning" if entries >= _MANY else "info",
        cost=Cost(entries, 0, tuple(sorted(paths)[:5])),
        edit=Edit(facts.ignore_file, {first.line: tuple(named)}) if fits else None,
    )


def _ignored_folders(root: Folder) -> Iterator[Folder]:
    """The topmost ignored directories of which nothing arrives."""
    stack = [root]
    while stack:
        folder = stack.pop()
        for name, child in folder.folders.items():
            outcome = folder.outcome(name)
            if outcome is not None and outcome.ignored and not child.arrives:
                yield child
            elif outcome is not None:
                stack.append(child)
