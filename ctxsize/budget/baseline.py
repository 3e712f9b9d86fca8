"""Baselines: what was measured earlier, to hold growth against.

A file that ``--save-baseline`` wrote (docs/schema/baseline-1.json), or the JSON of ``ctxsize compare``, which
knows the sizes but not the paths that make them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctxsize import __version__
from ctxsize.errors import ConfigError, UsageError
from ctxsize.files.nested import nested_input
from ctxsize.files.repository import read_file
from ctxsize.files.write import replacing
from ctxsize.measure.target import LargestPaths, MeasuredTarget, StepSize
from ctxsize.text import json_text

SCHEMA = 1
_MOST_BYTES = 64 << 20
_MOST_STEPS = 1_000
_RENEW = "make it again with --save-baseline, or with `ctxsize compare --format json`"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The targets of a baseline by name. ``only``: it has a single project, whatever its name is."""

    file: str
    targets: Mapping[str, MeasuredTarget]
    only: bool = False

    def past(self, name: str, *, alone: bool) -> MeasuredTarget | None:
        """What is known of the target ``name``; ``alone``: it is the only one that is checked now."""
        if self.only and alone:
            return next(iter(self.targets.values()))
        return self.targets.get(name)


def load_baseline(path: str | Path) -> Baseline:
    """Read the baseline in a file. Raises ConfigError."""
    import json  # most checks have no baseline

    shown = str(path)
    try:
        data = read_file(Path(path).parent, Path(path).name, _MOST_BYTES)
    except OSError as error:
        hint = "--save-baseline FILE makes one" if isinstance(error, FileNotFoundError) else None
        raise ConfigError(f"the baseline can't be read: {error.strerror}", where=shown, hint=hint) from error
    try:
        with nested_input():
            document = json.loads(data)
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise ConfigError(
            "the baseline is not JSON", where=f"{shown}:{line}" if line else shown, hint=_RENEW
        ) from error
    return _Reader(shown).baseline(document)


def save_baseline(path: str | Path, targets: Mapping[str, MeasuredTarget], created: str) -> None:
    """Write a baseline, all of it or nothing. Raises UsageError."""
    import json

    document = {
        "schema": SCHEMA,
        "ctxsize": __version__,
        "created": created,
        "targets": {json_text(name): _past(past) for name, past in targets.items()},
    }
    try:
        with replacing(path) as file:
            file.write(json.dumps(document, indent=1).encode() + b"\n")
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(path)) from error


def _past(past: MeasuredTarget) -> dict[str, Any]:
    image = None
    if past.image_bytes is not None:
        image = {
            "bytes": past.image_bytes,
            "pull_bytes": past.pull_bytes,
            "steps": [
                {
                    "text": json_text(step.text),
                    "line": step.line,
                    "bytes": step.bytes,
                    "pull_bytes": step.pull_bytes,
                }
                for step in past.steps
            ],
            **_paths(past.image_paths),
        }
    return {
        "context": {
            "bytes": past.context_bytes,
            "files": past.context_files,
            **_paths(past.context_paths),
        },
        "image": image,
        "build": {"runs": list(past.runs)} if past.runs else None,
    }


def _paths(paths: LargestPaths) -> dict[str, Any]:
    rows = [{"path": path, "bytes": size} for path, size in paths.sizes.items()]
    return {"paths": rows, "complete": paths.complete}


class _Reader:
    """Takes a document apart that may be anything."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def baseline(self, document: object) -> Baseline:
        if isinstance(document, dict) and document.get("schema") == SCHEMA:
            targets, variants = document.get("targets"), document.get("variants")
            if isinstance(targets, dict):
                found = {name: self._target(name, content) for name, content in targets.items()}
                return Baseline(self._shown, found, only=len(found) == 1)
            if isinstance(variants, dict):
                name = self._table(document.get("project"), "project").get("context")
                past = self._target("variants.with", variants.get("with"))
                return Baseline(self._shown, {str(name): past}, only=True)
        raise ConfigError("the file is no baseline that this version reads", where=self._shown, hint=_RENEW)

    def _target(self, name: str, content: object) -> MeasuredTarget:
        """A target of a baseline, or the variant ``with`` of a comparison, which has no paths."""
        table = self._table(content, name)
        context = self._table(table.get("context"), f"{name}.context")
        image = self._table(table.get("image") or {}, f"{name}.image")
        build = self._table(table.get("build") or {}, f"{name}.build")
        return MeasuredTarget(
            context_bytes=self._integer(context, "bytes"),
            context_files=self._integer(context, "files"),
            context_paths=self._paths(context),
            image_bytes=self._integer(image, "bytes"),
            pull_bytes=self._integer(image, "pull_bytes"),
            image_paths=self._paths(image),
            steps=self._steps(image),
            runs=self._runs(build),
        )

    def _table(self, value: object, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(name)
        return value

    def _integer(self, table: Mapping[str, Any], key: str) -> int | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise self._wrong(key)
        return value

    def _paths(self, table: Mapping[str, Any]) -> LargestPaths:
        rows = table.get("paths", [])
        if not isinstance(rows, list):
            raise self._wrong("paths")
        sizes = {}
        for row in rows:
            size = self._integer(self._table(row, "paths"), "bytes")
            if not isinstance(row.get("path"), str) or size is None:
                raise self._wrong("paths")
            sizes[row["path"]] = size
        return LargestPaths(sizes, complete=table.get("complete") is True)

    def _steps(self, table: Mapping[str, Any]) -> tuple[StepSize, ...]:
        rows = table.get("steps", [])
        if not isinstance(rows, list) or len(rows) > _MOST_STEPS:
            raise self._wrong("steps")
        steps = []
        for row in rows:
            text = self._table(row, "steps").get("text")
            if not isinstance(text, str):
                raise self._wrong("steps")
            sizes = (self._integer(row, key) for key in ("line", "bytes", "pull_bytes"))
            steps.append(StepSize(text, *sizes))
        return tuple(steps)

    def _runs(self, table: Mapping[str, Any]) -> tuple[float, ...]:
        runs = table.get("runs", [])
        fine = isinstance(runs, list) and all(
            isinstance(run, (int, float)) and not isinstance(run, bool) and 0 <= run < 1e9 for run in runs
        )
        if not fine:
            raise self._wrong("runs")
        return tuple(float(run) for run in runs)

    def _wrong(self, name: str) -> ConfigError:
        return ConfigError(f"{name!r} is not as in a baseline", where=self._shown, hint=_RENEW)
