"""RUN lines as commands, as far as they are simple: what is joined by ``&&`` and by nothing else."""

from __future__ import annotations

import shlex

from ctxsize.dockerfile.parse import Instruction

#: What changes the shell that runs the commands after it.
_STATEFUL = ("cd", "export", "set", "source", ".", "exec", "umask", "alias", "trap", "pushd", "popd", "unset")


def commands(text: str) -> tuple[str, ...] | None:
    """The commands of a shell line that ``&&`` joins, in order; None where something else than that decides
    what runs: ``;``, ``||``, a pipe, a comment, a line that ends in the middle of something."""
    found: list[str] = []
    quote, depth, start, at = "", 0, 0, 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif depth == 0:
            if text.startswith("&&", at):
                found.append(text[start:at].strip())
                at += 2
                start = at
                continue
            if letter in ";|\n" or text.startswith("<<", at) or _is_comment(text, at):
                return None
            if letter == "&" and text[at - 1 : at] != ">" and text[at + 1 : at + 2] != ">":
                return None
        at += 1
    found.append(text[start:].strip())
    return tuple(found) if not quote and depth == 0 and all(found) else None


def words(command: str) -> tuple[str, ...]:
    """The words of a command; nothing where they can't be told."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ()


def run_commands(instruction: Instruction) -> tuple[str, ...] | None:
    """The commands of a RUN in its shell form; None as for ``commands``."""
    return commands(instruction.args) if is_shell(instruction) else None


def is_shell(instruction: Instruction) -> bool:
    """Whether it is a RUN whose words a shell reads, on lines of its own."""
    return instruction.keyword == "RUN" and not instruction.json and not instruction.heredocs


def is_stateful(instruction: Instruction) -> bool:
    """Whether what follows in the same shell would run otherwise than in a new one."""
    found = run_commands(instruction)
    if found is None:
        return True
    firsts = [command.split(maxsplit=1)[0] for command in found]
    return any(first in _STATEFUL or "=" in first for first in firsts)


def _is_comment(text: str, at: int) -> bool:
    return text[at] == "#" and (at == 0 or text[at - 1].isspace())
