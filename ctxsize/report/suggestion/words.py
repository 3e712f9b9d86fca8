"""Phrases that several formats of a suggestion use."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.shared.times import interval
from ctxsize.suggest.types import SuggestedRule, Suggestion
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds

#: What a proof is called in a table.
PROOFS = {
    "verified": "same image, works",
    "same-image": "same image",
    "builds": "builds",
    "none": "not proven",
}


def total(result: Suggestion) -> str:
    """``3 rules save 312MB of 315MB of context, 280MB of image, …``; what there is when there are none."""
    rules = result.proposed
    if not rules:
        return "no rule is worth adding" if not result.rules else "no rule is proven to be worth adding"
    many = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
    would = "may save" if result.static else "saves" if len(rules) == 1 else "save"
    return f"{many} {would} {', '.join(_saved(result))}"


def _saved(result: Suggestion) -> Iterator[str]:
    saved, whole = result.saved, result.context_bytes
    if saved.context_bytes is not None:
        of = f" of {format_bytes(whole)}" if whole is not None else ""
        yield f"{format_bytes(saved.context_bytes)}{of} of context"
    if saved.image_bytes is not None:
        yield f"{format_bytes(saved.image_bytes)} of image"
    if saved.pull_bytes is not None:
        yield f"{format_bytes(saved.pull_bytes)} of each pull"
    if saved.seconds is not None:
        seconds = saved.seconds
        if seconds.significant is False:
            yield "no measurable build time"
        else:
            sure = interval(seconds.low, seconds.high)
            yield f"{format_seconds(seconds.median)} of a build ({sure})"


def why(rule: SuggestedRule) -> str:
    """The evidence in one line."""
    text = "; ".join(rule.evidence)
    if rule.rebuild_seconds is not None:
        text += f"; each change to it costs {format_seconds(rule.rebuild_seconds)}"
    return text


def next_steps(result: Suggestion) -> Iterator[str]:
    """What to do with the result."""
    if result.written:
        yield f"{result.ignore_file} {'is new' if result.new else 'has the new rules'}"
    elif result.static and result.rules:
        yield f"nothing of this is proven: `ctxsize suggest{result.words}` builds, and keeps what holds"
    elif result.proposed:
        yield f"`ctxsize suggest --write{result.words}` adds them to {result.ignore_file}, --diff shows it"


def builds(result: Suggestion) -> str | None:
    """How many builds it took; None where nothing was built."""
    if not result.builds:
        return None
    text = "1 build" if result.builds == 1 else f"{result.builds} builds"
    return f"{text}, and {result.timed_builds} more that were timed" if result.timed_builds else text


def found_without_an_engine(result: Suggestion) -> Iterator[str]:
    """What ``--static`` found, and the command to go on, in a few lines."""
    rules = [rule for rule in result.proposed if rule.files]
    if not rules:
        return
    shown = ", ".join(f"{printable(rule.rule)} ({format_bytes(rule.context_bytes)})" for rule in rules[:3])
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    size, whole = sum(rule.context_bytes for rule in rules), result.context_bytes
    of = f" of {format_bytes(whole)}" if whole is not None else ""
    yield f"worth ignoring, by `ctxsize suggest --static`: {shown}{more}; {format_bytes(size)}{of} of context"
    yield printable(
        f"next: `ctxsize suggest{result.words}` proves each rule by a build, and --write adds them"
    )
