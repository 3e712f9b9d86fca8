"""Proving a whole ignore file that somebody has drafted: built as it is and with the draft, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctxsize.context.totals import ScanResult
from ctxsize.engine.connect import Engine
from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.figures import SecondsSaved
from ctxsize.measure.subject import prepare, prepare_opened
from ctxsize.progress import Progress, Silent
from ctxsize.suggest.proposal import target_of
from ctxsize.suggest.savings import Saved, time_builds
from ctxsize.suggest.trials import Trials, Unmetered
from ctxsize.suggest.types import Proof
from ctxsize.warning import Warning

#: Builds for a proof: as it is, with the draft, and as it is once more where no two builds are alike.
_MOST_BUILDS = 3


@dataclass(frozen=True, slots=True)
class DraftProof:
    """How far a draft is proven, ``reason`` why not further, and what it saves: before − after (below 0: it
    costs). ``context_bytes`` are None where some of it can't be read, ``image_bytes`` where it does not
    build. ``builds`` were made to prove it and ``timed_builds`` to time it."""

    proof: Proof
    reason: str | None
    context_bytes: int | None
    context_files: int | None
    image_bytes: int | None
    seconds: SecondsSaved | None
    builds: int
    timed_builds: int
    warnings: tuple[Warning, ...] = ()


def prove_draft(
    path: str | Path,
    data: bytes,
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    verify: VerifyCommand | None = None,
    repeat: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> DraftProof:
    """Build the project at ``path`` as it is, and as if its ignore file were ``data``: is the image the same
    but for what the draft decides otherwise, does ``verify`` pass in it, and what is saved? ``repeat`` builds
    each are timed (None: 3 where that is quick). Nothing is written and nothing left. Raises CtxsizeError,
    also where the project does not build as it is, or ``verify`` fails there.
    """
    progress, options = progress or Silent(), options or BuildOptions()
    subject = prepare(
        path, dockerfile=dockerfile, builder=builder, options=options, progress=progress, engine=engine
    )
    project = subject.project
    target = target_of(project, None if project.ignore is None else project.ignore.data, "")
    drafted = prepare_opened(
        target.project_with(data), subject.engine, subject.choice, options=subject.options, progress=progress
    )
    saved = Saved()
    with Run(subject.engine, progress) as run, engine_trouble():
        bench = Bench(drafted, run, drafted.builder(run), TimeLimit(None), progress)
        with Unmetered() as reader:
            trials = Trials(bench, target, target.before(), reader, verify, _MOST_BUILDS)
            trials.start()
            outcome = trials.attempt_content(data, f"build 2 of at most {_MOST_BUILDS}, the draft", both=True)
        first, best = trials.first, trials.best
        if best is not None and first is not None:
            time_builds(bench, saved, first, best, repeat=repeat)
    tried = trials.tried_bytes
    before, after = subject.found, drafted.found
    return DraftProof(
        proof=outcome.proof,
        reason=outcome.reason,
        context_bytes=_less(before, after, "bytes"),
        context_files=_less(before, after, "files"),
        image_bytes=None if tried is None or first is None else first.image.bytes - tried,
        seconds=saved.seconds,
        builds=trials.builds,
        timed_builds=saved.timed,
        warnings=(*saved.warnings, *run.left),
    )


def _less(before: ScanResult, after: ScanResult, figure: str) -> int | None:
    if before.eligible_unread or after.eligible_unread:
        return None
    return int(getattr(before.eligible, figure)) - int(getattr(after.eligible, figure))
