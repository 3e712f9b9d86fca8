"""Paths and nothing else, one per line or each followed by a null byte."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.context.rows import named_rows
from ctxsize.report.shared.look import Look
from ctxsize.survey.overview import Overview
from ctxsize.text import printable


def draw(result: Overview, look: Look) -> Iterator[str]:
    """The paths of the first view, made printable; those of a named context begin with its name. Where
    ``look`` asks for null bytes they stay as they are (undecodable bytes as surrogates), for ``xargs -0``."""
    view = result.views[0]
    column = view.columns.index("path")
    paths = (str(row[column]) for row in named_rows(result, 0))
    return (f"{path}\0" if look.null else f"{printable(path)}\n" for path in paths)
