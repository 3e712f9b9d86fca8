"""The values of lint: a finding, the edit that mends it, and what was found in one project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.ignore.types import Rule

#: From the most to the least important. Information never fails anything.
Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
#: ``safe``: the same paths arrive in both dialects, by this tree and by a statement about rules. ``unsafe``:
#: what arrives may change, which is often the point.
FixKind = Literal["safe", "unsafe"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file, by its lines.

    ``file`` is relative to the context. ``lines`` says what stands in the place of a line (none: it
    goes), and ``append`` what is added at the end. ``content`` replaces everything, and ``rename`` is a
    new name beside the old one.
    """

    file: str
    lines: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    append: tuple[str, ...] = ()
    content: bytes | None = None
    rename: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finding is about: ``files`` and ``bytes`` that reach the build (or do not), or entries that are
    walked in vain, and the first few ``paths``."""

    files: int = 0
    bytes: int = 0
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should be otherwise: a rule of an ignore file, or a file that reaches the build.

    ``path`` is relative to the context, ``line``, ``column`` and ``end_column`` count from 1 (the end is not
    included); they are None where the finding is about a whole file. ``message`` says what is wrong, ``help``
    what to do. ``files``, ``bytes`` and ``paths`` as in Cost. ``rule`` is the line of the ignore file that is
    to blame. ``fix`` says whether there is an ``edit`` that mends it, and of which kind. ``where`` is the
    file:line of the configuration that asks for it.
    """

    code: str
    path: str
    message: str
    severity: Severity = "error"
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    help: str | None = None
    files: int = 0
    bytes: int = 0
    paths: tuple[str, ...] = ()
    rule: Rule | None = None
    fix: FixKind | None = None
    edit: Edit | None = field(default=None, compare=False, repr=False)
    where: str | None = None

    @property
    def level(self) -> Severity:
        """The severity, as ``check`` calls it."""
        return self.severity

    @property
    def hint(self) -> str | None:
        """The help, as ``check`` calls it."""
        return self.help


@dataclass(frozen=True, slots=True)
class LintTarget:
    """What was found in one project, the most expensive first within a severity.

    ``path`` is the context as the user would write it; findings' paths are relative to it. ``suppressed``
    counts those that a comment in the ignore file switches off. ``lines`` are the lines that findings point
    at, by file and number, to be shown. ``fail_on`` is the severity from which findings fail, None: never.
    ``fixed`` are the findings that were mended, or (``dry``) would be, and ``diff`` is how.
    ``notes`` are what to know beside them.
    """

    name: str
    path: str
    dockerfile: str | None
    ignore_file: str | None
    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    fixed: tuple[Finding, ...] = ()
    lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    fail_on: Severity | None = "warning"
    error: str | None = None
    diff: str = ""
    dry: bool = False
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a finding is at or above ``fail_on``."""
        return any(map(self.fails, self.findings))

    def fails(self, found: Finding) -> bool:
        """Whether a finding is at or above ``fail_on``."""
        return self.fail_on is not None and SEVERITIES.index(found.severity) <= SEVERITIES.index(self.fail_on)


@dataclass(frozen=True, slots=True)
class LintTotals:
    """All findings of a report. ``fixable`` have a safe fix, ``unsafe`` an unsafe one. Of several findings
    that name the same files ``files`` and ``bytes`` count the largest."""

    findings: int
    errors: int
    warnings: int
    infos: int
    fixable: int
    unsafe: int
    files: int
    bytes: int

    @classmethod
    def of(cls, targets: Iterable[LintTarget]) -> LintTotals:
        """All findings of the ``targets`` together."""
        findings: list[Finding] = []
        largest: dict[tuple[str, tuple[str, ...]], Finding] = {}
        for target in targets:
            findings += target.findings
            for found in target.findings:
                if found.bytes or found.files:
                    key = (target.path, found.paths)
                    if key not in largest or largest[key].bytes < found.bytes:
                        largest[key] = found
        severities = [found.severity for found in findings]
        return cls(
            findings=len(findings),
            errors=severities.count("error"),
            warnings=severities.count("warning"),
            infos=severities.count("info"),
            fixable=sum(found.fix == "safe" for found in findings),
            unsafe=sum(found.fix == "unsafe" for found in findings),
            files=sum(found.files for found in largest.values()),
            bytes=sum(found.bytes for found in largest.values()),
        )


@dataclass(frozen=True, slots=True)
class LintReport:
    """What ``ctxsize lint`` found; ``exit_code`` is 0, 1 (findings at or above fail-on) or 2 (an error)."""

    version: str
    created: str
    targets: tuple[LintTarget, ...]
    total: LintTotals
    exit_code: int
