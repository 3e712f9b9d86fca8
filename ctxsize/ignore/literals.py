"""Which of very many patterns can match a path at all: those whose literal text is somewhere in it.

An ignore file of a megabyte can hold a hundred thousand patterns. To compile one takes as long as to look up
dozens of texts, and hardly any of so many has to do with a path.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import chain, compress

from ctxsize.ignore.pattern import is_expression
from ctxsize.ignore.regexset import refused

# What every path that a pattern matches must have in it can be read off a pattern that has nothing but plain
# text and what is listed here: classes that end where they seem to, escapes for one character, a place or a
# kind of characters, stars and question marks, and characters that are others in a path (a byte order mark is
# dropped by Go, and all bytes that are not UTF-8 are alike to it).
_CLASS = r"\[\^?(?:[^][\\/*?^{|}\ufeff\ufffd\udc80-\udcff]|\[:\^?[a-z]+:\]|\[(?!:))+\]"
_SPELLED = r"\\[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})|\\x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})"
_JUDGED = rf"{_CLASS}|{_SPELLED}"  # what Go may refuse
_WILD = rf"[*?/^\ufeff\ufffd\udc80-\udcff]|{_JUDGED}|\\[!-.:-@\[-`{{-~ abdfnrstvwzABDSW]"
# A character that is there any number of times, written so that Go takes it.
_REPEATED = r"[A-Za-z0-9_-]\{(?:[0-9]{1,3},?|0,[0-9]{1,3})\}(?!\{)"
_ODD = re.compile(r"[\[\]\\^|{}\ufeff\ufffd\udc80-\udcff]")
_PLAIN = r"[^*?/\[\]\\^\ufeff\ufffd\udc80-\udcff]"
_READABLE = re.compile(rf"(?:{_PLAIN}|{_WILD})*+")
_OPERATORS = re.compile(r"[|{}]")
_READABLE_OPERATORS = re.compile(rf"(?:{_WILD}|{_REPEATED}|(?![{{}}]){_PLAIN})*+")
_MOST_REPEATED = 3  # characters in a pattern: with more, Go may find it too large
_BETWEEN = re.compile(rf"(?:{_WILD})+")
_BETWEEN_OPERATORS = re.compile(rf"(?:{_WILD}|{_REPEATED})+")
_FOUND = re.compile(rf"({_JUDGED})|\\.")
# Two stars beside anything but a slash: x**/a matches xa, so that a need not be a whole name.
_RAGGED = re.compile(r"[^/]\*\*|\*\*[^/]")
_MOST_ALIKE = 500  # patterns with the same text: more are better asked all together
_LONGEST = 16  # characters of a part of a name that are compared


class Literals:
    """Patterns by the rarest text that a name in every path they match must be or have in it."""

    def __init__(self, patterns: Collection[str]) -> None:
        #: The patterns that have no such text, or none that tells them from very many others.
        self.others: list[str] = []
        texts: list[tuple[str, ...]] = []
        readable: list[str] = []
        for pattern in patterns:
            alternatives = _texts(pattern)
            if all(alternatives):
                texts += alternatives
                readable += [pattern] * len(alternatives)
            else:
                self.others.append(pattern)
        count = Counter(chain.from_iterable(texts))
        rarest = [some[0] if len(some) == 1 else min(some, key=count.__getitem__) for some in texts]
        taken = Counter(rarest)
        common = {text for text, times in taken.items() if times > _MOST_ALIKE}
        if common:
            alike = dict.fromkeys(
                pattern for text, pattern in zip(rarest, readable, strict=True) if text in common
            )
            self.others += alike
            kept = [pattern not in alike for pattern in readable]
            rarest, readable = [*compress(rarest, kept)], [*compress(readable, kept)]
        # One pattern of each text, and a list only where there are more: objects are what costs here.
        self._pattern = dict(zip(rarest, readable, strict=True))
        self._more: dict[str, list[str]] = defaultdict(list)
        if len(self._pattern) < len(readable):
            for text, pattern in zip(rarest, readable, strict=True):
                if self._pattern[text] != pattern:
                    self._more[text].append(pattern)
        self._lengths = sorted({len(text) for text in self._pattern if text[0] != "/"})

    def refused(self) -> set[str]:
        """The patterns with such a text whose expression Go refuses."""
        patterns = [
            (pattern, [*filter(None, _FOUND.findall(pattern))])
            for pattern in chain(self._pattern.values(), *self._more.values())
            if "[" in pattern or "\\" in pattern
        ]
        # Nothing but a class or a character can be wrong with them, which patternmatcher spells in its way.
        spelled = {
            one: re.sub(r"([.+()$])", r"\\\1", one) if one[0] == "[" else one
            for one in {*chain(*(found for _, found in patterns))}
        }
        wrong = refused(spelled.values())
        return {pattern for pattern, found in patterns if any(spelled[one] in wrong for one in found)}

    def texts(self, names: Iterable[str]) -> set[str]:
        """The texts that are one of the names (``/name``) or in one of them."""
        known = self._pattern.keys()
        joined = "/".join(names)
        found = known & {f"/{name}" for name in joined.split("/")}
        for length in self._lengths:
            found |= known & {joined[at : at + length] for at in range(len(joined) - length + 1)}
        return found

    def patterns(self, texts: Iterable[str]) -> list[str]:
        """The patterns of these texts."""
        found = (pattern for text in texts for pattern in (self._pattern[text], *self._more.get(text, ())))
        return [*dict.fromkeys(found)]  # one of several alternatives comes with each


def _texts(pattern: str) -> list[tuple[str, ...]]:
    """What a name in every path that the pattern matches must be (``/name``) or have in it: for each of its
    alternatives the texts of which all are needed, none when nothing is known."""
    if _ODD.search(pattern):
        if _OPERATORS.search(pattern) and is_expression(pattern):
            return _texts_of_alternatives(pattern)
        if not _READABLE.fullmatch(pattern):
            return [()]
    if "**" not in pattern or not _RAGGED.search(pattern):
        names = [f"/{name}" for name in pattern.split("/") if name and not _BETWEEN.search(name)]
        if names:
            return [tuple(names)]
    return [tuple(text[-_LONGEST:] for text in _BETWEEN.split(pattern) if text)]


def _texts_of_alternatives(pattern: str) -> list[tuple[str, ...]]:
    """:func:`_texts` of a pattern in which a bar separates alternatives, which need not be whole names."""
    if not _READABLE_OPERATORS.fullmatch(pattern) or len(re.findall(_REPEATED, pattern)) > _MOST_REPEATED:
        return [()]
    plain = _BETWEEN_OPERATORS.sub("*", pattern)
    return [
        tuple(text[-_LONGEST:] for text in alternative.split("*") if text) for alternative in plain.split("|")
    ]
