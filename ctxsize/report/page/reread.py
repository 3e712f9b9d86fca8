"""A comparison's JSON as the value it was drawn from, as far as its first sentence needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctxsize.comparison.types import (
    BuildFigures,
    Comparison,
    ContextFigures,
    PathSaving,
    Saved,
    Unattributed,
    VariantFigures,
)
from ctxsize.engine.containers import Verification
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import ImageFigures, ProjectFigures, SecondsSaved


def comparison(document: Mapping[str, Any]) -> Comparison:
    """The comparison that ``document`` tells of. Raises KeyError and TypeError where it is none."""
    saved, rest = document["saved"], document["unattributed"]
    return Comparison(
        version=document["ctxsize"],
        created=document["created"],
        project=ProjectFigures(**document["project"]),
        engine=None,
        variants={name: _variant(document["variants"][name]) for name in ("with", "without")},
        saved=Saved(**{**saved, "seconds": saved["seconds"] and SecondsSaved(**saved["seconds"])}),
        paths=tuple(PathSaving(**{**each, "rule": _rule(each["rule"])}) for each in document["paths"]),
        rules=(),
        unattributed=Unattributed(**rest),
        warnings=(),
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(rule["line"], rule["pattern"], rule["pattern"], negated=False)


def _variant(variant: Mapping[str, Any]) -> VariantFigures:
    build, verify = variant["build"], variant["verify"]
    return VariantFigures(
        context=ContextFigures(**variant["context"]),
        image=variant["image"] and ImageFigures(**variant["image"]),
        build=build and BuildFigures(build["seconds"], tuple(build["runs"]), build["spread"], {}, ()),
        error=variant["error"],
        verify=verify and Verification(**{**verify, "output_tail": tuple(verify["output_tail"])}),
    )
