"""Ignoring everything but what COPY, ADD and bind mounts take, where none of them takes the whole context."""

from __future__ import annotations

from dataclasses import replace

from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.engine.builders.choose import choose
from ctxsize.errors import BuildFailed, UsageError
from ctxsize.ignore.types import Dialect
from ctxsize.lint.facts import Facts, literal_pattern
from ctxsize.measure.subject import Subject, prepare_opened
from ctxsize.project import open_project
from ctxsize.suggest.assemble import Trace
from ctxsize.suggest.proposal import Target, target_of
from ctxsize.suggest.savings import context_saved
from ctxsize.suggest.search import Search
from ctxsize.suggest.static import Look, look
from ctxsize.suggest.trials import Trials, Unmetered
from ctxsize.suggest.types import Candidate, Outcome
from ctxsize.warning import Warning

EVERYTHING = "*"


def allowlist(facts: Facts, target: Target) -> Candidate:
    """The candidate that ignores everything but what the stages of the Dockerfile take, built or not.

    Raises UsageError where that can't be said, or is everything.
    """
    allowed = _allowed(facts)
    lines = [EVERYTHING]
    for path in sorted(allowed):
        pattern = literal_pattern(path)
        if pattern is None:
            raise UsageError(
                "no line of an ignore file can name this path for certain",
                where=path,
                hint="rename it, or write the exception yourself",
            )
        lines.append(f"!{pattern}")
    whole = Candidate(
        rule=EVERYTHING,
        hits=(),
        files=0,
        bytes=0,
        evidence=("no step takes anything else",),
        always=True,
        lines=tuple(lines),
        why={f"!{literal_pattern(path)}": where for path, where in allowed.items()},
    )
    after = target.project_with(target.content([whole])).rules
    assert after is not None
    saved = context_saved(facts, target.project.rules, after)
    hits = tuple(path for paths in saved.roots.values() for path in paths)
    return replace(whole, hits=hits, files=sum(saved.files.values()), bytes=sum(saved.bytes.values()))


def with_allowlist(found: Look, subject: Subject, *, verifies: bool, min_bytes: int | None) -> Look:
    """What was looked at, with the rule that ignores everything but what is taken, and the candidates that
    keep out something of that. Raises UsageError where there can be no such rule."""
    whole = allowlist(found.facts, found.target)
    inner = look(
        found.target.project_with(found.target.content([whole])),
        subject.options,
        podman=subject.engine.info.podman,
        verifies=verifies,
        min_bytes=min_bytes,
    )
    return replace(found, candidates=(whole, *inner.candidates), small=inner.small)


def try_otherwise(trace: Trace, trials: Trials, found: Look) -> None:
    """Try what was accepted with the builder of the other dialect, too; go on without the allowlist where it
    does not hold there."""
    accepted = trace.found.accepted
    whole = next((each for each in accepted if each.lines), None)
    if whole is None:
        return
    subject = trials.bench.subject
    other = "classic" if subject.choice.dialect is Dialect.BUILDKIT else "buildkit"
    outcome: Outcome | None
    try:
        choice = choose(subject.engine, other)
        project = open_project(
            found.target.project.context,
            dockerfile=found.target.project.dockerfile_path,
            dialect=choice.dialect,
        )
        target = target_of(
            project, project.ignore.data if project.ignore is not None else None, found.target.date
        )
        if target.path != found.target.path:
            raise UsageError(f"it does not read {found.target.shown}")
        proposed = prepare_opened(
            target.project_with(target.content(accepted)),
            subject.engine,
            choice,
            options=subject.options,
            progress=trials.bench.progress,
        )
        run = trials.bench.run
        bench = replace(trials.bench, subject=proposed, builder=proposed.builder(run))
        with Unmetered() as reader:
            most = max(trials.most - trials.builds, 2)
            again = Trials(bench, target, target.before(), reader, None, most)
            again.start()
            outcome = again.attempt(accepted)
            trials.builds += again.builds
    except (BuildFailed, UsageError) as error:
        message = (
            f"the {other} builder does not build this project, so that it is proven for one only: {error}"
        )
        trace.saved.warnings.append(Warning("one-dialect", message))
        return
    if outcome is not None and outcome.ok:
        return
    reason = outcome.reason if outcome is not None else "there were no builds left to try it"
    trace.found.rejected[whole.rule] = Outcome(False, "none", f"with the {other} builder: {reason}")
    trace.found.accepted, trials.best = (), None
    search = Search(trials.attempt, trials.left)
    search.found = trace.found
    search.run([each for each in accepted if each is not whole])


def _allowed(facts: Facts) -> dict[str, str]:
    """The paths that instructions take, none of them below another, each with the first that does."""
    plan = facts.plan
    unknown = "no instruction of the Dockerfile takes anything" if plan is None else ""
    if facts.sources is not None and facts.sources.unknown:
        unknown = facts.sources.unknown[0]
    found: dict[str, str] = {}
    names = ContextDirectory(facts.project.context)
    for stage in plan.stages if plan is not None else ():
        for step in stage.steps:
            line = stage.line_of(step)
            for pick in step.picks:
                if not pick.from_context:
                    continue
                for pattern in pick.patterns:
                    where = f"{step.instruction.keyword} {pattern} ({facts.dockerfile}:{line})"
                    if pattern in (".", "*", "**"):
                        raise UsageError(
                            f"{step.instruction.keyword} takes the whole context: there is nothing to allow",
                            where=f"{facts.dockerfile}:{line}",
                            hint="name what the image needs, or use suggest without --allowlist",
                        )
                    for path in matches(names, pattern):
                        for each in {path, resolve_links(names, path)} - {None, "."}:
                            found.setdefault(str(each), where)
            if step.unknown is not None:
                unknown = f"{facts.dockerfile}:{line}: {step.unknown}"
    if unknown or not found:
        raise UsageError(
            f"what the build needs is not known: {unknown or 'nothing is taken from the context'}",
            where=facts.dockerfile,
            hint="use suggest without --allowlist",
        )
    return {
        path: where
        for path, where in found.items()
        if not any(path.startswith(f"{other}/") for other in found if other != path)
    }
