"""From what was looked for, tried and measured to the one result; nothing here talks to an engine."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ctxsize import __version__
from ctxsize.errors import CtxsizeError, Interrupted, UsageError
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import Subject
from ctxsize.rebuild.types import RebuildCost
from ctxsize.suggest.savings import ContextSaved, Saved, context_saved
from ctxsize.suggest.search import Found
from ctxsize.suggest.static import Look, notes, ordered, unproven
from ctxsize.suggest.trials import Trials
from ctxsize.suggest.types import (
    Candidate,
    NoRules,
    SavedByRules,
    SuggestedRule,
    Suggestion,
    SuggestMeasurement,
)
from ctxsize.warning import Warning

_NO_MORE = "there were no builds left to try it: --max-builds, --max-time"


@dataclass(slots=True)
class Trace:
    """What a run of ``suggest`` has found so far, so that an interruption loses nothing."""

    found: Found = field(default_factory=Found)
    trials: Trials | None = None
    saved: Saved = field(default_factory=Saved)
    failure: CtxsizeError | None = None


def assemble(
    subject: Subject, found: Look, trace: Trace, *, write: bool, allowlist: bool = False
) -> SuggestMeasurement:
    """The result of what was ``found`` and tried, however far that got. ``write`` changes the ignore file,
    unless something went wrong."""
    target, accepted = found.target, trace.found.accepted
    after = target.content(accepted)
    block = (*target.first_block(accepted), *target.block(accepted))
    rules = _Rules(found, trace, after)
    written = False
    failures = {} if trace.failure is None else {"": trace.failure}
    if write and block and not failures:
        try:
            target.write(after)
            written = True
        except UsageError as error:
            failures[""] = error  # what took long to prove is reported all the same
    trials = trace.trials
    suggestion = Suggestion(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=subject.project_figures,
        engine=subject.engine_figures,
        static=False,
        allowlist=allowlist,
        rules=ordered([*rules.proposed(), *rules.others()]),
        saved=rules.saved(),
        unattributed=rules.unattributed(),
        builds=trials.builds if trials is not None else 0,
        timed_builds=trace.saved.timed,
        context_bytes=None if subject.found.eligible_unread else subject.found.eligible.bytes,
        ignore_file=target.shown,
        new=target.data is None,
        block="".join(f"{line}\n" for line in block),
        diff=target.diff(after) if block else "",
        written=written,
        warnings=(*subject.warnings, *notes(found), *_warnings(trace)),
        words=subject.project.words(subject.options.target),
    )
    return SuggestMeasurement(suggestion, failures)


class _Rules:
    """The rules of a result, and what they save together."""

    def __init__(self, found: Look, trace: Trace, after: bytes) -> None:
        self._found, self._trace = found, trace
        project = found.target.project_with(after)
        assert project.rules is not None
        self._new = found.target.added(after)
        self._context = (
            context_saved(found.facts, found.target.project.rules, project.rules)
            if trace.found.accepted
            else ContextSaved()
        )

    def proposed(self) -> Iterator[SuggestedRule]:
        """The rules that hold."""
        for candidate in self._trace.found.accepted:
            line = self._new[candidate.rule].line if candidate.rule in self._new else 0
            files, size, roots = self._context.of(line)
            images = self._trace.saved.bytes
            rule = SuggestedRule(
                rule=candidate.rule,
                paths=roots,
                files=files,
                context_bytes=size,
                image_bytes=None
                if images is None
                else sum(images.image_bytes.get(root, 0) for root in roots),
                pull_bytes=None if images is None else sum(images.pull_bytes.get(root, 0) for root in roots),
                evidence=candidate.evidence,
                proof=self._trace.found.proof,
                proposed=True,
            )
            yield _with_rebuild(rule, self._trace.saved.rebuilds)
            for exception in candidate.lines[1:]:
                why = (candidate.why.get(exception, "a step takes it"),)
                yield replace(
                    rule,
                    rule=exception,
                    paths=(),
                    files=0,
                    context_bytes=0,
                    image_bytes=0,
                    pull_bytes=0,
                    evidence=why,
                )

    def others(self) -> Iterator[SuggestedRule]:
        """The candidates that do not hold, or were not tried."""
        accepted = {each.rule for each in self._trace.found.accepted}
        for candidate in self._found.candidates:
            if candidate.rule in accepted:
                continue
            outcome = self._trace.found.rejected.get(candidate.rule)
            rule = unproven(candidate, proposed=False)
            if outcome is not None:
                rule = replace(rule, proof=outcome.proof, reason=outcome.reason)
            elif candidate.blocked is None:
                rule = replace(rule, reason=self._why_not(candidate))
            yield rule

    def _why_not(self, candidate: Candidate) -> str:
        if self._trace.failure is not None:
            return f"not tried to the end: {self._trace.failure.message}"
        if candidate.rule in self._trace.found.open:
            return f"it, or another rule, changes the image; {_NO_MORE}"
        return _NO_MORE

    def saved(self) -> SavedByRules:
        """What the proposal saves."""
        images, trials = self._trace.saved.images, self._trace.trials
        image = pull = None
        if len(images) == 2:
            image = images[WITHOUT].bytes - images[WITH].bytes
            large, small = images[WITHOUT].pull_bytes, images[WITH].pull_bytes
            pull = None if large is None or small is None else large - small
        elif trials is not None and trials.best is not None and trials.first is not None:
            image = trials.first.image.bytes - trials.best.image.bytes
        return SavedByRules(
            context_bytes=sum(self._context.bytes.values()),
            context_files=sum(self._context.files.values()),
            image_bytes=image,
            pull_bytes=pull,
            seconds=self._trace.saved.seconds,
        )

    def unattributed(self) -> NoRules:
        """The part of that which belongs to no rule."""
        images = self._trace.saved.bytes
        if images is None:
            return NoRules()
        return NoRules(images.unattributed_bytes, images.derived_bytes, images.unattributed_pull_bytes)


def _with_rebuild(rule: SuggestedRule, cost: RebuildCost | None) -> SuggestedRule:
    """The rule with what a change to its most expensive path costs, where that was measured."""
    worst: tuple[float, int] | None = None
    for change in cost.ignored if cost is not None else ():
        extra = cost.extra_seconds(change, WITHOUT) if cost is not None else None
        if change.path in rule.paths and extra is not None and (worst is None or extra.median > worst[0]):
            worst = extra.median, len(change.rebuilds[WITHOUT].steps)
    if worst is None:
        return rule
    return replace(rule, rebuild_seconds=worst[0], rebuild_steps=worst[1])


def _warnings(trace: Trace) -> Iterator[Warning]:
    yield from trace.saved.warnings
    if trace.trials is not None and trace.trials.changed:
        names = list(trace.trials.changed)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield Warning(
            "tree-changed", f"{', '.join(names[:3])}{more} changed while this was tried: run it again"
        )
    if trace.found.cut_short or trace.found.open:
        yield Warning("cut-short", "not everything could be tried: a larger --max-builds or --max-time does")
    if isinstance(trace.failure, Interrupted):
        yield Warning("interrupted", "interrupted: the rules that are proposed held until then")
