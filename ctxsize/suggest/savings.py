"""What the accepted rules save: the context counted, the images compared, builds timed, changes rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ctxsize.comparison.attribution import ImageSavings, attribute_images
from ctxsize.context.classic import removed_by_daemon
from ctxsize.errors import EngineError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.lint.facts import Facts
from ctxsize.lint.tree import File
from ctxsize.measure.bench import Bench
from ctxsize.measure.builds import Builds, build_restored
from ctxsize.measure.figures import WITH, WITHOUT, ImageFigures, SecondsSaved
from ctxsize.measure.images import read_images
from ctxsize.measure.subject import Subject
from ctxsize.measure.timing import seconds_saved
from ctxsize.rebuild.cache import measure_changes
from ctxsize.rebuild.types import RebuildCost
from ctxsize.suggest.trials import Built
from ctxsize.warning import Warning

#: Timed builds of each variant unless the user says otherwise, where a build takes no longer than this.
RUNS, SHORT_BUILD_SECONDS = 3, 10.0
#: Roots whose changes are rebuilt.
_MOST_CHANGES = 5


@dataclass(frozen=True, slots=True)
class ContextSaved:
    """What new rules keep out of the context, by their lines: files, bytes and topmost paths."""

    files: dict[int, int] = field(default_factory=dict)
    bytes: dict[int, int] = field(default_factory=dict)
    roots: dict[int, list[str]] = field(default_factory=dict)

    def of(self, line: int) -> tuple[int, int, tuple[str, ...]]:
        """Files, bytes and topmost paths of one line."""
        return self.files.get(line, 0), self.bytes.get(line, 0), tuple(self.roots.get(line, ()))


def context_saved(facts: Facts, before: Matcher | None, after: Matcher) -> ContextSaved:
    """What arrives by the rules ``before`` and no longer does ``after``, each file with the rule that decides
    it, hard-linked content once."""
    by_line: dict[int, list[File]] = {}
    roots: dict[int, list[str]] = {}
    if after.dialect is Dialect.CLASSIC:
        dockerfile = facts.project.dockerfile_in_context
        # The client sends these all the same, and the daemon takes them out again.
        old_removed = removed_by_daemon(before, dockerfile) if before is not None else {}
        for path, index in removed_by_daemon(after, dockerfile).items():
            entry = facts.tree.entry(path)
            if path not in old_removed and entry is not None and entry.below is None:
                line = after.rules[index].line
                roots.setdefault(line, []).append(path)
                by_line.setdefault(line, []).append(
                    File(entry.folder, entry.name, entry.folder.files[entry.name])
                )
        after = after.for_classic_build(dockerfile or ".dockerignore")
        before = before.for_classic_build(dockerfile or ".dockerignore") if before is not None else None
    gone: set[str] = set()
    for match, old, new in facts.tree.differing(before, after):
        if new is None or not new.ignored or (old is not None and old.ignored) or new.rule is None:
            continue
        line = new.rule.line
        gone.add(match.path)
        if match.folder.path not in gone:
            roots.setdefault(line, []).append(match.path)
        if match.below is None:
            file = File(match.folder, match.name, match.folder.files[match.name])
            by_line.setdefault(line, []).append(file)
    sizes = {line: facts.tree.size(files) for line, files in by_line.items()}
    return ContextSaved(
        {line: size[0] for line, size in sizes.items()},
        {line: size[1] for line, size in sizes.items()},
        roots,
    )


@dataclass(slots=True)
class Saved:
    """What was found, filled step by step, so that an interruption loses nothing. ``images`` are the sizes by
    variant, ``bytes`` what each root saves in them."""

    images: dict[str, ImageFigures] = field(default_factory=dict)
    bytes: ImageSavings | None = None
    seconds: SecondsSaved | None = None
    timed: int = 0
    rebuilds: RebuildCost | None = None
    warnings: list[Warning] = field(default_factory=list)


def measure_savings(
    bench: Bench, saved: Saved, first: Built, best: Built, *, repeat: int | None, cache_cost: bool
) -> None:
    """Measure what ``best`` saves over ``first``; ``bench.subject`` is the project with the rules."""
    builds = {
        name: Builds(image_id=each.result.image_id, runs=[each.result], sent=each.result.sent)
        for name, each in ((WITH, best), (WITHOUT, first))
    }
    with read_images(bench, builds) as images:
        saved.images = images.figures
        saved.bytes = attribute_images(bench.subject, images, builds)
    time_builds(bench, saved, first, best, repeat=repeat)
    if cache_cost:
        rebuilt = measure_changes(bench, top=_MOST_CHANGES, repeat=None, eligible=False)
        saved.rebuilds = rebuilt.cost


def time_builds(bench: Bench, saved: Saved, first: Built, best: Built, *, repeat: int | None) -> None:
    """Measure how much sooner a build ends with ``best``; ``repeat`` as in suggest."""
    longest = max(first.result.seconds, best.result.seconds)
    if repeat is None:
        repeat = RUNS if longest <= SHORT_BUILD_SECONDS and bench.limit.allows(2 * RUNS * longest) else 0
        if not repeat:
            message = "build seconds are not measured, as a build takes long: --repeat 3 times 3 builds each"
            saved.warnings.append(Warning("not-timed", message))
    if repeat:
        views = {WITH: best.variant, WITHOUT: first.variant}
        timed = build_restored(bench, views, runs=repeat)
        saved.timed = sum(len(each.runs) for each in timed.values())
        failure = next((each.failure for each in timed.values() if each.failure is not None), None)
        if isinstance(failure, EngineError):
            raise failure
        if failure is not None:
            saved.warnings.append(Warning("not-timed", f"a build that was timed failed: {failure}"))
        elif all(each.times for each in timed.values()):
            saved.seconds = seconds_saved(timed[WITH].times, timed[WITHOUT].times)


def with_roots(subject: Subject, lines: Sequence[int], first: Built, best: Built) -> Subject:
    """The subject as what is compared: its views, and of its ignored roots those that new rules (by their
    lines) make."""
    wanted = set(lines)
    before = first.variant.rules
    roots = tuple(
        root
        for root in subject.found.roots
        if root.context is None
        and root.rule.line in wanted
        and not (before is not None and before.verdict(root.path).ignored)
    )
    return replace(
        subject,
        found=replace(subject.found, roots=roots),
        views={WITH: best.variant, WITHOUT: first.variant},
    )
