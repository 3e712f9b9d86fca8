"""The answer in one sentence, before any table: what does the ignore file save?"""

from __future__ import annotations

from collections.abc import Callable

from ctxsize.comparison.ranking import image_decides
from ctxsize.comparison.types import Comparison, VariantFigures
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.report.shared.times import TOO_FEW
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds, format_share

#: A path is named when at least this part of what is saved is its own.
_WORTH_NAMING = 0.1


def headline(result: Comparison, code: Callable[[str], str] = lambda name: f"`{printable(name)}`") -> str:
    """A sentence without a line end. ``code`` writes a name that comes from outside; what it gives and the
    rest of the sentence is safe to print."""
    if result.project.ignore_files is None:
        return "There is no ignore file, so nothing was built and nothing is saved."
    files = printable(result.project.ignore_files)
    name = f"Your {files}"
    context = _context_saved(result)
    if (failure := _failure(result)) is not None:
        known = f"; of the context it saves {context}" if context else ""
        return failure.format(name=files) + known + "."
    gains, losses, time = _changes(result)
    if gains:
        text = f"{name} saves {_listed(gains)}"
        if losses:
            text += f", but costs {_listed(losses)}"
        elif not result.saved.image_bytes and result.saved.image_bytes is not None:
            text += ", but nothing of the image"
        largest = _largest(result, code)
        return text + "; ".join(["", *filter(None, (time, largest))]) + "."
    if losses:
        return f"{name} costs more than it saves: {_listed(losses)}."
    return f"{name} saves nothing" + (f"; {time}" if time else "") + "."


def _failure(result: Comparison) -> str | None:
    """What keeps the question from being answered; ``{name}`` stands for the ignore file."""
    with_, without = result.variants[WITH], result.variants[WITHOUT]
    timed = not any(each.code == "not-timed" for each in result.warnings)
    failed = [
        each.error is not None and each.build is None and each.image is None for each in (with_, without)
    ]
    if all(failed):
        return "Neither build worked, so what {name} saves is not known"
    if failed[0]:
        return "The build with {name} failed, the one without it works: it keeps out what a step needs"
    if failed[1]:
        return "The build without {name} failed, so there is nothing to compare the other one with"
    built = not timed or (with_.build is not None and without.build is not None)
    if not built or with_.image is None or without.image is None:
        return "The measurement ended early, so what {name} saves is not known"
    if _broken(with_) and not _broken(without):
        return "The image built with {name} does not work, the one without it does: it keeps out too much"
    return None


def _broken(variant: VariantFigures) -> bool:
    return variant.verify is not None and not variant.verify.passed


def _context_saved(result: Comparison) -> str | None:
    size = result.saved.context_bytes
    return format_bytes(size) if size is not None and size > 0 else None


def _changes(result: Comparison) -> tuple[list[str], list[str], str]:
    """What is saved, what is lost, and what there is to say of a time that is not certainly one of them."""
    gains: list[str] = []
    losses: list[str] = []
    saved = result.saved
    for size, what in ((saved.context_bytes, "context"), (saved.image_bytes, "image")):
        if size:
            (gains if size > 0 else losses).append(f"{format_bytes(abs(size))} of {what}")
    seconds, build = saved.seconds, result.variants[WITHOUT].build
    if seconds is None or build is None:
        return gains, losses, "build times are not known"
    if seconds.significant is False:
        return gains, losses, "build times don't differ measurably"
    if seconds.median:
        share = format_share(abs(seconds.median), build.seconds)
        time = format_seconds(abs(seconds.median))
        if seconds.significant is None:
            less = "less" if seconds.median > 0 else "more"
            return gains, losses, f"{time} {less} per build ({share}), in {TOO_FEW}"
        (gains if seconds.median > 0 else losses).append(f"{time} per build ({share})")
    return gains, losses, ""


def _largest(result: Comparison, code: Callable[[str], str]) -> str | None:
    """The path that saves most, where there are others, too."""
    paths = result.paths
    if len(paths) < 2:
        return None
    figure = (
        "image_bytes" if image_decides(paths) and any(each.image_bytes for each in paths) else "context_bytes"
    )
    sizes = [getattr(each, figure) or 0 for each in paths]
    largest = max(range(len(paths)), key=lambda at: sizes[at])
    if sizes[largest] < _WORTH_NAMING * sum(sizes) or sizes[largest] <= 0:
        return None
    return f"{code(paths[largest].path)} alone is {format_bytes(sizes[largest])}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
