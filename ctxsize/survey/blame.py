"""Why the ``with`` variant can't be built: a rule that ignores what the Dockerfile needs."""

from __future__ import annotations

from dataclasses import dataclass

from ctxsize.dockerfile.names import ContextNames, matches
from ctxsize.dockerfile.sources import Source, Sources
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Rule


@dataclass(frozen=True, slots=True)
class IgnoredButNeeded:
    """``rule`` ignores ``path``, which the instruction of ``source`` copies."""

    source: Source
    path: str
    rule: Rule


def ignored_but_needed(sources: Sources, matcher: Matcher, names: ContextNames) -> list[IgnoredButNeeded]:
    """The sources of which everything that is there is ignored, in the Dockerfile's order.

    A source of which something is kept still builds, and is not listed.
    """
    found = []
    for source in sources.items:
        if source.pattern == ".":
            continue
        hits = list(matches(names, source.pattern))
        verdicts = [(path, matcher.verdict(path, names.kind(path) == "dir")) for path in hits]
        if not verdicts or not all(verdict.ignored for _, verdict in verdicts):
            continue
        if any(_kept_below(path, matcher, names) for path in hits):
            continue
        path, verdict = verdicts[0]
        if verdict.rule is not None:
            found.append(IgnoredButNeeded(source, path, verdict.rule))
    return found


def _kept_below(directory: str, matcher: Matcher, names: ContextNames) -> bool:
    """Whether an exception keeps something in an ignored directory, which then arrives after all."""
    if names.kind(directory) != "dir" or not any(rule.negated for rule in matcher.rules):
        return False
    for name in names.entries(directory):
        path = f"{directory}/{name}"
        is_dir = names.kind(path) == "dir"
        verdict = matcher.verdict(path, is_dir)
        if not verdict.ignored or (is_dir and _kept_below(path, matcher, names)):
            return True
    return False
