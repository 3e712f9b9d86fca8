"""Files that a later line removes or replaces: they stay in the layer of the line that made them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from ctxsize.dockerfile.parse import Instruction
from ctxsize.dockerfile.wildcard import has_wildcard
from ctxsize.inspection.fixes.find import LEAST, Case, gain, lines_text, loses, quoted
from ctxsize.inspection.fixes.shell import is_shell, run_commands, words
from ctxsize.inspection.types import Fix, WasteGroup
from ctxsize.units import format_bytes

_PACKAGES = {"apt-get", "apt", "apk", "dnf", "microdnf", "yum", "pip", "pip3", "npm", "yarn", "conda"}
_REMOVE = {"remove", "purge", "autoremove", "autopurge", "autoclean", "clean", "del", "cache", "uninstall"}


def removal_fixes(case: Case) -> Iterator[Fix]:
    """A fix for each line that buries what earlier lines of its stage stored, of the most bytes first."""
    by_line: dict[int, list[tuple[WasteGroup, Instruction]]] = {}
    buriers: dict[int, Instruction] = {}
    for group, stored, buried in case.own_groups():
        if group.cause != "same-content" and is_shell(buried):
            by_line.setdefault(buried.line, []).append((group, stored))
            buriers[buried.line] = buried
    order = sorted(by_line, key=lambda line: -sum(group.bytes for group, _ in by_line[line]))
    for line in order:
        run = buriers[line]
        yield from _of_runs(case, run, [each for each in by_line[line] if each[1].keyword == "RUN"])
        yield from _of_copies(
            case, run, [each for each in by_line[line] if each[1].keyword in ("COPY", "ADD")]
        )


def _of_runs(case: Case, run: Instruction, found: Sequence[tuple[WasteGroup, Instruction]]) -> Iterator[Fix]:
    """Removed by one RUN, made by another: both become one."""
    sizes: dict[int, int] = {}
    for group, stored in found:
        sizes[stored.line] = sizes.get(stored.line, 0) + group.bytes
    large = [line for line, size in sizes.items() if size >= LEAST]
    if not large:
        return
    first = min(large)
    whole = [each.line for each in case.between(first, run.line)]
    joined = _joined(case, first, run) if not case.rewriting.taken & set(whole) else None
    if joined is not None:
        groups = [
            group
            for group, stored, buried in case.own_groups()
            if stored.line in joined and buried.line in joined
        ]
        patched = True
        advice = f"make one RUN of {lines_text(joined)}"
    else:
        best = max(large, key=lambda line: sizes[line])
        groups = [group for group, stored in found if stored.line == best]
        patched = _moved(case, best, run)
        advice = f"do it at the end of line {best}"
        first = best
    size, pull = gain(groups)
    store = next(stored for _, stored in found if stored.line == first)
    yield Fix(
        code="same-run",
        lines=joined or (first, run.line),
        text=f"{quoted(run)} buries {format_bytes(size)} that {quoted(store)} stored; {advice}:"
        f" {loses(size, pull)}",
        bytes=size,
        pull_bytes=pull,
        patched=patched,
    )


def _joined(case: Case, first: int, run: Instruction) -> tuple[int, ...] | None:
    """Make one RUN of all from the line ``first`` to ``run``, if nothing else lies between; their lines."""
    between = case.between(first, run.line)
    if not all(is_shell(each) for each in between):
        return None
    lines = tuple(each.line for each in between)
    case.rewriting.join(lines)
    case.rewriting.taken |= set(lines)
    return lines


def _moved(case: Case, line: int, run: Instruction) -> bool:
    """Move all that ``run`` does to the end of the RUN on ``line``, if it does nothing but remove."""
    every = run_commands(run)
    store = next(each for each in case.dockerfile.instructions if each.line == line)
    if every is None or not all(map(_removes, every)) or not is_shell(store) or run.flags:
        return False
    if {line, run.line} & case.rewriting.taken:
        return False
    for command in every:
        case.rewriting.append(line, command)
    case.rewriting.delete(run.line)
    case.rewriting.taken |= {line, run.line}
    return True


def _removes(command: str) -> bool:
    """Whether a command does nothing but make files go that no path of its own names relatively."""
    found = words(command)
    if not found:
        return False
    name = posixpath.basename(found[0])
    if name in ("rm", "rmdir"):
        return all(word.startswith(("-", "/", "~", "$HOME")) for word in found[1:])
    if name == "find":
        return "-delete" in found and found[1:2] != () and found[1].startswith("/")
    return name in _PACKAGES and any(word in _REMOVE for word in found[1:3])


def _of_copies(
    case: Case, run: Instruction, found: Sequence[tuple[WasteGroup, Instruction]]
) -> Iterator[Fix]:
    """Copied into the image to be used once: mounted instead."""
    for group, copy in found:
        if group.bytes < LEAST or group.cause == "replaced":
            continue
        advice = "let the RUN that needs it mount it (RUN --mount=type=bind)"
        patched = _mounted(case, group, copy, run)
        if patched:
            advice = f"mount it in {lines_text([run.line])} instead (RUN --mount=type=bind)"
        elif group.files > 1:
            advice += ", or have the ignore file keep it out"
        size, pull = gain([group])
        yield Fix(
            code="bind-mount",
            lines=(copy.line, run.line),
            text=f"{quoted(run)} removes {format_bytes(size)} of {quoted(copy)}; {advice}:"
            f" {loses(size, pull)}",
            bytes=size,
            pull_bytes=pull,
            patched=patched,
        )


def _mounted(case: Case, group: WasteGroup, copy: Instruction, run: Instruction) -> bool:
    """Have ``run`` mount the only file that ``copy`` copies; whether that could be done."""
    every, step = run_commands(run), case.step(copy.line)
    if not case.buildkit or every is None or step is None or copy.keyword != "COPY" or copy.heredocs:
        return False
    if group.files != 1 or step.files != 1 or len(copy.words) != 2 or copy.flag("from") is not None:
        return False
    source = copy.words[0]
    if has_wildcard(source) or "$" in source or {copy.line, run.line} & case.rewriting.taken:
        return False
    users = [each for each in case.between(copy.line, run.line)[1:-1] if each.keyword in ("RUN", "COPY")]
    left = tuple(each for each in every if not _removes_only(each, group.path))
    if users or len(left) == len(every) or not left:
        return False
    case.rewriting.delete(copy.line)
    case.rewriting.set_commands(run.line, left)
    case.rewriting.add_flag(run.line, f"--mount=type=bind,source={source},target={group.path}")
    case.rewriting.taken |= {copy.line, run.line}
    return True


def _removes_only(command: str, path: str) -> bool:
    found = words(command)
    targets = [word for word in found[1:] if not word.startswith("-")]
    return found[:1] == ("rm",) and len(targets) == 1 and posixpath.normpath(targets[0]) == path
