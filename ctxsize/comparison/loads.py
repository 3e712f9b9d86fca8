"""What each ignored root puts into each part of a build without the ignore file: bytes and entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.seconds import Load
from ctxsize.context.totals import IgnoredRoot
from ctxsize.dockerfile.resolve import Pick, ResolvedDockerfile, ResolvedStage, ResolvedStep
from ctxsize.dockerfile.wildcard import PathMatcher, excluded
from ctxsize.engine.builders.interface import Part

#: Every ignored file, its bytes, and the ignored root it lies in.
IgnoredFiles = Callable[[], Iterable[tuple[str, int, str]]]


def build_loads(
    plan: ResolvedDockerfile,
    roots: Iterable[IgnoredRoot],
    files: IgnoredFiles,
    savings: ImageSavings | None,
    *,
    whole_context: bool,
) -> dict[Part, dict[str, Load]]:
    """The loads by part of the build and by root's path.

    ``whole_context``: the builder is sent all of the context, not just what its steps take. ``files`` is
    called only when a step takes a part of a root. ``savings`` says what ends up in the image; without it
    the export has no loads.
    """
    totals = {root.path: root for root in roots if not root.hidden}
    picks: list[tuple[Part | None, Pick]] = [
        (_copies(plan.stages[index], step, buildkit=plan.buildkit), pick)
        for index in plan.reachable
        for step in plan.stages[index].steps
        for pick in step.picks
        if pick.stage is None and pick.image is None
    ]
    bases = (plan.stages[index].base for index in plan.reachable)
    picks += [(None, base) for base in bases if base is not None]
    taken = _taken([pick for _, pick in picks], totals, files, buildkit=plan.buildkit)
    loads: dict[Part, dict[str, Load]] = defaultdict(dict)
    needed: dict[str, Load] = {}
    for (part, _), by_root in zip(picks, taken, strict=True):
        for path, load in by_root.items():
            if part is not None:
                copied = loads[part]
                copied[path] = copied.get(path, Load(0, 0)) + load
            needed[path] = max(needed.get(path, load), load, key=lambda load: (load.entries, load.bytes))
    sent = {path: _whole(root) for path, root in totals.items()} if whole_context else needed
    for phase in ("scan", "send", "load", "rest"):
        loads[Part(phase)] = sent
    if savings is not None:
        loads[Part("export")] = _exported(savings, totals)
        for line, by_path in savings.written.items():
            copies = loads.get(Part("copy", line))
            if copies is None:
                loads[Part("other", line)] = {path: Load(*written) for path, written in by_path.items()}
    return dict(loads)


def _copies(stage: ResolvedStage, step: ResolvedStep, *, buildkit: bool) -> Part | None:
    """The part of the build in which a COPY or ADD runs; None for other steps. To the classic builder
    what ONBUILD triggers is a part of the FROM."""
    if step.kind not in ("copy", "add"):
        return None
    return Part("other" if step.trigger and not buildkit else "copy", stage.line_of(step))


def _whole(root: IgnoredRoot) -> Load:
    return Load(root.totals.bytes, root.totals.files + root.totals.dirs)


def _taken(
    picks: list[Pick], roots: Mapping[str, IgnoredRoot], files: IgnoredFiles, *, buildkit: bool
) -> list[dict[str, Load]]:
    """For each pick what it takes of each root."""
    found: list[dict[str, Load]] = [{} for _ in picks]
    partial: dict[str, list[int]] = defaultdict(list)
    matchers = [[PathMatcher(pattern, buildkit) for pattern in pick.patterns] for pick in picks]
    for number, pick in enumerate(picks):
        for path, root in roots.items():
            if root.context != pick.context:
                continue
            covers = {matcher.cover(root.inside) for matcher in matchers[number]}
            if "all" in covers and not pick.excludes:
                found[number][path] = _whole(root)
            elif covers != {"none"}:
                partial[path].append(number)
    if partial:
        for called, size, path in files():
            context = roots[path].context if path in roots else None
            file = called if context is None else called[len(context) + 1 :]
            for number in partial.get(path, ()):
                if any(matcher.cover(file) == "all" for matcher in matchers[number]) and not excluded(
                    file, picks[number].excludes
                ):
                    found[number][path] = found[number].get(path, Load(0, 0)) + Load(size, 1)
    return found


def _exported(savings: ImageSavings, roots: Mapping[str, IgnoredRoot]) -> dict[str, Load]:
    """What ends up in the image's own layers; a root's directories in proportion to its files there."""
    loads: dict[str, Load] = {}
    for by_path in savings.written.values():
        for path, (size, files) in by_path.items():
            totals = roots[path].totals if path in roots else None
            dirs = round(files * totals.dirs / totals.files) if totals is not None and totals.files else 0
            loads[path] = loads.get(path, Load(0, 0)) + Load(size, files + dirs)
    return loads
