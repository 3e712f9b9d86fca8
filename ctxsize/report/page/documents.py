"""Reports as they were written with ``--format json``, and the pages of one or two of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ctxsize.errors import UsageError
from ctxsize.files.nested import nested_input
from ctxsize.report.comparison.headline import headline
from ctxsize.report.page import comparison, context, difference, findings, image, reread
from ctxsize.report.page.parts import Document, text
from ctxsize.report.page.render import render
from ctxsize.report.page.types import Page
from ctxsize.survey.tree import Leaf

#: The results that a page is made of, by keys that only they have.
_KINDS = {
    "comparison": {"variants", "saved", "paths"},
    "context": {"totals", "dialects", "project"},
    "image": {"image", "steps", "waste_groups"},
    "check": {"targets", "passed"},
    "lint": {"findings", "total"},
}
_SCHEMA = 1
_HINT = "give the JSON of compare, context, image, check or lint (--format json -o FILE)"


def read(data: bytes, where: str) -> Document:
    """The report in ``data``. Raises UsageError when it is none."""
    try:
        with nested_input():
            document = json.loads(data)
    except ValueError as error:
        raise UsageError(f"is no JSON: {error}", where=where, hint=_HINT) from error
    if not isinstance(document, dict) or kind_of(document) is None:
        raise UsageError("is no report that a page can be made of", where=where, hint=_HINT)
    if document.get("schema") != _SCHEMA:
        raise UsageError(
            f"is of schema {document.get('schema')!r}, and this ctxsize reads {_SCHEMA}",
            where=where,
            hint=_HINT,
        )
    return document


def kind_of(document: Document) -> str | None:
    """Which command's report it is; None for anything else."""
    return next((kind for kind, keys in _KINDS.items() if keys <= document.keys()), None)


def page_of(document: Document, where: str, files: Iterable[Leaf] | None = None) -> str:
    """The page of one report as HTML. ``files`` are those of the tree, where they are known.

    Raises UsageError where the report is not as its schema says, and what reading the files raises.
    """
    makers = {
        "comparison": lambda: comparison.page(
            document, headline(reread.comparison(document), _quoted), files
        ),
        "context": lambda: context.page(document, files),
        "image": lambda: image.page(document),
        "check": lambda: findings.check_page(document),
        "lint": lambda: findings.lint_page(document),
    }
    return _made(makers[kind_of(document) or ""], where)


def page_of_two(before: Document, after: Document, where: str) -> str:
    """The page of what changed from one report to another. Raises UsageError when they are of two kinds, or
    of a kind that has no sizes of paths."""
    kinds = kind_of(before), kind_of(after)
    if kinds == ("comparison", "comparison"):
        totals, paths = difference.comparison_totals, difference.comparison_paths
        name = "What changed in what is built"
    elif kinds == ("context", "context"):
        totals, paths = difference.context_totals, difference.context_paths
        name = "What changed in what the build sees"
    elif kinds == ("image", "image"):
        totals, paths = image.totals_of, image.paths_of
        name = "What changed in the image"
        if before.get("view") != after.get("view"):
            raise UsageError("the two list an image by different things", where=where, hint="see image --by")
    else:
        raise UsageError(
            f"a report of {kinds[0]} and one of {kinds[1]} can't be compared",
            where=where,
            hint="give two of compare, of context or of image",
        )
    return _made(lambda: difference.page(before, after, name, totals, paths), where)


def _quoted(name: str) -> str:
    return f"“{text(name)}”"


def _made(make: Any, where: str) -> str:
    try:
        page: Page = make()
        return render(page)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise UsageError(
            f"is not as its schema in docs/schema says ({type(error).__name__}: {error})",
            where=where,
            hint=_HINT,
        ) from error
