"""The formats of a RebuildCost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ctxsize.rebuild.types import RebuildCost
from ctxsize.report.cache import json as json_format
from ctxsize.report.cache import table as table_format
from ctxsize.report.shared.style import Style

#: Every format of ``cache --format``, by name.
CACHE_FORMATS: Mapping[str, Callable[[RebuildCost, Style], str]] = {
    "table": table_format.cache,
    "json": json_format.cache,
}
