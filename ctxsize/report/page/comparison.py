"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ctxsize.report.page import parts
from ctxsize.report.page.parts import Document, bar, count, seconds, size, text
from ctxsize.report.page.tree import TreeBuilder
from ctxsize.report.page.types import Bar, Dots, Map, Page, Row, Section, Table
from ctxsize.report.shared.columns import UNKNOWN
from ctxsize.report.shared.times import TOO_FEW
from ctxsize.survey.tree import Leaf
from ctxsize.units import format_seconds, format_share

KINDS = (
    ("needed", "kept and needed"),
    ("kept", "kept, no step takes it"),
    ("seen", "kept"),
    ("ignored", "ignored"),
    ("derived", "made by RUN from ignored files"),
    ("none", "not attributed"),
)
_STEPS = 60


def page(document: Document, headline: str, files: Iterable[Leaf] | None = None) -> Page:
    """The page of ``document``, a comparison. ``files`` are those of the tree, where they are known."""
    engine = document["engine"]
    where = f"; Docker {engine['version']}, {engine['builder']}, {engine['storage']}" if engine else ""
    return Page(
        title=text(f"What the ignore file saves: {document['project']['context']}"),
        headline=headline,
        subtitle=text(parts.project_line(document) + where),
        map=_map(document, files),
        sections=[
            Section("With and without the ignore file", _variants(document)),
            *_paths(document),
            *_rules(document),
            *_runs(document),
            *_timeline(document),
            *parts.sensitive(document),
            *parts.warnings(document),
        ],
        footer=parts.footer(document),
    )


def sizes_of(variant: Document) -> dict[str, Any]:
    """The figures of a variant by name; None where they are not known."""
    context, image, build = variant["context"], variant["image"] or {}, variant["build"] or {}
    return {
        "context": context["bytes"],
        "files": context["files"],
        "sent": context["sent_bytes"],
        "image": image.get("bytes"),
        "pull": image.get("pull_bytes"),
        "build time": build.get("seconds"),
    }


def shower(name: str) -> Any:
    """How a figure of that name is written."""
    return {"files": count, "build time": lambda value: UNKNOWN if value is None else seconds(value)}.get(
        name, size
    )


def _variants(document: Document) -> Table:
    with_, without = (sizes_of(document["variants"][name]) for name in ("with", "without"))
    rows = []
    for name, large in without.items():
        small, show = with_[name], shower(name)
        saved = None if small is None or large is None else large - small
        share = format_share(saved, large) if saved is not None else ""
        shown = UNKNOWN if saved is None else show(saved)
        part = saved / large if saved is not None and large else 0.0
        rows.append(Row((name, show(small), show(large), shown, share), bar(part, 1.0)))
    notes = []
    time = document["saved"]["seconds"]
    if time is not None and time["significant"] is False:
        notes.append("The build times show no measurable difference.")
    for name, variant in document["variants"].items():
        if variant["error"]:
            notes.append(text(f"{name} the ignore file: {variant['error']}"))
        if variant.get("verify"):
            code = variant["verify"]["exit_code"]
            verdict = "passed" if code == 0 else "timed out" if code is None else f"exit code {code}"
            notes.append(text(f"verify, {name} the ignore file: {verdict}"))
    return Table(("", "with", "without", "saved", "share"), "lrrrr", rows, "saved of all", notes)


_FIGURES = (("files", count), ("context_bytes", size), ("image_bytes", size), ("pull_bytes", size))


def _columns(document: Document) -> list[tuple[str, str, Any]]:
    """The columns of paths and rules that there are figures for: header, key, how it is written."""
    found = [(key.removesuffix("_bytes"), key, show) for key, show in _FIGURES]
    if document["paths"] and document["paths"][0]["image_bytes"] is None:
        found = found[:2]
    if document["unattributed"].get("seconds") is not None:
        found.append(("build time", "seconds", seconds))
    return found


def _decisive(savings: Iterable[Document]) -> str:
    found = [*savings]
    return next(
        (key for key in ("image_bytes", "context_bytes") if sum(max(each[key] or 0, 0) for each in found)),
        "context_bytes",
    )


def _savings(
    document: Document, savings: list[Document], first: tuple[str, Any], beside: list[tuple[str, Any]]
) -> Table:
    """A table of paths or rules, which adds up."""
    columns = _columns(document)
    key = _decisive(savings)
    total = sum(max(each[key] or 0, 0) for each in savings)
    rows = [
        Row(
            (
                first[1](each),
                *(_estimate(name, each) + show(each[name]) for _, name, show in columns),
                *(cell(each) for _, cell in beside),
            ),
            bar(each[key], total),
        )
        for each in savings[: parts.MOST_ROWS]
    ]
    blank = [""] * len(beside)
    if rest := savings[parts.MOST_ROWS :]:
        sums = (show(parts.known_sum(each[name] for each in rest)) for _, name, show in columns)
        rows.append(Row((f"({len(rest)} more)", *sums, *blank), rest=True))
    for label, names in (
        ("(made by RUN from ignored files)", {"image_bytes": "derived_bytes"}),
        ("(not attributed)", {"context_bytes": "context_bytes", "image_bytes": "image_bytes",
                              "pull_bytes": "pull_bytes", "seconds": "seconds"}),
    ):  # fmt: skip
        values = [document["unattributed"].get(names.get(name, "")) for _, name, _ in columns]
        if any(values):
            shown = (
                show(value) if value else "" for value, (_, _, show) in zip(values, columns, strict=True)
            )
            rows.append(Row((label, *shown, *blank), rest=True))
    saved = document["saved"]
    totals = {
        "files": saved["context_files"],
        **{name: saved[name] for name in ("context_bytes", "image_bytes", "pull_bytes")},
        "seconds": saved["seconds"] and saved["seconds"]["median"],
    }
    rows.append(Row(("in all", *(show(totals[name]) for _, name, show in columns), *blank), strong=True))
    headers = (first[0], *(header for header, _, _ in columns), *(header for header, _ in beside))
    return Table(headers, "l" + "r" * len(columns) + "l" * len(beside), rows, f"share of {key[:-6]}")


def _estimate(name: str, saving: Document) -> str:
    return "~" if name == "seconds" and saving.get("seconds_source") == "estimated" else ""


def _paths(document: Document) -> Iterator[Section]:
    paths = document["paths"]
    if not paths:
        return
    beside: list[tuple[str, Any]] = [
        ("rule", lambda each: text(f"{_context(each)}{each['rule']['line']} {each['rule']['pattern']}"))
    ]
    if any(each["rebuild_seconds"] is not None for each in paths):
        beside.insert(0, ("each rebuild", lambda each: seconds(each["rebuild_seconds"])))
    if any(each["note"] for each in paths):
        beside.append(("note", lambda each: text(each["note"] or "")))
    yield Section(
        "Saved, by path", _savings(document, paths, ("path", lambda each: text(each["path"])), beside)
    )


def _rules(document: Document) -> Iterator[Section]:
    rules = [rule for rule in document["rules"] if rule["paths"]]
    if rules and any(rule["paths"] > 1 for rule in rules):
        first = ("rule", lambda each: text(f"{_context(each)}{each['line']} {each['pattern']}"))
        yield Section(
            "Saved, by rule", _savings(document, rules, first, [("paths", lambda each: str(each["paths"]))])
        )


def _runs(document: Document) -> Iterator[Section]:
    builds = {name: document["variants"][name]["build"] for name in ("with", "without")}
    found = {name: build for name, build in builds.items() if build and build["runs"]}
    if not found:
        return
    most = max(max(build["runs"]) for build in found.values()) or 1.0
    rows = [
        (name, [run / most for run in build["runs"]], build["seconds"] / most, seconds(build["seconds"]))
        for name, build in found.items()
    ]
    saved = document["saved"]["seconds"]
    caption = "Each point is a build, the line is the median."
    if saved is not None and saved["low"] is not None:
        caption += (
            f" Saved per build: {seconds(saved['median'])}, with 95 % certainty between"
            f" {seconds(saved['low'])} and {seconds(saved['high'])}."
        )
    elif saved is not None:
        less = "less" if saved["median"] >= 0 else "more"
        caption += f" With the ignore file {seconds(abs(saved['median']))} {less} per build: {TOO_FEW}."
    runs = [f"{name}: {', '.join(map(seconds, build['runs']))}" for name, build in found.items()]
    yield Section("The single builds", dots=Dots(rows, format_seconds(most), caption), text=runs)


def _timeline(document: Document) -> Iterator[Section]:
    """The steps of the median builds, with and without, on one scale of time."""
    steps: dict[tuple[Any, str], dict[str, Document]] = {}
    for name in ("without", "with"):
        for step in (document["variants"][name]["build"] or {"steps": ()})["steps"]:
            steps.setdefault((step["line"], step["name"]), {})[name] = step
    if not steps:
        return
    ordered = sorted(steps.items(), key=lambda each: min(step["started"] for step in each[1].values()))
    first = ordered[0][1].values()
    begin = min(step["started"] for step in first)
    end = max(step["started"] + step["seconds"] for each in steps.values() for step in each.values())
    scale = max(end - begin, 0.001)
    rows = []
    for (line, name), found in ordered[:_STEPS]:
        bars = []
        for variant in ("with", "without"):
            step = found.get(variant)
            start = (step["started"] - begin) / scale if step else 0.0
            kind = "cached" if step and step["cached"] else variant
            # A step that took no time is still seen.
            bars.append(Bar(start, max(step["seconds"] / scale, 0.004) if step else 0.0, kind))
        times = (
            ""
            if variant not in found
            else "cached"
            if found[variant]["cached"]
            else seconds(found[variant]["seconds"])
            for variant in ("with", "without")
        )
        rows.append(Row((text(name), "" if line is None else str(line), *times), bars))
    notes = [
        f"From the start of the build to {format_seconds(scale)}: above, in blue, with the ignore file;"
        " below, in green, without."
    ]
    if len(ordered) > _STEPS:
        notes.append(f"… and {len(ordered) - _STEPS} more steps")
    table = Table(("step", "line", "with", "without"), "lrrr", rows, "when", notes)
    yield Section("The steps of a build, in time", table)


def _map(document: Document, files: Iterable[Leaf] | None) -> Map | None:
    tree = TreeBuilder()
    without = document["variants"]["without"]["context"]["bytes"]
    for each in document["paths"]:
        figures = {
            "image": each["image_bytes"],
            "pull": each["pull_bytes"],
            "seconds": each["seconds"],
            "context": each["context_bytes"] if files is None else None,
        }
        tree.add(
            each["path"],
            "ignored",
            None if _context(each) else each["rule"]["line"],
            files=(each["files"] or 0) if files is None else 0,
            **figures,
        )
    note = "Image, pull and build time have a size only for what is ignored."
    if files is not None:
        for leaf in files:
            tree.add(leaf.path, leaf.kind, leaf.line, context=leaf.bytes)
    elif without is None:
        return None
    else:
        _kept_as_one(document, tree, without)
        note += " Single files are in the map that `compare --html` makes."
    rest = document["unattributed"]
    tree.add("(made by RUN from ignored files)", "derived", files=0, image=rest["derived_bytes"])
    tree.add(
        "(not attributed)",
        "none",
        files=0,
        image=rest["image_bytes"],
        pull=rest["pull_bytes"],
        seconds=rest["seconds"],
    )
    metrics = [("context", "context"), ("image", "image, saved"), ("pull", "pull, saved")]
    if document["paths"] and document["paths"][0]["image_bytes"] is None:
        metrics = metrics[:1]
    if rest["seconds"] is not None:
        metrics.append(("seconds", "build time, saved"))
    own = [rule for rule in document["rules"] if not _context(rule)]
    rules = parts.rule_names(
        ((rule["line"], rule["pattern"]) for rule in own[: parts.MOST_ROWS]),
        document["project"]["ignore_file"],
    )
    return Map("The tree without the ignore file", tree.json(), metrics, KINDS, rules, note)


def _kept_as_one(document: Document, tree: TreeBuilder, without: int) -> None:
    """What is kept, of which the report lists no files: two leaves, exact in sum."""
    context = document["variants"]["with"]["context"]
    kept = without - sum(each["context_bytes"] or 0 for each in document["paths"])
    needed, files = context["needed_bytes"], context["files"] or 0
    if needed is None:
        tree.add("(kept)", "seen", files=files, context=kept)
        return
    if needed:
        tree.add("(kept and needed)", "needed", files=0, context=min(needed, kept))
    tree.add("(kept, not needed)", "kept", files=files, context=kept - needed)


def _context(saving: Document) -> str:
    """What is in front of a rule of a named context; a report of an earlier version has none."""
    name = saving.get("context")
    return f"{name}:" if name else ""
