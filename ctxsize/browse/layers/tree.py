"""What the layers of an image store, as a tree with sums; every content knows what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ctxsize.image.entries import path_of
from ctxsize.image.fates import Cause
from ctxsize.image.inventory import Stored

#: Contents after which somebody is told.
_OFTEN = 5_000


class Why(NamedTuple):
    """Why bytes are wasted: the positions of the layers that stored and buried them, and how."""

    position: int
    buried_by: int
    cause: Cause
    changed: tuple[str, ...]


class Content(NamedTuple):
    """A file as one layer stores it; ``why`` is None where the final image shows it."""

    up: Place
    name: str
    bytes: int
    position: int
    why: Why | None
    files: int = 1

    @property
    def path(self) -> str:
        """Its path in the image, from the root."""
        return f"{self.up.path}/{self.name}"

    @property
    def wasted(self) -> int:
        """Its bytes, if they are."""
        return self.bytes if self.why is not None else 0


class Place:
    """A directory: ``bytes`` are all that is stored in it, ``wasted`` what of that no file shows, and why in
    ``reasons``."""

    __slots__ = ("below", "bytes", "contents", "files", "name", "reasons", "up", "wasted")

    def __init__(self, name: str, up: Place | None) -> None:
        self.name = name
        self.up = up
        self.below: dict[str, Place] = {}
        self.contents: list[Content] = []
        self.bytes = self.wasted = self.files = 0
        self.reasons: dict[Why, int] = {}

    @property
    def path(self) -> str:
        """Its path, from the root; '' is the root."""
        return "" if self.up is None else f"{self.up.path}/{self.name}"


class ImageTree:
    """What is stored in the layers of an image; ``complete`` once all was read."""

    def __init__(self) -> None:
        self.root = Place("", None)
        self.complete = False
        self.seen = 0
        self.stored: list[Stored] = []

    def read(self, contents: Iterable[Stored], stop: Callable[[], bool]) -> None:
        """Take everything in; no more once ``stop`` says so."""
        for each in contents:
            self.stored.append(each)
            self._add(self.root, each)
            self.seen += 1
            if self.seen % _OFTEN == 0 and stop():
                return
        self.complete = True

    def only(self, shows: Callable[[int], bool]) -> None:
        """Have the tree be of the layers at these positions alone."""
        root = Place("", None)
        for each in self.stored:
            if shows(each.position):
                self._add(root, each)
        self.root = root

    def _add(self, root: Place, stored: Stored) -> None:
        *above, name = path_of(stored.path).split("/")[1:]
        place = root
        chain = [root]
        for each in above:
            found = place.below.get(each)
            if found is None:
                found = Place(each, place)
                place.below[each] = found
            place = found
            chain.append(place)
        why = None
        if stored.buried_by is not None and stored.cause is not None:
            why = Why(stored.position, stored.buried_by, stored.cause, stored.changed)
        content = Content(place, name, stored.bytes, stored.position, why)
        place.contents.append(content)
        for each_place in chain:
            each_place.bytes += content.bytes
            each_place.files += 1
            if why is not None and content.bytes:
                each_place.wasted += content.bytes
                each_place.reasons[why] = each_place.reasons.get(why, 0) + content.bytes

    def places(self, top: Place) -> Iterator[Place]:
        """A directory and all below it."""
        waiting = [top]
        while waiting:
            place = waiting.pop()
            yield place
            waiting.extend([*place.below.values()])

    def at(self, path: str) -> Place:
        """The directory at a path, or the nearest above it that there is."""
        place = self.root
        for name in path.split("/")[1:]:
            if name not in place.below:
                break
            place = place.below[name]
        return place
