"""Paths and nothing else, one per line or each ended by a null byte."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.shared.style import Style
from ctxsize.survey.overview import Overview
from ctxsize.text import printable


def context(result: Overview, style: Style) -> Iterator[str]:
    """The paths of the first view, made printable; ``style`` is not used."""
    return (f"{printable(path)}\n" for path in _paths(result))


def context_null(result: Overview, style: Style) -> Iterator[str]:
    """The paths as they are, for ``xargs -0``; ``style`` is not used."""
    return (f"{path}\0" for path in _paths(result))


def _paths(result: Overview) -> Iterator[str]:
    view = result.views[0]
    column = view.columns.index("path")
    return (str(row[column]) for row in view.rows)
