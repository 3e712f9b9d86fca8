"""Sizes and durations as people read them; all arithmetic elsewhere is in bytes and seconds."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def format_bytes(size: int) -> str:
    """``size`` bytes the way Docker prints sizes: decimal units, three significant digits.

    Unlike Docker's own, 999,950 bytes are ``1MB`` and never ``1e+03kB``.
    """
    sign, value = ("-", -size) if size < 0 else ("", size)
    amount = float(value)
    for unit in _UNITS:
        text = _three_digits(amount)
        if float(text) < 1000 or unit == _UNITS[-1]:
            return f"{sign}{text}{unit}"
        amount /= 1000
    raise AssertionError("the last unit always returns")


def _three_digits(amount: float) -> str:
    decimals = 0 if amount >= 100 else 1 if amount >= 10 else 2
    text = f"{amount:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_seconds(seconds: float) -> str:
    """``seconds`` with as many digits as matter: ``0.42 s``, ``12.3 s``, ``3 min 5 s``."""
    sign, value = ("-", -seconds) if seconds < 0 else ("", seconds)
    if value < 10:
        return f"{sign}{value:.2f} s"
    if value < 100:
        return f"{sign}{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{sign}{minutes} min {rest} s"


def format_left(seconds: float) -> str:
    """A duration that is only a guess, in whole seconds or minutes: ``40 s``, ``3 min``."""
    return f"{max(round(seconds), 1)} s" if seconds < 100 else f"{round(seconds / 60)} min"


def format_share(part: float, whole: float) -> str:
    """``part`` as a percentage of ``whole``, or an empty string when there is no whole."""
    if whole == 0:
        return ""
    share = 100 * part / whole
    if 0 < abs(share) < 0.1:
        return "<0.1%"
    if 99.9 < share < 100:
        return ">99.9%"
    return f"{share:.0f}%" if 10 <= abs(share) <= 99 or abs(share) >= 100 else f"{share:.1f}%"
