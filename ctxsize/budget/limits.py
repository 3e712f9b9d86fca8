"""Which limits there are, and how one is read: ``image`` and ``250 MB`` become a value that can be judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ctxsize.budget.sizes import AmountError, Share, parse_bytes, parse_files, parse_share
from ctxsize.errors import ConfigError

if TYPE_CHECKING:
    from ctxsize.budget.types import Unit

#: What takes a limit away that a file or a variable sets.
OFF = "off"
#: What is made of a file that looks like a secret and reaches the build.
SENSITIVE = ("off", "warn", "fail")
_MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of limit: ``name`` as in the configuration (``growth.image``).

    ``absolute`` and ``relative`` say whether it may be an amount and a percentage. ``engine``: it takes an
    image, built or there already. ``inside``: it takes all files of the image.
    """

    name: str
    unit: Unit
    absolute: bool = True
    relative: bool = False
    engine: bool = False
    inside: bool = False

    @property
    def group(self) -> str:
        """``growth``, ``savings``, or ``size``."""
        return self.name.partition(".")[0] if "." in self.name else "size"

    @property
    def of(self) -> str:
        """What it is a limit of: ``context``, ``context-files``, ``image``, ``pull``, ``wasted`` …"""
        return self.name.rpartition(".")[2]


def _kinds() -> Iterable[Kind]:
    for prefix, relative in (("", False), ("growth.", True), ("savings.", True)):
        yield Kind(f"{prefix}context", "bytes", relative=relative)
        yield Kind(f"{prefix}context-files", "files", relative=relative)
        yield Kind(f"{prefix}image", "bytes", relative=relative, engine=True)
        yield Kind(f"{prefix}pull", "bytes", relative=relative, engine=True)
    # A percentage of these is one of the image.
    for name in ("wasted", "reclaimable", "leftovers"):
        yield Kind(name, "bytes", relative=True, engine=True, inside=True)
    yield Kind("layer", "bytes", relative=True, engine=True)
    yield Kind("growth.line", "bytes", relative=True, engine=True)
    # Seconds depend on the machine, so they have no limit of their own.
    yield Kind("growth.build-time", "seconds", absolute=False, relative=True, engine=True)


#: Every limit there is, in the order they are reported.
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _kinds()})


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as set: an ``amount`` (bytes or files) or a ``share``; ``where`` says who set it."""

    kind: Kind
    text: str
    where: str
    amount: int | None = None
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A pattern or a path of a list in the configuration, and where it stands there."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a target by name, None for one that was taken away; its lists; what files that look
    like secrets are (one of SENSITIVE; None: ``warn``), and patterns of those that are none; what findings of
    lint are (one of SENSITIVE; None: ``off``); patterns of what may be wasted or left in an image."""

    limits: Mapping[str, Limit | None] = field(default_factory=dict)
    forbid: tuple[Listed, ...] = ()
    require_ignored: tuple[Listed, ...] = ()
    sensitive: Listed | None = None
    not_sensitive: tuple[Listed, ...] = ()
    lint: Listed | None = None
    exempt: tuple[Listed, ...] = ()

    def over(self, weaker: Budget) -> Budget:
        """This budget where it says something, else the weaker one; lists add up."""
        return Budget(
            limits={**weaker.limits, **self.limits},
            forbid=tuple(dict.fromkeys((*weaker.forbid, *self.forbid))),
            require_ignored=tuple(dict.fromkeys((*weaker.require_ignored, *self.require_ignored))),
            sensitive=self.sensitive or weaker.sensitive,
            not_sensitive=tuple(dict.fromkeys((*weaker.not_sensitive, *self.not_sensitive))),
            lint=self.lint or weaker.lint,
            exempt=tuple(dict.fromkeys((*weaker.exempt, *self.exempt))),
        )

    def set_limits(self) -> tuple[Limit, ...]:
        """The limits that apply, in the order they are reported."""
        found = (self.limits.get(name) for name in KINDS)
        return tuple(limit for limit in found if limit is not None)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to check."""
        fails = any(each is not None and each.text == "fail" for each in (self.sensitive, self.lint))
        return not (self.set_limits() or self.forbid or self.require_ignored or fails)


def parse_limit(name: str, text: str, where: str) -> Limit | None:
    """The limit ``name`` of ``text``; None for ``off``. Raises ConfigError."""
    kind = KINDS.get(name)
    if kind is None:
        raise unknown(name, KINDS, where, what="limit")
    if text.strip() == OFF:
        return None
    try:
        share = parse_share(text)
        if share is not None and not kind.relative:
            raise AmountError(f"{text!r} is a percentage: of what? growth.{kind.of} takes one")
        if share is None and not kind.absolute:
            raise AmountError(f"{text!r} is not a percentage: seconds differ from machine to machine")
        if share is not None:
            return Limit(kind, text.strip(), where, share=share)
        amount = parse_files(text) if kind.unit == "files" else parse_bytes(text)
    except AmountError as error:
        raise ConfigError(f"{name}: {error}", where=where) from error
    return Limit(kind, text.strip(), where, amount=amount)


def parse_sensitive(text: str, where: str, key: str = "sensitive") -> Listed:
    """One of SENSITIVE, the value of ``key``. Raises ConfigError."""
    if text.strip() not in SENSITIVE:
        raise unknown(text.strip(), SENSITIVE, where, what=f"value of {key}")
    return Listed(text.strip(), where)


def unknown(name: str, known: Iterable[str], where: str, *, what: str = "key", hint: str = "") -> ConfigError:
    """The error for a name that nothing is known by, with the nearest that is."""
    from difflib import get_close_matches  # seldom needed, and slow to import

    known = list(known)
    near = get_close_matches(name[:_MOST_SHOWN], known, n=1, cutoff=0.5)
    shown = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"
    if not hint:
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return ConfigError(f"unknown {what} {shown!r}", where=where, hint=hint)
