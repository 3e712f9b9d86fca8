"""Which paths should not reach the build: what is forbidden, not ignored as required, or like a secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from ctxsize.budget.limits import Budget, Listed
from ctxsize.budget.types import FileFinding
from ctxsize.context.forbidden import MOST_FORBIDDEN
from ctxsize.context.totals import ScanResult
from ctxsize.errors import ConfigError, IgnoreFileError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import clean_pattern, read_line
from ctxsize.ignore.types import Dialect, PatternError, Rule
from ctxsize.project import Project
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.warning import Warning

#: Files like secrets that become findings; of forbidden ones a scan tells no more either.
MOST = MOST_FORBIDDEN


class FileRules:
    """What a budget says of the files of ``project``.

    For the scan: ``forbidden`` has the patterns of forbid (None: there are none), ``required`` are the paths
    of require-ignored, and ``sensitive`` says whether to look for secrets.
    """

    def __init__(self, budget: Budget, project: Project) -> None:
        """Raises ConfigError for a pattern or a path of the budget that can't be meant."""
        self.project = project
        self._how = budget.sensitive
        self._forbid = pattern_rules("forbid", budget.forbid, project.dialect)
        self._harmless = Matcher(
            tuple(pattern_rules("not-sensitive", budget.not_sensitive, project.dialect)), project.dialect
        )
        self._required = _paths(budget.require_ignored)
        self.forbidden = Matcher(tuple(self._forbid), project.dialect) if self._forbid else None
        self.required = tuple(self._required)
        self.sensitive = self._how is None or self._how.text != "off"

    def findings(self, found: ScanResult, secrets: Iterable[SensitiveFile]) -> tuple[FileFinding, ...]:
        """The paths in a scan that should not be there. ``secrets`` are the files that look like them. Of
        each kind there are at most MOST; :meth:`left_out` has the rest. Raises IgnoreFileError."""
        forbidden = [self._forbidden(path, rule) for path, rule in found.forbidden]
        kept = islice(self._secrets(secrets), MOST)
        return (*forbidden, *kept, *self._not_ignored(found))

    def left_out(self, found: ScanResult) -> Warning | None:
        """How many files that a scan found forbidden are no findings, as there are too many; None: none."""
        told = len(found.forbidden)
        left = found.forbidden_count - told
        if left <= 0:
            return None
        return Warning(
            "findings-left-out", f"{left} more files are forbidden: only the first {told} are named"
        )

    def _forbidden(self, path: str, rule: Rule) -> FileFinding:
        listed = self._forbid[rule]
        line, hint = self._lets_in(path)
        return FileFinding(
            code="forbidden",
            path=path,
            message=f'must not reach the build (forbid "{listed.text}")',
            where=listed.where,
            line=line,
            help=hint,
        )

    def _secrets(self, secrets: Iterable[SensitiveFile]) -> Iterator[FileFinding]:
        """The files that almost certainly hold a secret and arrive, each once; of those that are forbidden,
        none. Keys of installed packages and for tests are not among them."""
        if not self.sensitive:
            return
        told: set[str] = set()
        arriving = (file for file in secrets if file.eligible and file.level == "likely")
        for file in sorted(arriving, key=lambda file: (os.fsencode(file.path), file.line or 0)):
            _, path = self.project.split(file.path)
            if file.path in told or self._harmless.quick_verdict(path).ignored:
                continue
            if self.forbidden is not None and self.forbidden.quick_verdict(path).ignored:
                continue
            told.add(file.path)
            line, hint = self._lets_in(file.path)
            at = "" if file.line is None else f" in line {file.line}"
            yield FileFinding(
                code="sensitive",
                path=file.path,
                message=f"looks like a secret: {file.reason}{at}",
                where=self._how.where if self._how is not None else None,
                line=line,
                help=f"{hint}, or name it in not-sensitive",
                severity="error" if self._how is not None and self._how.text == "fail" else "warning",
            )

    def _not_ignored(self, found: ScanResult) -> Iterator[FileFinding]:
        """The paths that should be ignored and are not, whether they are there or not."""
        if not self._required:
            return
        from ctxsize.survey.together import asked_of
        from ctxsize.survey.why import why

        answers = {}
        for name in (None, *self.project.trees):
            partly = asked_of(self.project, found.partly, name)
            own = asked_of(self.project, self.required, name)
            for each in why(self.project.tree(name), own, partly=partly):
                answers[each.path if name is None else f"{name}:{each.path}"] = each
        for path in self._required:
            answer = answers[path]
            if answer.verdict == "ignored":
                continue
            line, hint = self._lets_in(path)
            if answer.verdict == "partly":
                message, hint = "is ignored only in part", "an exception keeps something in it"
            else:
                message = "is not ignored" if answer.exists else "would not be ignored if it were there"
            yield FileFinding(
                code="not-ignored",
                path=path,
                message=f"{message}, as require-ignored asks",
                where=self._required[path].where,
                line=line,
                help=hint,
            )

    def _lets_in(self, path: str) -> tuple[int | None, str]:
        """The line of the ignore file that keeps the path in the context, if one does, and what to do."""
        name, path = self.project.split(path)
        tree = self.project.tree(name)
        ignore = tree.ignore
        if ignore is None or tree.rules is None:
            return None, "make a .dockerignore that ignores it" + (f" in {tree.context.name}" if name else "")
        rule = tree.rules.verdict(path).rule
        if rule is not None and rule.negated:
            return rule.line, f"{ignore.path}:{rule.line} `{rule.text.strip()}` lets it in"
        return None, f"add a line to {ignore.path} that ignores it"


def pattern_rules(key: str, patterns: Iterable[Listed], dialect: Dialect) -> dict[Rule, Listed]:
    """The patterns of the list ``key`` as rules of an ignore file, and where each is from. Raises ConfigError
    for one that can't be meant."""
    rules = {}
    for number, listed in enumerate(patterns, 1):
        try:
            text = read_line(listed.text)
            cleaned = clean_pattern(text) if text else None
            if cleaned is None:
                raise PatternError("a pattern that says nothing")
            # Negative numbers: no rule of an ignore file has one, so that the rules differ from all others.
            rule = Rule(-number, listed.text, *cleaned)
            Matcher((rule,), dialect).matches_or_parent("x", strict=True)
        except (PatternError, IgnoreFileError) as error:
            raise ConfigError(
                f"{key}: {error.message if isinstance(error, IgnoreFileError) else error} ({listed.text!r})",
                where=listed.where,
                hint="patterns are those of .dockerignore",
            ) from error
        rules[rule] = listed
    return rules


def _paths(required: Iterable[Listed]) -> dict[str, Listed]:
    """The paths of require-ignored, and where each is from."""
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
    return paths
