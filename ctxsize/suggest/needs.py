"""What speaks against a candidate: something names it, git tracks it, a version comes from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from ctxsize.context.roots import IgnoredRoots
from ctxsize.dockerfile.resolve import ResolvedDockerfile, ResolvedStage
from ctxsize.dockerfile.wildcard import PathMatcher
from ctxsize.lint.facts import Facts
from ctxsize.lint.findings.leaks import USES_GIT
from ctxsize.lint.findings.needed import all_commands, asks
from ctxsize.lint.runs import Command
from ctxsize.lint.tree import File, Match
from ctxsize.sensitive.names import suspects

#: Of the files that may name a path: their size, how many are read and how much of them in all.
_LARGEST, _MOST_FILES, _MOST_BYTES = 200_000, 5_000, 50_000_000
_SCM = re.compile(rb"setuptools[-_]scm|hatch-vcs|versioningit|vergen|dunamai|poetry-dynamic-versioning")
_METADATA = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "MANIFEST.in",
    "package.json",
    "Cargo.toml",
    "build.rs",
)
_BINARY = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".pdf", ".zip", ".gz", ".xz", ".bz2", ".jar"),
    *(".class", ".pyc", ".so", ".o", ".a", ".woff", ".woff2", ".ttf", ".mp4"),
)


class Needs:
    """Questions about who needs a path of a project, answered from its facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._named: dict[str, str | None] = {}

    @cached_property
    def _takers(self) -> tuple[tuple[ResolvedStage, str, PathMatcher], ...]:
        """Every source of every stage, those too that this target does not build."""
        plan = self._facts.plan
        if plan is None:
            return ()
        return tuple(
            (stage, pattern, PathMatcher(pattern, plan.buildkit))
            for stage in plan.stages
            for step in stage.steps
            for pick in step.picks
            if pick.from_context
            for pattern in pick.patterns
        )

    def copied_by_name(self, path: str) -> bool:
        """Whether an instruction takes this path itself, or something in it, by its name."""
        for _, pattern, matcher in self._takers:
            cover = "none" if pattern == "." else matcher.cover(path)
            if cover == "some" or (cover == "all" and pattern.count("/") >= path.count("/")):
                return True
        return False

    def other_stages(self, path: str) -> tuple[str, ...]:
        """The stages that take the path, or start from one that does, that run something, and that this
        target does not build."""
        plan = self._facts.plan
        if plan is None:
            return ()
        found = []
        taking = {stage.stage.index for stage, _, matcher in self._takers if matcher.cover(path) != "none"}
        built = set(plan.reachable)
        for index, stage in enumerate(plan.stages):
            if index in built or not any(step.kind == "run" for step in stage.steps):
                continue
            if taking.intersection(_chain(plan, index)):
                found.append(stage.stage.name or str(index))
        return tuple(found)

    @cached_property
    def _tracked(self) -> frozenset[str]:
        """What git tracks, the directories with something tracked in them among it."""
        found = set(self._facts.git.tracked)
        for path in self._facts.git.tracked:
            while path := path.rpartition("/")[0]:
                if path in found:
                    break
                found.add(path)
        return frozenset(found)

    def tracked(self, path: str) -> bool:
        """Whether git tracks the path, or something in it."""
        return path in self._tracked

    @cached_property
    def _git_ignored(self) -> IgnoredRoots:
        return IgnoredRoots(self._facts.git.ignored)

    def git_ignored(self, match: Match) -> bool:
        """Whether git ignores the path, or every file in it."""
        if self._git_ignored.of(match.path) is not None:
            return True
        files = list(self._facts.tree.files([match]))
        return bool(files) and all(self._git_ignored.of(file.path) is not None for file in files)

    def made_by(self, expression: str) -> Command | None:
        """The first command of the stages that are built which makes something anew."""
        program = re.compile(expression)
        return next((each for _, each in all_commands(self._facts) if program.search(each.text)), None)

    def asks_git(self) -> Iterator[str]:
        """What in the build may ask git for a version."""
        for _, command in all_commands(self._facts):
            if USES_GIT.search(command.text):
                yield f"{asks(self._facts, command)} asks git"
                break
        for name in _METADATA:
            if _SCM.search(self._facts.read(name) or b""):
                yield f"{name} has its version from git"

    def named_in_metadata(self, matches: Iterable[Match]) -> Iterator[str]:
        """The files of a package's metadata that name one of the paths."""
        names = [re.escape(match.name.encode("utf-8", "surrogateescape")) for match in matches]
        if not names:
            return
        program = re.compile(rb"(?<![\w.-])(?:" + b"|".join(names[:200]) + rb")(?![\w-])")
        for name in _METADATA:
            found = program.search(self._facts.read(name) or b"")
            if found is not None:
                yield f"{name} names {found[0].decode('utf-8', 'replace')}"
        for _, command in all_commands(self._facts):
            named = program.search(command.text.encode("utf-8", "surrogateescape"))
            if named is not None:
                yield f"{asks(self._facts, command)} names {named[0].decode('utf-8', 'replace')}"
                return

    def named_somewhere(self, match: Match) -> str | None:
        """The file among what the build takes, the Dockerfile first, that names a path; None: none does."""
        path = match.path
        if path not in self._named:
            self._named[path] = self._search(match)
        return self._named[path]

    def _search(self, match: Match) -> str | None:
        slash = rb"/" if match.below is not None else b""
        name = re.escape(match.path.encode("utf-8", "surrogateescape"))
        # As a path: with something of it behind a slash, or in quotes, or alone between blanks.
        end = rb"(?:/|[\"'`\s,\])]|$)" if slash else rb"(?![\w-])"
        program = re.compile(rb"(?<![\w.-])(?:\./|/)?" + name + end)
        if program.search(self._facts.project.dockerfile_data):
            return self._facts.dockerfile
        return next((path for path, data in self._texts if program.search(data)), None)

    @cached_property
    def _texts(self) -> list[tuple[str, bytes]]:
        """What is read of the project's own small text files, tracked ones if git knows any."""
        found: list[tuple[str, bytes]] = []
        size = 0
        tracked = self._facts.git.tracked
        for folder in self._facts.tree.folders:
            if not folder.arrives or folder.path == ".git" or folder.path.startswith(".git/"):
                continue
            hidden = {*suspects(folder.path, folder.names)}
            for name, length in folder.files.items():
                path = folder.join(name)
                file = File(folder, name, length)
                if (
                    not 0 < length <= _LARGEST
                    or name in hidden
                    or name.endswith(_BINARY)
                    or name in (".gitignore", ".dockerignore")
                    or (tracked and path not in tracked)
                    or not file.kept
                    or not self._facts.tree.taken(file)
                    or "node_modules" in path
                ):
                    continue
                if len(found) >= _MOST_FILES or size > _MOST_BYTES:
                    return found
                data = self._facts.read(path)
                if data and b"\0" not in data[:1024]:
                    found.append((path, data))
                    size += len(data)
        return found


def _chain(plan: ResolvedDockerfile, index: int | None) -> Iterator[int]:
    """A stage and those it starts from."""
    while index is not None:
        yield index
        index = plan.stages[index].parent
