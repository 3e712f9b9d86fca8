"""A line for each builder and its nodes, as a person reads it."""

from __future__ import annotations

from ctxsize.engine.endpoints.listing import BuilderList, BuilderNode
from ctxsize.report.shared.columns import columns
from ctxsize.report.shared.look import Look
from ctxsize.text import printable

_HEADERS = ("builder", "driver", "endpoint", "state", "version", "platforms")


def draw(result: BuilderList, look: Look) -> str:
    """``result`` as a table; ``*`` marks the builder that ``auto`` takes."""
    rows = []
    for builder in result.builders:
        name = printable(builder.name) + ("*" if builder.auto else "")
        for node in builder.nodes:
            rows.append([name, printable(builder.driver), *_cells(node)])
            name = ""
    notes = [
        look.note(each.reason, builder.name)
        for builder in result.builders
        for each in builder.nodes
        if each.reason is not None
    ]
    table = columns(rows, _HEADERS, "llllll", width=look.width, names=(2, 5))
    return "".join([table, *notes, *(look.note(warning.message) for warning in result.warnings)])


def _cells(node: BuilderNode) -> list[str]:
    return list(map(printable, (node.endpoint, node.state, node.version or "", ", ".join(node.platforms))))
