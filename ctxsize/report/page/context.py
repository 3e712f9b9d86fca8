"""The page of a context: what a build can see, without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ctxsize.report.page import parts
from ctxsize.report.page.comparison import KINDS
from ctxsize.report.page.parts import Document, bar, count, size, text
from ctxsize.report.page.tree import TreeBuilder
from ctxsize.report.page.types import Map, Page, Row, Section, Table
from ctxsize.report.shared.columns import UNKNOWN
from ctxsize.survey.tree import Leaf
from ctxsize.units import format_bytes, format_share

#: The tables of a context: title, and what its rows are called by, in words.
_VIEWS = {
    "ignored": ("Ignored, by path", "path"),
    "rules": ("Ignored, by rule", "pattern"),
    "directories": ("Kept, by directory", "path"),
    "extensions": ("Kept, by extension", "extension"),
    "ignored_extensions": ("Ignored, by extension", "extension"),
    "files": ("Kept files", "path"),
    "ignored_files": ("Ignored files", "path"),
}


def page(document: Document, files: Iterable[Leaf] | None = None) -> Page:
    """The page of ``document``, a context. ``files`` are those of the tree, where they are known."""
    return Page(
        title=text(f"What the build can see: {document['project']['context']}"),
        headline=_headline(document),
        subtitle=text(f"{parts.project_line(document)}; read as {document['builder']} does"),
        map=_map(document, files),
        sections=[
            Section("Totals", _totals(document)),
            *_views(document),
            *parts.sensitive(document),
            *parts.warnings(document),
        ],
        footer=parts.footer(document),
    )


def _headline(document: Document) -> str:
    with_, without = (document["totals"][name] for name in ("with", "without"))
    if with_ is None:
        return "How much the build sees is not known: something can't be read."
    seen = f"The build sees {format_bytes(with_['bytes'])} in {with_['files']} files"
    if document["project"]["ignore_file"] is None:
        return f"{seen}; there is no ignore file."
    if without is None:
        return f"{seen}."
    kept_out = without["bytes"] - with_["bytes"]
    share = format_share(kept_out, without["bytes"])
    return text(f"{seen}; {document['project']['ignore_file']} keeps out {format_bytes(kept_out)} ({share}).")


def _totals(document: Document) -> Table:
    totals = document["totals"]
    whole = (totals["without"] or totals["with"] or {"bytes": 0})["bytes"]
    rows = []
    for name, label in (
        ("without", "without the ignore file"),
        ("ignored", "ignored"),
        ("with", "with the ignore file"),
        ("needed", "needed of that"),
    ):
        found = totals[name]
        if found is None:
            rows.append(Row((label, UNKNOWN, UNKNOWN, UNKNOWN)))
            continue
        rows.append(
            Row(
                (label, count(found["files"]), count(found["dirs"]), size(found["bytes"])),
                bar(found["bytes"], whole),
            )
        )
    return Table(("", "files", "directories", "bytes"), "lrrr", rows, "share")


def _views(document: Document) -> Iterator[Section]:
    for name, (title, key) in _VIEWS.items():
        found: list[Document] = document.get(name) or []
        if not found:
            continue
        if name == "directories":
            found = sorted(found, key=lambda each: -each["bytes"])
        headers = [header for header in ("files", "paths") if header in found[0]]
        most = max((each["bytes"] or 0 for each in found), default=0)
        rows = [_row(each, key, headers, most) for each in found[: parts.MOST_ROWS]]
        if rest := found[parts.MOST_ROWS :]:
            # Directories lie in each other, so that the sum of several says nothing.
            total = "" if name == "directories" else size(_bytes(rest))
            rows.append(
                Row((f"({len(rest)} more)", total, *("" for _ in headers), *_blank(found[0])), rest=True)
            )
        rule = ("rule",) if "line" in found[0] and key != "pattern" else ()
        align = "lr" + "r" * len(headers) + "l" * len(rule)
        yield Section(title, Table((key, "bytes", *headers, *rule), align, rows, "size"))


def _blank(row: Document) -> tuple[str, ...]:
    return ("",) if "line" in row and "path" in row else ()


def _bytes(rows: Iterable[Document]) -> int | None:
    total = parts.known_sum(each["bytes"] for each in rows)
    return None if total is None else int(total)


def _row(each: Document, key: str, headers: Iterable[str], most: int) -> Row:
    name: Any = each[key]
    if key == "pattern":
        name = f"{each['line']} {name}"
    rule = (text(f"{each['line']} {each['pattern']}"),) if _blank(each) else ()
    cells = (text(name or "(none)"), size(each["bytes"]), *(count(each[header]) for header in headers), *rule)
    return Row(cells, bar(each["bytes"], most))


def _map(document: Document, files: Iterable[Leaf] | None) -> Map | None:
    tree = TreeBuilder()
    note = ""
    if files is not None:
        for leaf in files:
            tree.add(leaf.path, leaf.kind, leaf.line, context=leaf.bytes)
    elif not add_views(document, tree):
        return None
    else:
        note = "Directories are as deep as the report lists them; `ctxsize context --html` maps single files."
    rules = parts.rule_names(
        {(each["line"], each["pattern"]): None for each in document.get("ignored", ())[: parts.MOST_ROWS]},
        document["project"]["ignore_file"],
    )
    return Map(
        "The tree without the ignore file", tree.json(), [("context", "context")], KINDS[:4], rules, note
    )


def add_views(document: Document, tree: TreeBuilder) -> bool:
    """Add what the report lists: directories with what is not in those below them, and ignored paths. False
    where it lists nothing that adds up to a tree."""
    directories = document.get("directories")
    with_ = document["totals"]["with"]
    if not directories or with_ is None:
        return False
    left = {each["path"]: [each["bytes"], each["files"]] for each in directories}
    for each in directories:
        above = each["path"].rpartition("/")[0] or "."
        if each["path"] != "." and above in left:
            left[above][0] -= each["bytes"]
            left[above][1] -= each["files"]
    for path, (rest, number) in left.items():
        name = "(files)" if path == "." else f"{path}/(files)"
        if rest or number:
            tree.add(name, "seen", files=number, context=rest)
    for each in document.get("ignored", ()):
        tree.add(each["path"], "ignored", each["line"], files=each["files"] or 0, context=each["bytes"])
    return True
