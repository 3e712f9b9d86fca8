"""Reports of ``ctxsize context``: one module per format, each turning an Overview into pieces of text.

Pieces, because a list of files may be long: they are written as the tree is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ctxsize.report.shared.style import Style
from ctxsize.survey.overview import Overview

Renderer = Callable[[Overview, Style], Iterator[str]]


def context_format(name: str) -> Renderer:
    """The format of ``context --format``: table, json, csv or list, or null for ``list --null``.

    What null gives has undecodable bytes as surrogates; the others give printable text. csv and list show
    the first view alone. Only the format asked for is imported, because starting up is half of the time that
    a small project takes. Raises ValueError for another name.
    """
    match name:
        case "table":
            from ctxsize.report.context import table

            return table.context
        case "json":
            from ctxsize.report.context import json

            return json.context
        case "csv":
            from ctxsize.report.context import csv

            return csv.context
        case "list" | "null":
            from ctxsize.report.context import list

            return list.context if name == "list" else list.context_null
    raise ValueError(name)
