"""What a project may ignore, looked for without an engine: where rules would go, and candidates for them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize import __version__
from ctxsize.engine.options import BuildOptions
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from ctxsize.lint.facts import Facts, gather
from ctxsize.lint.tree import Match
from ctxsize.measure.figures import ProjectFigures
from ctxsize.progress import Progress, Silent
from ctxsize.project import Project, open_project
from ctxsize.suggest.candidates import candidates
from ctxsize.suggest.proposal import Target, target_of
from ctxsize.suggest.types import (
    Candidate,
    NoRules,
    SavedByRules,
    SuggestedRule,
    Suggestion,
    SuggestMeasurement,
)
from ctxsize.warning import Warning

#: What a rule has to keep out to be worth a line: this many bytes or, in a small project, this share.
MIN_BYTES, MIN_SHARE = 1_000_000, 0.01
DOUBTFUL = "not built: "


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a project without an engine: where rules go, and the candidates for them.

    ``small`` candidates keep out too little to be among them. ``files`` and ``bytes`` are the context's.
    """

    target: Target
    facts: Facts
    candidates: tuple[Candidate, ...]
    small: int
    files: int
    bytes: int


def look(
    project: Project,
    options: BuildOptions,
    *,
    podman: bool = False,
    verifies: bool = False,
    min_bytes: int | None = None,
    progress: Progress | None = None,
) -> Look:
    """Look for what an opened project may ignore. Raises CtxsizeError."""
    progress = progress or Silent()
    progress.phase("scan")
    data = None if project.ignore is None else project.ignore.data
    date = datetime.date.today().isoformat()
    target = target_of(project, data, date)
    facts = gather(
        as_if_empty(project, target),
        data or b"",
        podman=podman,
        target=options.target,
        build_args={name: value for name, value in options.build_args.items() if value is not None},
        platform=options.platform,
    )
    root = facts.tree.root
    everything = [Match(root, name, root.folders.get(name)) for name in root.names]
    files, size, _ = facts.tree.size(file for file in facts.tree.files(everything) if file.kept)
    least = min(MIN_BYTES, int(size * MIN_SHARE)) if min_bytes is None else min_bytes
    found, small = candidates(facts, verifies=verifies, min_bytes=least)
    return Look(target, facts, tuple(found), small, files, size)


def as_if_empty(project: Project, target: Target) -> Project:
    """A project without an ignore file as one with an empty file, so that there is something to add to."""
    if project.ignore is not None:
        return project
    return replace(
        project, ignore=parse_ignore(b"", target.shown, project.dialect), rules=Matcher((), project.dialect)
    )


def suggest_static(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    options: BuildOptions | None = None,
    min_bytes: int | None = None,
    progress: Progress | None = None,
) -> SuggestMeasurement:
    """What the project at ``path`` may gain from, with the evidence for it, without an engine: nothing of it
    is proven. Raises CtxsizeError."""
    options = options or BuildOptions()
    project = open_project(path, dockerfile=dockerfile, dialect=dialect)
    found = look(project, options, min_bytes=min_bytes, progress=progress)
    chosen = [
        each
        for each in found.candidates
        if not each.doubts and each.blocked is None and not (each.uncertain and each.stages)
    ]
    rules = [unproven(each, proposed=each in chosen) for each in found.candidates]
    block = found.target.block(chosen, proven=False)
    size = sum(each.bytes for each in chosen)
    suggestion = Suggestion(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=figures_of(project, options),
        engine=None,
        static=True,
        allowlist=False,
        rules=ordered(rules),
        saved=SavedByRules(size, sum(each.files for each in chosen)),
        unattributed=NoRules(),
        builds=0,
        timed_builds=0,
        context_bytes=found.bytes,
        ignore_file=found.target.shown,
        new=found.target.data is None,
        block="".join(f"{line}\n" for line in block),
        diff=found.target.diff(found.target.content(chosen, proven=False)) if block else "",
        written=False,
        warnings=tuple(notes(found)),
        words=project.words(options.target),
    )
    return SuggestMeasurement(suggestion, {})


def figures_of(project: Project, options: BuildOptions) -> ProjectFigures:
    """What a result says of the project."""
    return ProjectFigures(
        context=project.name,
        dockerfile=project.dockerfile_shown or "Dockerfile",
        ignore_file=project.ignore.path if project.ignore is not None else None,
        target=options.target,
        platform=options.platform,
        platform_asked=options.platform is not None,
    )


def notes(found: Look) -> list[Warning]:
    """What to know beside the rules."""
    warnings = [Warning("walk", note) for note in found.facts.notes]
    if found.small:
        many = "1 rule" if found.small == 1 else f"{found.small} rules"
        warnings.append(
            Warning(
                "small", f"{many} would keep out too little to be worth a line: --min-bytes 0 has them, too"
            )
        )
    return warnings


def ordered(rules: Sequence[SuggestedRule]) -> tuple[SuggestedRule, ...]:
    """Those that are proposed first, the largest first."""
    return tuple(sorted(rules, key=lambda rule: (not rule.proposed, -rule.context_bytes, rule.rule)))


def unproven(candidate: Candidate, *, proposed: bool) -> SuggestedRule:
    return SuggestedRule(
        rule=candidate.rule,
        paths=candidate.hits,
        files=candidate.files,
        context_bytes=candidate.bytes,
        image_bytes=None,
        pull_bytes=None,
        evidence=candidate.evidence,
        proof="none",
        proposed=proposed,
        reason=candidate.blocked or "; ".join(_against(candidate)) or None,
    )


def _against(candidate: Candidate) -> Iterator[str]:
    yield from candidate.doubts
    if candidate.uncertain and candidate.stages:
        yield f"the stage {candidate.stages[0]}, which this build leaves out, takes it"
