"""One Docker pattern: what it matches, as moby/patternmatcher decides.

The semantics are those of ``Pattern.compile`` and ``Pattern.match`` in
github.com/moby/patternmatcher v0.6 (Apache-2.0; read, not copied): the pattern becomes a Go regular
expression anchored at both ends, unless it is a plain text with at most one ``**`` at its start or end,
which is compared byte by byte. Go's expressions are RE2's, so google-re2 gives the same syntax and the
same linear time; Python's own ``re`` has neither.

A pattern is also taken apart into *elements*, one per path component, wherever that is exactly equal to
the whole expression. The tree matcher (matcher.py) steps through them one directory at a time; a pattern
that can't be taken apart (a class that may match ``/``, ``a**b``) ends in an element that looks at the
whole path.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import re2

from ctxsize.ignore.regexset import quiet_options, refused
from ctxsize.ignore.types import PatternError

_BOM = "\ufeff"
# patternmatcher means to escape | { } as well, but its table has room for characters below 64 only, so
# that they are operators of the expression: a{2}* matches aab, and a|b* everything that starts with a.
_REGEX_ESCAPED = frozenset(".+()$")
_OPERATORS = frozenset("|{}")
_SURROGATES = re.compile("[\udc80-\udcff]")
_PLAIN = re.compile(r"[^*?\\\[\]^\ufeff\udc80-\udcff]*")
_SAFE_CLASS = re.compile(r"\[(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9_.,+])+\]", re.ASCII)
_ESCAPED = re.compile(
    r"[!-.:-@\[-`{-~ ]"
)  # what a backslash makes literal: ASCII punctuation but for the slash
# An expression whose last $ is neither escaped nor quoted.
_ENDS_IN_ANCHOR = re.compile(r"(?:[^\\$]|\$(?!\Z)|\\[^Q]|\\Q(?:(?!\\E).)*+\\E)*+\$", re.DOTALL)
# The rest is spelled character by character.
_INTRICATE = re.compile(rf"\*\*|\\|^{_BOM}")
_SIMPLE_WILD = re.compile(r"[*?\[\]]")
_SPELLING = str.maketrans({"*": "[^/]*", "?": "[^/]", **{char: f"\\{char}" for char in _REGEX_ESCAPED}})
_ANY_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")
_SMALL = 1_000  # characters


class Kind(enum.Enum):
    """How a pattern is compared: patternmatcher's match types."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    REGEX = "regex"


class Op(enum.Enum):
    """What one element asks of one path component."""

    LITERAL = "literal"  # the name is `text`
    PREFIX = "prefix"  # the name starts with `text`
    SUFFIX = "suffix"  # the name ends with `text`
    ANY = "any"  # every name
    REGEX = "regex"  # the name matches the RE2 expression `text`
    STAR = "star"  # zero or more components; `text` is "\n" when none of them may hold a newline
    TAIL = "tail"  # one or more components, to the end; `text` as for STAR
    WHOLE = "whole"  # the whole path has to be looked at


class Element(NamedTuple):
    """One step of a pattern. ``accepts``: a path that ends with this component matches."""

    op: Op
    text: str = ""
    accepts: bool = False


class Program(NamedTuple):
    """A compiled pattern.

    ``text`` is what EXACT, PREFIX and SUFFIX compare with; ``regex`` the RE2 expression of REGEX.
    """

    kind: Kind
    text: str
    regex: str
    elements: tuple[Element, ...]


def go_text(path: str) -> str:
    """The path as Go's regexp reads it: every byte that is not UTF-8 is U+FFFD."""
    return path if path.isascii() else _SURROGATES.sub("\ufffd", path)


def refused_by_go(expressions: Iterable[str]) -> set[str]:
    """Those of the expressions that Go's regexp package refuses: :func:`compile_regex` of many, quickly."""
    small, wrong = [], set()
    for expression in expressions:
        # Parsing says nothing of an expression that becomes too large.
        if "{" not in expression and len(expression) < _SMALL and not _ANY_BYTE.search(expression):
            small.append(expression)
            continue
        try:
            compile_regex(expression)
        except PatternError:
            wrong.add(expression)
    return wrong | refused(small)


def compile_regex(expression: str) -> re2._Regexp:
    """The RE2 expression, or PatternError where Go's regexp package refuses it, too."""
    if _ANY_BYTE.search(expression):
        raise PatternError("syntax error in pattern")  # RE2 takes \C (one byte), Go does not
    try:
        return re2.compile(expression, quiet_options())
    except re2.error as error:
        raise PatternError("syntax error in pattern") from error


def is_expression(pattern: str) -> bool:
    """Whether patternmatcher compares the pattern as a regular expression, so that | { } are operators."""
    return _translate(pattern)[0] is Kind.REGEX


@lru_cache(maxsize=65_536)
def _literal(name: str, accepts: bool = False) -> Element:
    """Shared between patterns: long ignore files name the same directories again and again."""
    return Element(Op.LITERAL, name, accepts)


def _literals(path: str) -> tuple[Element, ...]:
    *parents, name = path.split("/")
    if not parents:
        return (_literal(name, True),)
    return (*map(_literal, parents), _literal(name, True))


def compile_pattern(pattern: str) -> Program:
    """Compile a cleaned pattern (no ``!``); never raises: whether Go takes the expression shows in use."""
    if _PLAIN.fullmatch(pattern):
        return Program(Kind.EXACT, pattern, "", _literals(pattern))
    kind, regex = _translate(pattern)
    if kind is Kind.REGEX:
        return Program(kind, pattern, regex, _regex_elements(pattern))
    if kind is Kind.PREFIX:
        text = pattern[:-2]
        return Program(kind, text, "", _prefix_elements(text))
    if kind is Kind.SUFFIX:
        # Docker cuts two bytes, and they need not be the two stars: a byte order mark may precede them.
        text = pattern[2:] if pattern.startswith("**") else _cut_bytes(pattern, 2)
        return Program(kind, text, "", _suffix_elements(text))
    return Program(kind, pattern, "", _literals(pattern))


def _cut_bytes(text: str, count: int) -> str:
    return text.encode("utf-8", "surrogateescape")[count:].decode("utf-8", "surrogateescape")


def _translate(pattern: str) -> tuple[Kind, str]:
    """The match type and the regular expression patternmatcher makes of the pattern, character by
    character, class or not: ``[*]`` becomes ``[[^/]*]``."""
    chars = go_text(pattern)
    if not _INTRICATE.search(chars):
        kind = Kind.REGEX if _SIMPLE_WILD.search(chars) else Kind.EXACT
        return kind, f"^{chars.translate(_SPELLING)}$"
    if chars.startswith(_BOM):
        chars = chars[1:]  # Go's text/scanner drops a byte order mark
    kind, out, at, first, end = Kind.EXACT, ["^"], 0, True, len(chars)
    while at < end:
        char = chars[at]
        at += 1
        if char == "*" and chars[at : at + 1] == "*":
            at += 1
            if chars[at : at + 1] == "/":
                at += 1
            if at >= end:
                if kind is Kind.EXACT:
                    kind = Kind.PREFIX
                else:
                    out.append(".*")
                    kind = Kind.REGEX
            else:
                # The same optional group many times over in a row matches what it matches once.
                if out[-1] != "(.*/)?":
                    out.append("(.*/)?")
                kind = Kind.REGEX
            if first:
                kind = Kind.SUFFIX
        elif char == "\\":
            if at < end:
                out.append("\\" + chars[at])
                at += 1
                kind = Kind.REGEX
            else:
                out.append("\\")
        else:
            out.append(char.translate(_SPELLING))
            if char in "*?[]":
                kind = Kind.REGEX
        first = False
    return kind, "".join(out) + "$"


def _prefix_elements(text: str) -> tuple[Element, ...]:
    *leading, last = text.split("/")
    elements = [Element(Op.LITERAL, name) for name in leading]
    if not last:
        return (*elements, Element(Op.TAIL, "", True))
    if _SURROGATES.search(last):
        return (*elements, Element(Op.WHOLE, "", True))
    return (*elements, Element(Op.PREFIX, last, True), Element(Op.TAIL, "", True))


def _suffix_elements(text: str) -> tuple[Element, ...]:
    if not text:
        return (Element(Op.TAIL, "", True),)
    if _SURROGATES.search(text):
        return (Element(Op.WHOLE, "", True),)
    first, *rest = text.split("/")
    elements = [Element(Op.STAR)]
    if first:
        elements.append(Element(Op.SUFFIX, first))
    elements += [Element(Op.LITERAL, name) for name in rest]
    elements[-1] = elements[-1]._replace(accepts=True)
    return tuple(elements)


def _regex_elements(pattern: str) -> tuple[Element, ...]:
    """The pattern's elements; a WHOLE one stands for everything from the first part that can't be split."""
    if not _OPERATORS.isdisjoint(pattern):
        return (Element(Op.WHOLE, "", True),)  # a | or { can undo what stands before it, and the anchor
    elements: list[Element] = []
    piece: list[tuple[str, str]] = []  # tokens of the component being read: ("text", x), ("*", ""), ("re", x)
    at, end = 0, len(pattern)
    while at < end:
        char = pattern[at]
        if char == "/":
            elements.append(_element(piece))
            piece = []
            at += 1
        elif pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
            if at >= end:
                if piece:
                    elements.append(_element([*piece, ("re", "[^\n]*")])._replace(accepts=True))
                elements.append(Element(Op.TAIL, "\n", True))
                return tuple(elements)
            if piece:
                return _whole(elements)
            if not elements or elements[-1].op is not Op.STAR:
                elements.append(Element(Op.STAR, "\n"))
        elif char == "*":
            if not piece or piece[-1][0] != "*":
                piece.append(("*", ""))
            at += 1
        elif char == "?":
            piece.append(("re", "[^/]"))
            at += 1
        elif char == "\\":
            escaped = pattern[at + 1 : at + 2]
            if not _ESCAPED.fullmatch(escaped):
                return _whole(elements)
            piece.append(("text", escaped))
            at += 2
        elif char == "[" and (found := _SAFE_CLASS.match(pattern, at)) and _ordered(found.group()):
            piece.append(("re", found.group().replace(".", "\\.").replace("+", "\\+")))
            at = found.end()
        elif char in "[]^\ufeff\ufffd" or "\udc80" <= char <= "\udcff":
            return _whole(elements)
        else:
            piece.append(("text", char))
            at += 1
    elements.append(_element(piece)._replace(accepts=True))
    return tuple(elements)


def _ordered(text: str) -> bool:
    """Whether no range of the class runs backwards, which Go's regexp refuses."""
    return all(low <= high for low, high in re.findall(r"(\w)-(\w)", text, re.ASCII))


def _whole(elements: list[Element]) -> tuple[Element, ...]:
    leading = []
    for element in elements:
        if element.op is not Op.LITERAL:
            break
        leading.append(element)
    return (*leading, Element(Op.WHOLE, "", True))


def _element(piece: list[tuple[str, str]]) -> Element:
    kinds = [kind for kind, _ in piece]
    if "re" not in kinds and kinds.count("*") <= 1:
        text = "".join(part for _, part in piece)
        if "*" not in kinds:
            return Element(Op.LITERAL, text)
        if not text:
            return Element(Op.ANY)
        if kinds[-1] == "*":
            return Element(Op.PREFIX, text)
        if kinds[0] == "*":
            return Element(Op.SUFFIX, text)
    spell = {"text": re2.escape, "re": str, "*": lambda _: "[^/]*"}
    return Element(Op.REGEX, "".join(spell[kind](part) for kind, part in piece))


def path_or_parent_expression(program: Program) -> tuple[str, bool]:
    """An RE2 expression to search a path with, which finds whatever ``matches_path_or_parent`` finds; and
    whether it finds nothing else."""
    end = r"(?:/|\z)"
    if program.kind is not Kind.REGEX:
        if _SURROGATES.search(program.text):
            return "", False  # bytes are compared, and half a character may be all that is asked for
        text = re2.escape(program.text)
        if program.kind is Kind.EXACT:
            return f"^{text}{end}", True
        if program.kind is Kind.PREFIX:
            return f"^{text}", True
        if program.text[:1] != "/":
            return text + end, True
        return f"(?:^|/){re2.escape(program.text[1:])}{end}", True
    regex = program.regex
    if "\\z" in regex:
        return "|" + regex, False  # finds everything: the end it asks for may be a parent's
    if not _ENDS_IN_ANCHOR.fullmatch(regex):
        return regex, False  # its $ is a plain character: it finds all that starts with a match anyway
    return regex[:-1] + end, True


@lru_cache(maxsize=1024)
def _whole_regex(expression: str) -> re2._Regexp:
    return compile_regex(expression)


def matches_path(program: Program, path: str) -> bool:
    """Whether the pattern matches this very path. Raises PatternError when Go can't compile it."""
    if program.kind is Kind.EXACT:
        return path == program.text
    if program.kind is Kind.REGEX:
        return _whole_regex(program.regex).search(go_text(path).encode()) is not None
    path_bytes = path.encode("utf-8", "surrogateescape")
    text = program.text.encode("utf-8", "surrogateescape")
    if program.kind is Kind.PREFIX:
        return path_bytes.startswith(text)
    return path_bytes.endswith(text) or (text[:1] == b"/" and path_bytes == text[1:])


def matches_path_or_parent(program: Program, path: str) -> bool:
    """Whether the pattern matches the path or a directory above it."""
    if matches_path(program, path):
        return True
    at = path.find("/")
    while at != -1:
        if matches_path(program, path[:at]):
            return True
        at = path.find("/", at + 1)
    return False
