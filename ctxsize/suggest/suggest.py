"""From a project to rules that are worth adding: candidates, trials, what they save, and the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ctxsize.engine.connect import Engine
from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import CtxsizeError, Interrupted
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.subject import Subject, prepare, prepare_opened
from ctxsize.progress import Progress, Silent
from ctxsize.suggest.allowlist import try_otherwise, with_allowlist
from ctxsize.suggest.assemble import Trace, assemble
from ctxsize.suggest.savings import measure_savings, with_roots
from ctxsize.suggest.search import Search
from ctxsize.suggest.static import Look, look
from ctxsize.suggest.trials import Trials, Unmetered
from ctxsize.suggest.types import Candidate, Outcome, SuggestMeasurement

#: Builds that may be made to find and prove rules, unless the user says otherwise.
MOST_BUILDS = 12
#: Other targets of the Dockerfile that are built, too, where a rule may break them.
_MOST_STAGES = 3


def suggest(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    verify: VerifyCommand | None = None,
    max_builds: int = MOST_BUILDS,
    max_time: float | None = None,
    min_bytes: int | None = None,
    repeat: int | None = None,
    cache_cost: bool = False,
    allowlist: bool = False,
    write: bool = False,
    progress: Progress | None = None,
    engine: Engine | None = None,
    on_result: Callable[[SuggestMeasurement], object] = lambda result: None,
) -> SuggestMeasurement:
    """Find rules worth adding to the ignore file of the project at ``path``, and prove each by a build.

    A rule is proposed when the image builds without what it keeps out, is the same otherwise, and ``verify``
    (if given) passes in it. At most ``max_builds`` builds are made for that, and none once ``max_time``
    seconds would be over. Rules that keep out less than ``min_bytes`` are left out. ``repeat`` builds each
    are timed before and after (None: 3 where that is quick). ``cache_cost`` measures what changes to what the
    rules keep out cost. ``allowlist`` proposes to ignore everything but what COPY and ADD take. ``write``
    adds the proven rules to the file. The project is only read otherwise. An interruption and trouble after
    the first build, and a file that can't be written, are an error in the result; all other trouble is raised
    as a CtxsizeError.

    ``on_result`` is called with the result as soon as it is complete, before what the run made on the engine
    is removed. What is returned afterwards also says (``warnings``) what could not be removed.
    """
    progress, options, limit = progress or Silent(), options or BuildOptions(), TimeLimit(max_time)
    subject = prepare(
        path, dockerfile=dockerfile, builder=builder, options=options, progress=progress, engine=engine
    )
    found = look(
        subject.project,
        subject.options,
        podman=subject.engine.info.podman,
        verifies=verify is not None,
        min_bytes=min_bytes,
        progress=progress,
    )
    if allowlist:
        found = with_allowlist(found, subject, verifies=verify is not None, min_bytes=min_bytes)
    worth = [each for each in found.candidates if each.blocked is None]
    trace = Trace()
    if not worth:
        result = assemble(subject, found, trace, write=write, allowlist=allowlist)
        on_result(result)
        return result
    proposed = _proposed(subject, found, worth, progress)
    with Run(subject.engine, progress) as run:
        with _reported_all_the_same(trace, run):
            bench = Bench(proposed, run, proposed.builder(run), limit, progress)
            stages = _other_stages(bench, worth)
            with Unmetered() as reader:
                before = found.target.before()
                trials = Trials(bench, found.target, before, reader, verify, max_builds, stages)
                trace.trials = trials
                _try(trace, trials, worth)
                if allowlist:
                    try_otherwise(trace, trials, found)
            if trace.found.accepted:
                _measure(trace, bench, found, repeat=repeat, cache_cost=cache_cost)
        result = assemble(subject, found, trace, write=write, allowlist=allowlist)
        on_result(result)
    suggestion = result.suggestion
    return replace(result, suggestion=replace(suggestion, warnings=(*suggestion.warnings, *run.left)))


def _proposed(subject: Subject, found: Look, candidates: Sequence[Candidate], progress: Progress) -> Subject:
    """The project with all candidates: from it follows what has to run for real in every build."""
    return prepare_opened(
        found.target.project_with(found.target.content(candidates)),
        subject.engine,
        subject.choice,
        options=subject.options,
        progress=progress,
    )


def _other_stages(bench: Bench, candidates: Sequence[Candidate]) -> dict[str, Bench]:
    """The other targets that candidates may break, each on a builder of its own; a few at most."""
    names = dict.fromkeys(stage for each in candidates for stage in each.stages)
    found = {}
    for name in list(names)[:_MOST_STAGES]:
        subject = bench.subject
        options = replace(subject.options, target=name)
        staged = prepare_opened(
            subject.project, subject.engine, subject.choice, options=options, progress=bench.progress
        )
        found[name] = replace(bench, subject=staged, builder=staged.builder(bench.run))
    return found


def _try(trace: Trace, trials: Trials, candidates: Sequence[Candidate]) -> None:
    """Search for what can be ignored."""
    search = Search(trials.attempt, trials.left)
    trace.found = search.found
    trials.start()
    tried = []
    for each in candidates:
        broken = [name for name in each.stages if name in trials.broken or name not in trials.stages]
        if broken and each.uncertain:
            reason = f"the stage {broken[0]}, which this build leaves out, takes it"
            if broken[0] in trials.broken:
                reason += f", and does not build as it is: {trials.broken[broken[0]]}"
            search.found.rejected[each.rule] = Outcome(False, "none", reason)
        else:
            tried.append(each)
    search.run(tried)


def _measure(trace: Trace, bench: Bench, found: Look, *, repeat: int | None, cache_cost: bool) -> None:
    """Measure what was accepted saves."""
    trials = trace.trials
    assert trials is not None and trials.first is not None and trials.best is not None
    project = found.target.project_with(found.target.content(trace.found.accepted))
    subject = bench.subject
    if len(trace.found.accepted) < len(found.candidates):
        subject = replace(
            prepare_opened(
                project, subject.engine, subject.choice, options=subject.options, progress=bench.progress
            ),
            plan=subject.plan,
        )
    assert project.ignore is not None
    lines = [rule.line for rule in found.target.added(project.ignore.data).values()]
    subject = with_roots(subject, lines, trials.first, trials.best)
    measure_savings(
        replace(bench, subject=subject),
        trace.saved,
        trials.first,
        trials.best,
        repeat=repeat,
        cache_cost=cache_cost,
    )


@contextmanager
def _reported_all_the_same(trace: Trace, run: Run) -> Iterator[None]:
    """Once the project has been built as it is, trouble after it is an error in the result, beside what was
    found: the engine goes away, somebody presses Ctrl-C."""
    try:
        with engine_trouble():
            yield
    except (CtxsizeError, KeyboardInterrupt) as error:
        if trace.trials is None or trace.trials.first is None:
            raise
        trace.failure = error if isinstance(error, CtxsizeError) else Interrupted("interrupted")
        run.winding_down = True
