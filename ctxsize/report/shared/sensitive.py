"""Files that look like secrets, as tables and notes: their names and kinds, nothing of their content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ctxsize.report.shared.columns import columns, more
from ctxsize.report.shared.look import Look
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.text import printable

_NAMED = 3  # files that a note names


def sensitive_tables(files: Sequence[SensitiveFile], ignore_file: str | None, look: Look) -> Iterator[str]:
    """What the build can see, then what only the ignore file keeps out; nothing when there is nothing.

    Of many files in an ignored directory, or in one of installed packages, there is one row.
    """
    eligible = [
        _eligible_row(group, ignore_file) for group in _groups(file for file in files if file.eligible)
    ]
    if eligible:
        yield "\n" + look.warn("Look like secrets, and the build can see them") + "\n"
        yield _table(eligible, ["path", "looks like", "line", "", "Dockerfile", "rule"], "llrlll", look)
    ignored = [
        _ignored_row(group, ignore_file) for group in _groups(file for file in files if not file.eligible)
    ]
    if ignored:
        yield "\n" + look.bold("Look like secrets, and only the ignore file keeps them out") + "\n"
        yield _table(ignored, ["path", "looks like", "line", "", "rule"], "llrll", look)


def sensitive_notes(files: Iterable[SensitiveFile]) -> list[str]:
    """What a comparison says of likely secrets: a sentence each for those that the build can see and for
    those that it would see without the ignore file."""
    # A detector may have found several things in one file; the first stands for them.
    likely: dict[str, SensitiveFile] = {}
    for file in files:
        if file.level == "likely":
            likely.setdefault(file.path, file)
    notes = []
    if seen := [file for file in likely.values() if file.eligible]:
        verb = "looks like a secret" if len(seen) == 1 else "look like secrets"
        notes.append(f"{_count(seen)} that the build can see {verb}: {_names(seen)}")
    if kept_out := [file for file in likely.values() if not file.eligible]:
        verb = "that looks like a secret" if len(kept_out) == 1 else "that look like secrets"
        notes.append(f"only the ignore file keeps out {_count(kept_out)} {verb}: {_names(kept_out)}")
    return notes


def _groups(files: Iterable[SensitiveFile]) -> list[list[SensitiveFile]]:
    """The files that share a row, in the order of the first of each."""
    groups: dict[str, list[SensitiveFile]] = {}
    for number, file in enumerate(files):
        groups.setdefault(file.group if file.group is not None else f"\0{number}", []).append(file)
    return list(groups.values())


def _eligible_row(group: Sequence[SensitiveFile], ignore_file: str | None) -> list[str]:
    taken = {file.needed for file in group}
    copies = "?" if None in taken else "copies it" if True in taken else "does not copy it"
    return [*_what(group), copies, _rule(group, ignore_file)]


def _ignored_row(group: Sequence[SensitiveFile], ignore_file: str | None) -> list[str]:
    return [*_what(group), _rule(group, ignore_file)]


def _what(group: Sequence[SensitiveFile]) -> list[str]:
    """The cells path, looks like, line, level."""
    first = group[0]
    if len(group) == 1:
        line = "" if first.line is None else str(first.line)
        return [printable(first.path), printable(first.reason), line, first.level]
    reasons = Counter(file.reason for file in group).most_common()
    text = ", ".join(f"{count} × {reason}" for reason, count in reasons[:2])
    more = ", …" if len(reasons) > 2 else ""
    return [printable(f"{first.group}/"), printable(text) + more, "", first.level]


def _rule(group: Sequence[SensitiveFile], ignore_file: str | None) -> str:
    rule = group[0].rule
    if rule is None:
        return "none matches"
    return printable(f"{ignore_file or ''}:{rule.line} {rule.text.strip()}")


def _table(rows: list[list[str]], headers: Sequence[str], align: str, look: Look) -> str:
    shown, left = look.first(rows)
    return columns(shown, headers, align) + more(left)


def _count(files: Sequence[SensitiveFile]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _names(files: Sequence[SensitiveFile]) -> str:
    """The first few by name, each with what it looks like."""
    left = len(files) - _NAMED
    named = ", ".join(f"{file.path} ({file.reason})" for file in files[:_NAMED])
    return named + (f" and {left} more" if left > 0 else "")
