"""The rows of a view, of the context and of the named contexts of the build."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.survey.overview import Overview
from ctxsize.survey.views import Cell


def named_rows(result: Overview, view: int) -> Iterator[tuple[Cell, ...]]:
    """The rows of the view of that number; paths of a named context begin with its name: ``NAME:path``."""
    yield from result.views[view].rows
    for each in result.named:
        columns = each.views[view].columns
        for row in each.views[view].rows:
            yield tuple(
                f"{each.name}:{cell}" if column == "path" else cell
                for column, cell in zip(columns, row, strict=True)
            )
