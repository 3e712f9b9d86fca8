"""Where a file of an image came from: from a path in a layer back to the path in the build context.

Only paths are looked at. An origin says where Docker's copying rules put the file from; the caller
checks it against the real layer (size, kind) before it counts bytes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.dockerfile.parse import Instruction
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile, ResolvedStage, ResolvedStep
from ctxsize.dockerfile.wildcard import PathMatcher, excluded, has_wildcard, name_pattern, unescape

OriginKind = Literal["file", "archive"]
LayerKind = Literal["copy", "add", "run", "workdir"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A path in the context; ``archive`` when the image's file was unpacked from that file by ADD."""

    path: str
    kind: OriginKind


@dataclass(frozen=True, slots=True)
class LayerStep:
    """An instruction that may write a layer of the target's image.

    ``stage`` is the index of the stage it stands in, ``line`` the line of the Dockerfile it belongs to.
    ``uses_from`` is the first stage that it copies or mounts from; ``mounts`` says whether it is a RUN that
    sees a context.
    """

    index: int
    instruction: Instruction
    stage: int
    line: int
    kind: LayerKind
    uses_from: int | None
    mounts: bool = False


class ImageMap:
    """The way back from the image of a ResolvedDockerfile's target to the context.

    ``steps`` are in the order of the layers, from the lowest stage of the FROM chain up; steps of a
    base image from a registry are not among them.
    """

    def __init__(
        self,
        plan: ResolvedDockerfile,
        names: ContextDirectory,
        links: Mapping[str, str] | None = None,
        named: Mapping[str, ContextDirectory] | None = None,
    ) -> None:
        """``named`` are the named contexts: a path in one is called ``NAME:path``.

        ``links`` are the symlinks to directories in the lower layers, both sides as clean paths relative to
        the image's root (``{"bin": "usr/bin"}``): a file copied to ``/bin`` is found there.
        """
        self._plan = plan
        self._names = names
        self._named = named or {}
        self._links = dict(links or {})
        self._takers: dict[int, _Taker] = {}
        self._stage_chains: dict[int, list[ResolvedStep]] = {}
        self._chain: list[ResolvedStep] = []
        steps: list[LayerStep] = []
        self._chain += _base_step(plan.stages[plan.chain[0]])
        self._first = len(self._chain)
        for stage in plan.chain:
            for step in plan.stages[stage].steps:
                if step.kind != "other":
                    used = next((pick.stage for pick in step.picks if pick.stage is not None), None)
                    seen = step.kind == "run" and any(
                        pick.stage is None and pick.image is None for pick in step.picks
                    )
                    line = plan.stages[stage].line_of(step)
                    number = len(steps)
                    steps.append(LayerStep(number, step.instruction, stage, line, step.kind, used, seen))
                    self._chain.append(step)
        self.steps = tuple(steps)

    @property
    def has_base(self) -> bool:
        """Whether the image starts with a layer of a named context."""
        return self._plan.stages[self._plan.chain[0]].base is not None

    def find_base(self, image_path: str) -> tuple[Origin, ...]:
        """Where in that named context ``image_path`` comes from; as for ``find``."""
        return self._latest(_base_step(self._plan.stages[self._plan.chain[0]]), image_path.strip("/"))

    def find(self, step: LayerStep, image_path: str) -> tuple[Origin, ...]:
        """Where in the context ``image_path`` (relative to the root) may come from, most likely first.

        Only paths that exist in the context are given. For a RUN or WORKDIR: what the steps before it
        put at that path, the latest step that did so.
        """
        last = self._first + step.index
        first = last if step.kind in ("copy", "add") else 0
        return self._latest(self._chain[first : last + 1], image_path.strip("/"))

    def _latest(self, steps: list[ResolvedStep], path: str) -> tuple[Origin, ...]:
        for step in reversed(steps):
            found = tuple(dict.fromkeys(self._step_origins(step, path)))
            if found:
                return found
        return ()

    def _step_origins(self, step: ResolvedStep, path: str) -> Iterator[Origin]:
        if step.kind not in ("copy", "add"):
            return
        for pick in step.picks:
            if pick.image is not None or pick.dest is None:
                continue
            taker = self._taker(pick)
            for written in self._written(path):
                for origin in taker.origins(written):
                    if pick.context is None:
                        yield origin
                    else:
                        yield replace(origin, path=f"{pick.context}:{origin.path}")

    def _taker(self, pick: Pick) -> _Taker:
        taker = self._takers.get(id(pick))
        if taker is None:
            names = self._names if pick.context is None else self._named[pick.context]
            taker = _FromContext(pick, names) if pick.stage is None else _FromStage(pick, self, pick.stage)
            self._takers[id(pick)] = taker
        return taker

    def _written(self, path: str) -> Iterator[str]:
        """The path, and what it may have been called by an instruction that wrote through a symlink."""
        yield path
        for link, target in self._links.items():
            if path == target or path.startswith(f"{target}/"):
                yield link + path[len(target) :]

    def stage_origins(self, stage: int, path: str) -> tuple[Origin, ...]:
        """Where ``path`` in the file system of a stage came from."""
        return self._latest(self._stage_steps(stage), path)

    def _stage_steps(self, stage: int) -> list[ResolvedStep]:
        steps = self._stage_chains.get(stage)
        if steps is None:
            resolved = self._plan.stages[stage]
            below = [] if resolved.parent is None else self._stage_steps(resolved.parent)
            below = [*below, *_base_step(resolved)]
            steps = self._stage_chains[stage] = [*below, *resolved.steps]
        return steps

    def _in_context(self, path: str) -> tuple[ContextDirectory, str]:
        """The context that an origin's path is in, and the path there."""
        for name, names in self._named.items():
            if path.startswith(f"{name}:"):
                return names, path[len(name) + 1 :]
        return self._names, path

    def stage_directories(self, stage: int, directory: str) -> list[str]:
        """Names of directories that the context put into ``directory`` of a stage."""
        found: dict[str, None] = {}
        for step in self._stage_steps(stage):
            for origin in self._step_origins(step, directory):
                names, at = self._in_context(origin.path)
                for name in names.entries(at):
                    if names.kind(posixpath.normpath(f"{at}/{name}")) == "dir":
                        found[name] = None
            for pick in step.picks:
                rest = _below(pick.dest or "", directory)
                if rest:
                    found[rest.split("/")[0]] = None
        return list(found)


def _base_step(stage: ResolvedStage) -> list[ResolvedStep]:
    """What a stage starts from, as a step that copies it: nothing unless that is a named context."""
    if stage.base is None:
        return []
    line, base = stage.stage.line, stage.stage.base
    instruction = Instruction("FROM", line, line, "", (), base, (base,))
    return [ResolvedStep(instruction, "copy", (stage.base,))]


class _Taker:
    """One Pick read backwards: destination path to source paths."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        # What is copied later overwrites, so the last source is the likeliest.
        self.patterns = tuple(reversed(pick.patterns))

    def origins(self, path: str) -> Iterator[Origin]:
        """Where a path of the image, or of the stage, comes from."""
        rest = _below(path, self.pick.dest or "")
        return iter(()) if rest is None else self._sources(rest)

    def _sources(self, rest: str) -> Iterator[Origin]:
        """Where ``rest``, relative to the destination, comes from."""
        raise NotImplementedError


class _FromContext(_Taker):
    """Sources in the context, whose names can be asked for."""

    def __init__(self, pick: Pick, names: ContextDirectory) -> None:
        super().__init__(pick)
        self.names = names
        self._roots = [root for pattern in self.patterns for root in self._expand(pattern)]
        self._parents = [
            (PathMatcher(pattern, deep=True), pivot)
            for pattern, pivot in zip(self.patterns, reversed(pick.pivots), strict=pick.parents)
        ]
        self._holding = lru_cache(maxsize=1024)(self._find_holding)

    def _expand(self, pattern: str) -> Iterator[_Root]:
        """The places a pattern takes from, latest first: directories, single files, files by pattern."""
        if not has_wildcard(pattern):
            yield from self._plain(unescape(pattern))
            return
        for match in reversed(list(matches(self.names, pattern))):
            for root in self._plain(match):
                if root.kind != "file":
                    yield root
        directory, _, last = pattern.rpartition("/")
        for match in reversed(list(matches(self.names, directory or "."))):
            real = resolve_links(self.names, match)
            if real is not None:
                yield _Root("pattern", real, last)

    def _plain(self, path: str) -> Iterator[_Root]:
        real = resolve_links(self.names, path)
        if real is not None:
            is_archive = self.pick.unpack and self.names.is_archive(real)
            kind: Literal["dir", "file", "archive"]
            kind = "dir" if self.names.kind(real) == "dir" else "archive" if is_archive else "file"
            yield _Root(kind, real, posixpath.basename(path))

    def _sources(self, rest: str) -> Iterator[Origin]:
        if self.pick.parents:
            yield from self._with_parents(rest)
            return
        head, _, last = rest.rpartition("/")
        for root in self._holding(head):
            yield from self._in_root(root, rest, last if not head else None)

    def _find_holding(self, head: str) -> list[_Root]:
        """The roots that can have put something into the directory ``head`` below the destination."""
        return [
            root
            for root in self._roots
            if (root.kind == "dir" and self.names.kind(_join(root.path, head)) == "dir")
            or root.kind == "archive"
            or (root.kind != "dir" and not head)
        ]

    def _in_root(self, root: _Root, rest: str, name: str | None) -> Iterator[Origin]:
        """``name`` is the file's name when it lies right in the destination (``""``: it is that)."""
        if root.kind == "dir":
            path = _join(root.path, rest)
            if self.names.kind(path) is not None and not (rest and excluded(rest, self.pick.excludes)):
                yield Origin(path, "file")
        elif root.kind == "file":
            if name == root.name or (name == "" and not self.pick.dest_is_dir):
                yield Origin(root.path, "file")
        elif root.kind == "archive":
            yield Origin(root.path, "archive")
        else:
            yield from self._by_pattern(root, name)

    def _by_pattern(self, root: _Root, name: str | None) -> Iterator[Origin]:
        expression = name_pattern(root.name)
        if name:
            if expression.fullmatch(name):
                yield from self._real_file(_join(root.path, name))
        elif name == "" and not self.pick.dest_is_dir:
            # One match only can have been copied to the destination's own name.
            for entry in self.names.entries(root.path):
                if expression.fullmatch(entry):
                    yield from self._real_file(_join(root.path, entry))

    def _real_file(self, path: str) -> Iterator[Origin]:
        real = resolve_links(self.names, path)
        if real is not None and self.names.kind(real) != "dir":
            yield Origin(real, "file")

    def _with_parents(self, rest: str) -> Iterator[Origin]:
        for matcher, pivot in self._parents:
            path = _join(pivot, rest)
            if matcher.cover(path) == "all" and self.names.kind(path) is not None:
                yield Origin(path, "file")


@dataclass(frozen=True, slots=True)
class _Root:
    """Where a source takes from: a directory's content, a file (``name`` as written), an archive's
    content, or the files of a directory whose names match the pattern ``name``."""

    kind: Literal["dir", "file", "archive", "pattern"]
    path: str
    name: str


class _FromStage(_Taker):
    """Sources in another stage: each path a file may have had there is looked up in that stage."""

    def __init__(self, pick: Pick, image: ImageMap, stage: int) -> None:
        super().__init__(pick)
        self.image = image
        self.stage = stage
        self._directories = lru_cache(maxsize=64)(image.stage_directories)

    def _sources(self, rest: str) -> Iterator[Origin]:
        for candidate in self._candidates(rest):
            yield from self.image.stage_origins(self.stage, "" if candidate == "." else candidate)

    def _candidates(self, rest: str) -> Iterator[str]:
        for position, pattern in enumerate(self.patterns):
            if self.pick.parents:
                pivot = self.pick.pivots[-1 - position]
                if PathMatcher(pattern, deep=True).cover(_join(pivot, rest)) == "all":
                    yield _join(pivot, rest)
            elif has_wildcard(pattern):
                yield from self._by_pattern(pattern, rest)
            else:
                plain = unescape(pattern)
                if rest in ("", posixpath.basename(plain)):
                    yield plain
                if not (rest and excluded(rest, self.pick.excludes)):
                    yield _join(plain, rest)

    def _by_pattern(self, pattern: str, rest: str) -> Iterator[str]:
        """Files by their own name; below directories, by the names the context put there.

        Wildcards before the last component are not looked into.
        """
        directory, _, last = pattern.rpartition("/")
        if has_wildcard(directory) or not rest:
            return
        base = unescape(directory) or "."
        expression = name_pattern(last)
        if "/" not in rest and expression.fullmatch(rest):
            yield _join(base, rest)
        for name in self._directories(self.stage, "" if base == "." else base):
            if expression.fullmatch(name):
                yield _join(base, f"{name}/{rest}")


def _below(path: str, directory: str) -> str | None:
    """``path`` relative to ``directory`` (``""``: it is the directory); None when it is not below it."""
    if not directory:
        return path
    if path == directory:
        return ""
    return path[len(directory) + 1 :] if path.startswith(f"{directory}/") else None


def _join(directory: str, rest: str) -> str:
    if not rest:
        return directory
    return rest if directory == "." else f"{directory}/{rest}"
