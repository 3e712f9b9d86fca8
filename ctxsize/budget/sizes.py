"""Amounts as people and Docker write them, read exactly: integers all the way, never a float.

The units are those of Docker's go-units (``HumanSize``: ``B kB MB GB TB PB EB ZB YB``, decimal;
``BytesSize``: ``KiB MiB …``, binary), in upper or lower case as its parsers take them, with or without a
space. Its rounding to three digits can print an exponent (``1e+03kB``), which is read, too. A lone ``k``,
``M`` or ``G`` is refused: ``docker run --memory`` takes it as binary, other options as decimal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIXES = "kMGTPEZY"
#: Bytes of every unit, by its spelling in lower case.
_UNITS: dict[str, int] = {
    "b": 1,
    "byte": 1,
    "bytes": 1,
    **{f"{prefix.lower()}b": 1000**power for power, prefix in enumerate(_PREFIXES, 1)},
    **{f"{prefix.lower()}ib": 1024**power for power, prefix in enumerate(_PREFIXES, 1)},
}
_SPELLINGS = ("B", *(f"{prefix}B" for prefix in _PREFIXES), *(f"{prefix.upper()}iB" for prefix in _PREFIXES))
_NUMBER = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?")


class AmountError(ValueError):
    """Not an amount. The message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of something: ``numerator / denominator``, where 5 % is 5 / 100."""

    numerator: int
    denominator: int

    def of(self, whole: int) -> int:
        """The part of ``whole``, rounded down, which for comparing integers with it is exact."""
        return whole * self.numerator // self.denominator

    def of_float(self, whole: float) -> float:
        """The part of a measured time."""
        return whole * self.numerator / self.denominator


def parse_bytes(text: str) -> int:
    """The bytes of ``10 MB``, ``1.5GiB``, ``1e+03kB``; part of a byte is dropped. Raises AmountError."""
    text = text.strip()
    match = _NUMBER.match(text)
    if match is None:
        raise AmountError(f"{_quoted(text)} is not a size: write a number and a unit, such as 10 MB")
    unit = text[match.end() :].strip()
    factor = _UNITS.get(unit.lower())
    if factor is None:
        raise AmountError(_wrong_unit(text, match[0], unit))
    numerator, denominator = _rational(match)
    return numerator * factor // denominator


def parse_files(text: str) -> int:
    """The number of files in ``2000``. Raises AmountError."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise AmountError(f"{_quoted(text)} is not a number of files: write an integer, such as 2000")
    return int(text)


def parse_share(text: str) -> Share | None:
    """The share in ``5%`` or ``2.5 %``; None when the text has no ``%``. Raises AmountError."""
    text = text.strip()
    if not text.endswith("%"):
        return None
    match = _NUMBER.fullmatch(text[:-1].strip())
    if match is None:
        raise AmountError(f"{_quoted(text)} is not a percentage: write a number and %, such as 5%")
    numerator, denominator = _rational(match)
    return Share(numerator, denominator * 100)


def _rational(match: re.Match[str]) -> tuple[int, int]:
    """The number that was matched, as numerator and denominator."""
    decimals = match[2] or ""
    exponent = int(match[3] or 0) - len(decimals)
    digits = int(match[1] + decimals)
    return (digits * 10**exponent, 1) if exponent >= 0 else (digits, 10**-exponent)


def _wrong_unit(text: str, number: str, unit: str) -> str:
    from difflib import get_close_matches  # seldom needed, and slow to import

    if not unit:
        return f"{_quoted(text)} has no unit: write {number} MB, {number} MiB or {number} B"
    letter = unit[0].upper()
    if unit.lower() in {each.lower() for each in _PREFIXES}:
        decimal = "kB" if letter == "K" else f"{letter}B"
        ways = f"{number} {decimal} (decimal) or {number} {letter}iB (binary)"
        return f"{_quoted(text)} is ambiguous: write {ways}"
    known = {spelling.lower(): spelling for spelling in _SPELLINGS}
    near = get_close_matches(unit.lower(), known, n=1, cutoff=0.5)
    advice = (
        f"did you mean {known[near[0]]}?" if near else "known are B, kB, MB, GB, TB, PB and KiB, MiB, GiB …"
    )
    return f"{_quoted(unit)} is not a unit: {advice}"


def _quoted(text: str) -> str:
    """The user's text, not too long."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
