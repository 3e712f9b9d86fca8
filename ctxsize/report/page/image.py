"""The page of an image: where its bytes are, which step stored them, what is wasted and what would help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ctxsize.report.page import parts
from ctxsize.report.page.parts import Document, bar, count, size, text
from ctxsize.report.page.tree import TreeBuilder
from ctxsize.report.page.types import Bar, Map, Page, Row, Section, Table
from ctxsize.units import format_bytes, format_share

_KINDS = (
    ("live", "yours, and shown"),
    ("base", "the base image's"),
    ("wasted", "wasted: stored, and not shown"),
)
_TOTALS = (
    ("bytes", "image"),
    ("base_bytes", "of that, the base image"),
    ("live_bytes", "of that, shown"),
    ("wasted_bytes", "of that, wasted"),
    ("reclaimable_bytes", "of the wasted, in your own layers"),
    ("leftover_bytes", "leftovers of installing"),
    ("duplicate_bytes", "duplicates"),
    ("pull_bytes", "pull"),
)
_VIEWS = {"dir": "directory", "ext": "extension", "file": "file", "context": "context path"}


def page(document: Document) -> Page:
    """The page of ``document``, an image."""
    image = document["image"]
    made = f"built from {image['dockerfile']}" if image["dockerfile"] else image["source"]
    return Page(
        title=text(f"Where the bytes are: {image['name']}"),
        headline=_headline(document),
        subtitle=text(f"{made}, {image['platform'] or 'platform unknown'}, {image['layers']} layers"),
        map=_map(document),
        sections=[
            Section("In all", _totals(document)),
            *_fixes(document),
            *_steps(document),
            *_waste(document),
            *_sized(document, "leftovers", "Leftovers of installing", "path", "kind"),
            *_duplicates(document),
            *_rows(document),
            *parts.warnings(document),
        ],
        footer=parts.footer(document),
    )


def _headline(document: Document) -> str:
    totals = document["totals"]
    if totals["bytes"] is None:
        pull = totals["pull_bytes"]
        of_pull = "" if pull is None else f"; a pull of it takes {format_bytes(pull)}"
        return f"What the image has is not known{of_pull}."
    said = f"The image has {format_bytes(totals['bytes'])}"
    wasted = totals["wasted_bytes"]
    if wasted is not None:
        share = format_share(wasted, totals["bytes"])
        said += (
            f", of which {format_bytes(wasted)} ({share}) are wasted"
            if wasted
            else ", and none of it is wasted"
        )
    # What does not hold saves nothing, and of some it can't be foretold.
    known = [fix["bytes"] for fix in document["fixes"] if fix["bytes"] and fix.get("proven") is not False]
    if known:
        said += (
            f"; {len(known)} {'fix' if len(known) == 1 else 'fixes'} would save {format_bytes(sum(known))}"
        )
    return f"{said}."


def _totals(document: Document) -> Table:
    totals = document["totals"]
    rows = [
        Row(
            (label, size(totals[name]), _share(totals[name], totals["bytes"])),
            bar(totals[name], totals["bytes"] or 0),
        )
        for name, label in _TOTALS
    ]
    notes = [text(f"{name} is not known: {why}") for name, why in document["missing"].items()]
    return Table(("", "bytes", "share"), "lrr", rows, "of the image", notes)


def _share(part: int | None, whole: int | None) -> str:
    return "" if part is None or not whole else format_share(part, whole)


def _fixes(document: Document) -> Iterator[Section]:
    fixes = document["fixes"]
    if not fixes:
        return
    most = max(fix["bytes"] or 0 for fix in fixes)
    rows = [
        Row(
            (_with_reason(fix), ", ".join(map(str, fix["lines"])), size(fix["bytes"])),
            bar(fix["bytes"], most),
        )
        for fix in fixes
    ]
    table = Table(("what to do", "lines", "saves"), "lrr", rows, "size")
    yield Section(
        "What would make it smaller", table, code="\n".join(map(text, document["diff"].splitlines()))
    )


def _with_reason(fix: Document) -> str:
    """What a fix says, and why it is not in the patch where a build showed that."""
    reason = fix.get("reason")  # a report of an earlier version has none
    return text(fix["text"]) + (f"; left out: {text(reason)}" if reason else "")


def _steps(document: Document) -> Iterator[Section]:
    steps = [step for step in document["steps"] if step["layer"] is not None]
    if not steps:
        return
    most = max(step["bytes"] or 0 for step in steps) or 1
    rows = []
    for step in steps[: parts.MOST_ROWS]:
        wasted = step["wasted_bytes"] or 0
        live = ((step["bytes"] or 0) - wasted) / most
        bars = [Bar(0.0, live, "cached" if step["base"] else "saved"), Bar(0.0, wasted / most, "grown")]
        name = step["text"] or ("the base image" if step["base"] else "(not in the history)")
        line = "" if step["line"] is None else str(step["line"])
        sizes = (size(step[key]) for key in ("bytes", "wasted_bytes", "pull_bytes"))
        rows.append(Row((text(name), line, *sizes), bars))
    notes = ["Above what is shown, below what is wasted.", *parts.left_out(steps)]
    headers = ("step", "line", "bytes", "wasted", "pull")
    yield Section("By step", Table(headers, "lrrrr", rows, "size", notes))


def _waste(document: Document) -> Iterator[Section]:
    return _listed(
        "Wasted",
        ("path", "why", "stored by", "buried by", "files", "bytes"),
        "lllrrr",
        document["waste_groups"],
        lambda each: (
            text(each["path"]),
            text(each["cause"] + (f" ({', '.join(each['changed'])})" if each["changed"] else "")),
            f"#{each['stored_by']}",
            f"#{each['buried_by']}",
            count(each["files"]),
            size(each["bytes"]),
        ),
        kind="grown",
    )


def _duplicates(document: Document) -> Iterator[Section]:
    return _listed(
        "Duplicates",
        ("some of the paths", "copies", "each", "too much"),
        "lrrr",
        document["duplicates"],
        lambda each: (
            text(", ".join(each["paths"])),
            count(each["count"]),
            size(each["bytes"]),
            size(each["wasted_bytes"]),
        ),
        weight="wasted_bytes",
        kind="grown",
    )


def _sized(document: Document, key: str, title: str, *names: str) -> Iterator[Section]:
    return _listed(
        title,
        (*names, "files", "bytes"),
        "l" * len(names) + "rr",
        document[key],
        lambda each: (*(text(each[name]) for name in names), count(each["files"]), size(each["bytes"])),
    )


def _listed(
    title: str,
    headers: tuple[str, ...],
    align: str,
    found: list[Any],
    cells: Callable[[Any], tuple[str, ...]],
    weight: str = "bytes",
    kind: str = "saved",
) -> Iterator[Section]:
    """A table of what was found, its bars by ``weight``; nothing where nothing was."""
    if not found:
        return
    most = max(each[weight] for each in found)
    rows = [Row(cells(each), bar(each[weight], most, kind)) for each in found[: parts.MOST_ROWS]]
    yield Section(title, Table(headers, align, rows, "size", parts.left_out(found)))


def _rows(document: Document) -> Iterator[Section]:
    word = _VIEWS.get(document["view"], "row")
    yield from _sized(document, "rows", f"By {word}", "name")
    yield from _sized(document, "largest", "Largest files", "name")


def _map(document: Document) -> Map:
    """The bytes by what the report lists them by, or by step; they add up to the image."""
    tree = TreeBuilder()
    if document["view"] in ("dir", "file", "context"):
        whole = {
            "live": document["totals"]["live_bytes"] or 0,
            "wasted": document["totals"]["wasted_bytes"] or 0,
        }
        for row in document["rows"]:
            path = row["name"].strip("/") or "(root)"
            for kind in whole:
                part = row[f"{kind}_bytes"]
                whole[kind] -= part
                if part:
                    tree.add(path, kind, files=row["files"] if kind == "live" else 0, image=part)
        for kind, rest in whole.items():
            tree.add("(not listed)", kind, files=0, image=rest)
        return Map(f"The image by {_VIEWS[document['view']]}", tree.json(), [("image", "bytes")], _KINDS)
    for step in document["steps"]:
        wasted = step["wasted_bytes"] or 0
        name = (step["text"] or ("the base image" if step["base"] else f"step {step['number']}")).replace(
            "/", "∕"
        )
        kind = "base" if step["base"] else "live"
        pull = step["pull_bytes"]
        shown = None if step["bytes"] is None else step["bytes"] - wasted
        tree.add(name, kind, files=step["files"] or 0, image=shown, pull=pull)
        tree.add(name, "wasted", files=0, image=wasted)
    metrics = [("image", "bytes"), ("pull", "pull")]
    note = "`ctxsize image --by file --top 0 --format json` maps single files."
    return Map("The image by step", tree.json(), metrics, _KINDS, note=note)


def totals_of(document: Document) -> dict[str, Any]:
    """The sums of an image by name."""
    totals = document["totals"]
    return {
        label: totals[name]
        for name, label in (("bytes", "image"), ("pull_bytes", "pull"), ("wasted_bytes", "wasted"))
    }


def paths_of(document: Document) -> dict[str, dict[str, int | None]]:
    """What the report lists: directories, files …, or steps."""
    if document["view"] != "step":
        return {row["name"]: {"image": row["bytes"]} for row in document["rows"]}
    found: dict[str, dict[str, int | None]] = {}
    for step in document["steps"]:
        name = step["text"] or ("the base image" if step["base"] else "(not in the history)")
        total = parts.known_sum((found.get(name, {"image": 0})["image"], step["bytes"]))
        found[name] = {"image": None if total is None else int(total)}
    return found
