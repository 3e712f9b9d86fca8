"""What findings look at: one project, read and walked once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from ctxsize.context.classic import removed_by_daemon
from ctxsize.context.reading import Reading
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.platforms import asked_platform, local_platform, platform_args
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile, ResolvedStep, resolve
from ctxsize.dockerfile.sources import Sources, plan_sources
from ctxsize.dockerfile.wildcard import Cover, PathMatcher
from ctxsize.files.repository import read_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.git import Git
from ctxsize.lint.tree import File, Match, Tree, below
from ctxsize.lint.types import Cost, Edit, Finding, FixKind, Severity
from ctxsize.project import Project
from ctxsize.sensitive.find import find_sensitive
from ctxsize.sensitive.names import suspects
from ctxsize.sensitive.types import SensitiveFile

_MOST_RULES = 2_000  # a rule can take a look at every directory, more than once
_MOST_VISITS = 200_000  # of directories, for all rules, beside 20 of each
_MOST_CONTENT = 1 << 20  # bytes of a file of the project that is read to prove something
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Taker:
    """One source of an instruction that takes something of the context.

    ``line`` is the instruction's. ``final``: its stage's layers are part of the image.
    """

    step: ResolvedStep
    pick: Pick
    pattern: str
    stage: int
    line: int
    final: bool
    matcher: PathMatcher

    def takes(self, path: str) -> bool:
        """Whether it takes the path."""
        return self.matcher.cover(path) == "all"


@dataclass
class Facts:
    """A project and its tree. ``data`` is the content of the ignore file that applies (empty: there is
    none).

    Where no platform is asked for, ``sources`` has what builds for any may take, ``plan`` what they take on
    this machine.
    """

    project: Project
    podman: bool
    tree: Tree
    plan: ResolvedDockerfile | None
    sources: Sources | None
    data: bytes
    git: Git
    #: By line of the ignore file, the codes of what was found so far: one mistake is told once.
    said: dict[int, set[str]] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    #: What the user should know beside the findings.
    notes: list[str] = field(default_factory=list)
    #: How many rules were asked to be proven superfluous.
    proofs: int = 0

    @property
    def dialect(self) -> Dialect:
        """Whose reading of the ignore file applies."""
        return self.project.dialect

    @property
    def buildkit(self) -> bool:
        """Whether BuildKit's client walks: not the classic builder's, not Podman."""
        return self.dialect is Dialect.BUILDKIT and not self.podman

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the ignore file that applies."""
        return self.project.ignore.rules if self.project.ignore is not None else ()

    def each_rule(self) -> Iterator[Rule]:
        """The rules, to be looked at one by one; of very many, or where that takes long, the first ones."""
        limit = _MOST_VISITS + 20 * len(self.tree.folders)
        for number, rule in enumerate(self.rules):
            if number >= _MOST_RULES or self.tree.visits > limit:
                note = f"only the first rules were looked at one by one, up to line {rule.line}"
                if not self.notes:
                    self.notes.append(note)
                return
            yield rule

    def kept_out(self) -> Cost:
        """All that the rules keep out."""
        sums = [self.decided(rule) for rule in self.rules if not rule.negated]
        return Cost(sum(files for files, _, _ in sums), sum(size for _, size, _ in sums))

    @property
    def ignore_file(self) -> str:
        """The name of the ignore file that applies (or that would), relative to the context."""
        if self.project.ignore_path is None:
            return ".dockerignore"
        return self.shown(self.project.ignore_path)

    @property
    def dockerfile(self) -> str:
        """The name of the Dockerfile, relative to the context."""
        return self.shown(self.project.dockerfile_path)

    def shown(self, path: Path) -> str:
        """A path relative to the context, wherever it lies."""
        return os.path.relpath(path, self.project.context)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the ignore file as written, without their ends."""
        text = self.data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
        return [line.removesuffix("\r") for line in text.split("\n")]

    @cached_property
    def known(self) -> bool:
        """Whether all that the Dockerfile takes is known."""
        return self.sources is not None and not self.sources.unknown

    @cached_property
    def takers(self) -> tuple[Taker, ...]:
        """What the stages that are needed take from the context, in the Dockerfile's order."""
        if self.plan is None:
            return ()
        chain = set(self.plan.chain)
        return tuple(
            Taker(
                step,
                pick,
                pattern,
                index,
                stage.line_of(step),
                index in chain and step.kind in ("copy", "add"),
                PathMatcher(pattern, self.plan.buildkit),
            )
            for index in self.plan.reachable
            for stage in (self.plan.stages[index],)
            for step in stage.steps
            for pick in step.picks
            if pick.from_context
            for pattern in pick.patterns
        )

    @cached_property
    def all_takers(self) -> tuple[Taker, ...]:
        """Those that take the whole context."""
        return tuple(taker for taker in self.takers if taker.pattern == ".")

    def taker_of(self, path: str) -> Taker | None:
        """The first that takes a path, one whose stage is part of the image if there is such."""
        found = [taker for taker in self.takers if taker.takes(path)]
        return next((taker for taker in found if taker.final), found[0] if found else None)

    def own(self, rule: Rule) -> tuple[Match, ...]:
        """The topmost entries of the tree that the rule's pattern matches."""
        return self.tree.matches(rule.pattern)

    def decides(self, rule: Rule) -> bool:
        """Whether the rule decides any entry."""
        return id(rule) in self.tree.decided

    def decided(self, rule: Rule) -> tuple[int, int, int]:
        """What the rule decides: files, bytes, and files that the Dockerfile takes."""
        files, size, taken = self.tree.decided.get(id(rule), (0, 0, 0))
        return files, size, taken

    def ignored_by(self, rule: Rule) -> Iterator[File]:
        """The files that the rule keeps out."""
        for file in self.tree.files(self.own(rule)):
            if not file.kept and file.rule is rule:
                yield file

    @cached_property
    def secrets(self) -> tuple[SensitiveFile, ...]:
        """The files that arrive and almost certainly hold a secret."""
        found = find_sensitive(
            self.project.context, self.tree.suspects, self.project.rules, eligible_only=True
        )
        return tuple(
            file
            for file in found
            if file.level == "likely" and "/.git/" not in f"/{file.path}" and self.tree.arrives(file.path)
        )

    def read(self, path: str) -> bytes | None:
        """The content of a small regular file of the context; None when it is none."""
        try:
            return read_file(self.project.context, path, _MOST_CONTENT)
        except OSError:
            return None

    def said_of(self, line: int, *codes: str) -> bool:
        """Whether one of the codes (any code) was found for a line of the ignore file."""
        known = self.said.get(line, set())
        return bool(known.intersection(codes) if codes else known)

    # What findings are made with.

    def at_rule(
        self,
        code: str,
        rule: Rule,
        message: str,
        help: str,
        *,
        severity: Severity,
        cost: Cost | None = None,
        edit: Edit | None = None,
        fix: FixKind = "unsafe",
        column: int | None = None,
    ) -> Finding:
        """A finding that a rule is to blame for."""
        start = column or len(rule.text) - len(rule.text.lstrip()) + 1
        found = Finding(
            code, self.ignore_file, message, severity, rule.line, start, len(rule.text.rstrip()) + 1, help,
            rule=rule, fix=fix if edit is not None else None, edit=edit,
        )  # fmt: skip
        return _costing(found, cost)

    def at_file(
        self,
        code: str,
        path: str,
        message: str,
        help: str,
        *,
        severity: Severity,
        line: int = 1,
        cost: Cost | None = None,
        edit: Edit | None = None,
        fix: FixKind = "unsafe",
    ) -> Finding:
        """A finding about a file as such, or about an instruction of the Dockerfile."""
        found = Finding(
            code, path, message, severity, line, help=help, fix=fix if edit is not None else None, edit=edit
        )
        return _costing(found, cost)

    def cost(self, files: Iterable[File]) -> Cost:
        """What the files come to."""
        return Cost(*self.tree.size(files))

    def replaced(self, rule: Rule, *lines: str) -> Edit:
        """The edit that puts lines in the place of a rule; none: it goes."""
        return Edit(self.ignore_file, {rule.line: lines})

    def appended(self, *patterns: str) -> Edit | None:
        """The edit that adds patterns; None where there is no file to add them to."""
        if self.project.ignore is None or not patterns:
            return None
        return Edit(self.ignore_file, append=patterns)

    def moved_below(self, rule: Rule, line: int) -> Edit:
        """The edit that moves a rule, with the comments right above it, below a line."""
        first = rule.line
        while first > 1 and self.lines[first - 2].startswith("#"):
            first -= 1
        moved = tuple(self.lines[first - 1 : rule.line])
        gone: dict[int, tuple[str, ...]] = dict.fromkeys(range(first, rule.line + 1), ())
        return Edit(self.ignore_file, {**gone, line: (self.lines[line - 1], *moved)})


def _costing(found: Finding, cost: Cost | None) -> Finding:
    from dataclasses import replace

    if cost is None:
        return found
    return replace(found, files=cost.files, bytes=cost.bytes, paths=cost.paths)


def gather(
    project: Project,
    data: bytes,
    *,
    podman: bool = False,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    reading: Reading | None = None,
    progress: object = None,
) -> Facts:
    """Walk the project's tree and work out what its Dockerfile takes.

    ``data`` is the content of the ignore file. ``reading`` has what was read of the tree before. Raises
    ContextError, IgnoreFileError, UsageError.
    """
    plan = sources = None
    if project.dockerfile is not None:
        buildkit = project.dialect is Dialect.BUILDKIT
        own, asked = local_platform(), asked_platform(platform, podman=podman)
        plan_for = partial(
            resolve, project.dockerfile, target=target, build_args=build_args, buildkit=buildkit
        )
        plan = plan_for(predefined=platform_args(asked, own) if asked else {})
        sources = plan_sources(plan, ContextDirectory(project.context))
        if sources.unknown and not asked:
            # What is wrong on this machine is wrong; what it does not take, another platform may.
            plan = plan_for(predefined=platform_args(own))
    matcher, removed = project.rules, frozenset[str]()
    if matcher is not None and project.dialect is Dialect.CLASSIC:
        removed = frozenset(removed_by_daemon(matcher, project.dockerfile_in_context))
        matcher = matcher.for_classic_build(project.dockerfile_in_context or ".dockerignore")
    everything = sources is None or bool(sources.unknown)
    tree = Tree(
        project.context,
        matcher,
        _all if everything or sources is None else sources.cover,
        suspects=suspects,
        removed=removed,
        reading=reading,
        progress=progress if callable(progress) else None,
    )
    return Facts(project, podman, tree, plan, sources, data, Git(project.context))


def _all(_path: str) -> Cover:
    return "all"


def literal_pattern(path: str) -> str | None:
    """The line of an ignore file that matches exactly this path; None when there is none that is sure to."""
    if path != path.strip() or path[:1] in "#!" or not path.isprintable():
        return None
    pattern = (
        re.sub(r"([^\w/ -])", r"\\\1", path, flags=re.ASCII) if re.search(r"[*?\[\]\\^]", path) else path
    )
    return (
        pattern
        if Matcher((Rule(1, pattern, pattern, False),), Dialect.BUILDKIT).verdict(path).ignored
        else None
    )


def shown_paths(paths: Sequence[str], count: int) -> str:
    """The first two paths, and how many more there are."""
    left = count - min(len(paths), 2)
    return ", ".join(paths[:2]) + (f" and {left} more" if left > 0 else "")


__all__ = ["Facts", "File", "Match", "Taker", "below", "gather", "literal_pattern", "shown_paths"]
