"""A page as one HTML file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from ctxsize.errors import UsageError
from ctxsize.report.page.types import Page

_ASSETS = Path(__file__).parent / "assets"
#: Units of the drawing that a cell of bars is wide and each bar high.
BAR_WIDTH, BAR_HEIGHT = 240, 11


def render(page: Page) -> str:
    """``page`` as HTML text. Raises UsageError without the library that it takes."""
    script = _asset("d3-hierarchy.min.js") + _asset("page.js")
    style = _asset("page.css")
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    settings = {}
    if page.map is not None:
        settings = {
            "metrics": page.map.metrics,
            "kinds": page.map.kinds,
            "rules": {str(line): text for line, text in page.map.rules},
        }
    text: str = template().render(
        page=page,
        policy=policy,
        script=script,
        style=style,
        settings=json.dumps(settings).replace("<", "\\u003c"),
        bar_width=BAR_WIDTH,
        bar_height=BAR_HEIGHT,
    )
    # Names may have bytes that are no UTF-8; they were made printable, and nothing else has any.
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def template() -> Any:
    """What a page is made from. Raises UsageError without the library that it takes."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise UsageError(
            "a page needs a library that is not installed", hint="`pip install 'ctxsize[html]'`"
        ) from error
    environment = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
