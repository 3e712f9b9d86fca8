"""The pages of ``check`` and of ``lint``."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.page import parts
from ctxsize.report.page.parts import Document, bar, count, size, text
from ctxsize.report.page.types import Page, Row, Section, Table


def check_page(document: Document) -> Page:
    """The page of a check."""
    targets = document["targets"]
    over = sum(1 for target in targets for limit in target["limits"] if limit["over"])
    errors = sum(1 for target in targets for each in target["findings"] if each["level"] == "error")
    failed = sum(1 for target in targets if target["error"])
    said = [
        f"{number} {what}"
        for number, what in ((over, "over their limit"), (errors, "errors"), (failed, "not measured"))
        if number
    ]
    headline = "Everything is within its limits." if document["passed"] else f"Not passed: {', '.join(said)}."
    return Page(
        title="ctxsize check",
        headline=headline,
        subtitle=f"{len(targets)} {'target' if len(targets) == 1 else 'targets'}",
        sections=[section for target in targets for section in _target(target)],
        footer=parts.footer(document),
    )


def _target(target: Document) -> Iterator[Section]:
    rows = []
    for limit in target["limits"][: parts.MOST_ROWS]:
        value, most = limit["value"], limit["limit"]
        share = (
            value / most
            if isinstance(value, int | float) and isinstance(most, int | float) and most
            else None
        )
        verdict = "over" if limit["over"] else "within" if limit["over"] is False else "not known"
        kind = "grown" if limit["over"] else "saved"
        rows.append(Row((text(limit["name"]), verdict, text(limit["message"])), bar(share, 1.0, kind)))
    table = Table(("limit", "", "what was measured"), "lll", rows, "of the limit") if rows else None
    error = [text(f"not measured: {target['error']}")] if target["error"] else []
    yield Section(text(target["name"]), table, text=error)
    for limit in target["limits"]:
        grew = limit["grew"]
        if grew:
            most = max(abs((each["after"] or 0) - (each["before"] or 0)) for each in grew)
            lines = [
                Row(
                    (text(each["path"]), size(each["before"]), size(each["after"])),
                    parts.around((each["after"] or 0) - (each["before"] or 0), most),
                )
                for each in grew[: parts.MOST_ROWS]
            ]
            yield Section(
                text(f"{target['name']}: what {limit['name']} grew by"),
                Table(("path", "before", "after"), "lrr", lines, "change"),
            )
    found = target["findings"]
    if found:
        lines = [
            Row(
                (
                    text(each["code"]),
                    text(each["level"]),
                    text(each["where"] or each["path"]),
                    text(each["message"]),
                )
            )
            for each in found[: parts.MOST_ROWS]
        ]
        table = Table(("code", "level", "where", "what"), "llll", lines, notes=parts.left_out(found))
        yield Section(text(f"{target['name']}: findings"), table)
    yield from parts.warnings(target)


def lint_page(document: Document) -> Page:
    """The page of lint."""
    total, found = document["total"], document["findings"]
    counts = ", ".join(
        f"{total[name]} {name if total[name] != 1 else name[:-1]}"
        for name in ("errors", "warnings", "infos")
        if total[name]
    )
    headline = (
        "Nothing to find fault with." if not found else f"{counts}; {total['fixable']} can be fixed by --fix."
    )
    most = max((each["bytes"] or 0 for each in found), default=0)
    rows = [
        Row(
            (
                text(each["code"]),
                text(each["severity"]),
                text(f"{each['path']}:{each['line']}" if each["line"] else each["path"]),
                text(each["message"]),
                text(each["help"] or ""),
                "" if each["files"] is None else count(each["files"]),
                "" if each["bytes"] is None else size(each["bytes"]),
            ),
            bar(each["bytes"], most),
        )
        for each in found[: parts.MOST_ROWS]
    ]
    headers = ("code", "severity", "where", "what", "what to do", "files", "bytes")
    sections = (
        [Section("Findings", Table(headers, "lllllrr", rows, "cost", parts.left_out(found)))] if rows else []
    )
    for target in document["targets"]:
        if target.get("diff"):
            sections.append(
                Section(
                    text(f"{target['name']}: the fix"), code="\n".join(map(text, target["diff"].splitlines()))
                )
            )
    return Page(
        "ctxsize lint",
        headline,
        f"{len(document['targets'])} targets",
        sections,
        footer=parts.footer(document),
    )
