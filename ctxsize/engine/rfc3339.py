"""Times as the engine writes them."""

from __future__ import annotations

from datetime import datetime


def parse_time(text: str) -> int:
    """An RFC 3339 time with up to nine digits of a second as nanoseconds since the epoch."""
    date, _, rest = text.partition(".")
    digits = rest.rstrip("Z").split("+")[0].split("-")[0] if rest else ""
    zone = text[len(date) + 1 + len(digits) :] if rest else ""
    whole = datetime.fromisoformat((date + zone) if rest else text)
    return int(whole.timestamp()) * 10**9 + int(digits.ljust(9, "0") if digits else 0)
