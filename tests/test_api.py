"""The public face: what it has, and that it costs nothing until it is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from ctxsize import api

FUNCTIONS = [
    "builders",
    "cache",
    "check",
    "compare",
    "connect",
    "compare_several",
    "context",
    "image",
    "image_difference",
    "lint",
    "suggest",
    "suggest_static",
    "why",
]
ERRORS = ["BuildFailed", "ConfigError", "CtxsizeError", "DockerfileError", "EngineError", "IgnoreFileError",
          "Interrupted", "UsageError", "VerifyFailed"]  # fmt: skip
GIVEN = [
    "BuildOptions",
    "CheckOptions",
    "Dialect",
    "Engine",
    "LintConfig",
    "LintOptions",
    "Progress",
    "VerifyCommand",
]
RESULTS = [
    "BuilderList", "BuilderNode", "ListedBuilder",
    "Answer", "BuildFigures", "ChangeCost", "CheckReport", "CheckTotals", "Comparison", "ContextFigures",
    "Cost", "Differences", "DirTotals", "EngineFigures", "FileFinding", "Finding", "Grown",
    "IgnoredRoot", "ImageFigures", "Judged", "LargestPaths", "LateInstall", "Layer", "LintReport",
    "LintTarget", "LintTotals", "MeasuredTarget", "Measurement", "Overview", "PathDifference",
    "PathSaving", "ProjectFigures", "Rebuild", "RebuildCost", "RebuildMeasurement", "Rule", "RuleSaving",
    "RuleTotals", "Saved", "ScanResult", "SecondsSaved", "SensitiveFile", "Step", "TargetReport",
    "Totals", "Unattributed", "VariantFigures", "Verification", "View", "Warning",
    "Difference", "Duplicate", "Fix", "ImageName", "ImageReport", "ImageStep", "ImageTotals", "Leftover",
    "NoRules", "Proof", "SavedByRules", "SuggestMeasurement", "SuggestedRule", "Suggestion",
    "ViewRow", "WasteGroup", "Wasted",
    "DifferenceTotals", "ImageDifference", "PathChange", "Sizes", "StatusSum", "StepChange",
]  # fmt: skip


def test_what_is_exported() -> None:
    assert sorted([*FUNCTIONS, *ERRORS, *GIVEN, *RESULTS]) == api.__all__ == dir(api)


@pytest.mark.parametrize("name", api.__all__)
def test_each_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(api, name)

    assert inspect.isfunction(value) == (name in FUNCTIONS)
    assert inspect.getdoc(value)


def test_a_type_checker_sees_the_same_names() -> None:
    tree = ast.parse(inspect.getsource(api))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert {*seen, "why"} == set(api.__all__)
    for name, (module, original) in seen.items():
        assert getattr(importlib.import_module(str(module)), original) is getattr(api, str(name))


def test_what_is_not_exported_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = api.Nothing


@pytest.mark.parametrize(
    "used",
    [
        "",
        "api.context({path!r})",
        "api.why({path!r}, ['a'])",
        "api.BuildOptions()",
        "api.EngineError",
        "api.suggest_static({path!r})",
    ],
)
def test_what_needs_no_engine_does_not_load_the_docker_sdk(used: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    code = f"import sys\nfrom ctxsize import api\n{used.format(path=str(tmp_path))}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert not loaded & {"docker", "requests", "grpclib", "google.protobuf"}
    if not used:
        assert {name for name in loaded if name.startswith("ctxsize")} == {"ctxsize", "ctxsize.api"}
