"""Which of very many patterns can match a path at all: those whose literal text is somewhere in it.

An ignore file of a megabyte can hold a hundred thousand patterns. To compile one takes as long as to look up
dozens of texts, and hardly any of so many has to do with a path.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import chain

from ctxsize.ignore.regexset import refused

# What every path that a pattern matches must have in it can be read off a pattern that has nothing but
# stars, question marks, escapes for one character or a place, classes that end where they seem to, and plain
# text. Not a byte order mark (Go drops one), nor what stands for bytes that are not UTF-8.
_CLASS = r"\[\^?[A-Za-z0-9_.,+!-]+\]"
_WILD = rf"[*?/]|{_CLASS}|\\[!-.:-@\[-`{{-~ abdfnrstvwzABDSW]"
_ODD = re.compile(r"[\[\]\\^|{}\ufeff\ufffd\udc80-\udcff]")
_READABLE = re.compile(rf"(?:[^*?/\[\]\\^|{{}}\ufeff\ufffd\udc80-\udcff]+|{_WILD})*")
_BETWEEN = re.compile(rf"(?:{_WILD})+")
_CLASSES = re.compile(rf"\\.|({_CLASS})")
# Two stars beside anything but a slash: x**/a matches xa, so that a need not be a whole name.
_RAGGED = re.compile(r"[^/]\*\*|\*\*[^/]")
_LONGEST = 16  # characters of a part of a name that are compared


class Literals:
    """Patterns by the rarest text that a name in every path they match must be or have in it."""

    def __init__(self, patterns: Collection[str]) -> None:
        #: The patterns that have no such text.
        self.others: list[str] = []
        texts: list[tuple[str, ...]] = []
        readable: list[str] = []
        for pattern in patterns:
            found = _texts(pattern)
            if found:
                readable.append(pattern)
                texts.append(found)
            else:
                self.others.append(pattern)
        count = Counter(chain.from_iterable(texts))
        rarest = [some[0] if len(some) == 1 else min(some, key=count.__getitem__) for some in texts]
        # One pattern of each text, and a list only where there are more: objects are what costs here.
        self._pattern = dict(zip(rarest, readable, strict=True))
        self._more: dict[str, list[str]] = defaultdict(list)
        if len(self._pattern) < len(readable):
            for text, pattern in zip(rarest, readable, strict=True):
                if self._pattern[text] != pattern:
                    self._more[text].append(pattern)
        self._lengths = sorted({len(text) for text in self._pattern if text[0] != "/"})

    def refused(self) -> list[str]:
        """The patterns with such a text whose expression Go refuses."""
        patterns = [
            (pattern, [*filter(None, _CLASSES.findall(pattern))])
            for pattern in chain(self._pattern.values(), *self._more.values())
            if "[" in pattern
        ]
        # Nothing but a class can be wrong with them. In one, a dot and a plus become escaped.
        spelled = {
            one: re.sub(r"([.+])", r"\\\1", one) for one in {*chain(*(found for _, found in patterns))}
        }
        wrong = refused(spelled.values())
        return [pattern for pattern, found in patterns if any(spelled[one] in wrong for one in found)]

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
        return [pattern for text in texts for pattern in (self._pattern[text], *self._more.get(text, ()))]


def _texts(pattern: str) -> tuple[str, ...]:
    """What a name in every path that the pattern matches must be (``/name``) or have in it."""
    if _ODD.search(pattern) and not _READABLE.fullmatch(pattern):
        return ()
    if "**" not in pattern or not _RAGGED.search(pattern):
        names = [f"/{name}" for name in pattern.split("/") if name and not _BETWEEN.search(name)]
        if names:
            return tuple(names)
    return tuple(text[-_LONGEST:] for text in _BETWEEN.split(pattern) if text)
