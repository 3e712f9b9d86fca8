"""The report a person reads: the totals, then what is large, then what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ctxsize.context.totals import Totals
from ctxsize.report.shared.columns import UNKNOWN, columns, known, more
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.sensitive import sensitive_tables
from ctxsize.report.shared.title import title
from ctxsize.survey.overview import Overview
from ctxsize.survey.views import Cell, View
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_share

_TITLES = {
    "directories": "Kept, by directory",
    "ignored": "Ignored, by path",
    "rules": "Ignored, by rule",
    "extensions": "Kept, by extension",
    "ignored_extensions": "Ignored, by extension",
    "files": "Kept files",
    "ignored_files": "Ignored files",
}


def draw(result: Overview, look: Look) -> Iterator[str]:
    """``result`` as text; views of files are not limited to the rows of ``look``."""
    target = f" (target {result.target})" if result.target else ""
    dockerfile = f"{result.dockerfile or 'no Dockerfile'}{target}"
    yield title(look, result.context, dockerfile, result.ignore_file) + "\n"
    yield from _body(result, look)
    for each in result.named:
        ignore_file = printable(each.ignore_file or "no ignore file")
        head = f"{printable(each.name or '')} ({printable(each.context)})"
        yield f"\n{look.bold(f'Named context {head}')}: {ignore_file}\n\n"
        yield from _body(each, look)


def _body(result: Overview, look: Look) -> Iterator[str]:
    yield _totals(result)
    for view in result.views:
        yield f"\n{look.bold(_TITLES[view.name])}\n"
        yield from _DRAW.get(view.name, _rows)(view, result, look)
    yield from sensitive_tables(result.sensitive, result.ignore_file, look)
    if result.warnings:
        yield "\n"
    for warning in result.warnings:
        yield look.note(warning.message, warning.where)


def _totals(result: Overview) -> str:
    scan = result.scan
    rows = []
    if scan.without is not None:
        kept_out = sum((rule.totals for rule in scan.rules if rule.roots), Totals())
        share = format_share(kept_out.bytes, scan.without.bytes)
        rows += [_total("without", scan.without), _total("ignored", kept_out, share)]
    rows.append(
        ["with", UNKNOWN, UNKNOWN, UNKNOWN, ""] if scan.eligible_unread else _total("with", scan.eligible)
    )
    if scan.hidden.files:
        rows.append(_total("  ignore file", scan.hidden))
    if scan.needed is None:
        rows.append(["  needed", UNKNOWN, UNKNOWN, UNKNOWN, ""])
    else:
        rows.append(_total("  needed", scan.needed, format_share(scan.needed.bytes, scan.eligible.bytes)))
    return columns(rows, ["", "files", "dirs", "bytes", ""], "lrrrl")


def _total(label: str, totals: Totals, share: str = "") -> list[str]:
    return [label, str(totals.files), str(totals.dirs), format_bytes(totals.bytes), share]


def _directories(view: View, result: Overview, look: Look) -> Iterator[str]:
    """A tree of the largest directories; what the top row has and no row below it is in the last row."""
    found = [_Named(view.columns, row) for row in view.rows]
    # A directory is at least as large as one in it, so that the largest with all above them are a tree.
    # One of unknown size comes first, as do those above it, which are unknown for its sake.
    largest = sorted(found, key=lambda row: (row.known, -row.size, row.depth))
    shown = set(map(id, largest[: look.rows + 1] if look.rows else largest))
    drawn = [row for row in found if id(row) in shown]
    rows = [[row.shown_size, row.text("files"), row.indented()] for row in drawn]
    top, below = found[0], [row for row in found if row.depth == 1]
    files = top.number("files") - sum(row.number("files") for row in below)
    if below and files and top.known:
        size = top.size - sum(row.size for row in below)
        rows.append([format_bytes(size), str(files), "  (files directly in it)"])
    yield columns(rows, ["bytes", "files", "path"], "rrl")
    yield more(len(found) - len(drawn), "smaller directories")


class _Named:
    """A row whose cells are asked for by column."""

    __slots__ = ("_cells",)

    def __init__(self, columns: Sequence[str], row: Sequence[Cell]) -> None:
        self._cells = dict(zip(columns, row, strict=True))

    def number(self, column: str) -> int:
        return int(self._cells[column] or 0)

    def text(self, column: str) -> str:
        return printable(known(self._cells[column], str))

    @property
    def shown_size(self) -> str:
        return known(self._cells["bytes"])

    @property
    def size(self) -> int:
        return self.number("bytes")

    @property
    def known(self) -> bool:
        return self._cells["bytes"] is not None

    @property
    def depth(self) -> int:
        return self.number("depth")

    def indented(self) -> str:
        return "  " * self.depth + self.text("path").rpartition("/")[2] + "/"


def _rows(view: View, result: Overview, look: Look) -> Iterator[str]:
    """The rows of a view that is sorted, the first ones."""
    found = [_Named(view.columns, row) for row in view.rows]
    if not found:
        yield "nothing\n"
        return
    shown, left = look.first(found)
    headers, align, cells = ["bytes", "files"], "rr", []
    others: Mapping[str, tuple[str, Callable[[_Named], str]]] = {
        "paths": ("r", lambda row: row.text("paths")),
        "path": ("l", lambda row: row.text("path")),
        "extension": ("l", lambda row: row.text("extension") or "(none)"),
        "line": ("l", lambda row: _rule(row, result)),
    }
    used = {name: column for name, column in others.items() if name in view.columns}
    for name, (side, _) in used.items():
        headers.append("rule" if name == "line" else name)
        align += side
    for row in shown:
        own = [cell(row) for _, cell in used.values()]
        cells.append([row.shown_size, row.text("files"), *own])
    yield columns(cells, headers, align)
    yield more(left)


def _files(view: View, result: Overview, look: Look) -> Iterator[str]:
    """A line per file as it comes, so without looking at all of them for the widest."""
    nothing = True
    for cells in view.rows:
        nothing = False
        row = _Named(view.columns, cells)
        rule = f"  {_rule(row, result)}" if "line" in view.columns else ""
        yield f"{format_bytes(row.size):>6}  {row.text('path')}{rule}\n"
    if nothing:
        yield "nothing\n"


def _rule(row: _Named, result: Overview) -> str:
    return f"{printable(result.ignore_file or '')}:{row.number('line')} {row.text('pattern')}"


_DRAW: Mapping[str, Callable[[View, Overview, Look], Iterator[str]]] = {
    "directories": _directories,
    "files": _files,
    "ignored_files": _files,
}
