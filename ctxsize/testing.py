"""What the ``ctxsize`` fixture of the pytest plugin gives to tests; usable without pytest, too."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.budget.sizes import AmountError, parse_bytes
from ctxsize.errors import CtxsizeError
from ctxsize.text import printable
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    from ctxsize.lint.types import Finding
    from ctxsize.measure.target import MeasuredTarget
    from ctxsize.project import Project as OpenProject

#: How many of the largest paths a failed comparison names.
_LARGEST = 5


class Size(int):
    """Bytes that can be compared with ``"10 MB"`` as with a number, and are shown as people read them."""

    project: Project
    what: str

    def __new__(cls, size: int, project: Project, what: str) -> Size:
        """``what`` is the name of the figure: ``context``, ``image``, ``pull``."""
        self = super().__new__(cls, size)
        self.project = project
        self.what = what
        return self

    def __lt__(self, other: object) -> bool:
        return int(self) < _bytes(other)

    def __le__(self, other: object) -> bool:
        return int(self) <= _bytes(other)

    def __gt__(self, other: object) -> bool:
        return int(self) > _bytes(other)

    def __ge__(self, other: object) -> bool:
        return int(self) >= _bytes(other)

    def __repr__(self) -> str:
        return f"{format_bytes(int(self))} ({int(self):,} bytes)"


class Findings(tuple["Finding", ...]):
    """What lint finds. ``"CX101" in findings`` asks for a code; shown as a line each."""

    def __contains__(self, code: object) -> bool:
        return any(code in (found, found.code) for found in self)

    def __repr__(self) -> str:
        lines = (f"{found.path}:{found.line or 1}: {found.code} {found.message}" for found in self)
        return "\n".join(map(printable, lines))


class Projects:
    """Builds by their path, each measured once however many tests ask. ``root`` is what paths start from."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, str | None, str | None], Project] = {}

    def __call__(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        dockerfile: str | None = None,
        target: str | None = None,
        builder: str = "auto",
        build_args: dict[str, str] | None = None,
    ) -> Project:
        """The build whose context is the directory ``path``.

        ``dockerfile`` is relative to the context. ``target``, ``builder`` and ``build_args`` are as on the
        command line; they matter once an image is asked for.
        """
        args = build_args or {}
        key = (os.fspath(path), dockerfile, "\0".join([target or "", builder, *map("=".join, args.items())]))
        if key not in self._known:
            self._known[key] = Project(
                self._root / path, dockerfile=dockerfile, target=target, builder=builder, build_args=args
            )
        return self._known[key]


class Project:
    """A build: what it gets to see, and the image that it makes.

    What needs a walk or a build is measured when it is first asked for. CtxsizeError is raised for what
    can't be measured; a test then fails with it.
    """

    def __init__(
        self,
        path: Path,
        *,
        dockerfile: str | None = None,
        target: str | None = None,
        builder: str = "auto",
        build_args: dict[str, str] | None = None,
    ) -> None:
        self.path = path
        self._dockerfile = None if dockerfile is None else str(path / dockerfile)
        self._target = target
        self._builder = builder
        self._build_args = build_args or {}

    def __repr__(self) -> str:
        return f"<build of {printable(os.path.relpath(self.path))}>"

    @property
    def context(self) -> Size:
        """The bytes that the build can see; no engine is needed."""
        return self._size(self._static.context_bytes, "context")

    @property
    def files(self) -> int:
        """The files that the build can see."""
        return self._known(self._static.context_files, "context-files")

    @property
    def image(self) -> Size:
        """The bytes of the files in the image's layers; it is built once."""
        return self._size(self._built.image_bytes, "image")

    @property
    def pull(self) -> Size:
        """The image's layers compressed, as a registry stores them."""
        return self._size(self._built.pull_bytes, "pull")

    def __contains__(self, path: object) -> bool:
        """Whether the build can see the file or directory at this context path."""
        from ctxsize.survey.why import why

        (answer,) = why(self._subject, [str(path)])
        return answer.exists and answer.verdict != "ignored"

    def check(self, *, static: bool = False) -> None:
        """Hold it against the limits of its own configuration (``.ctxsize.toml``, ``[tool.ctxsize]``).

        ``static`` leaves out those that need an image. Raises AssertionError with the whole report.
        """
        from ctxsize.budget.check import CheckOptions, check
        from ctxsize.report.check.table import draw
        from ctxsize.report.shared.look import Look

        report = check(
            self.path,
            options=CheckOptions(
                static=static, dockerfile=self._dockerfile, stage=self._target, builder=self._builder
            ),
        )
        if not report.passed:
            raise AssertionError("\n" + draw(report, Look()))

    @cached_property
    def findings(self) -> Findings:
        """What ``ctxsize lint`` finds, as the project's configuration has it; no engine is needed."""
        from ctxsize.budget.config import load_config
        from ctxsize.budget.linting.lint import LintOptions, lint_target
        from ctxsize.progress import Silent

        options = LintOptions(
            dockerfile=self._dockerfile,
            stage=self._target,
            build_args=self._build_args,
            builder="classic" if self._builder == "classic" else "buildkit",
        )
        found = lint_target(load_config(self.path).defaults, options, Silent())
        if found.error is not None:
            raise CtxsizeError(found.error)
        return Findings(found.findings)

    def largest(self) -> list[tuple[str, int]]:
        """The paths of the context with the most bytes, and those."""
        from ctxsize.context.scan import scan
        from ctxsize.measure.target import DEPTH, MOST_FILES, context_paths

        found = scan(
            self._subject.context,
            self._subject.rules,
            self._subject.dialect,
            hidden=self._subject.ignore_files,
            dockerfile=self._subject.dockerfile_in_context,
            eligible_only=True,
            depth=DEPTH,
            largest=MOST_FILES + 1,
        )
        return sorted(context_paths(found).sizes.items(), key=lambda item: -item[1])

    @cached_property
    def _subject(self) -> OpenProject:
        from ctxsize.ignore.types import Dialect
        from ctxsize.project import open_project

        dialect = Dialect.of_builder(self._builder)
        return open_project(self.path, dockerfile=self._dockerfile, dialect=dialect, required=False)

    @cached_property
    def _static(self) -> MeasuredTarget:
        return self._measured("context=1PB")

    @cached_property
    def _built(self) -> MeasuredTarget:
        return self._measured("image=1PB")

    def _measured(self, limit: str) -> MeasuredTarget:
        """What is known once ``limit`` is judged. The project's own limits and the environment's are left
        out: a test says what it holds against what."""
        from ctxsize.budget.check import CheckOptions, check
        from ctxsize.budget.config import Target

        target = Target(
            name=self.path.name,
            path=str(self.path),
            dockerfile=self._dockerfile,
            stage=self._target,
            builder=self._builder,
            build_args=self._build_args,
        )
        (report,) = check(targets=[target], options=CheckOptions(limits=(limit,)), environ={}).targets
        if report.error is not None:
            raise CtxsizeError("\n".join([report.error, *report.log]))
        return report.sizes

    def _size(self, size: int | None, what: str) -> Size:
        return Size(self._known(size, what), self, what)

    def _known(self, size: int | None, what: str) -> int:
        if size is None:
            raise CtxsizeError(f"{what} was not measured", where=str(self.path))
        return size


def explain(op: str, left: object, right: object) -> list[str] | None:
    """The lines below a failed ``assert left op right``; None when it has nothing to do with us."""
    if op == "not in" and isinstance(right, Project):
        return [
            f"{left!r} reaches {right!r}",
            "keep it out with the ignore file; `ctxsize why` says what decides",
        ]
    if op == "in" and isinstance(right, Project):
        return [f"{left!r} does not reach {right!r}", "`ctxsize why` says which rule keeps it out"]
    if isinstance(left, Findings) and op == "==":
        return ["the ignore file has findings:", *repr(left).splitlines(), "`ctxsize lint` shows what to do"]
    if not isinstance(left, Size):
        return None
    try:
        limit = _bytes(right)
    except (TypeError, AmountError):
        return None
    lines = [f"{left.what} of {left.project!r} {op} {right}"]
    if op in ("<", "<=") and left > limit:
        lines.append(f"it is {int(left):,} bytes, {int(left) - limit:,} too many")
        if left.what == "context":
            lines += [
                f"  {format_bytes(size):>8}  {printable(path)}"
                for path, size in left.project.largest()[:_LARGEST]
            ]
    return lines


def _bytes(other: object) -> int:
    if isinstance(other, str):
        return parse_bytes(other)
    if isinstance(other, int):
        return int(other)
    raise TypeError(f"a size is compared with a number of bytes or with '10 MB', not {type(other).__name__}")
