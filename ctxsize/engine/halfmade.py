"""Images that the classic builder finished after the run that asked for them was killed or interrupted.

The builder ends the step at work though nobody listens, and can't label what it makes. So the journal says
which step is at work and on top of which image. What came of it is an image without a name, made by such an
instruction, right on top of that image or on one of ours, in the time when that run was at work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError

from ctxsize.engine.trouble import sensible

#: Seconds after the journal's last line in which a step that was at work may still end.
_AFTERWARDS = 60.0


@dataclass(frozen=True, slots=True)
class StepAtWork:
    """A step of a classic build that has begun: the image it builds on (as the builder calls it, empty for
    none), its instruction, and when (epoch seconds)."""

    parent: str
    instruction: str
    began: float

    def text(self) -> str:
        """As the journal keeps it: without the instruction's arguments, in which secrets may lie."""
        return json.dumps([self.parent, self._keyword, self.began])

    @classmethod
    def parse(cls, text: str) -> StepAtWork | None:
        """A line of the journal; None when something has written over it."""
        try:
            parent, keyword, began = json.loads(text)
            return cls(str(parent), str(keyword), float(began))
        except (ValueError, TypeError):
            return None

    def made(self, created_by: str) -> bool:
        """Whether such an instruction made an image with this text in its history."""
        if self._keyword == "RUN":
            return "#(nop)" not in created_by
        return created_by.split("#(nop)")[-1].split()[:1] == [self._keyword]

    @property
    def _keyword(self) -> str:
        return (self.instruction.split() or [""])[0].upper()


def find(
    api: docker.APIClient, steps: Sequence[StepAtWork], images: Iterable[str], *, last_word: float
) -> list[str]:
    """The ids of images that came of ``steps`` or were made on top of ``images`` until shortly after
    ``last_word`` (epoch seconds); children first. None of them has a name, nor what was built on it."""
    if not steps:
        return []
    with sensible("its images"):
        every = {_digits(str(image["Id"])): image for image in api.images(all=True)}
        first, last = min(step.began for step in steps) - 1, last_word + _AFTERWARDS
        ours = {known for image in images if (known := _known(every, image))}
        found: dict[str, str] = {}
        again = True
        while again:
            again = False
            for digits, image in every.items():
                if digits in found or digits in ours or not first <= float(image["Created"]) <= last:
                    continue
                parent = _digits(str(image.get("ParentId") or ""))
                if (
                    parent in ours
                    or parent in found
                    or any(_came_of(api, step, image, parent) for step in steps)
                ):
                    found[digits] = parent
                    again = True
        named = {digits for digits, image in every.items() if _names(image)}
        wanted = {ancestor for digits in named for ancestor in _ancestors(every, digits)}
    return [str(every[digits]["Id"]) for digits in reversed(found) if digits not in wanted]


def _came_of(api: docker.APIClient, step: StepAtWork, image: Mapping[str, Any], parent: str) -> bool:
    """Whether ``image`` was made by the step: told by its parent first, which costs no question."""
    if bool(step.parent) != bool(parent) or not parent.startswith(_digits(step.parent)):
        return False
    if float(image["Created"]) < step.began - 1 or _names(image):
        return False
    try:
        return step.made(str(api.history(image["Id"])[0].get("CreatedBy", "")))
    except (APIError, IndexError):
        return False


def _names(image: Mapping[str, Any]) -> list[str]:
    return [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]


def _ancestors(every: Mapping[str, Mapping[str, Any]], digits: str) -> set[str]:
    """The image and all it was built on."""
    found: set[str] = set()
    while digits in every and digits not in found:
        found.add(digits)
        digits = _digits(str(every[digits].get("ParentId") or ""))
    return found


def _known(every: Iterable[str], image: str) -> str | None:
    """The full digits of an image that the builder named by the first twelve."""
    return next((digits for digits in every if digits.startswith(_digits(image))), None)


def _digits(image: str) -> str:
    return image.removeprefix("sha256:")
