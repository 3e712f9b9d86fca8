"""Whether an image is the same otherwise: all that differs is what a rule keeps out, or lies in it. And which
candidates the words of a build that failed name as what is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ctxsize.dockerfile.mapping import ImageMap
from ctxsize.errors import BuildFailed
from ctxsize.ignore.matcher import Matcher
from ctxsize.image.entries import path_of
from ctxsize.image.inventory import CHANGED, Inventory, Shown, changes
from ctxsize.suggest.types import Candidate
from ctxsize.text import printable

#: Effects that are told apart; of more, those in one directory are one.
_MOST_EFFECTS = 300
#: Letters and digits in a name that may be chance, or the time.
_CHANCE = re.compile(r"[0-9a-fA-F]{6,}|[0-9]+|(?<=tmp)\w+")
#: How much more than two builds of the same a size may differ before it is no chance.
_MORE, _SLACK = 4, 16
#: What a line of a log says that is about something missing.
_MISSING = re.compile(
    r"not found|no such file|enoent|(?:can ?not|can't|could ?n[o']t|unable to) (?:find|open|read|load|locate)"
    r"|does(?: not|n't) exist|not a git repository|missing|file ?not ?found|can(?:not|'t) resolve"
    r"|no module named",
    re.IGNORECASE,
)
_MOST_NAMES = 200  # of the paths of one candidate
_LONGEST_LINE = 2_000  # characters of a line that are looked at
_COMPILED = re.compile(r"(.*/)?__pycache__/([^/]+)\.[\w-]+\.pyc")


@dataclass(frozen=True, slots=True)
class Differing:
    """A path, relative to the root, that is not the same in the final file systems of two images; None:
    nothing is there."""

    path: str
    before: Shown | None
    after: Shown | None

    @property
    def what(self) -> str:
        """``is missing``, ``is new``, ``has another content`` …; nothing where only the time differs."""
        return next((CHANGED[each] for each in changes(self.before, self.after)), "")


def differing(inventory: Inventory, before: int, after: int) -> list[Differing]:
    """The paths that are not the same in two slots of an inventory, times apart.

    A directory that is there in both has what is in it compared. A compiled Python module has the time of its
    source in it: one of the same size counts as the same where its source is.
    """
    found = {
        each.path: each
        for pair in inventory.differing(before, after)
        if (each := Differing(path_of(pair.path)[1:], pair.before, pair.after)).what
    }
    return [each for each in found.values() if not _compiled_again(each, found)]


def _compiled_again(each: Differing, found: Mapping[str, Differing]) -> bool:
    match = _COMPILED.fullmatch(each.path)
    if match is None or each.before is None or each.after is None or each.before.size != each.after.size:
        return False
    return f"{match[1] or ''}{match[2]}.py" not in found


class Explained:
    """What the rules added to ``before`` keep out, seen in the image; with ``both`` also what they keep that
    was ignored.

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
        *,
        both: bool = False,
    ) -> None:
        self._map = image_map
        self._target = target
        self._before = before
        self._after = after
        self._both = both
        self._own = blake2b(ignore_file, digest_size=16).digest()
        self._directories: dict[str, bool] = {"": False}

    def __call__(self, difference: Differing) -> bool:
        """Whether a rule that was added is the whole reason for a difference."""
        if difference.after is not None and difference.after.hash == self._own:
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
        return any(self._decided(origin.path) for origin in self._map.stage_origins(self._target, path))

    def _decided(self, path: str) -> bool:
        """Whether new rules decide otherwise about a path of the context."""
        before = self._before is not None and self._before.quick_verdict(path).ignored
        after = self._after.quick_verdict(path).ignored
        return before != after if self._both else after and not before


@dataclass(frozen=True, slots=True)
class Noise:
    """What differs between two builds of the same: by the name, chance in it left out, how far sizes do."""

    names: Mapping[str, int]

    @staticmethod
    def of(differences: Iterable[Differing]) -> Noise:
        """That of two images that should be the same."""
        names: dict[str, int] = {}
        for each in differences:
            name = _without_chance(each.path)
            spread = _spread(each)
            names[name] = max(names.get(name, 0), spread)
        return Noise(names)

    def has(self, difference: Differing) -> bool:
        """Whether a difference is no more than what two builds of the same show."""
        spread = self.names.get(_without_chance(difference.path))
        if spread is None:
            return False
        if difference.before is None or difference.after is None:
            return _without_chance(difference.path) != difference.path
        size = _spread(difference)
        return size == 0 or (spread > 0 and size <= _MORE * spread + _SLACK)


def unexplained(
    differences: Iterable[Differing], explained: Callable[[Differing], bool], noise: Noise | None
) -> list[Differing]:
    """The differences that no rule explains, and no chance does."""
    return [
        each for each in differences if not explained(each) and not (noise is not None and noise.has(each))
    ]


def effects_of(differences: Sequence[Differing]) -> dict[str, str]:
    """Differings as effects of a set of candidates, each with what is told of it."""
    found: dict[str, str] = {}
    for each in differences:
        where = each.path if len(differences) <= _MOST_EFFECTS else os.path.dirname(each.path)
        found.setdefault(where, f"the image is not the same: /{printable(each.path)} {each.what}")
    return found


def states_of(differences: Sequence[Differing]) -> dict[str, bytes]:
    """Digests of what the effects came to that are a content, by their names."""
    if len(differences) > _MOST_EFFECTS:
        return {}
    return {each.path: each.after.hash for each in differences if each.after is not None and each.after.hash}


def config_effects(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the configurations of two images say otherwise, as effects."""
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"\0{key}", f"the image is not the same: {key} of its configuration differs"


def hinted_at(differences: Iterable[Differing], candidates: Sequence[Candidate]) -> frozenset[str]:
    """The candidates whose paths have the names of what differs, or that it usually comes from."""
    differences = list(differences)
    names = {part for each in differences for part in each.path.split("/")}
    if any(each.before is not None and each.after is not None for each in differences):
        names.add(".git")  # what has another content most often is a version
    return frozenset(
        candidate.rule
        for candidate in candidates
        if any(hit.rpartition("/")[2] in names for hit in candidate.hits)
    )


def named_by(failure: BuildFailed, candidates: Sequence[Candidate]) -> frozenset[str]:
    """The rules of the candidates that a line about something missing names, by a path or its last part."""
    lines = [line[:_LONGEST_LINE] for line in (failure.message, *failure.log) if _MISSING.search(line)]
    if not lines:
        return frozenset()
    text = "\n".join(lines)
    found = frozenset(each.rule for each in candidates if _in(text, each.hits))
    if found:
        return found
    # Only a name, as modules have it: `No module named 'tests'`.
    return frozenset(
        each.rule for each in candidates if _in(text, [hit.rpartition("/")[2] for hit in each.hits])
    )


def _in(text: str, names: Sequence[str]) -> bool:
    words = "|".join(re.escape(name) for name in names[:_MOST_NAMES] if name)
    return bool(words) and re.search(rf"(?<![\w.-])(?:{words})(?![\w-])", text) is not None


def told(failure: BuildFailed) -> str:
    """A failed build in one line."""
    return f"the build fails: {failure.told}"


def _spread(difference: Differing) -> int:
    """How far the sizes differ; 0 where only one is there."""
    if difference.before is None or difference.after is None:
        return 0
    return abs(difference.before.size - difference.after.size)


def _without_chance(path: str) -> str:
    return _CHANCE.sub("#", path)
