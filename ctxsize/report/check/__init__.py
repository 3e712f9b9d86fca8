"""Reports of ``ctxsize check``: one module per format, each turning a CheckReport into text."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctxsize.budget.types import CheckReport
    from ctxsize.report.shared.style import Style

    Renderer = Callable[[CheckReport, Style], str]

#: Every format of ``check --format``; each is a module of that name here.
CHECK_FORMATS = ("table", "json", "markdown", "github", "gitlab", "junit", "sarif", "csv")


def check_format(name: str) -> Renderer:
    """The format ``name`` of CHECK_FORMATS. Only the one asked for is imported, as most are never used.

    Raises ValueError for another name.
    """
    if name not in CHECK_FORMATS:
        raise ValueError(name)
    renderer: Renderer = import_module(f"{__name__}.{name}").check
    return renderer
