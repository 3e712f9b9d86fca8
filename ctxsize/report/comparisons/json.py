"""Several comparisons in one document; its schema is docs/schema/comparisons-1.json."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ctxsize import __version__
from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison.json import draw as draw_one
from ctxsize.report.shared.json_parts import json_report
from ctxsize.report.shared.look import Look

#: Raised when a key changes its meaning; new keys alone do not raise it.
SCHEMA = 1


def draw(results: Sequence[Comparison], look: Look) -> str:
    """``results`` as JSON text with a line end."""
    return json_report(
        {
            "schema": SCHEMA,
            "ctxsize": __version__,
            "comparisons": [json.loads(draw_one(result, look)) for result in results],
        }
    )
