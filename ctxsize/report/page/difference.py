"""The page of two reports of the same kind: what grew and what shrank, on one scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ctxsize.report.page import parts
from ctxsize.report.page.comparison import shower, sizes_of
from ctxsize.report.page.parts import Document, around, change, size, text
from ctxsize.report.page.tree import TreeBuilder
from ctxsize.report.page.types import Map, Page, Row, Section, Table
from ctxsize.report.shared.columns import UNKNOWN

_KINDS = (("grown", "grew"), ("shrunk", "shrank"))
#: Figures of a path by metric; None is not known.
_Sizes = Mapping[str, Mapping[str, int | None]]


def page(
    before: Document,
    after: Document,
    title: str,
    totals: Callable[[Document], dict[str, Any]],
    paths: Callable[[Document], _Sizes],
) -> Page:
    """The page of two documents. ``totals`` gives the figures of one by name, ``paths`` those of its paths by
    metric."""
    old, new = totals(before), totals(after)
    old_paths, new_paths = paths(before), paths(after)
    metrics = [*dict.fromkeys(name for each in (*old_paths.values(), *new_paths.values()) for name in each)]
    changes = {
        path: {
            metric: _change(old_paths.get(path, {}), new_paths.get(path, {}), metric) for metric in metrics
        }
        for path in dict.fromkeys([*new_paths, *old_paths])
    }
    changes = {path: each for path, each in changes.items() if any(each.values()) or None in each.values()}
    order = sorted(changes, key=lambda path: (-max(abs(size or 0) for size in changes[path].values()), path))
    return Page(
        title=text(title),
        headline=_headline(old, new),
        subtitle=text(f"before: {_made(before)}; after: {_made(after)}"),
        sections=[
            Section("In all", _totals(old, new)),
            *_paths(metrics, changes, order, old_paths, new_paths),
            *parts.warnings(after),
        ],
        map=_map(metrics, changes),
        footer=parts.footer(after),
    )


def comparison_totals(document: Document) -> dict[str, Any]:
    """What is built with the ignore file, by name."""
    return sizes_of(document["variants"]["with"])


def comparison_paths(document: Document) -> _Sizes:
    """What each ignored path is kept out with."""
    return {
        each["path"]: {"context": each["context_bytes"], "image": each["image_bytes"]}
        for each in document["paths"]
    }


def context_totals(document: Document) -> dict[str, Any]:
    """What the build sees, and what it does not."""
    totals = document["totals"]
    found = {"context": totals["with"], "ignored": totals["ignored"], "needed": totals["needed"]}
    files = {"files": totals["with"] and totals["with"]["files"]}
    return {**{name: each and each["bytes"] for name, each in found.items()}, **files}


def context_paths(document: Document) -> _Sizes:
    """The directories and files that arrive."""
    files = document.get("files") or []
    named = files or [each for each in document.get("directories") or [] if each["path"] != "."]
    return {each["path"]: {"context": each["bytes"]} for each in named}


def _change(before: Mapping[str, int | None], after: Mapping[str, int | None], metric: str) -> int | None:
    """What is not there is 0 bytes large; what is there and not known has no change."""
    old, new = before.get(metric, 0), after.get(metric, 0)
    return None if old is None or new is None else new - old


def _made(document: Document) -> str:
    return str(document.get("created") or f"ctxsize {document['ctxsize']}")


def _headline(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    said = []
    for name in ("image", "context"):
        before, after = old.get(name), new.get(name)
        if before is not None and after is not None and before != after:
            word = "grew" if after > before else "shrank"
            said.append(f"the {name} {word} by {size(abs(after - before))} to {size(after)}")
    text_ = " and ".join(said) or "nothing changed in size"
    return f"{text_[0].upper()}{text_[1:]}."


def _totals(old: Mapping[str, Any], new: Mapping[str, Any]) -> Table:
    rows = []
    for name, after in new.items():
        before, show = old.get(name), shower(name)
        known = before is not None and after is not None
        part = (after - before) / max(after, before, 1) if known else None
        show_change = show if known else size
        shown = change(before, after, show_change) if known else UNKNOWN
        rows.append(Row((name, show(before), show(after), shown), around(part, 1.0)))
    return Table(("", "before", "after", "change"), "lrrr", rows, "shrank | grew")


def _paths(
    metrics: list[str],
    changes: Mapping[str, Mapping[str, int | None]],
    order: list[str],
    old: _Sizes,
    new: _Sizes,
) -> Iterator[Section]:
    if not order:
        return
    most = max(abs(size or 0) for each in changes.values() for size in each.values())
    rows = []
    for path in order[: parts.MOST_ROWS]:
        cells = [text(path)]
        for metric in metrics:
            before = old[path].get(metric) if path in old else 0
            after = new[path].get(metric) if path in new else 0
            cells += [size(before), size(after), change(before, after)]
        largest = max(changes[path].values(), key=lambda each: abs(each or 0))
        rows.append(Row(cells, around(largest, most)))
    if rest := order[parts.MOST_ROWS :]:
        cells = [f"({len(rest)} more)"]
        for metric in metrics:
            total = parts.known_sum(changes[path][metric] for path in rest)
            cells += ["", "", UNKNOWN if total is None else change(0, int(total))]
        rows.append(Row(cells, rest=True))
    headers = ["path", *(header for metric in metrics for header in (f"{metric} before", "after", "change"))]
    yield Section(
        "What grew and what shrank", Table(headers, "l" + "r" * (3 * len(metrics)), rows, "shrank | grew")
    )


def _map(metrics: list[str], changes: Mapping[str, Mapping[str, int | None]]) -> Map | None:
    if not changes:
        return None
    tree = TreeBuilder()
    for path, each in changes.items():
        for kind, sign in (("grown", 1), ("shrunk", -1)):
            sizes = {metric: sign * (size or 0) for metric, size in each.items()}
            if any(size > 0 for size in sizes.values()):
                tree.add(path, kind, **sizes)
    return Map("What changed", tree.json(), [(metric, f"change of {metric}") for metric in metrics], _KINDS)
