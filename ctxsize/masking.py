"""Build-argument values and secrets never appear in what we print: each is replaced by its name.

Builders put values into what they say: BuildKit prints a step with its variables expanded, an address in an
error message carries all build arguments, a RUN step may print a secret. docs/security.md says which values
are masked, and what can't be.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

from ctxsize.errors import BuildFailed, CtxsizeError

#: Values of fewer characters are not masked: they can't be told from ordinary text.
SHORTEST = 4
#: Values of fewer characters are masked only where they stand alone, not as part of a longer word.
SHORTEST_ANYWHERE = 8


class Masker:
    """Replaces values by names. ``Masker()("text")`` is ``"text"``; immutable."""

    def __init__(self, values: Iterable[tuple[str, str]] = ()) -> None:
        """``values`` are pairs of a value and the text to show instead."""
        self._shown: dict[str, str] = {}
        for value, shown in values:
            for part in _parts(value):
                for form in _forms(part):
                    self._shown.setdefault(form, shown)
        # Longest first: a value that holds another one is replaced as a whole.
        found = sorted(self._shown, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, found))) if found else None

    @classmethod
    def of(
        cls,
        build_args: Mapping[str, str | None],
        secrets: Mapping[str, bytes] | None = None,
        derived: Mapping[str, str] | None = None,
    ) -> Masker:
        """The masker of a build: a build argument is shown as ``${NAME}``, a secret as ``[secret ID]``, and
        what expansion made of an argument (``derived``, see dockerfile/derived.py) as it is written."""
        hidden = [
            (data.decode(errors="replace"), f"[secret {name}]") for name, data in (secrets or {}).items()
        ]
        given = [(value, f"${{{name}}}") for name, value in build_args.items() if value is not None]
        return cls([*hidden, *given, *(derived or {}).items()])

    def __call__(self, text: str) -> str:
        """``text`` without the values."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._shown[match.group()], text)


def mask_error(error: CtxsizeError, mask: Callable[[str], str]) -> None:
    """Mask the texts of ``error`` in place."""
    error.message = mask(error.message)
    error.args = (error.message,)
    error.where = None if error.where is None else mask(error.where)
    error.hint = None if error.hint is None else mask(error.hint)
    if isinstance(error, BuildFailed):
        error.step = None if error.step is None else mask(error.step)
        error.log = tuple(map(mask, error.log))


def _parts(value: str) -> Iterable[str]:
    """What is looked for: the value and, as logs come line by line, each longer line of it."""
    whole = value.strip()
    if len(whole) >= SHORTEST:
        yield whole
    # A line of a log ends where Python thinks so, or only where everybody does.
    lines = {line.strip() for line in (*whole.splitlines(), *whole.split("\n"))} - {whole}
    yield from (line for line in lines if len(line) >= SHORTEST_ANYWHERE)


def _forms(value: str) -> set[str]:
    """The value as it is, in the other case, cleaned as a path, quoted as in JSON and in Python, and all of
    these as they stand in the address of a request."""
    plain = {value, value.upper(), value.lower(), " ".join(value.split())}
    if "/" in value and len(path := os.path.normpath(value)) >= SHORTEST:
        plain.add(path)
    quoted = {json.dumps(form, ensure_ascii=ascii)[1:-1] for form in plain for ascii in (True, False)}
    forms = {*plain, *quoted, *(repr(form)[1:-1] for form in plain)}
    return forms | {
        spell(form, safe="", errors="surrogatepass") for form in forms for spell in (quote, quote_plus)
    }


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= SHORTEST_ANYWHERE else rf"(?<![^\W_]){escaped}(?![^\W_])"
