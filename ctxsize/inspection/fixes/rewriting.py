"""A Dockerfile with some of its instructions changed, and every other byte as it was."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ctxsize.dockerfile.parse import BOM, Dockerfile, Instruction
from ctxsize.inspection.fixes.shell import commands, is_stateful

_KEYWORD = re.compile(r"\s*[A-Za-z]+")
_RUN_HEAD = re.compile(r"\s*RUN(?:\s+--\S+)*\s+", re.IGNORECASE)


#: The name of a method of Rewriting, and what it was called with.
Edit = tuple[str, tuple[Any, ...]]


@dataclass(slots=True)
class Rewriting:
    """Changes of a Dockerfile, by the lines its instructions begin on; ``data`` is the file with them.
    ``edits`` are the changes in the order in which they were made."""

    dockerfile: Dockerfile
    original: bytes
    _flags: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _commands: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _appended: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _before: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _joined: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _deleted: set[int] = field(default_factory=set)
    #: Lines that a change has taken for itself.
    taken: set[int] = field(default_factory=set)
    edits: list[Edit] = field(default_factory=list)

    def with_only(self, edits: Iterable[Edit]) -> Rewriting:
        """The same Dockerfile with these of its changes and no others."""
        wanted, other = set(edits), Rewriting(self.dockerfile, self.original)
        for edit in self.edits:
            if edit in wanted:
                name, given = edit
                getattr(other, name)(*given)
        return other

    def add_flag(self, line: int, flag: str) -> None:
        """Give the instruction on ``line`` a flag: ``--chown=app``."""
        self.edits.append(("add_flag", (line, flag)))
        self._flags[line].append(flag)

    def set_commands(self, line: int, left: tuple[str, ...]) -> None:
        """Have the RUN on ``line`` run these commands; with none of them it goes."""
        self.edits.append(("set_commands", (line, left)))
        self._commands[line] = left

    def append(self, line: int, command: str) -> None:
        """Have the RUN on ``line``, or the one it was joined to, run one command more."""
        self.edits.append(("append", (line, command)))
        if command not in self._appended[line]:
            self._appended[line].append(command)

    def insert(self, line: int, text: str) -> None:
        """Put an instruction, on one line, before the one on ``line``."""
        self.edits.append(("insert", (line, text)))
        self._before[line].append(text)

    def delete(self, line: int) -> None:
        """Remove the instruction on ``line``."""
        self.edits.append(("delete", (line,)))
        self._deleted.add(line)

    def join(self, lines: tuple[int, ...]) -> None:
        """Make one RUN of those on ``lines``, in the place of the first."""
        self.edits.append(("join", (lines,)))
        self._joined[lines[0]] = lines

    @property
    def data(self) -> bytes:
        """The file with all changes."""
        mark = BOM if self.original.startswith(BOM) else b""
        text = self.original.removeprefix(BOM).decode("utf-8", "surrogateescape")
        lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        instructions = {each.line: each for each in self.dockerfile.instructions}
        behind = {line for joined in self._joined.values() for line in joined[1:]}
        result: list[str] = []
        at = 1
        for line, instruction in sorted(instructions.items()):
            result += lines[at - 1 : line - 1]
            result += [each + newline for each in self._before.get(line, ())]
            own = lines[line - 1 : instruction.end_line]
            if line in self._joined:
                result.append(self._one_run([instructions[each] for each in self._joined[line]], newline))
            elif line not in behind:
                result.append(self._changed(instruction, "".join(own), newline))
            at = instruction.end_line + 1
        result += lines[at - 1 :]
        return mark + "".join(result).encode("utf-8", "surrogateescape")

    def _changed(self, instruction: Instruction, text: str, newline: str) -> str:
        line = instruction.line
        if line in self._deleted or self._commands.get(line) == ():
            return ""
        if line in self._commands:
            flags = "".join(f" --{name}={value}" for name, value in instruction.flags)
            text = f"RUN{flags} {self._chain(self._commands[line], newline)}{newline}"
        if line in self._flags:
            head = _KEYWORD.match(text)
            assert head is not None
            text = f"{head[0]} {' '.join(self._flags[line])}{text[head.end() :]}"
        return self._with_appended(text, (line,), newline)

    def _one_run(self, runs: list[Instruction], newline: str) -> str:
        """Several RUNs as one. What one does to its shell stays its own."""
        flags = dict.fromkeys(f"--{name}={value}" for run in runs for name, value in run.flags)
        bodies = []
        for run in runs:
            body = _RUN_HEAD.sub("", run.raw, count=1).rstrip()
            plain = commands(run.args) is not None and not is_stateful(run)
            bodies.append(body if plain or (run is runs[-1] and commands(run.args)) else f"( {body} )")
        text = " ".join(["RUN", *flags, self._chain(tuple(bodies), newline)]) + newline
        return self._with_appended(text, tuple(run.line for run in runs), newline)

    def _with_appended(self, text: str, lines: tuple[int, ...], newline: str) -> str:
        more = [command for line in lines for command in self._appended.get(line, ())]
        if not more:
            return text
        return self._chain((text.rstrip(), *more), newline) + newline

    def _chain(self, parts: tuple[str, ...], newline: str) -> str:
        return f" {self.dockerfile.escape}{newline} && ".join(parts)
