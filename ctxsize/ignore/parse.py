"""Reading an ignore file as Docker does: lines, comments, white space, cleaning, and what is refused.

Copied semantics: ``ignorefile.ReadAll`` and ``patternmatcher.New`` of github.com/moby/patternmatcher
v0.6, and the limits of BuildKit's transport (gRPC metadata), which carries the patterns from the engine
back to the client.
"""

from __future__ import annotations

import posixpath
import re

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.syntax import check_syntax
from ctxsize.ignore.types import Dialect, IgnoreFile, PatternError, Rule

_new_rule = tuple.__new__  # what Rule() itself calls: it takes a third of the time
# Go's unicode.IsSpace. str.strip() would also take U+001C to U+001F.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BOM = b"\xef\xbb\xbf"
_LONGEST_LINE = 65_535  # bytes up to the line feed, a carriage return included: bufio.Scanner's limit
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNCLEAN = re.compile(r"//|(?:^|/)\.{1,2}(?:/|$)|/$")
# A line that is its own pattern, but for one ! before it: a file can have half a million of them.
_NAME = r"(?!\.{1,2}(?:/|$))(?:[ -.0-Z\]-~]++|\[\^?(?:[0-9A-Za-z_](?:-[0-9A-Za-z_])?)++\])++"
_ORDINARY = re.compile(rf"(?!#)!?+(?! ){_NAME}(?:/{_NAME})*+(?<! )")
# A line as ReadAll returns it, and its rule without the number: text, pattern, whether it is an exception.
_Line = tuple[str, tuple[str, str, bool] | None]
# gRPC metadata: HTTP/2 counts 32 bytes and the name for each value. The client takes 1 MiB and 320 bytes of
# headers in all (measured: b28), and those that are not patterns take some 450 of them.
_FIELD_BYTES = 32 + len("exclude-patterns")
_HEADER_BYTES = (1 << 20) + 320 - 450


def parse_ignore(data: bytes, source: str, dialect: Dialect) -> IgnoreFile:
    """Parse the bytes of an ignore file.

    ``source`` is the file's name as errors show it. Raises IgnoreFileError with ``where`` as
    ``source:line`` for what makes ``docker build`` fail before it looks at any file. An expression that
    Go's regexp refuses is an error only when a path makes Docker evaluate it, hence raised by the matcher.
    """
    lengths = [*map(len, data.split(b"\n"))]
    if max(lengths) > _LONGEST_LINE:
        number = next(number for number, length in enumerate(lengths, 1) if length > _LONGEST_LINE)
        raise IgnoreFileError(
            f"the line is longer than {_LONGEST_LINE} bytes, the most Docker reads",
            where=f"{source}:{number}",
            hint="is it an ignore file? split the line into several patterns",
        )
    rules: list[Rule] = []
    sent: list[tuple[int, str]] = []
    size = 0
    buildkit = dialect is Dialect.BUILDKIT
    known: dict[str, _Line | None] = {"": None, "\r": None}
    for number, line in enumerate(data.removeprefix(_BOM).decode("utf-8", "surrogateescape").split("\n"), 1):
        if size > _HEADER_BYTES:
            break  # too many already, however they are written
        if line in known:
            said = known[line]
        else:
            said = known[line] = _read(line, f"{source}:{number}", buildkit)
        if said is None:
            continue
        read, rule = said
        if buildkit:
            sent.append((number, read))
            size += _FIELD_BYTES + len(read)
        if rule is not None:
            rules.append(_new_rule(Rule, (number, *rule)))
    if buildkit:
        _check_transport(sent, source)
    return IgnoreFile(source, tuple(rules), data)


def _read(line: str, where: str, buildkit: bool) -> _Line | None:
    """What a line says; None when it says nothing. Raises IgnoreFileError for what Docker refuses."""
    if _ORDINARY.fullmatch(line):
        return line, (line, line[1:], True) if line[0] == "!" else (line, line, False)
    text = line[:-1] if line[-1] == "\r" else line
    read = read_line(text)
    if read is None:
        return None
    try:
        cleaned = clean_pattern(read)
        if buildkit:  # it is the engine that looks for errors, before
            read = _through_json(read)
            cleaned = clean_pattern(read)
    except PatternError as error:
        raise IgnoreFileError(
            f"{error} ({text.strip(_SPACE)!r})",
            where=where,
            hint="docker build refuses this file; write a literal [ or \\ as \\[ or \\\\",
        ) from error
    return read, cleaned and (text, *cleaned)


def read_line(line: str) -> str | None:
    """A line as ``ReadAll`` returns it (no line end; ``!`` first when negated), None when it says nothing."""
    if line.startswith("#"):
        return None
    pattern = line.strip(_SPACE)
    if not pattern:
        return None
    inverted = pattern[0] == "!"
    if inverted:
        pattern = pattern[1:].strip(_SPACE)
    if pattern:
        pattern = clean_path(pattern)
        if len(pattern) > 1 and pattern[0] == "/":
            pattern = pattern[1:]
    return "!" + pattern if inverted else pattern


def clean_pattern(pattern: str) -> tuple[str, bool] | None:
    """A pattern as ``patternmatcher.New`` keeps it, and whether it is negated; None when it is blank.

    The second cleaning is why ``!../../a`` excludes ``a``: ``!..`` is an ordinary name to it.
    Raises PatternError for what ``New`` refuses.
    """
    pattern = pattern.strip(_SPACE)
    if not pattern:
        return None
    pattern = clean_path(pattern)
    negated = pattern[0] == "!"
    if negated:
        pattern = pattern[1:]
        if not pattern:
            raise PatternError("a lone ! negates nothing")
    check_syntax(pattern)
    return pattern, negated


def clean_path(path: str) -> str:
    """Go's ``filepath.Clean``; posixpath.normpath differs in keeping two leading slashes."""
    if "/" not in path:
        return path or "."
    if not _UNCLEAN.search(path):
        return path
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path)


def _through_json(pattern: str) -> str:
    """The engine sends patterns through JSON, which has U+FFFD for every byte that is not UTF-8."""
    return pattern if pattern.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", pattern)


def _check_transport(sent: list[tuple[int, str]], source: str) -> None:
    """Raise IgnoreFileError for patterns that BuildKit can't carry to the client.

    They travel as gRPC metadata: printable ASCII as it is, and URL-encoded all together when any of them
    is not ASCII, so that a control character is refused only in company that is all ASCII.
    """
    encoded = not all(pattern.isascii() for _, pattern in sent)
    if not encoded:
        for number, pattern in sent:
            if _CONTROL.search(pattern):
                raise IgnoreFileError(
                    f"BuildKit can't transport a pattern with a control character ({pattern!r})",
                    where=f"{source}:{number}",
                    hint="remove it, or match it with ?",
                )
    if encoded:
        from urllib.parse import quote_plus  # seldom needed, and slow to import
    size = 0
    for number, pattern in sent:
        size += _FIELD_BYTES + (len(quote_plus(pattern)) if encoded else len(pattern))
        if size > _HEADER_BYTES:
            raise IgnoreFileError(
                "BuildKit can't transport so many patterns: they take more than 1 MiB of headers",
                where=f"{source}:{number}",
                hint="replace lists of paths by patterns or by their directory",
            )
