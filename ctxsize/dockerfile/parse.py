"""A Dockerfile's text as instructions and stages, read as BuildKit's ``frontend/dockerfile/parser`` does.

Only what decides which instruction is where is checked here: an unknown instruction or a wrong flag is
the builder's to report. Nothing that Docker accepts is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ctxsize.dockerfile.words import WHITESPACE, split_flags, split_json, split_plain, split_quoted
from ctxsize.errors import DockerfileError

BOM = b"\xef\xbb\xbf"
# For a line that is stripped: an expression that left out what white space ends it would take quadratic time.
_DIRECTIVE = re.compile(r"^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$")
_HEREDOC = re.compile(r"^(\d*)<<(-?)([^<]+)$")
_HEREDOC_OPENER = re.compile(r"^\d*<<-?$")
_KNOWN_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_WITH_HEREDOC = frozenset({"ADD", "COPY", "RUN"})
_WITH_JSON = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_WITH_QUOTED_WORDS = frozenset({"ARG", "ENV", "LABEL"})


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document of a RUN, COPY or ADD: ``name`` is its delimiter without quotes, and ``chomp`` is True
    for ``<<-``."""

    name: str
    chomp: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; lines count from 1 and ``end_line`` is the last one, here-documents included.

    ``raw`` is the text of those lines as written, line ends included. ``args`` is what follows the
    keyword and its flags, continuation lines joined; ``words`` are its words, still quoted and not
    expanded (for the JSON form, the strings). ``onbuild`` is the instruction an ONBUILD carries.
    """

    keyword: str
    line: int
    end_line: int
    raw: str
    flags: tuple[tuple[str, str | None], ...]
    args: str
    words: tuple[str, ...]
    json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    onbuild: Instruction | None = None

    def flag(self, name: str) -> str | None:
        """The value of the last flag of that name; None when it is absent or has no value."""
        return next((value for key, value in reversed(self.flags) if key == name), None)

    def flag_values(self, name: str) -> tuple[str, ...]:
        """Every value given to that flag, in order."""
        return tuple(value for key, value in self.flags if key == name and value is not None)

    def has_flag(self, name: str) -> bool:
        """Whether a boolean flag (``--parents``) is there and not ``=false``."""
        values = [value for key, value in self.flags if key == name]
        return bool(values) and (values[-1] or "true").lower() not in {"false", "0", "f"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A build stage: ``base`` and ``platform`` are not expanded; ``name`` is in lower case or None.

    ``instructions`` do not include the FROM, which is at ``line``.
    """

    index: int
    name: str | None
    base: str
    platform: str | None
    instructions: tuple[Instruction, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A parsed Dockerfile: ``path`` is the name it is reported under.

    ``instructions`` holds every instruction in file order, the FROMs and the ARGs before them included.
    ``escape`` is ``\\`` or a backtick.
    """

    path: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    escape: str

    @property
    def global_args(self) -> tuple[Instruction, ...]:
        """The ARG instructions before the first FROM."""
        first = self.stages[0].line
        return tuple(i for i in self.instructions if i.keyword == "ARG" and i.line < first)


def parse_dockerfile(data: bytes, source: str) -> Dockerfile:
    """Parse ``data``; ``source`` is the file's name in messages (``where`` is ``source:line``).

    Bytes that are not UTF-8 are kept as surrogates. Raises DockerfileError for a file without
    instructions or without FROM, an unterminated here-document, a wrong ``escape`` directive, and a
    FROM with a wrong number of words.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+", data.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    reader = _Reader(lines, source)
    instructions = tuple(reader.instructions())
    if not instructions:
        raise DockerfileError(
            "file with no instructions",
            where=f"{source}:{max(len(lines), 1)}",
            hint="a Dockerfile starts with FROM",
        )
    return Dockerfile(
        path=source,
        instructions=instructions,
        stages=_stages(instructions, source),
        escape=reader.escape,
    )


class _Reader:
    """Physical lines, with their ends, to instructions, holding the parser directives found on the way."""

    def __init__(self, lines: list[str], source: str) -> None:
        self.lines = lines
        self.source = source
        self.escape = "\\"
        self.at = 0
        self._continued = _continuation(self.escape)

    def instructions(self) -> list[Instruction]:
        self._directives()
        found = []
        while self.at < len(self.lines):
            instruction = self._next()
            if instruction is not None:
                found.append(instruction)
        return found

    def _directives(self) -> None:
        """Read the directives of the first lines: the first line that is none ends them."""
        seen = set()
        for number, line in enumerate(self.lines, 1):
            match = _DIRECTIVE.match(line.strip())
            if match is None:
                return
            name, value = match.group(1).lower(), match.group(2)
            if name not in _KNOWN_DIRECTIVES:
                return
            if name in seen:
                raise self._error(f"only one {name} parser directive can be used", number)
            seen.add(name)
            if name == "escape":
                if value not in {"\\", "`"}:
                    raise self._error(f"invalid escape token '{value}' does not match ` or \\", number)
                self.escape = value
                self._continued = _continuation(value)
            self.at = number

    def _next(self) -> Instruction | None:
        """The next instruction, or None after a line that holds none."""
        first = self.at
        line = self._take().lstrip()
        if not line or line.startswith("#"):
            return None
        text, more = self._join(line)
        while more and self.at < len(self.lines):
            line = self._take()
            # Inside an instruction, comments and (deprecated, but accepted) empty lines vanish.
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            part, more = self._join(line)
            text += part
        if not text.strip():
            return None
        instruction = self._tokenise(text, first + 1)
        heredocs = self._heredocs(instruction, text)
        return self._located(instruction, first, heredocs)

    def _located(self, bare: Instruction, first: int, heredocs: tuple[Heredoc, ...]) -> Instruction:
        onbuild = bare.onbuild and self._located(bare.onbuild, first, heredocs)
        own = heredocs if onbuild is None else ()
        raw = "".join(self.lines[first : self.at])
        return replace(bare, end_line=self.at, raw=raw, heredocs=own, onbuild=onbuild)

    def _take(self) -> str:
        line = self.lines[self.at]
        self.at += 1
        return line.rstrip("\r\n")

    def _join(self, line: str) -> tuple[str, bool]:
        """The line without its continuation mark, and whether it had one."""
        match = self._continued.search(line)
        return (line[: match.start()], True) if match else (line, False)

    def _tokenise(self, text: str, number: int, *, carried: bool = False) -> Instruction:
        parts = WHITESPACE.split(text.strip(), maxsplit=1)
        keyword = parts[0].upper()
        rest = parts[1] if len(parts) == 2 else ""
        flags, args = split_flags(rest)
        json = split_json(args) if keyword in _WITH_JSON else None
        onbuild = None
        if json is not None:
            words = json
        elif keyword in _WITH_QUOTED_WORDS:
            words = split_quoted(args, self.escape)
        else:
            words = split_plain(args)
        if keyword == "ONBUILD" and words and not carried:  # Docker allows no ONBUILD in an ONBUILD
            onbuild = self._tokenise(args, number, carried=True)
        return Instruction(keyword, number, number, "", flags, args, words, json is not None, (), onbuild)

    def _heredocs(self, instruction: Instruction, text: str) -> tuple[Heredoc, ...]:
        """Take the here-documents that the line announces, in order."""
        carrier = instruction.onbuild or instruction
        if carrier.keyword not in _WITH_HEREDOC or "<<" not in text:
            return ()
        words = split_quoted(text, "\\")
        if _unquote(text) is None:
            return ()  # Docker's splitting gives up on an open quote, and then sees no here-document.
        found = []
        for at, word in enumerate(words):
            if _HEREDOC_OPENER.match(word) and at + 1 < len(words):
                word += words[at + 1]
            heredoc = heredoc_word(word)
            if heredoc is not None:
                self._pass_by(heredoc, instruction.line)
                found.append(heredoc)
        return tuple(found)

    def _pass_by(self, heredoc: Heredoc, number: int) -> None:
        while self.at < len(self.lines):
            line = self._take()
            if (line.lstrip("\t") if heredoc.chomp else line) == heredoc.name:
                return
        raise self._error(f"unterminated heredoc: no line says {heredoc.name}", number)

    def _error(self, message: str, number: int) -> DockerfileError:
        return DockerfileError(message, where=f"{self.source}:{number}")


def heredoc_word(word: str) -> Heredoc | None:
    """The here-document that a word such as ``<<-"EOF"`` or ``3<<EOF`` opens, or None."""
    match = _HEREDOC.match(word)
    if match is None:
        return None
    delimiter = match.group(3).lstrip() or match.group(3)[-1]
    name = _unquote(delimiter)
    return Heredoc(name, chomp=match.group(2) == "-") if name else None


def _unquote(word: str) -> str | None:
    """The word without quotes and backslashes; None when a quote is left open."""
    result = []
    quote = ""
    chars = iter(word)
    for char in chars:
        if quote:
            if char == quote:
                quote = ""
                continue
            if char == "\\" and quote == '"':
                char = next(chars, "")
        elif char in "'\"":
            quote = char
            continue
        elif char == "\\":
            char = next(chars, "")
        result.append(char)
    return None if quote else "".join(result)


def _continuation(escape: str) -> re.Pattern[str]:
    """A line goes on when it ends in one escape character (two of them are an escaped one)."""
    token = re.escape(escape)
    return re.compile(rf"(?<!{token}){token}[ \t]*$")


def _stages(instructions: tuple[Instruction, ...], source: str) -> tuple[Stage, ...]:
    starts = [at for at, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    first = starts[0] if starts else len(instructions)
    early = next((i for i in instructions[:first] if i.keyword != "ARG"), None)
    if early is not None:
        raise DockerfileError(
            f"{early.keyword} before the first FROM",
            where=f"{source}:{early.line}",
            hint="only ARG may come before FROM",
        )
    if not starts:
        raise DockerfileError(
            "no FROM, so no build stage",
            where=f"{source}:{instructions[-1].line}",
            hint="a Dockerfile needs a FROM line",
        )
    return tuple(
        _stage(number, instructions[start], instructions[start + 1 : end], source)
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(instructions)], strict=True))
    )


def _stage(index: int, start: Instruction, body: tuple[Instruction, ...], source: str) -> Stage:
    words = start.words
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].lower() != "as"):
        raise DockerfileError(
            "FROM requires either one or three arguments",
            where=f"{source}:{start.line}",
            hint="FROM image, or FROM image AS name",
        )
    name = words[2].lower() if len(words) == 3 else None
    return Stage(index, name, words[0], start.flag("platform"), body, start.line)
