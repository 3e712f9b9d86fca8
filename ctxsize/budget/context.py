"""The static part of a check: how large the context is, and which files must not be in it. No engine.

Files that must not be there are found by the walk that counts, as long as there are none: the patterns
are put behind the ignore file's own rules, so that an ignored root one of them decides is a path that
would arrive. Only when there is one the context is walked again, for its true size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ctxsize.budget.baseline import Paths
from ctxsize.budget.limits import Budget, Listed
from ctxsize.budget.types import FileFinding
from ctxsize.context.links import walk_key
from ctxsize.context.places import Suspects
from ctxsize.context.scan import scan
from ctxsize.context.totals import ScanResult
from ctxsize.errors import ConfigError, IgnoreFileError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import clean_pattern, read_line
from ctxsize.ignore.types import PatternError, Rule
from ctxsize.project import Project
from ctxsize.sensitive.names import suspects
from ctxsize.survey.listings import listing_of

_DEPTH = 3
_MOST_DIRECTORIES = 500
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class StaticResult:
    """A context measured. ``scan.without`` is None unless it was asked for."""

    scan: ScanResult
    findings: tuple[FileFinding, ...]


def measure_context(
    subject: Project,
    budget: Budget,
    *,
    without: bool = False,
    progress: Callable[[int], None] | None = None,
) -> StaticResult:
    """Count the context of ``subject`` and look for what ``budget`` forbids and requires to be ignored.

    ``without`` asks for the size without the ignore file, too, for which all that is ignored must be read.
    Raises ConfigError for a pattern or path that can't be meant, ContextError, IgnoreFileError.
    """
    rules = _forbidding(budget.forbid, subject)
    suspect = None if budget.sensitive is not None and budget.sensitive.text == "off" else suspects
    findings: list[FileFinding] = []
    found = None
    if any(rule.negated for rule in rules):
        findings = list(_walk(subject, rules))
    elif rules:
        rules = _with_contents(rules)
        found = _scan(subject, _behind(subject, rules), without, progress, named=rules, suspect=suspect)
        findings = [
            _forbidden(subject, root.path, rules[root.rule]) for root in found.roots if root.rule in rules
        ]
    if found is None or findings:
        found = _scan(subject, subject.rules, without, progress, suspect=suspect)
    findings.sort(key=lambda finding: walk_key(finding.path))
    findings += _sensitive(subject, found.suspects, budget, tuple(findings))
    findings += _not_ignored(subject, budget.require_ignored)
    return StaticResult(found, tuple(findings))


def largest_paths(subject: Project) -> Paths:
    """The largest directories and files that arrive, for a baseline or to say what grew."""
    from ctxsize.survey.listings import largest
    from ctxsize.text import json_text

    found = _scan(subject, subject.rules, False, None, depth=_DEPTH)
    directories = found.directories[: _MOST_DIRECTORIES + 1]
    files = largest((entry for entry in listing_of(subject).kept() if not entry.is_dir), _MOST_FILES + 1)
    complete = len(directories) <= _MOST_DIRECTORIES and len(files) <= _MOST_FILES
    rows = [(item.path, item.totals.bytes) for item in directories[:_MOST_DIRECTORIES]]
    rows += [(entry.path, entry.bytes) for entry in files[:_MOST_FILES]]
    return Paths({json_text(path): size for path, size in rows}, complete)


def _scan(
    subject: Project,
    rules: Matcher | None,
    without: bool,
    progress: Callable[[int], None] | None,
    *,
    named: Mapping[Rule, Listed] | None = None,
    suspect: Suspects | None = None,
    depth: int = 0,
) -> ScanResult:
    """Count; ``named`` are the last of the ``rules``, and what they keep out is listed."""
    count = len(rules.rules) if rules is not None else 0
    return scan(
        subject.context,
        rules,
        subject.dialect,
        hidden=subject.ignore_files,
        dockerfile=subject.dockerfile_in_context,
        eligible_only=not without,
        named_from=count - len(named) if named else None,
        roots=named is not None,
        depth=depth,
        suspects=suspect,
        progress=progress,
    )


def _behind(subject: Project, rules: Iterable[Rule]) -> Matcher:
    """The ignore file's rules with more at their end."""
    if subject.rules is None:
        return Matcher((*rules,), subject.dialect, "forbid")
    return Matcher((*subject.rules.rules, *rules), subject.dialect, subject.rules.source)


def _forbidding(patterns: Iterable[Listed], subject: Project) -> dict[Rule, Listed]:
    """The patterns of forbid as rules of an ignore file, and where each is from. Raises ConfigError."""
    return _patterns("forbid", patterns, subject)


def _with_contents(rules: Mapping[Rule, Listed]) -> dict[Rule, Listed]:
    """The rules, and each for what is in what it matches: of a directory that is ignored already a rule at
    the end is not asked (ctxsize.ignore.matcher), and an exception may keep something in it."""
    more = dict(rules)
    for rule, listed in rules.items():
        more[rule._replace(line=rule.line - len(rules), pattern=f"{rule.pattern}/**")] = listed
    return more


def _patterns(key: str, patterns: Iterable[Listed], subject: Project) -> dict[Rule, Listed]:
    """The patterns of the list ``key`` as rules of an ignore file, and where each is from."""
    rules = {}
    for number, listed in enumerate(patterns, 1):
        try:
            text = read_line(listed.text)
            cleaned = clean_pattern(text) if text else None
            if cleaned is None:
                raise PatternError("a pattern that says nothing")
            # Negative numbers: no rule of an ignore file has one, so that the rules differ from all others.
            rule = Rule(-number, listed.text, *cleaned)
            Matcher((rule,), subject.dialect).matches_or_parent("x", strict=True)
        except (PatternError, IgnoreFileError) as error:
            raise ConfigError(
                f"{key}: {error.message if isinstance(error, IgnoreFileError) else error} ({listed.text!r})",
                where=listed.where,
                hint="patterns are those of .dockerignore",
            ) from error
        rules[rule] = listed
    return rules


def _walk(subject: Project, rules: Mapping[Rule, Listed]) -> Iterator[FileFinding]:
    """Every file that arrives and is forbidden, where some patterns are exceptions from others."""
    matcher = Matcher(tuple(rules), subject.dialect)
    for entry in listing_of(subject).kept():
        if not entry.is_dir:
            verdict = matcher.verdict(entry.path)
            if verdict.ignored and verdict.rule is not None:
                yield _forbidden(subject, entry.path, rules[verdict.rule])


def _forbidden(subject: Project, path: str, listed: Listed) -> FileFinding:
    line, hint = _lets_in(subject, path)
    return FileFinding(
        code="forbidden",
        path=path,
        message=f'must not reach the build (forbid "{listed.text}")',
        where=listed.where,
        line=line,
        hint=hint,
    )


def _lets_in(subject: Project, path: str) -> tuple[int | None, str]:
    """The line of the ignore file that keeps the path in the context, if one does, and what to do."""
    name = subject.ignore.path if subject.ignore is not None else ".dockerignore"
    rule = subject.rules.verdict(path).rule if subject.rules is not None else None
    if rule is not None and rule.negated:
        return rule.line, f"{name}:{rule.line} `{rule.text.strip()}` lets it in"
    return (
        None,
        f"add a line to {name} that ignores it" if subject.ignore else f"make a {name} that ignores it",
    )


def _not_ignored(subject: Project, required: Iterable[Listed]) -> Iterator[FileFinding]:
    """The paths that should be ignored and are not, whether they are there or not."""
    paths = {}
    for listed in required:
        path = os.path.normpath(listed.text.strip().lstrip("/") or ".")
        if path == "." or path.split("/")[0] == ".." or any(mark in path for mark in "*?!"):
            raise ConfigError(
                f"require-ignored: {listed.text!r} is not a path in the context",
                where=listed.where,
                hint="for patterns there is forbid",
            )
        paths[path] = listed
    if not paths:
        return
    from ctxsize.survey.why import why

    for answer in why(subject, paths):
        if answer.verdict == "ignored":
            continue
        line, hint = _lets_in(subject, answer.path)
        if answer.verdict == "partly":
            message, hint = "is ignored only in part", "an exception keeps something in it"
        else:
            message = "is not ignored" if answer.exists else "would not be ignored if it were there"
        yield FileFinding(
            code="not-ignored",
            path=answer.path,
            message=f"{message}, as require-ignored asks",
            where=paths[answer.path].where,
            line=line,
            hint=hint,
        )


def _sensitive(
    subject: Project, paths: tuple[str, ...], budget: Budget, forbidden: Iterable[FileFinding]
) -> Iterator[FileFinding]:
    """The files that almost certainly hold a secret and arrive, each once; what is ``forbidden`` is told
    already. Keys of installed packages and for tests are not among them."""
    harmless = Matcher(tuple(_patterns("not-sensitive", budget.not_sensitive, subject)), subject.dialect)
    if not paths:
        return
    from ctxsize.sensitive.find import find_sensitive

    how, told = budget.sensitive, {finding.path for finding in forbidden}
    for file in find_sensitive(subject.context, paths, subject.rules, eligible_only=True):
        if file.level != "likely" or harmless.quick_verdict(file.path).ignored:
            continue
        if any(path in told for path in _with_parents(file.path)):
            continue
        told.add(file.path)
        line, hint = _lets_in(subject, file.path)
        at = "" if file.line is None else f" in line {file.line}"
        yield FileFinding(
            code="sensitive",
            path=file.path,
            message=f"looks like a secret: {file.reason}{at}",
            where=how.where if how is not None else None,
            line=line,
            hint=f"{hint}, or name it in not-sensitive",
            level="error" if how is not None and how.text == "fail" else "warning",
        )


def _with_parents(path: str) -> Iterator[str]:
    """The path and every directory above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]
