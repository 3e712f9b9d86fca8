"""Sizes over time: a line of JSON for each measurement, a picture of them, a badge of the last one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from ctxsize.files.nested import nested_input
from ctxsize.forge.change import SIZES, Document
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: Measurements in a picture.
_MOST = 200
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 200, 10, 30
_COLOURS = {"image": "#0b63c4", "pull": "#7a4fb5", "context": "#2f7d4f"}


def entry(document: Document, commit: str | None = None) -> dict[str, Any]:
    """A line of a trend: the sizes of every target of a check."""
    return {
        "created": str(document["created"]),
        "commit": commit,
        "targets": {
            str(target["name"]): {name: target["sizes"][f"{name}_bytes"] for name in SIZES}
            for target in document["targets"]
        },
    }


def read(text: str) -> list[dict[str, Any]]:
    """The entries of a trend, the oldest first; lines that are none are left out."""
    found = []
    for line in text.splitlines():
        try:
            with nested_input():
                each = json.loads(line)
        except ValueError:
            continue
        if isinstance(each, dict) and isinstance(each.get("targets"), dict):
            found.append(each)
    return found


def badge(document: Document, size: str = "image") -> dict[str, Any]:
    """What shields' endpoint badge takes: the largest target's ``size``, red when the check did not pass."""
    sizes = [target["sizes"][f"{size}_bytes"] for target in document["targets"]]
    known = [each for each in sizes if each is not None]
    colour = "lightgrey" if not known else "brightgreen" if document["passed"] else "red"
    message = format_bytes(max(known)) if known else "not measured"
    return {"schemaVersion": 1, "label": size, "message": message, "color": colour}


def picture(entries: Sequence[dict[str, Any]], target: str) -> str:
    """The sizes of ``target`` over the last measurements as an SVG, on one scale that begins at 0."""
    rows = [each["targets"].get(target) or {} for each in entries[-_MOST:]]
    lines = {name: [_number(row.get(name)) for row in rows] for name in SIZES}
    most = max((size for line in lines.values() for size in line if size is not None), default=0)
    box = f'width="{_WIDTH}" height="{_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        f"<title>{escape(printable(target))}</title>",
        f'<rect {box} fill="#ffffff"/>',
    ]
    x = _LEFT
    for name, line in lines.items():
        last = next((size for size in reversed(line) if size is not None), None)
        if last is None:
            continue
        label = f"{name} {format_bytes(last)}"
        parts.append(f'<text x="{x}" y="18" fill="{_COLOURS[name]}">{label}</text>')
        x += 8 * len(label) + 16
        places = [(_x(at, len(line)), _y(size, most)) for at, size in enumerate(line) if size is not None]
        points = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2"/>')
        across, down = places[-1]
        parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{_COLOURS[name]}"/>')
    return "\n".join([*parts, "</svg>\n"])


def _x(at: int, count: int) -> float:
    return _LEFT + (_WIDTH - 2 * _LEFT) * (at / (count - 1) if count > 1 else 1.0)


def _y(size: int, most: int) -> float:
    return _HEIGHT - _LEFT - (_HEIGHT - _TOP - _LEFT) * (size / most if most else 0.0)


def _number(size: object) -> int | None:
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
