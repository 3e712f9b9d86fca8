"""What the pages of several results have in common: cells, tables of sizes, warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ctxsize.report.page.types import Bar, Row, Section, Table
from ctxsize.report.shared.columns import UNKNOWN, shortened
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds, format_share

#: A report as JSON, read back.
Document = Mapping[str, Any]
#: Rows of a table, and characters of a text.
MOST_ROWS = 500
_LONGEST = 300


def text(value: object) -> str:
    """Text from outside: printable, and not endless."""
    return shortened(printable(str(value)), _LONGEST)


def size(value: int | None) -> str:
    """Bytes as people read them."""
    return UNKNOWN if value is None else format_bytes(value)


def seconds(value: float | None) -> str:
    """Seconds as people read them; empty where there are none."""
    return "" if value is None else format_seconds(value)


def count(value: int | None) -> str:
    """A number."""
    return UNKNOWN if value is None else str(value)


def change(before: float | None, after: float | None, show: Callable[[Any], str] = format_bytes) -> str:
    """What became more or less, with its sign and its share."""
    if before is None or after is None:
        return UNKNOWN
    more = after - before
    share = format_share(more, before)
    sign = "+" if more > 0 else ""
    return f"{sign}{show(more)} ({sign}{share})" if share and more else f"{sign}{show(more)}"


def bar(value: float | None, most: float, kind: str = "saved") -> tuple[Bar, ...]:
    """One bar on a scale that ends at ``most``; none for nothing."""
    return (Bar(0.0, min(value / most, 1.0), kind),) if value is not None and value > 0 and most > 0 else ()


def around(value: float | None, most: float) -> tuple[Bar, ...]:
    """A bar to the right of the middle for what grew, to the left for what shrank."""
    if not value or most <= 0:
        return ()
    length = min(abs(value) / most, 1.0) / 2
    return (Bar(0.5, length, "grown") if value > 0 else Bar(0.5 - length, length, "shrunk"),)


def known_sum(values: Iterable[float | None]) -> float | None:
    """The sum, or None where one of the figures is not known."""
    found = [*values]
    return None if None in found else sum(value for value in found if value is not None)


def warnings(document: Document) -> Iterator[Section]:
    """What to know beside the figures."""
    found = [
        text(f"{each['where']}: {each['message']}" if each.get("where") else each["message"])
        for each in document.get("warnings", ())
    ]
    if found:
        yield Section("To know", text=[*found[:MOST_ROWS], *left_out(found)])


def left_out(items: Sequence[object], what: str = "more") -> list[str]:
    """The line that says how many are not listed."""
    return [f"… and {len(items) - MOST_ROWS} {what}"] if len(items) > MOST_ROWS else []


def sensitive(document: Document) -> Iterator[Section]:
    """Files that look like secrets."""
    found = document.get("sensitive") or ()
    rows = [
        Row(
            (
                text(each["path"]),
                text(each["reason"]),
                "the build can see it" if each["eligible"] else "the ignore file keeps it out",
            )
        )
        for each in found[:MOST_ROWS]
    ]
    if rows:
        table = Table(("path", "looks like", ""), "lll", rows, notes=left_out(found))
        yield Section("Looks like secrets", table)


def project_line(document: Document) -> str:
    """Which files it is about."""
    project = document["project"]
    dockerfile = project["dockerfile"] or "no Dockerfile"
    target = f" (target {project['target']})" if project.get("target") else ""
    return text(f"{dockerfile}{target}, {project['ignore_file'] or 'no ignore file'}")


def footer(document: Document) -> str:
    """Who made it, and when."""
    created = f", {document['created']}" if document.get("created") else ""
    return text(f"ctxsize {document['ctxsize']}{created}")


def rule_names(rules: Iterable[tuple[int, str]], ignore_file: str | None) -> list[tuple[int, str]]:
    """What the map calls a rule."""
    return [(line, text(f"{ignore_file}:{line} {pattern}")) for line, pattern in rules]
