"""What changed from the reports of the merge base to those of a change, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctxsize.units import format_bytes, format_share

Document = Mapping[str, Any]
#: The sizes of a target, in the order in which they matter.
SIZES = ("image", "pull", "context")
#: Lines of the Dockerfile and files that a comment lists.
_MOST = 10
#: No report says of more.
_MOST_BYTES = 1 << 60


@dataclass(frozen=True, slots=True)
class Size:
    """A size before and after; None is not known, ``before`` also where there is no baseline."""

    before: int | None
    after: int | None

    @property
    def change(self) -> int | None:
        """after − before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def text(self) -> str:
        """``255MB (+12.3MB, +5.1%)``."""
        if self.after is None:
            return "?"
        if not self.change:
            return format_bytes(self.after)
        return f"{format_bytes(self.after)} ({self.signed})"

    @property
    def signed(self) -> str:
        """``+12.3MB, +5.1%``; empty where nothing changed or it is not known."""
        if not self.change or self.before is None:
            return ""
        sign = "+" if self.change > 0 else ""
        share = format_share(self.change, self.before)
        return f"{sign}{format_bytes(self.change)}" + (f", {sign}{share}" if share else "")


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is worth a comment: this many bytes, or this share of what there was."""

    bytes: int = 100_000
    percent: float = 1.0

    def passed_by(self, size: Size) -> bool:
        """Whether a size changed by as much as both."""
        change = abs(size.change or 0)
        return change >= self.bytes and change * 100 >= self.percent * (size.before or 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a line of a file."""

    path: str
    line: int | None
    text: str
    error: bool


@dataclass(frozen=True, slots=True)
class Change:
    """All that a comment says. ``targets`` have their sizes by name; ``lines`` and ``files`` are what grew or
    shrank of the image, the largest change first, each with a place: ``7`` of the Dockerfile, a path.
    ``limits`` are what each limit says, those that are not kept first."""

    version: str
    targets: Mapping[str, Mapping[str, Size]]
    limits: Sequence[tuple[bool, str]]
    findings: Sequence[Finding]
    lines: Sequence[tuple[str, str, Size]]
    files: Sequence[tuple[str, Size]]
    failed: bool
    compared: bool

    def worth_telling(self, threshold: Threshold) -> bool:
        """Whether anything changed enough, or something is over its limit."""
        sizes = (size for target in self.targets.values() for size in target.values())
        return self.failed or any(threshold.passed_by(size) for size in sizes)


def change_of(
    after: Document,
    before: Document | None = None,
    image_after: Document | None = None,
    image_before: Document | None = None,
) -> Change:
    """What two reports of ``check`` and two of ``image`` differ by. Raises KeyError, TypeError or ValueError
    where a report is not as its schema says."""
    past = {str(target["name"]): target["sizes"] for target in before["targets"]} if before else {}
    if len(past) == 1 and len(after["targets"]) == 1:
        # A target is named after its directory, and the merge base may be checked out elsewhere.
        past = dict.fromkeys((str(each["name"]) for each in after["targets"]), *past.values())
    targets = {}
    for target in after["targets"]:
        old, new = past.get(str(target["name"]), {}), target["sizes"]
        targets[str(target["name"])] = {name: Size(_size(old, name), _size(new, name)) for name in SIZES}
    limits = [
        (bool(limit["over"]) or limit["value"] is None, str(limit["message"]))
        for target in after["targets"]
        for limit in target["limits"]
    ]
    errors = [
        (True, f"{target['name']}: {target['error']}") for target in after["targets"] if target["error"]
    ]
    return Change(
        version=str(after["ctxsize"]),
        targets=targets,
        limits=sorted([*errors, *limits], key=lambda each: not each[0]),
        findings=_findings(after),
        lines=_lines(image_before, image_after) if image_after else (),
        files=_files(image_before, image_after) if image_after else (),
        failed=not after["passed"],
        compared=before is not None,
    )


def _size(sizes: Document, name: str) -> int | None:
    size = sizes.get(f"{name}_bytes")
    if size is None:
        return None
    if not isinstance(size, int) or not 0 <= size < _MOST_BYTES:
        raise ValueError(f"{name}_bytes is no size")
    return size


def _findings(document: Document) -> list[Finding]:
    found = []
    for target in document["targets"]:
        for each in target["findings"]:
            line = each["line"]
            path = f"{target['path']}/{each['path']}".removeprefix("./")
            where = str(each.get("where") or "")
            # A finding about a file is caused by the rule or the limit that it names.
            file, _, number = where.rpartition(":")
            if line is None and number.isdecimal():
                path, line = file, int(number)
            found.append(Finding(path, line, f"{each['code']} {each['message']}", each["level"] == "error"))
    return found


def _lines(before: Document | None, after: Document) -> list[tuple[str, str, Size]]:
    """The steps of a Dockerfile that changed in size: line, text (by which a step is known again), size."""
    if before is None:
        return []
    old, new = _steps(before), _steps(after)
    changed = []
    for text in dict.fromkeys([*new, *old]):
        (_, size_before), (line, size_after) = old.get(text, (None, 0)), new.get(text, (None, 0))
        if size_before != size_after:
            changed.append((str(line or ""), text, Size(size_before, size_after)))
    return _largest(changed)


def _steps(document: Document) -> dict[str, tuple[int | None, int]]:
    found: dict[str, tuple[int | None, int]] = {}
    for step in document["steps"]:
        text = str(step["text"] or ("the base image" if step["base"] else "(not in the history)"))
        found[text] = (step["line"], found.get(text, (None, 0))[1] + int(step["bytes"]))
    return found


def _files(before: Document | None, after: Document) -> list[tuple[str, Size]]:
    if before is None or before.get("view") != after.get("view"):
        return []
    old, new = ({str(row["name"]): int(row["bytes"]) for row in each["rows"]} for each in (before, after))
    # What is not among the rows of an incomplete list is not known to be new.
    missing = (None if each.get("rows_left_out") else 0 for each in (before, after))
    no_before, no_after = missing
    names = dict.fromkeys([*new, *old])
    changed = [(name, Size(old.get(name, no_before), new.get(name, no_after))) for name in names]
    return _largest([each for each in changed if each[1].change])


def _largest(changed: list[Any]) -> list[Any]:
    return sorted(changed, key=lambda each: -abs(each[-1].change or 0))[:_MOST]
