"""How often a command does the work it should do once: opening, resolving, compiling and scanning."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from ctxsize import project as project_module
from ctxsize.context import scan as scan_module
from ctxsize.dockerfile import resolve as resolve_module
from ctxsize.ignore.matcher import Matcher

#: What is counted, by the name it is counted under.
FUNCTIONS = {
    "opens": project_module.open_project,
    "ignore files read": project_module.read_ignore_file,
    "resolutions": resolve_module.resolve,
    "scans": scan_module.scan,
}


def count_work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count from now on. ``compilations`` are those of an ignore file's rules; ``listings`` are the times
    that the context's own directory was opened, by whatever walks it; ``listed again`` are all directories
    opened a second time (by this process: helpers of a scan are not watched)."""
    counts: Counter[str] = Counter()
    for name, function in FUNCTIONS.items():
        _replace_everywhere(monkeypatch, function, _counted(function, counts, name))
    compile_rules, from_patterns = Matcher.__init__, Matcher.from_patterns
    known: list[object] = []

    def compiled(matcher: Matcher, rules: Any, dialect: Any, *args: Any, **options: Any) -> None:
        # Patterns of a configuration have negative line numbers. The other dialect is another question.
        known.append(dialect)
        counts["compilations"] += dialect is known[0] and any(rule.line > 0 for rule in rules)
        compile_rules(matcher, rules, dialect, *args, **options)

    def asked_back(*args: Any, **options: Any) -> Matcher:
        """What a builder sends back with a question is the builder's."""
        before = counts["compilations"]
        matcher = from_patterns(*args, **options)
        counts["compilations"] = before
        return matcher

    monkeypatch.setattr(Matcher, "__init__", compiled)
    monkeypatch.setattr(Matcher, "from_patterns", asked_back)
    opened: set[tuple[str, str]] = set()
    for name in ("open_directory", "names"):
        _count_listings(monkeypatch, name, counts, opened)
    return counts


def _count_listings(
    monkeypatch: pytest.MonkeyPatch, name: str, counts: Counter[str], opened: set[tuple[str, str]]
) -> None:
    from ctxsize.context.walk import OpenTree

    function = getattr(OpenTree, name)

    def listed(tree: OpenTree, path: str) -> Any:
        if not counts["listings"]:
            opened.clear()  # somebody begins anew
        counts["listings"] += path == ""
        if (tree.root, path) in opened:
            counts["listed again"] += 1
        opened.add((tree.root, path))
        return function(tree, path)

    monkeypatch.setattr(OpenTree, name, listed)


def _counted(function: Callable[..., Any], counts: Counter[str], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*args: Any, **options: Any) -> Any:
        counts[name] += 1
        return function(*args, **options)

    return counted


def _replace_everywhere(
    monkeypatch: pytest.MonkeyPatch, old: Callable[..., Any], new: Callable[..., Any]
) -> None:
    """Put ``new`` where modules have imported ``old``; those that are imported later find it, too."""
    for module in [each for name, each in sys.modules.items() if name.startswith("ctxsize")]:
        for name, value in list(vars(module).items()):
            if value is old:
                monkeypatch.setattr(module, name, new)
