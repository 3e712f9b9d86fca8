"""A Dockerfile made concrete: for one target and one set of build arguments, what each step copies from
where to where, with variables, working directories and stage names resolved.

Shared by what the build needs (sources.py), where it lands (mapping.py) and which steps it touches
(rewrite.py).
"""

from __future__ import annotations

import csv
import posixpath
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ctxsize.dockerfile.derived import DerivedValues
from ctxsize.dockerfile.expand import ExpansionError, Scope, UnknownVariable, global_scope
from ctxsize.dockerfile.named import Replacement, Replacements, replaced
from ctxsize.dockerfile.parse import Dockerfile, Instruction, Stage, heredoc_word, parse_dockerfile
from ctxsize.dockerfile.wildcard import escape
from ctxsize.errors import UsageError

StepKind = Literal["copy", "add", "run", "workdir", "other"]

_KINDS: dict[str, StepKind] = {"COPY": "copy", "ADD": "add", "RUN": "run", "WORKDIR": "workdir"}
#: Characters of a path; Linux has no longer one (PATH_MAX).
_LONGEST_PATH = 4096
# Characters of values that a trigger which runs again counts for.
_TRIGGER = 32
_REMOTE = ("http://", "https://", "git://", "ssh://", "git@")


@dataclass(frozen=True, slots=True)
class BaseImage:
    """What the configuration of a base image says: variables, working directory, ONBUILD triggers."""

    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    onbuild: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """What one COPY, ADD or bind mount takes, and where it puts it.

    ``patterns`` are clean relative paths (``.`` is everything) and may have wildcards. ``dest`` is
    relative to the image's root (``""`` is the root), or None when it is not known; ``dest_is_dir``
    says that it was written with a ``/`` at its end. ``pivots`` (for ``--parents``) holds, for each
    pattern, the leading part that ``/./`` keeps out of the destination.
    ``context`` is the named context it takes from; from the context itself when that, ``stage`` and
    ``image`` are None.
    """

    patterns: tuple[str, ...]
    dest: str | None
    dest_is_dir: bool
    stage: int | None = None
    image: str | None = None
    excludes: tuple[str, ...] = ()
    parents: bool = False
    pivots: tuple[str, ...] = ()
    unpack: bool = False
    context: str | None = None

    @property
    def from_context(self) -> bool:
        return self.stage is None and self.image is None and self.context is None


@dataclass(frozen=True, slots=True)
class ResolvedStep:
    """One instruction of a stage; ``unknown`` says why what it takes could not be worked out, or None.

    ``trigger``: an ONBUILD of what the stage starts from, which runs with its FROM.
    """

    instruction: Instruction
    kind: StepKind
    picks: tuple[Pick, ...] = ()
    unknown: str | None = None
    trigger: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedStage:
    """A stage: it starts from the stage ``parent``, or from the image ``image`` when that is None, or from
    what ``base`` takes, all of a named context.

    ``steps`` begins with the ONBUILD triggers of what it starts from. ``unknown`` are reasons why the
    stage itself is uncertain; ``inspected`` is False when nothing is known of its base image.
    """

    stage: Stage
    parent: int | None
    image: str | None
    steps: tuple[ResolvedStep, ...]
    unknown: tuple[str, ...]
    inspected: bool
    base: Pick | None = None

    def line_of(self, step: ResolvedStep) -> int:
        """The line of the Dockerfile a step of this stage belongs to: a trigger's is that of the FROM."""
        return self.stage.line if step.trigger else step.instruction.line

    @property
    def uses(self) -> tuple[int, ...]:
        """The stages it needs: its parent, and those it copies or mounts from."""
        picked = [pick.stage for step in self.steps for pick in step.picks if pick.stage is not None]
        return tuple(dict.fromkeys(([] if self.parent is None else [self.parent]) + picked))


@dataclass(frozen=True, slots=True)
class ResolvedDockerfile:
    """The stages of a Dockerfile resolved; ``target`` is the index of the one to build. ``derived`` has what
    expansion makes of build arguments, and what to show instead (see derived.py)."""

    dockerfile: Dockerfile
    stages: tuple[ResolvedStage, ...]
    target: int
    buildkit: bool
    derived: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def reachable(self) -> tuple[int, ...]:
        """The stages that are built, in file order.

        BuildKit builds only what the target needs; the classic builder all stages up to the target.
        """
        if not self.buildkit:
            return tuple(range(self.target + 1))
        seen: set[int] = set()
        pending = [self.target]
        while pending:
            index = pending.pop()
            if index not in seen:
                seen.add(index)
                pending.extend(self.stages[index].uses)
        return tuple(sorted(seen))

    @property
    def chain(self) -> tuple[int, ...]:
        """The stages whose layers make up the target's image, lowest first."""
        indexes: list[int] = []
        index: int | None = self.target
        while index is not None:
            indexes.append(index)
            index = self.stages[index].parent
        return tuple(reversed(indexes))


def resolve(
    dockerfile: Dockerfile,
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    buildkit: bool = True,
    base_images: Mapping[str, BaseImage] | None = None,
    predefined: Mapping[str, str] | None = None,
    replacements: Replacements | None = None,
) -> ResolvedDockerfile:
    """Resolve every stage. ``base_images`` maps references as FROM names them (expanded) to what is known.

    ``predefined`` has the values of the platform ARGs (see platforms.platform_args). ``replacements`` are the
    named contexts: each stands in the place of the stage or the image of its name. Raises
    UsageError when the target is not there.
    """
    index = _target(dockerfile, target)
    resolver = _Resolver(
        dockerfile,
        buildkit,
        global_scope(dockerfile, build_args=build_args or {}, buildkit=buildkit, predefined=predefined or {}),
        {} if base_images is None else base_images,  # one that looks up on demand is empty at first
        replacements or {},
    )
    stages = tuple(resolver.stage(stage) for stage in dockerfile.stages)
    return ResolvedDockerfile(dockerfile, stages, index, buildkit, resolver.derived.found)


def _target(dockerfile: Dockerfile, target: str | None) -> int:
    if not target:
        return len(dockerfile.stages) - 1
    for stage in reversed(dockerfile.stages):
        if stage.name == target.lower():
            return stage.index
    if target.isdecimal() and int(target) < len(dockerfile.stages):
        return int(target)
    named = ", ".join(stage.name for stage in dockerfile.stages if stage.name)
    raise UsageError(
        f"target stage {target} could not be found",
        where=dockerfile.path,
        hint=f"its stages are {named}" if named else "none of its stages has a name",
    )


class _Resolver:
    """Goes through the stages in order, remembering how each one ended."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        buildkit: bool,
        outer: Scope,
        base_images: Mapping[str, BaseImage],
        replacements: Replacements,
    ) -> None:
        self.dockerfile = dockerfile
        self.buildkit = buildkit
        self.outer = outer
        self.declared = outer.declared()
        self.derived = DerivedValues(dockerfile.path, outer.build_args)
        for instruction in dockerfile.global_args:
            self.derived.note(instruction, outer)
        self.unknown = outer.unknown - self.declared.keys()
        self.base_images = base_images
        self.replacements = replacements
        self.named: dict[str, list[int]] = {}
        for stage in dockerfile.stages:
            if stage.name is not None:
                self.named.setdefault(stage.name, []).append(stage.index)
        self.scopes: list[Scope] = []
        self.workdirs: list[str | None] = []
        self.triggers: list[tuple[Instruction, ...]] = []

    def stage(self, stage: Stage) -> ResolvedStage:
        unknown: list[str] = []
        image: str | None = None
        parent: int | None = None
        inspected = True
        self.derived.base(stage.base, self.outer, stage.line)
        try:
            image = self.outer.expand(stage.base)
        except (ExpansionError, UnknownVariable) as error:
            unknown.append(self.reason(stage.line, f"FROM {stage.base}", error))
        # A named context of the stage's own name is the stage, and nothing that stands in it runs.
        taken = replaced(stage.name, self.replacements) if stage.name else None
        instead, base_pick = taken, None
        if image is not None and taken is None:
            parent = self._named(image, stage.index)
            instead = replaced(image, self.replacements) if parent is None else None
        if instead is not None:
            image, base_pick = instead.image, _everything(instead)
            unknown = []
        triggers: tuple[Instruction, ...] = ()
        if parent is not None:
            image = None
            scope = self.scopes[parent].child()
            workdir = self.workdirs[parent]
            triggers = self.triggers[parent]
            if triggers and not scope.room.take(_TRIGGER * len(triggers)):
                where = f"{self.dockerfile.path}:{stage.line}"
                unknown.append(f"{where}: the ONBUILD instructions of all stages are too many")
                triggers = ()
        else:
            known = image == "scratch" or base_pick is not None
            base = BaseImage() if known else self.base_images.get(image or "")
            inspected = base is not None
            scope = self._fresh(base)
            workdir = base.workdir if base else None
            triggers = _trigger_instructions(base) if base else ()
        walk = _StageWalk(self, stage, scope, workdir)
        steps = (
            *(replace(walk.step(trigger), trigger=True) for trigger in triggers if taken is None),
            *(walk.step(instruction) for instruction in stage.instructions if taken is None),
        )
        self.scopes.append(walk.scope)
        self.workdirs.append(walk.workdir)
        self.triggers.append(tuple(i.onbuild for i in stage.instructions if i.onbuild))
        return ResolvedStage(stage, parent, image, steps, tuple(unknown), inspected, base_pick)

    def _fresh(self, base: BaseImage | None) -> Scope:
        return Scope(
            escape=self.dockerfile.escape,
            buildkit=self.buildkit,
            build_args=self.outer.build_args,
            outer=self.declared,
            unknown=self.unknown,
            env=base.env if base else {},
            complete=base is not None,
            room=self.outer.room,
        )

    def _named(self, name: str, before: int) -> int | None:
        """The last stage of that name before the given one."""
        indexes = self.named.get(name.lower(), [])
        at = bisect_left(indexes, before)
        return indexes[at - 1] if at else None

    def reference(self, name: str, before: int) -> dict[str, Any]:
        """What ``--from=name`` means: ``stage``, ``image`` or ``context`` of a Pick."""
        index = self._named(name, before)
        if index is None and name.isdecimal() and int(name) < before:
            index = int(name)
        if index is not None:
            return {"stage": index}
        instead = replaced(name, self.replacements) or Replacement(image=name)
        return {"context": instead.context, "image": instead.image}

    def reason(self, line: int, what: str, error: Exception) -> str:
        """Why ``what``, on that line, is not known."""
        return f"{self.dockerfile.path}:{line}: {what}: {error}"


class _StageWalk:
    """The state of one stage while its instructions go by: variables and working directory."""

    def __init__(self, resolver: _Resolver, stage: Stage, scope: Scope, workdir: str | None) -> None:
        self.resolver = resolver
        self.index = stage.index
        self.scope = scope
        self.workdir = workdir

    def step(self, instruction: Instruction) -> ResolvedStep:
        kind = _KINDS.get(instruction.keyword, "other")
        self.resolver.derived.note(instruction, self.scope)
        try:
            self.scope.apply(instruction)
            if kind == "other" and instruction.keyword == "ARG":  # it sees what is before it on its line
                self.resolver.derived.note(instruction, self.scope)
            if kind == "workdir":
                self.workdir = self._absolute(self.scope.expand(instruction.args))
                return ResolvedStep(instruction, kind)
            if kind in ("copy", "add"):
                return ResolvedStep(instruction, kind, self._copy(instruction))
            if kind == "run" and self.resolver.buildkit:
                return ResolvedStep(instruction, kind, self._mounts(instruction))
        except (ExpansionError, UnknownVariable) as error:
            if kind == "workdir":
                self.workdir = None
            why = self.resolver.reason(instruction.line, instruction.keyword, error)
            return ResolvedStep(instruction, kind, unknown=why)
        return ResolvedStep(instruction, kind)

    def _absolute(self, path: str) -> str | None:
        """A path in the image, absolute and clean; None when it hangs on an unknown working directory, or is
        too long to be one."""
        if not path.startswith("/"):
            if self.workdir is None:
                return None
            path = f"{self.workdir}/{path}"
        clean = _clean(path)
        return clean if len(clean) <= _LONGEST_PATH else None

    def _copy(self, instruction: Instruction) -> tuple[Pick, ...]:
        if len(instruction.words) < 2:
            return ()
        *given, last = instruction.words
        sources = [self.scope.expand(word) for word in given if instruction.json or not heredoc_word(word)]
        add = instruction.keyword == "ADD"
        sources = [source for source in sources if not (add and _is_remote(source))]
        written = self.scope.expand(last)
        dest = self._absolute(written)
        origin = instruction.flag("from")
        taken = {} if origin is None or add else self.resolver.reference(origin, self.index)
        parents = instruction.has_flag("parents")
        if not sources:
            return ()
        return (
            Pick(
                patterns=tuple(_relative(source) for source in sources),
                dest=None if dest is None else dest.lstrip("/"),
                dest_is_dir=written in ("", ".") or written.endswith(("/", "/.")),
                **taken,
                excludes=tuple(self.scope.expand(value) for value in instruction.flag_values("exclude")),
                parents=parents,
                pivots=tuple(_pivot(source) for source in sources) if parents else (),
                unpack=add and (instruction.flag("unpack") or "true").lower() != "false",
            ),
        )

    def _mounts(self, instruction: Instruction) -> tuple[Pick, ...]:
        picks = []
        for value in instruction.flag_values("mount"):
            options = _mount_options(value)
            origin = options.get("from", "")
            kind = options.get("type", "bind")
            if kind not in ("bind", "cache") or (kind == "cache" and not origin):
                continue
            taken = self.resolver.reference(origin, self.index) if origin else {}
            target = self.scope.expand(options.get("target", ""))
            dest = self._absolute(target)
            source = self.scope.expand(options.get("source", ""))
            # A mount's source is a path, not a pattern.
            pattern = escape(_relative(source))
            picks.append(Pick((pattern,), None if dest is None else dest.lstrip("/"), False, **taken))
        return tuple(picks)


def _everything(of: Replacement) -> Pick | None:
    """All of a named context, as what a stage starts from; None for an image."""
    return None if of.context is None else Pick((".",), "", True, context=of.context)


def _trigger_instructions(base: BaseImage) -> tuple[Instruction, ...]:
    text = "".join(f"{trigger}\n" for trigger in base.onbuild)
    data = b"FROM scratch\n" + text.encode("utf-8", "surrogateescape")
    return parse_dockerfile(data, "ONBUILD of the base image").stages[0].instructions


def _mount_options(value: str) -> dict[str, str]:
    """The ``key=value`` fields of a ``--mount``, under the long names of the keys.

    Raises ExpansionError for what is no list of fields.
    """
    names = {"src": "source", "dst": "target", "destination": "target"}
    try:
        fields = next(csv.reader([value]), [])
    except csv.Error as error:
        raise ExpansionError(f"--mount: {error}") from error
    pairs = (part.partition("=") for part in fields)
    return {names.get(key.strip().lower(), key.strip().lower()): text for key, _, text in pairs}


def _is_remote(source: str) -> bool:
    """Whether ADD fetches it from somewhere else: a URL or a git repository."""
    return source.lower().startswith(_REMOTE)


def _clean(path: str) -> str:
    """An absolute path without ``.``, ``..`` or doubled slashes."""
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def _relative(source: str) -> str:
    """A source as a clean path relative to the context; ``..`` can't lead out of it (BuildKit)."""
    return _clean(source).lstrip("/") or "."


def _pivot(source: str) -> str:
    """The part of a ``--parents`` source before ``/./``, as a clean relative path (``.``: none)."""
    before, pivot, _ = source.partition("/./")
    return _relative(before) if pivot else "."
