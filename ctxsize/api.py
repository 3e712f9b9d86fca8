"""What a Python caller uses: a function for each command, every type of their results, and the errors.

A name's module is imported when the name is first used, so that importing this one stays cheap: what needs
no engine never loads the Docker SDK. The last part of docs/python.md says which function gives which type.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctxsize.budget.check import check
    from ctxsize.budget.linting.lint import LintOptions, lint
    from ctxsize.budget.options import CheckOptions
    from ctxsize.budget.types import CheckReport, CheckTotals, FileFinding, Grown, Judged, TargetReport
    from ctxsize.comparison.compare import compare
    from ctxsize.comparison.types import (
        BuildFigures,
        Comparison,
        ContextFigures,
        Measurement,
        PathSaving,
        RuleSaving,
        Saved,
        Unattributed,
        VariantFigures,
    )
    from ctxsize.context.totals import DirTotals, IgnoredRoot, RuleTotals, ScanResult, Totals
    from ctxsize.engine.builders.interface import Step
    from ctxsize.engine.connect import Engine, connect
    from ctxsize.engine.containers import Verification, VerifyCommand
    from ctxsize.engine.endpoints.listing import BuilderList, BuilderNode, ListedBuilder, builders
    from ctxsize.engine.options import BuildOptions
    from ctxsize.errors import (
        BuildFailed,
        ConfigError,
        CtxsizeError,
        DockerfileError,
        EngineError,
        IgnoreFileError,
        Interrupted,
        UsageError,
        VerifyFailed,
    )
    from ctxsize.ignore.types import Dialect, Rule
    from ctxsize.image.types import Layer
    from ctxsize.inspection.difference.difference import image_difference
    from ctxsize.inspection.difference.types import (
        DifferenceTotals,
        ImageDifference,
        PathChange,
        Sizes,
        StatusSum,
        StepChange,
    )
    from ctxsize.inspection.image import image
    from ctxsize.inspection.types import (
        Difference,
        Duplicate,
        Fix,
        ImageName,
        ImageReport,
        ImageStep,
        ImageTotals,
        Leftover,
        Proof,
        ViewRow,
        Wasted,
        WasteGroup,
    )
    from ctxsize.lint.config import LintConfig
    from ctxsize.lint.types import Finding, LintReport, LintTarget, LintTotals
    from ctxsize.measure.figures import Cost, EngineFigures, ImageFigures, ProjectFigures, SecondsSaved
    from ctxsize.measure.target import LargestPaths, MeasuredTarget
    from ctxsize.progress import Progress
    from ctxsize.rebuild.cache import cache
    from ctxsize.rebuild.types import ChangeCost, LateInstall, Rebuild, RebuildCost, RebuildMeasurement
    from ctxsize.sensitive.types import SensitiveFile
    from ctxsize.suggest.static import suggest_static
    from ctxsize.suggest.suggest import suggest
    from ctxsize.suggest.types import NoRules, SavedByRules, SuggestedRule, Suggestion, SuggestMeasurement
    from ctxsize.survey.dialects import Differences, PathDifference
    from ctxsize.survey.overview import Overview
    from ctxsize.survey.overview import overview as context
    from ctxsize.survey.views import View
    from ctxsize.survey.why import Answer
    from ctxsize.warning import Warning

__all__ = [
    "Answer", "BuildFailed", "BuildFigures", "BuildOptions", "BuilderList", "BuilderNode", "ChangeCost",
    "CheckOptions", "CheckReport", "CheckTotals", "Comparison", "ConfigError", "ContextFigures", "Cost",
    "CtxsizeError", "Dialect", "Difference", "DifferenceTotals", "Differences", "DirTotals",
    "DockerfileError", "Duplicate", "Engine", "EngineError", "EngineFigures", "FileFinding", "Finding",
    "Fix", "Grown", "IgnoreFileError", "IgnoredRoot", "ImageDifference", "ImageFigures", "ImageName",
    "ImageReport", "ImageStep", "ImageTotals", "Interrupted", "Judged", "LargestPaths", "LateInstall",
    "Layer", "Leftover", "LintConfig", "LintOptions", "LintReport", "LintTarget", "LintTotals",
    "ListedBuilder", "MeasuredTarget", "Measurement", "NoRules", "Overview", "PathChange", "PathDifference",
    "PathSaving", "Progress", "ProjectFigures", "Proof", "Rebuild", "RebuildCost", "RebuildMeasurement",
    "Rule", "RuleSaving", "RuleTotals", "Saved", "SavedByRules", "ScanResult", "SecondsSaved",
    "SensitiveFile", "Sizes", "StatusSum", "Step", "StepChange", "SuggestMeasurement", "SuggestedRule",
    "Suggestion", "TargetReport", "Totals", "Unattributed", "UsageError", "VariantFigures", "Verification",
    "VerifyCommand", "VerifyFailed", "View", "ViewRow", "Warning", "WasteGroup", "Wasted", "builders",
    "cache", "check", "compare", "connect", "context", "image", "image_difference", "lint", "suggest",
    "suggest_static", "why",
]  # fmt: skip

_HOMES = {
    "budget.check": "check",
    "budget.linting.lint": "LintOptions lint",
    "budget.options": "CheckOptions",
    "budget.types": "CheckReport CheckTotals FileFinding Grown Judged TargetReport",
    "comparison.compare": "compare",
    "comparison.types": "BuildFigures Comparison ContextFigures Measurement PathSaving RuleSaving Saved"
    " Unattributed VariantFigures",
    "context.totals": "DirTotals IgnoredRoot RuleTotals ScanResult Totals",
    "engine.builders.interface": "Step",
    "engine.connect": "Engine connect",
    "engine.containers": "Verification VerifyCommand",
    "engine.endpoints.listing": "BuilderList BuilderNode ListedBuilder builders",
    "engine.options": "BuildOptions",
    "errors": "BuildFailed ConfigError CtxsizeError DockerfileError EngineError IgnoreFileError Interrupted"
    " UsageError VerifyFailed",
    "ignore.types": "Dialect Rule",
    "image.types": "Layer",
    "inspection.difference.difference": "image_difference",
    "inspection.difference.types": "DifferenceTotals ImageDifference PathChange Sizes StatusSum StepChange",
    "inspection.image": "image",
    "inspection.types": "Difference Duplicate Fix ImageName ImageReport ImageStep ImageTotals Leftover Proof"
    " ViewRow Wasted WasteGroup",
    "lint.config": "LintConfig",
    "lint.types": "Finding LintReport LintTarget LintTotals",
    "measure.figures": "Cost EngineFigures ImageFigures ProjectFigures SecondsSaved",
    "measure.target": "LargestPaths MeasuredTarget",
    "progress": "Progress",
    "rebuild.cache": "cache",
    "rebuild.types": "ChangeCost LateInstall Rebuild RebuildCost RebuildMeasurement",
    "sensitive.types": "SensitiveFile",
    "suggest.static": "suggest_static",
    "suggest.suggest": "suggest",
    "suggest.types": "NoRules SavedByRules SuggestMeasurement SuggestedRule Suggestion",
    "survey.dialects": "Differences PathDifference",
    "survey.overview": "Overview",
    "survey.views": "View",
    "survey.why": "Answer",
    "warning": "Warning",
}
#: Each name with the module that has it, below ``ctxsize``, and its name there.
_EXPORTS = {name: (home, name) for home, names in _HOMES.items() for name in names.split()}
_EXPORTS["context"] = ("survey.overview", "overview")


def why(
    path: str | Path = ".",
    paths: Iterable[str] = (),
    *,
    dockerfile: str | Path | None = None,
    builder: str = "buildkit",
) -> tuple[Answer, ...]:
    """Say for each of ``paths`` whether the project at ``path`` ignores it, and which rule decides.

    ``paths`` are relative to the current directory or, where that is outside of the context, to the context;
    they need not exist. ``builder`` is ``buildkit`` or ``classic``. Raises UsageError for a path outside of
    the context, IgnoreFileError, and ContextError for a directory that can't be read.
    """
    from ctxsize.ignore.types import Dialect
    from ctxsize.project import open_project
    from ctxsize.survey.why import context_path
    from ctxsize.survey.why import why as judge

    project = open_project(path, dockerfile=dockerfile, dialect=Dialect(builder), required=False)
    return tuple(judge(project, [context_path(project, each, given=str(path)) for each in paths]))


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, original = _EXPORTS[name]
    value = getattr(importlib.import_module(f"ctxsize.{home}"), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
