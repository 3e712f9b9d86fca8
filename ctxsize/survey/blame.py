"""Why the ``with`` variant can't be built: a rule that ignores what the Dockerfile needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctxsize.context.errors import ContextError
from ctxsize.context.walk import OpenTree, keeps_something
from ctxsize.dockerfile.names import ContextDirectory, matches, resolve_links
from ctxsize.dockerfile.sources import Source, Sources
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Rule


@dataclass(frozen=True, slots=True)
class IgnoredButNeeded:
    """``rule`` ignores ``path``, which the instruction of ``source`` copies."""

    source: Source
    path: str
    rule: Rule


def ignored_but_needed(sources: Sources, rules: Matcher, context: Path) -> list[IgnoredButNeeded]:
    """The sources of which everything that is there is ignored, in the Dockerfile's order.

    A source of which something is kept still builds, and is not listed.
    """
    found = []
    names = ContextDirectory(context)
    for source in sources.items:
        if source.pattern == ".":
            continue
        # A link is followed: what it leads to must be there, too.
        found_paths = list(matches(names, source.pattern))
        real = [
            path if rules.verdict(path).ignored else resolve_links(names, path) or path
            for path in found_paths
        ]
        hits = [(path, names.kind(path) == "dir") for path in real]
        verdicts = [(path, rules.verdict(path, is_dir)) for path, is_dir in hits]
        if not verdicts or not all(verdict.ignored for _, verdict in verdicts):
            continue
        # An exception may keep something in an ignored directory, which then arrives after all.
        if any(is_dir and _keeps_something(context, rules, path) for path, is_dir in hits):
            continue
        path, verdict = verdicts[0]
        if verdict.rule is not None:
            found.append(IgnoredButNeeded(source, path, verdict.rule))
    return found


def _keeps_something(context: Path, rules: Matcher, directory: str) -> bool:
    try:
        with OpenTree(context) as tree:
            return keeps_something(tree, rules, directory)
    except ContextError:
        return False  # it changed, or lies behind a symlink
