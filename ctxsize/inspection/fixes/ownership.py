"""``RUN chown`` and ``RUN chmod`` after a COPY: all that they touch is stored again."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ctxsize.dockerfile.parse import Instruction
from ctxsize.inspection.fixes.find import LEAST, Case, gain, lines_text, loses, quoted
from ctxsize.inspection.fixes.shell import is_shell, run_commands, words
from ctxsize.inspection.types import Fix, ImageStep, WasteGroup

_OCTAL = re.compile(r"[0-7]{3,4}")
_USUAL = "755"
#: What is in a path that a shell makes another one of.
_UNTOLD = {*"$*?[~"}
_USERS = {"useradd", "adduser", "groupadd", "addgroup", "usermod"}
#: A COPY of which at least one byte in this many is not touched by the command is left alone.
_SHARE = 100


@dataclass(frozen=True, slots=True)
class _Command:
    """A chown or chmod: ``value`` is the owner or the mode."""

    name: str
    value: str
    paths: tuple[str, ...]
    recursive: bool

    @property
    def kind(self) -> str:
        return "owner" if self.name == "chown" else "mode"


def ownership_fixes(case: Case) -> Iterator[Fix]:
    """A fix for each RUN line that does it."""
    by_line: dict[int, list[tuple[WasteGroup, Instruction]]] = {}
    buriers: dict[int, Instruction] = {}
    for group, stored, buried in case.own_groups():
        if group.cause == "same-content" and set(group.changed) & {"owner", "mode"} and is_shell(buried):
            by_line.setdefault(buried.line, []).append((group, stored))
            buriers[buried.line] = buried
    for line, found in by_line.items():
        groups = [group for group, _ in found]
        size, pull = gain(groups)
        run = buriers[line]
        changes = [each for each in map(_parsed, run_commands(run) or ()) if each is not None]
        if size < LEAST:
            continue
        if not changes and not any(word in run.args for word in ("chown", "chmod")):
            continue
        stores = list({stored.line: stored for _, stored in found}.values())
        patched = bool(changes) and _patch(case, run, changes, stores, groups)
        name = changes[0].name if changes else "chown" if "chown" in run.args else "chmod"
        of = ", ".join(map(quoted, stores))
        yield Fix(
            code=f"copy-{name}",
            lines=(*(each.line for each in stores), line),
            text=f"{quoted(run)} stores again {_size(size)} of {of};"
            f" {_advice(case, changes, stores, run, groups)}: {loses(size, pull)}",
            bytes=size,
            pull_bytes=pull,
            patched=patched,
        )


def _size(size: int) -> str:
    from ctxsize.units import format_bytes

    return format_bytes(size)


def _advice(
    case: Case,
    changes: Sequence[_Command],
    stores: Sequence[Instruction],
    run: Instruction,
    groups: Sequence[WasteGroup],
) -> str:
    copies = [each.line for each in stores if each.keyword in ("COPY", "ADD")]
    runs = [each.line for each in stores if each.keyword == "RUN"]
    modes = {group.mode for group in groups}
    mode = modes.pop() if len(modes) == 1 else None
    values = (
        _flag_value(each) or (mode if each.name == "chmod" and mode else each.value) for each in changes
    )
    flags = " ".join(f"--{each.name}={value}" for each, value in zip(changes, values, strict=True))
    said = []
    if copies:
        flags = flags or "--chown or --chmod"
        if any(_copies_more(case, each, changes) for each in stores if each.line in copies):
            said.append(f"copy that on a line of its own, with COPY {flags}")
        else:
            said.append(f"use COPY {flags} in {lines_text(copies)}")
    if runs:
        said.append(f"do it at the end of {lines_text(runs)}")
    if not changes:
        return " and ".join(said)
    alone = len(changes) == len(run_commands(run) or ())
    dropped = lines_text([run.line]) if alone else f"{changes[0].name} from line {run.line}"
    return " and ".join([*said, f"drop {dropped}"])


def _parsed(command: str) -> _Command | None:
    """The chown or chmod that a command is; None for another one."""
    found = words(command)
    if len(found) < 3 or found[0] not in ("chown", "chmod"):
        return None
    rest = [word for word in found[1:] if not word.startswith("-") or word == "-"]
    options = [word for word in found[1:] if word.startswith("-")]
    if any(word.startswith("--r") and word != "--recursive" for word in options) or len(rest) < 2:
        return None  # --reference=FILE has no value of its own
    recursive = any(word == "--recursive" or (word[1:2] != "-" and "R" in word) for word in options)
    return _Command(found[0], rest[0], tuple(rest[1:]), recursive)


def _flag_value(change: _Command) -> str | None:
    """What COPY takes for the same effect; None when it takes nothing like it."""
    if "$" in change.value:
        return None
    if change.name == "chmod":
        return change.value if _OCTAL.fullmatch(change.value) else None
    user, colon, group = change.value.partition(":")
    if not colon:
        return f"{user}:0"  # a user alone brings its number as the group's along
    return f"{user or 0}:{group}" if group else f"{user}:{user}"


def _patch(
    case: Case,
    run: Instruction,
    changes: Sequence[_Command],
    stores: Sequence[Instruction],
    groups: Sequence[WasteGroup],
) -> bool:
    """Change the Dockerfile accordingly; whether that could be done."""
    rewriting, every = case.rewriting, run_commands(run)
    lines = {run.line, *(each.line for each in stores)}
    if every is None or lines & rewriting.taken or len({each.kind for each in changes}) != len(changes):
        return False
    kinds = {kind for group in groups for kind in group.changed if kind in ("owner", "mode")}
    changes = [each for each in changes if each.kind in kinds]
    flags: dict[int, list[str]] = {}
    for store in stores:
        if store.keyword in ("COPY", "ADD"):
            own = _flags(case, store, changes, groups)
            if own is None:
                return False
            flags[store.line] = own
        elif not is_shell(store):
            return False
    others = tuple(each for each in every if _parsed(each) not in changes)
    early = [each for each in others if (words(each) or ("",))[0] in _USERS]
    for line, each_flags in flags.items():
        for flag in each_flags:
            rewriting.add_flag(line, flag)
    for store in stores:
        if store.keyword == "RUN":
            for each in every:
                if _parsed(each) in changes:
                    rewriting.append(store.line, each)
    if early and len(early) == len(others):
        # Who owns a copy must be known before it.
        rewriting.insert(min(lines), f"RUN {' && '.join(others)}")
        others = ()
    rewriting.set_commands(run.line, (*others, *_kept(case, changes, stores, run)))
    rewriting.taken |= lines
    return True


def _flags(
    case: Case, copy: Instruction, changes: Sequence[_Command], groups: Sequence[WasteGroup]
) -> list[str] | None:
    """The flags for a COPY; None when it can't have them."""
    step = case.step(copy.line)
    if step is None or _copies_more(case, copy, changes, above=True):
        return None
    own = [group for group in groups if group.stored_by == step.number]
    found = []
    for change in changes:
        if not any(change.kind in group.changed for group in own):
            continue
        value = _flag_value(change)
        if change.name == "chmod" and value is None and sum(group.files for group in own) == 1:
            value = next((group.mode for group in own if group.mode is not None), None)
        if (
            value is None
            or copy.flag(change.name) is not None
            or (change.name == "chmod" and not case.buildkit)
        ):
            return None
        found.append(f"--{change.name}={value}")
    return found


def _copies_more(case: Case, copy: Instruction, changes: Sequence[_Command], *, above: bool = False) -> bool:
    """Whether a COPY brings more than the commands touch, which a flag would change, too; with ``above`` also
    the directories that it makes above that."""
    step = case.step(copy.line)
    return step is not None and (
        (step.live_bytes or 0) * _SHARE > (step.bytes or 0)
        or not all(_of_all(case, change, step, above=above) for change in changes)
    )


def _of_all(case: Case, change: _Command, step: ImageStep, *, above: bool) -> bool:
    """Whether a command touches all directories that a step made, too: these have no bytes, and get what the
    flag says as well. Where its paths are not told as they are, the proof has to show. ``above``: also those
    above what it touches."""
    paths = [posixpath.normpath(path) for path in change.paths]
    if step.layer is None or not all(path.startswith("/") and not _UNTOLD & {*path} for path in paths):
        return True
    return all(
        path in paths
        or (change.recursive and any(_lies_in(path, each) for each in paths))
        or min(case.written_by(path)) < step.layer
        # What COPY makes above what it copies gets the owner, and not the mode.
        or ((change.kind == "mode" or not above) and any(_lies_in(each, path) for each in paths))
        for path in case.directories(step.layer)
    )


def _lies_in(path: str, directory: str) -> bool:
    return path.startswith(f"{directory.rstrip('/')}/")


def _kept(
    case: Case, changes: Sequence[_Command], stores: Sequence[Instruction], run: Instruction
) -> Iterator[str]:
    """What must still be done: to a directory that another step made, which costs no bytes."""
    ours = {step.layer for step in map(case.step, (run.line, *(each.line for each in stores))) if step}
    made = {path for layer in ours if layer is not None for path in case.directories(layer)}
    for change in changes:
        if not change.recursive:
            continue
        # COPY makes the directory that it copies to, and gives it the usual mode, whatever the flag says.
        usual = change.kind == "owner" or change.value.lstrip("0") == _USUAL
        others = [
            path
            for path in change.paths
            if not path.startswith("/")
            or case.written_by(path) - ours
            or (not usual and posixpath.normpath(path) in made)
        ]
        if others:
            yield " ".join([change.name, change.value, *map(shlex.quote, others)])
