"""Linting one project: its tree is walked once, every finding looked for, suppressions and configuration
heeded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctxsize.context.reading import Reading
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.errors import DockerfileError, IgnoreFileError
from ctxsize.files.repository import MOST_DOCKERFILE, MOST_IGNORE_FILE, read_file
from ctxsize.ignore.find import find_ignore_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.config import LintConfig
from ctxsize.lint.facts import Facts, gather
from ctxsize.lint.findings.all import RUNNING
from ctxsize.lint.findings.file import binary, link, not_text
from ctxsize.lint.findings.patterns import inline_comment_in
from ctxsize.lint.fix import proven
from ctxsize.lint.suppress import suppress as heed
from ctxsize.lint.types import SEVERITIES, Finding, LintTarget
from ctxsize.masking import Masker
from ctxsize.project import Project, open_context, open_project, relative_to_context

_SHOWN_BYTES = 1 << 20  # of a file of which lines are shown


@dataclass(frozen=True, slots=True)
class Subject:
    """What to lint: the context ``path``, and how it is built.

    ``dockerfile``, ``target``, ``build_args`` and ``platform`` are those of a build: the stages that it needs
    count.
    ``dialect`` says whose reading applies, and ``podman`` that the files are those that Podman reads.
    """

    path: str | Path = "."
    dockerfile: str | Path | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = Dialect.BUILDKIT
    podman: bool = False
    platform: str | None = None


def lint_project(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    podman: bool = False,
    platform: str | None = None,
    config: LintConfig | None = None,
    name: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> LintTarget:
    """Look for everything that is wrong with the ignore file of the project at ``path``.

    Options as in Subject. ``progress`` is called with the number of entries seen. Raises UsageError,
    IgnoreFileError or ContextError for what can't be read.
    """
    subject = Subject(path, dockerfile, target, build_args or {}, dialect, podman, platform)
    return look(subject, config or LintConfig(), name=name, progress=progress)[1]


def look(
    subject: Subject,
    config: LintConfig,
    *,
    name: str | None = None,
    data: bytes | None = None,
    project: Project | None = None,
    reading: Reading | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Facts, LintTarget]:
    """Lint a subject; ``data`` is what its ignore file would have in it (None: what it has). ``project`` is
    the subject if it was opened already, and ``reading`` has what was read of its tree."""
    try:
        project = project or open_project(
            subject.path,
            dockerfile=subject.dockerfile,
            dialect=subject.dialect,
            podman=subject.podman,
            required=False,
        )
        if data is not None and project.ignore is not None:
            ignore = parse_ignore(data, project.ignore.path, subject.dialect)
            rules = Matcher(ignore.rules, subject.dialect, ignore.path)
            project = replace(project, ignore=ignore, rules=rules)
        facts = _facts(project, subject, data, reading, progress)
        found = _look(facts)
    except IgnoreFileError as error:
        facts = _facts(_without_rules(subject), subject, data, reading, progress)
        found = [_refused(facts, error)]
    return facts, _report(facts, found, config, subject, name)


def _facts(
    project: Project,
    subject: Subject,
    data: bytes | None,
    reading: Reading | None,
    progress: Callable[[int], None] | None,
) -> Facts:
    if data is None:
        data = b""
        if project.ignore_path is not None:
            with suppress(OSError):
                root = ignore_root(project, project.ignore_path)
                data = read_file(root, project.ignore_path, MOST_IGNORE_FILE)
    return gather(
        project,
        data,
        podman=subject.podman,
        target=subject.target,
        build_args=subject.build_args,
        platform=subject.platform,
        reading=reading,
        progress=progress,
    )


def ignore_root(project: Project, path: Path) -> Path:
    """The directory that a file about a project has to stay in, links followed."""
    return path.parent if relative_to_context(path, project.context) is None else project.context


def _without_rules(subject: Subject) -> Project:
    """The project of an ignore file that Docker refuses, as if it had no rules."""
    context = open_context(subject.path)
    given = subject.dockerfile
    place = Path(os.path.abspath(given)) if given is not None else context / "Dockerfile"
    parsed, data = None, b""
    root = context if relative_to_context(place, context) is not None else place.parent
    with suppress(OSError, DockerfileError):
        data = read_file(root, place, MOST_DOCKERFILE)
        parsed = parse_dockerfile(data, place.name)
    ignore_path = None
    with suppress(IgnoreFileError):
        ignore_path = find_ignore_file(context, place, subject.dialect, podman=subject.podman)
    return Project(
        context=context,
        dockerfile_path=place,
        dockerfile_data=data,
        dockerfile=parsed,
        no_dockerfile=None,
        ignore=None,
        ignore_path=ignore_path,
        ignore_files=frozenset(),
        rules=None,
        dialect=subject.dialect,
    )


def _refused(facts: Facts, error: IgnoreFileError) -> Finding:
    """Why Docker refuses the file. Raises the error again where no line of the file is to blame."""
    if binary(facts.data) is not None:
        found = next(not_text(facts), None)
        if found is not None:
            return found
    where = re.search(r":(\d+)$", error.where or "")
    if where is None or facts.project.ignore_path is None:
        found = next(link(facts), None)  # a loop, or one that leads out of the context
        if found is not None:
            return found
        raise error
    line = int(where[1])
    text = facts.lines[line - 1] if line <= len(facts.lines) else ""
    rule = Rule(line, text, text, False)
    if "control" in error.message and re.search(r"\s#", text.lstrip()):
        return inline_comment_in(facts, rule)
    return facts.at_rule(
        "CX001",
        rule,
        f"docker build fails: {error.message}",
        error.hint or "write the pattern otherwise",
        severity="error",
    )


def _look(facts: Facts) -> list[Finding]:
    """Every finding, one per line and code."""
    found: list[Finding] = []
    known: set[tuple[str, str, int | None]] = set()
    for check in RUNNING:
        for each in check.find(facts):
            place = (each.code, each.path, each.line)
            if place in known:
                continue
            known.add(place)
            found.append(each)
            facts.codes.add(each.code)
            if each.rule is not None and each.line is not None:
                facts.said.setdefault(each.line, set()).add(each.code)
        if "CX002" in facts.codes:
            break  # nothing else can be said of such a file
    return found


def _report(
    facts: Facts, found: list[Finding], config: LintConfig, subject: Subject, name: str | None
) -> LintTarget:
    # A path may be made of the value of a build argument.
    mask = Masker.of(subject.build_args, derived=facts.plan.derived if facts.plan else None)
    texts = {facts.ignore_file: facts.lines}
    if facts.project.dockerfile_data:
        data = facts.project.dockerfile_data[:_SHOWN_BYTES]
        texts[facts.dockerfile] = data.decode("utf-8", "surrogateescape").split("\n")
    left, gone, unused = heed(found, texts)
    wanted = [
        replace(
            each,
            severity=config.severity_of(each.code, each.severity),
            message=mask(each.message),
            help=None if each.help is None else mask(each.help),
        )
        for each in (*left, *unused)
        if config.wants(each.code)
    ]
    wanted = _proven(facts, wanted)
    wanted.sort(key=_order)
    lines = {
        (each.path, each.line): texts[each.path][each.line - 1].removesuffix("\r")
        for each in wanted
        if each.line is not None and each.path in texts and each.line <= len(texts[each.path])
    }
    return LintTarget(
        name=name or facts.project.name,
        path=str(subject.path),
        dockerfile=facts.project.dockerfile_shown,
        ignore_file=facts.project.ignore.path if facts.project.ignore is not None else None,
        findings=tuple(wanted),
        suppressed=gone,
        lines=lines,
        notes=tuple(map(mask, facts.notes)),
        fail_on=config.fails,
    )


def _proven(facts: Facts, findings: list[Finding]) -> list[Finding]:
    """The findings, those of them with an unsafe fix whose safe one does not prove to be so on this tree."""
    edits = [each.edit for each in findings if each.fix == "safe" and each.edit is not None]
    if all(edit.content is None for edit in edits) and (not edits or proven(facts, edits)):
        return findings
    return [
        replace(each, fix="unsafe")
        if each.fix == "safe" and each.edit is not None and not proven(facts, [each.edit])
        else each
        for each in findings
    ]


def _order(found: Finding) -> tuple[int, int, int, str, int, str]:
    return (
        SEVERITIES.index(found.severity),
        -found.bytes,
        -found.files,
        found.path,
        found.line or 0,
        found.code,
    )
