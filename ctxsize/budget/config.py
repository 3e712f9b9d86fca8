"""Where limits come from: ``.ctxsize.toml`` or ``pyproject.toml``, the environment, the command line.

The later win, limit by limit; lists add up. A file is read strictly: what it says and we don't understand is
an error with file and line, never silently without effect.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctxsize.budget.limits import KINDS, Budget, Limit, Listed, parse_limit, parse_sensitive, unknown
from ctxsize.budget.lines import KeyPath, key_lines, kind_of
from ctxsize.budget.linting.config import LINT_KEYS, lint_config
from ctxsize.dockerfile.platforms import parse_platform
from ctxsize.engine.names import is_builder
from ctxsize.errors import ConfigError
from ctxsize.files.nested import TooDeep, nested_input
from ctxsize.files.probe import is_remote
from ctxsize.files.repository import MOST_CONFIGURATION, MOST_PYPROJECT, is_beneath, read_file
from ctxsize.lint.config import LintConfig
from ctxsize.project import Inline
from ctxsize.text import unfit

if TYPE_CHECKING:
    from ctxsize.masking import Masker

FILE = ".ctxsize.toml"
PYPROJECT = "pyproject.toml"
#: Parts of a key, items of a list, targets of a file, and items of the lists of all of them, each of which a
#: check looks at for itself.
_MOST_PARTS = 64
_MOST_ITEMS = 1000
_MOST_TARGETS = 500
_MOST_ITEMS_IN_ALL = 20_000
_LONG_KEY = re.compile(rf"""(?:(?:(?<![\w-])[\w-]++|"[^"]*+"|'[^']*+')\s*+\.\s*+){{{_MOST_PARTS},}}""")
_GROUPS = ("growth", "savings")
LISTS = ("forbid", "require-ignored", "not-sensitive", "exempt")
SENSITIVE = "sensitive"
LINT = "lint"
WORDS = (SENSITIVE, LINT)  # that are off, warn or fail
_BUDGET_KEYS = (*(name for name in KINDS if "." not in name), *_GROUPS, *LISTS, SENSITIVE, LINT)
_BUILD_KEYS = ("dockerfile", "target", "build-args", "build-contexts", "platform", "builder")
_TOP_KEYS = (*_BUILD_KEYS, "against", "baseline", "budget", LINT, "targets")
_TARGET_KEYS = ("path", *_BUILD_KEYS, "against", "budget", LINT)


@dataclass(frozen=True, slots=True)
class Target:
    """A build to be checked: where it is, how it is built, its limits, what is said of its findings.

    ``path`` is the context directory as the user would write it. ``dockerfile`` as ``docker build -f`` takes
    it, relative to the current directory; None for the context's own. ``stage`` is its ``--target``.
    ``against`` is the image in a registry that growth is measured from. ``config`` is the file the limits
    come from. ``services`` are those of a Compose file that share it.
    ``contexts`` are its named contexts, by name; ``inline`` is its Dockerfile where that is no file.
    ``mask`` hides the values of variables that a Compose file made names and paths of.
    """

    name: str
    path: str
    dockerfile: str | None = None
    stage: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    builder: str = "auto"
    against: str | None = None
    budget: Budget = Budget()  # noqa: RUF009  (immutable)
    lint: LintConfig = LintConfig()  # noqa: RUF009  (immutable)
    config: str | None = None
    services: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    inline: Inline | None = None
    mask: Masker | None = field(default=None, compare=False, repr=False)

    @property
    def names(self) -> dict[str, None]:
        """What selects it: its own name, and that of each service."""
        return dict.fromkeys((self.name, *self.services))


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file: its targets (if it names none, one: the directory it lies in), its baseline, and
    the other file that it hides. ``defaults`` is what it says outside of its targets."""

    targets: tuple[Target, ...]
    defaults: Target
    baseline: str | None = None
    shadowed: str | None = None


def load_config(directory: str | Path) -> Config:
    """The configuration in the ``directory``; one target without limits when there is none.

    ``.ctxsize.toml``, else ``[tool.ctxsize]`` in ``pyproject.toml``. Raises ConfigError.
    """
    directory = Path(directory)
    own, project = directory / FILE, directory / PYPROJECT
    text = _read(own, MOST_CONFIGURATION)
    shared = _read(project, MOST_PYPROJECT)
    table = None
    if shared is not None and "ctxsize" in shared:  # most do not mention us, and some are long
        tools = _parse(shared, _shown(project)).get("tool", {})
        if isinstance(tools, Mapping):  # whatever else it is, it says nothing to us
            table = tools.get("ctxsize")
    if text is not None:
        shadowed = _shown(project) if table is not None else None
        return _Reader(directory, _shown(own), text, ()).config(_parse(text, _shown(own)), shadowed)
    if table is not None and shared is not None:
        return _Reader(directory, _shown(project), shared, ("tool", "ctxsize")).config(table, None)
    nothing = Target(_name(directory), str(directory))
    return Config((nothing,), nothing)


def _read(path: Path, most: int) -> str | None:
    """A file's text, of ``most`` bytes; None when there is none."""
    try:
        data = read_file(path.parent, path.name, most)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", where=_shown(path)) from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8, as TOML must be", where=f"{_shown(path)}:{line}") from error


def _parse(text: str, shown: str) -> dict[str, Any]:
    if len(text) > MOST_CONFIGURATION:
        raise ConfigError(f"the file is larger than {MOST_CONFIGURATION >> 10} KiB", where=shown)
    for number, said in enumerate(text.split("\n"), 1):
        # tomllib takes time with the square of a dotted key's parts, and memory with each.
        if said.count(".") >= _MOST_PARTS and _LONG_KEY.search(said):
            raise ConfigError(f"a key of more than {_MOST_PARTS} parts", where=f"{shown}:{number}")
    import tomllib  # most projects have no configuration

    try:
        with nested_input():
            return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        end = str(error).endswith("(at end of document)")
        line = int(place[1]) if place else text.count("\n") + 1 if end else None
        raise ConfigError(
            f"not TOML: {str(error).rpartition(' (at ')[0] or error}",
            where=f"{shown}:{line}" if line else shown,
        ) from error
    except TooDeep as error:
        raise ConfigError("not TOML: nested too deeply", where=shown) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise ConfigError("not TOML: a number is too long", where=shown) from error


def _shown(path: Path) -> str:
    """A path as the user would write it from the current directory."""
    return os.path.relpath(path)


def _name(directory: Path) -> str:
    return directory.resolve().name or str(directory.resolve())


class _Reader:
    """Turns the tables of one file into targets."""

    def __init__(self, directory: Path, shown: str, text: str, prefix: KeyPath) -> None:
        self._directory = directory
        self._shown = shown
        self._text = text
        self._prefix = prefix
        self._lines: dict[KeyPath, int] | None = None
        self._dockerfile: str | None = None

    def config(self, table: Mapping[str, Any], shadowed: str | None) -> Config:
        self._table((), table)
        self._keys((), table, _TOP_KEYS)
        self._dockerfile = self._text_of((), table, "dockerfile")
        defaults = self._target(
            (),
            table,
            name=_name(self._directory),
            path=str(self._directory),
            base=None,
            checked="targets" not in table,
        )
        targets: list[Target] = []
        given = self._mapping((), table, "targets")
        if len(given) > _MOST_TARGETS:
            raise ConfigError(f"more than {_MOST_TARGETS} targets", where=self._where(("targets",)))
        items = 0
        for name, content in given.items():
            here: KeyPath = ("targets", name)
            self._table(here, content)
            self._keys(here, content, _TARGET_KEYS)
            path = self._text_of(here, content, "path") or "."
            joined = self._inside((*here, "path"), os.path.normpath(self._directory / path))
            targets.append(self._target(here, content, name=name, path=joined, base=defaults, checked=True))
            budget = targets[-1].budget
            items += len(budget.forbid) + len(budget.require_ignored)
            items += len(budget.not_sensitive) + len(budget.exempt)
            if items > _MOST_ITEMS_IN_ALL:
                raise ConfigError(
                    f"the lists of all targets have more than {_MOST_ITEMS_IN_ALL} items",
                    where=self._where(here),
                )
        baseline = self._text_of((), table, "baseline")
        if baseline is not None:
            baseline = self._inside(("baseline",), os.path.normpath(self._directory / baseline))
        return Config(tuple(targets) or (defaults,), defaults, baseline, shadowed)

    def _target(
        self,
        here: KeyPath,
        table: Mapping[str, Any],
        *,
        name: str,
        path: str,
        base: Target | None,
        checked: bool,
    ) -> Target:
        """A target; ``base`` has what it does not say itself. ``checked``: it is one to be checked."""
        base = base or Target(name, path)
        dockerfile = self._text_of(here, table, "dockerfile") or self._dockerfile
        if dockerfile is not None:
            dockerfile = os.path.normpath(os.path.join(path, dockerfile))
            if checked:
                self._inside((*here, "dockerfile"), dockerfile)
        stage = self._text_of(here, table, "target")
        platform = self._text_of(here, table, "platform")
        if platform is not None:
            platform = parse_platform(platform, self._where((*here, "platform")), ConfigError)
        builder = self._text_of(here, table, "builder")
        if builder is not None and not is_builder(builder):
            raise ConfigError(
                f"{builder[:100]!r} names no builder",
                where=self._where((*here, "builder")),
                hint="an address goes on the command line: --builder",
            )
        args = {
            key: self._string((*here, "build-args", key), value)
            for key, value in self._mapping(here, table, "build-args").items()
        }
        return Target(
            name=name,
            path=path,
            dockerfile=dockerfile,
            stage=base.stage if stage is None else stage,
            build_args={**base.build_args, **args},
            contexts={**base.contexts, **self._contexts((*here, "build-contexts"), table)},
            platform=base.platform if platform is None else platform,
            builder=base.builder if builder is None else builder,
            against=self._against(here, table) or base.against,
            budget=self._budget((*here, "budget"), self._mapping(here, table, "budget")).over(base.budget),
            lint=self._lint((*here, LINT), self._mapping(here, table, LINT)).over(base.lint),
            config=self._shown,
        )

    def _contexts(self, here: KeyPath, table: Mapping[str, Any]) -> dict[str, str]:
        """The named contexts: directories below that of the file, and references to images."""
        found: dict[str, str] = {}
        for name, value in self._mapping(here[:-1], table, str(here[-1])).items():
            text = self._string((*here, name), value)
            found[name] = text
            if not is_remote(text):
                found[name] = self._inside((*here, name), os.path.normpath(self._directory / text))
        return found

    def _against(self, here: KeyPath, table: Mapping[str, Any]) -> str | None:
        """What growth is measured from. Raises ConfigError for anything but an image in a registry: a
        stranger's configuration must not have us read files."""
        text = self._text_of(here, table, "against")
        if text is not None and not text.startswith("registry://"):
            where = self._where((*here, "against"))
            hint = "--against on the command line takes any image"
            raise ConfigError("against must be registry://HOST/NAME:TAG", where=where, hint=hint)
        return text

    def _lint(self, here: KeyPath, table: Mapping[str, Any]) -> LintConfig:
        self._keys(here, table, LINT_KEYS)
        severity = {
            code: self._string((*here, "severity", code), value)
            for code, value in self._mapping(here, table, "severity").items()
        }
        return lint_config(
            None if "select" not in table else self._list(here, table, "select"),
            self._list(here, table, "ignore"),
            {code: Listed(word, self._where((*here, "severity", code))) for code, word in severity.items()},
            self._text_of(here, table, "fail-on"),
            self._where((*here, "fail-on")),
        )

    def _inside(self, here: KeyPath, path: str) -> str:
        """The path. Raises ConfigError when it leads out of the file's directory, links followed: what a
        stranger wrote must not make a build see more than the directory that was named."""
        if not is_beneath(self._directory, path):
            raise ConfigError(
                f"{path} lies outside of {os.path.normpath(self._directory)}",
                where=self._where(here),
                hint="put the configuration above it, or name the directory on the command line",
            )
        return path

    def _budget(self, here: KeyPath, table: Mapping[str, Any]) -> Budget:
        self._keys(here, table, _BUDGET_KEYS)
        limits: dict[str, Limit | None] = {}
        for key, value in table.items():
            if key in _GROUPS:
                group = self._mapping(here, table, key)
                known = [name.partition(".")[2] for name in KINDS if name.startswith(f"{key}.")]
                self._keys((*here, key), group, known)
                for name, inner in group.items():
                    limits[f"{key}.{name}"] = self._limit((*here, key, name), f"{key}.{name}", inner)
            elif key not in (*LISTS, SENSITIVE, LINT):
                limits[key] = self._limit((*here, key), key, value)
        sensitive, lint = self._text_of(here, table, SENSITIVE), self._text_of(here, table, LINT)
        return Budget(
            limits,
            self._list(here, table, "forbid"),
            self._list(here, table, "require-ignored"),
            None if sensitive is None else parse_sensitive(sensitive, self._where((*here, SENSITIVE))),
            self._list(here, table, "not-sensitive"),
            None if lint is None else parse_sensitive(lint, self._where((*here, LINT)), LINT),
            self._list(here, table, "exempt"),
        )

    def _limit(self, here: KeyPath, name: str, value: object) -> Limit | None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and KINDS[name].unit == "files":
            value = str(value)
        elif number:
            unit = "5%" if not KINDS[name].absolute else f"{value} MB"
            raise ConfigError(f"{name}: {value} of what?", where=self._where(here), hint=f'write "{unit}"')
        return parse_limit(name, self._string(here, value), self._where(here))

    def _list(self, here: KeyPath, table: Mapping[str, Any], key: str) -> tuple[Listed, ...]:
        value = table.get(key, [])
        if not isinstance(value, list):
            raise self._wrong((*here, key), value, "a list of strings")
        if len(value) > _MOST_ITEMS:
            raise ConfigError(f"{key}: more than {_MOST_ITEMS} items", where=self._where((*here, key)))
        return tuple(
            Listed(self._string((*here, key, index), item), self._where((*here, key, index)))
            for index, item in enumerate(value)
        )

    def _mapping(self, here: KeyPath, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = table.get(key, {})
        self._table((*here, key), value)
        return dict(value)

    def _table(self, here: KeyPath, value: object) -> None:
        if not isinstance(value, Mapping):
            raise self._wrong(here, value, "a table")

    def _text_of(self, here: KeyPath, table: Mapping[str, Any], key: str) -> str | None:
        return self._string((*here, key), table[key]) if key in table else None

    def _string(self, here: KeyPath, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(here, value, "a string")
        if unfit(value):
            raise self._wrong(here, value, "text without null characters", found="such a string")
        return value

    def _wrong(self, here: KeyPath, value: object, wanted: str, *, found: str | None = None) -> ConfigError:
        name = ".".join(str(part) for part in here if isinstance(part, str)) or "tool.ctxsize"
        return ConfigError(f"{name} must be {wanted}, not {found or kind_of(value)}", where=self._where(here))

    def _keys(self, here: KeyPath, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Raise ConfigError for a key that is not ``known``."""
        known = list(known)
        for key in table:
            if key in known:
                continue
            hint = ""
            if key in _BUDGET_KEYS and "budget" in known:
                header = ".".join(map(str, (*self._prefix, *here, "budget")))
                hint = f"it belongs in [{header}]"
            raise unknown(key, known, self._where((*here, key)), hint=hint)

    def _where(self, here: KeyPath) -> str:
        """file:line of a key; of the nearest table around it when the key itself has none."""
        if self._lines is None:
            self._lines = key_lines(self._text)
        path = (*self._prefix, *here)
        while path and path not in self._lines:
            path = path[:-1]
        return f"{self._shown}:{self._lines[path]}" if path else self._shown
