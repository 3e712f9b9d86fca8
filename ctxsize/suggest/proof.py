"""Whether an image is the same otherwise: all that differs is what a rule keeps out, or lies in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.ignore.matcher import Matcher
from ctxsize.image.states import Difference, digest_of_file
from ctxsize.suggest.types import Candidate
from ctxsize.text import printable

#: What an image's configuration says of how it runs.
_CONFIG = (
    *("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "OnBuild", "Shell", "StopSignal"),
    *("User", "Volumes", "WorkingDir"),
)
#: Effects that are told apart; of more, those in one directory are one.
_MOST_EFFECTS = 300
#: Letters and digits in a name that may be chance, or the time.
_CHANCE = re.compile(r"[0-9a-fA-F]{6,}|[0-9]+|(?<=tmp)\w+")
#: How much more than two builds of the same a size may differ before it is no chance.
_MORE, _SLACK = 4, 16


class Explained:
    """What the rules added to ``before`` keep out, seen in the image.

    ``image_map`` leads from the image of ``target`` (the index of a stage) back to the context. The ignore
    file itself may be in the image: there it has the digest of what the trial gave it.
    """

    def __init__(
        self,
        image_map: ImageMap,
        target: int,
        before: Matcher | None,
        after: Matcher,
        ignore_file: bytes,
    ) -> None:
        self._map = image_map
        self._target = target
        self._before = before
        self._after = after
        self._own = digest_of_file(ignore_file)
        self._directories: dict[str, bool] = {"": False}

    def __call__(self, difference: Difference) -> bool:
        """Whether a rule that was added is the whole reason for a difference."""
        if difference.after == self._own:
            return True
        path = difference.path
        return self._removed(path) or self._in_removed(os.path.dirname(path))

    def _in_removed(self, directory: str) -> bool:
        known = self._directories.get(directory)
        if known is None:
            known = self._in_removed(os.path.dirname(directory)) or self._removed(directory)
            self._directories[directory] = known
        return known

    def _removed(self, path: str) -> bool:
        """Whether the context has something for that path of the image, and a new rule keeps that out."""
        return any(
            self._after.quick_verdict(origin.path).ignored
            and not (self._before is not None and self._before.quick_verdict(origin.path).ignored)
            for origin in self._map.stage_origins(self._target, path)
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """What differs between two builds of the same: by the name, chance in it left out, how far sizes do."""

    names: Mapping[str, int]

    @staticmethod
    def of(differences: Iterable[Difference]) -> Noise:
        """That of two images that should be the same."""
        names: dict[str, int] = {}
        for each in differences:
            name = _without_chance(each.path)
            spread = abs(each.bytes_before - each.bytes_after) if each.before and each.after else 0
            names[name] = max(names.get(name, 0), spread)
        return Noise(names)

    def has(self, difference: Difference) -> bool:
        """Whether a difference is no more than what two builds of the same show."""
        spread = self.names.get(_without_chance(difference.path))
        if spread is None:
            return False
        if difference.before is None or difference.after is None:
            return _without_chance(difference.path) != difference.path
        size = abs(difference.bytes_before - difference.bytes_after)
        return size == 0 or (spread > 0 and size <= _MORE * spread + _SLACK)


def unexplained(
    differences: Iterable[Difference], explained: Callable[[Difference], bool], noise: Noise | None
) -> list[Difference]:
    """The differences that no rule explains, and no chance does."""
    return [
        each for each in differences if not explained(each) and not (noise is not None and noise.has(each))
    ]


def effects_of(differences: Sequence[Difference]) -> dict[str, str]:
    """Differences as effects of a set of candidates, each with what is told of it."""
    found: dict[str, str] = {}
    for each in differences:
        where = each.path if len(differences) <= _MOST_EFFECTS else os.path.dirname(each.path)
        found.setdefault(where, f"the image is not the same: /{printable(each.path)} {each.what}")
    return found


def config_effects(
    before: Mapping[str, Any], after: Mapping[str, Any], own_label: str
) -> Iterator[tuple[str, str]]:
    """What the configurations of two images say otherwise, as effects."""
    for key in _CONFIG:
        one, other = (_plain(config.get(key), own_label) for config in (before, after))
        if one != other:
            yield f"\0{key}", f"the image is not the same: {key} of its configuration differs"


def _plain(value: Any, own_label: str) -> Any:
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if not name.startswith(own_label)}
    return value or None


def hinted_at(differences: Iterable[Difference], candidates: Sequence[Candidate]) -> frozenset[str]:
    """The candidates whose paths have the names of what differs."""
    names = {part for each in differences for part in each.path.split("/")}
    return frozenset(
        candidate.rule
        for candidate in candidates
        if any(hit.rpartition("/")[2] in names for hit in candidate.hits)
    )


def _without_chance(path: str) -> str:
    return _CHANCE.sub("#", path)
