"""Podman's builder through its Docker API: the classic builder's request, answered in Buildah's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ctxsize.context.variant import Variant
from ctxsize.engine.builders.classic import ClassicBuilder, Output
from ctxsize.engine.builders.classictar import ClassicTar, podman_tar
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.journal import Journal
from ctxsize.progress import Progress

#: Where there are several stages, ``[1/2]`` says which; the steps of each are counted from its FROM.
_STEP = re.compile(r"^(?:\[(\d+)/\d+\] )?STEP (\d+)/\d+: (.*)$")
_IMAGE = re.compile(r"^--> ([0-9a-f]{11,64})$")
_CACHED = re.compile(r"^--> Using cache [0-9a-f]{64}$")
#: What it fails with when somebody removes an image while it looks for one to take from its cache.
_RACE = re.compile(r"checking if cached image exists from a previous build: .* not known$")


class PodmanBuilder(ClassicBuilder):
    """Builds with Podman.

    Its cache can't be confined to certain images: labels in the Dockerfile (see ``markers``) keep
    the user's out and have the affected steps run for real each time.
    """

    _races = _RACE

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        super().__init__(engine, plan, run, journal)
        self._builds = 0

    def _tar(self, variant: Variant, rebuild: bool) -> ClassicTar:
        self._builds += 1
        return podman_tar(self._plan, variant, self._run, None if rebuild else self._builds)

    @property
    def _sent_dockerfile(self) -> str | None:
        return None  # it reads ours

    def _cache(self, rebuild: bool) -> list[str]:
        return []  # for Podman, repositories to pull from

    def _further(self, tar: ClassicTar) -> dict[str, Any]:
        return {"kept_out": [tar.dockerfile]}

    def _read_line(self, line: str, output: Output, progress: Progress) -> None:
        if match := _STEP.match(line):
            number = self._number(int(match[1] or 1), int(match[2]), output)
            self._begin_step(number, match[3], output, progress)
        elif _CACHED.match(line):
            output.cached = True
        elif match := _IMAGE.match(line):
            self._end_image(match[1], output)

    def _number(self, stage: int, step: int, output: Output) -> int:
        """Which of all instructions the builder was given, counted from 1, is that step of that stage."""
        return (output.stages[stage - 1] if stage <= len(output.stages) else len(output.lines)) + step

    def _hear_out(self, event: Mapping[str, Any] | None, output: Output) -> bool:
        return True  # it makes nothing without our label, and ends with the connection
