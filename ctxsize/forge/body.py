"""The comment as Markdown: the headline, what grew, findings on changed lines; the rest is folded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ctxsize.forge.change import SIZES, Change, Finding, Size
from ctxsize.report.shared.markdown import cell, code, fitted, plain, row
from ctxsize.units import format_bytes

#: For each file of a change the lines that it adds or alters.
ChangedLines = Mapping[str, frozenset[int]]
_MOST = 30


def marker(key: str) -> str:
    """The first line of the comment on ``key``, by which it is found again. It holds no name: that could
    end the comment it is in."""
    return f"<!-- ctxsize {hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:24]} -->"


def body(change: Change, key: str, changed: ChangedLines) -> str:
    """The comment on a change that is worth one."""
    return fitted(_lines(change, key, changed), "check")


def back_to_baseline(change: Change, key: str) -> str:
    """What an earlier comment becomes when there is nothing left to say."""
    against = "as the baseline" if change.compared else "within its limits"
    return f"{marker(key)}\n### ctxsize: {against}\n\n{_signature(change)}\n"


def headline(change: Change) -> str:
    """``image +12.3MB, +5.1% to 255MB; over budget``."""
    said = []
    for name in SIZES:
        sizes = [target[name] for target in change.targets.values() if target[name].change]
        if sizes:
            largest = max(sizes, key=lambda size: abs(size.change or 0))
            said.append(
                f"{name} {largest.signed}" + (f" and {len(sizes) - 1} more" if len(sizes) > 1 else "")
            )
    if change.failed:
        said.append("not within budget")
    return "; ".join(said) or "as the baseline"


def _lines(change: Change, key: str, changed: ChangedLines) -> Iterator[str]:
    yield marker(key)
    yield f"### ctxsize: {plain(headline(change))}"
    yield ""
    yield row(("", *SIZES))
    yield row((":---", *("---:" for _ in SIZES)))
    for name, sizes in [*change.targets.items()][:_MOST]:
        yield row((cell(name), *(plain(sizes[size].text) for size in SIZES)))
    yield ""
    failed = [text for failed, text in change.limits if failed]
    if failed:
        yield from (f"- **{plain(text)}**" for text in failed[:_MOST])
        yield ""
    if change.lines:
        yield row(("line", "step", "before", "now"))
        yield row(("---:", ":---", "---:", "---:"))
        for line, step, size in change.lines:
            yield row((plain(line), cell(step), *_cells(size)))
        yield ""
    if change.files:
        yield row(("in the image", "before", "now"))
        yield row((":---", "---:", "---:"))
        for path, size in change.files:
            yield row((cell(path), *_cells(size)))
        yield ""
    here = [each for each in change.findings if each.line in changed.get(each.path, frozenset())]
    elsewhere = [each for each in change.findings if each not in here]
    if here:
        yield "**On lines that this changes**"
        yield ""
        yield from _list(here)
    kept = [text for failed, text in change.limits if not failed]
    if kept or elsewhere:
        yield f"<details><summary>{len(kept)} limits kept, {len(elsewhere)} findings elsewhere</summary>"
        yield ""
        yield from (f"- {plain(text)}" for text in kept[:_MOST])
        yield from _list(elsewhere)
        yield "</details>"
        yield ""
    yield _signature(change)


def _cells(size: Size) -> tuple[str, str]:

    return ("?" if size.before is None else format_bytes(size.before), plain(size.text))


def _list(findings: list[Finding]) -> Iterator[str]:
    for each in findings[:_MOST]:
        place = code(f"{each.path}:{each.line}" if each.line is not None else each.path)
        yield f"- {'' if each.error else 'warning: '}{place} {plain(each.text)}"
    if len(findings) > _MOST:
        yield f"- … and {len(findings) - _MOST} more"
    yield ""


def _signature(change: Change) -> str:
    return f"<sub>ctxsize {plain(change.version)}</sub>"
