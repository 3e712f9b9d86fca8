"""What each path and each rule saves, as a table in which every column adds up to what is saved in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ctxsize.comparison.ranking import image_decides
from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving
from ctxsize.report.comparison.rows import is_measured, path_seconds, rule_of
from ctxsize.report.shared.columns import UNKNOWN, columns, known, more, text_width
from ctxsize.report.shared.look import Look
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds

#: Less is 0.00 s in the table.
_SHOWN_SECONDS = 0.005
#: Columns of a terminal for a bar, at most and at least; without room for the least, names are shortened.
_BAR, _SHORTEST_BAR = 12, 6
#: A terminal that is narrower has no bars.
_WIDE_ENOUGH = 72
_TIME = "build time"
#: Lines of rules that are listed where they decide about no path.
_LISTED = 8
_Saving = PathSaving | RuleSaving


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of a saving. Of its ``total``, RUN ``derived`` a part, and ``none`` is of no path."""

    header: str
    value: Callable[[_Saving], float | None]
    show: Callable[[float], str]
    total: float | None
    derived: float | None = None
    none: float | None = None


def savings_tables(result: Comparison, look: Look) -> Iterable[str]:
    """The table of paths, that of rules, or both, as ``look`` says; nothing when nothing is ignored."""
    if not result.paths:
        return
    used = [rule for rule in result.rules if rule.paths]
    single = all(rule.paths == 1 for rule in used)
    by = look.listing if look.listing != "auto" else "path" if single else "both"
    if by in ("path", "both"):
        yield _paths(result, look, "Saved, by path and rule" if single else "Saved, by path")
    if by in ("rule", "both"):
        yield _rules(result, used, look)
    idle = [each for each in result.rules if not each.paths and not each.rule.negated]
    unused = [f"{each.context}:{each.rule.line}" if each.context else str(each.rule.line) for each in idle]
    if unused:
        more = ", …" if len(unused) > _LISTED else ""
        lines = f"{'line' if len(unused) == 1 else 'lines'} {', '.join(unused[:_LISTED])}{more}"
        rules = "1 rule decides" if len(unused) == 1 else f"{len(unused)} rules decide"
        yield f"{rules} about no ignored path ({lines}): `ctxsize lint` says why.\n"


def missing_columns(result: Comparison) -> Iterable[str]:
    """Why the tables lack a column that they have in other comparisons."""
    if not result.paths:
        return
    if result.paths[0].image_bytes is None:
        failed = next((each.error for each in result.variants.values() if each.error), None)
        yield f"no image and pull bytes by path: {failed or 'the images were not compared'}"
    if result.unattributed.seconds is None:
        reason = next((each.message for each in result.warnings if each.code == "path-seconds"), None)
        # The warning ends with what is null in the JSON.
        reason = reason.partition(": `seconds`")[0] if reason else "the builds were not all timed"
        yield f"no build time by path: {reason}"


def _paths(result: Comparison, look: Look, title: str) -> str:
    shown, left = look.first(result.paths, always=is_measured)
    notes = list(dict.fromkeys(path.note for path in shown if path.note))
    names = [printable(path.path) for path in shown]
    rules = [printable(rule_of(path)) for path in shown]
    marks = [f"({notes.index(path.note) + 1})" if path.note else "" for path in shown]
    rebuilt = [path.rebuild_seconds for path in shown]
    beside = [("each rebuild", "r", [known(each, format_seconds) for each in rebuilt])]
    beside = beside if any(each is not None for each in rebuilt) else []
    beside.append((printable(result.project.ignore_file or "rule"), "l", rules))
    beside += [("", "l", marks)] if notes else []
    text = _table(result, result.paths, shown, left, ("path", names), beside, look)
    numbered = "".join(f"  ({at}) {printable(note)}\n" for at, note in enumerate(notes, 1))
    return look.bold(title) + "\n" + text + numbered


def _rules(result: Comparison, rules: Sequence[RuleSaving], look: Look) -> str:
    shown, left = look.first(rules)
    names = [printable(rule_of(each)) for each in shown]
    paths = ("paths", "r", [str(each.paths) for each in shown])
    name = (printable(result.project.ignore_file or "rule"), names)
    return look.bold("Saved, by rule") + "\n" + _table(result, rules, shown, left, name, [paths], look)


def _table(
    result: Comparison,
    savings: Sequence[_Saving],
    shown: Sequence[_Saving],
    left: int,
    name: tuple[str, Sequence[str]],
    beside: Sequence[tuple[str, str, Sequence[str]]],
    look: Look,
) -> str:
    """A row for each saving that is ``shown``, for those that are ``left``, for what belongs to none, and the
    sum. ``beside`` are further columns, each with its header and side; the first column has a bar."""
    figures = _figures(result)
    rows = [
        [label, *(_cell(column, saving) for column in figures)]
        for label, saving in zip(name[1], shown, strict=True)
    ]
    if left:
        ids = {id(each) for each in shown}
        rest = [saving for saving in savings if id(saving) not in ids]
        rows.append([f"({left} more)", *(_sum(column, rest) for column in figures)])
    for label, rests in (
        ("(derived by RUN)", [column.derived for column in figures]),
        ("(not attributed)", [column.none for column in figures]),
    ):
        if any(rests):
            shown_rests = (
                column.show(rest) if rest else "" for column, rest in zip(figures, rests, strict=True)
            )
            rows.append([label, *shown_rests])
    if len(rows) > 1:
        rows.append(["in all", *(known(column.total, column.show) for column in figures)])
    headers = [name[0], *(column.header for column in figures), *(header for header, _, _ in beside)]
    align = "l" + "r" * len(figures) + "".join(side for _, side, _ in beside)
    for at, row in enumerate(rows):
        row += [cells[at] if at < len(cells) else "" for _, _, cells in beside]
    names = [
        0,
        *(at for at, header in enumerate(headers) if at > len(figures) and align[at] == "l" and header),
    ]
    table = columns(rows, headers, align, width=look.width, names=names)
    if look.width is not None and look.width >= _WIDE_ENOUGH:
        natural = max(map(text_width, columns(rows, headers, align).splitlines()))
        cells = min(max(look.width - natural - 2, _SHORTEST_BAR), _BAR)
        bars = [bar.ljust(cells) for bar in _bars(savings, shown, look, cells)]
        rows = [[bar, *row] for bar, row in zip_longest(bars, rows, fillvalue="")]
        table = columns(rows, ["", *headers], "l" + align, width=look.width, names=[at + 1 for at in names])
    return table + more(left)


def _bars(savings: Sequence[_Saving], shown: Sequence[_Saving], look: Look, cells: int) -> list[str]:
    """For each saving a bar for its share of what decides the order: image, or build time, or context."""
    decisive = ["image_bytes"] if image_decides(savings) else ["seconds", "sent_bytes"]
    for name in (*decisive, "context_bytes"):
        total = sum(max(getattr(each, name) or 0, 0) for each in savings)
        if total:
            return [look.bar(max(getattr(each, name) or 0, 0) / total, cells) for each in shown]
    return [""] * len(shown)


def _figures(result: Comparison) -> list[_Column]:
    """The columns that there are figures for; what belongs to no path has rows of its own in them."""
    saved, rest = result.saved, result.unattributed
    known_files = [path.files for path in result.paths if path.files is not None]
    files = 0
    if saved.context_files is not None and len(known_files) == len(result.paths):
        files = saved.context_files - sum(known_files)
    found = [
        _Column("files", lambda each: each.files, _count, saved.context_files, none=files),
        # Nothing but the ignore file itself, and files that an earlier rule empties, is not of a path.
        _Column(
            "context", lambda each: each.context_bytes, _bytes, saved.context_bytes, none=rest.context_bytes
        ),
    ]
    if result.paths[0].image_bytes is not None:
        found += [
            _Column(
                "image",
                lambda each: each.image_bytes,
                _bytes,
                saved.image_bytes,
                derived=rest.derived_bytes,
                none=rest.image_bytes,
            ),
            _Column("pull", lambda each: each.pull_bytes, _bytes, saved.pull_bytes, none=rest.pull_bytes),
        ]
    if rest.seconds is not None:
        total = saved.seconds.median if saved.seconds is not None else None
        unplaced = rest.seconds if abs(rest.seconds) >= _SHOWN_SECONDS else None
        found.append(_Column(_TIME, lambda each: each.seconds, format_seconds, total, none=unplaced))
    return found


def _cell(column: _Column, saving: _Saving) -> str:
    if column.header == _TIME:
        return path_seconds(saving)
    return known(column.value(saving), column.show)


def _sum(column: _Column, savings: Sequence[_Saving]) -> str:
    figures = [column.value(each) for each in savings]
    if None in figures:
        return UNKNOWN
    timed = column.header == _TIME
    estimated = "~" if timed and any(each.seconds_source == "estimated" for each in savings) else ""
    return estimated + column.show(sum(figure for figure in figures if figure is not None))


def _bytes(size: float) -> str:
    return format_bytes(int(size))


def _count(number: float) -> str:
    return str(int(number))
