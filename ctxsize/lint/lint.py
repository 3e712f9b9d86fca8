"""Linting one project: its tree is walked once, every finding looked for, suppressions and configuration
heeded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.errors import CtxsizeError, DockerfileError, IgnoreFileError
from ctxsize.ignore.find import find_ignore_file
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.config import LintConfig
from ctxsize.lint.facts import Facts, gather
from ctxsize.lint.findings.all import RUNNING
from ctxsize.lint.findings.file import binary, not_text
from ctxsize.lint.findings.patterns import inline_comment_in
from ctxsize.lint.fix import proven
from ctxsize.lint.suppress import suppress
from ctxsize.lint.types import SEVERITIES, Finding, LintTarget
from ctxsize.project import Project, open_context, open_project

_SHOWN_BYTES = 1 << 20  # of a file of which lines are shown


def lint_project(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    podman: bool = False,
    config: LintConfig | None = None,
    name: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> LintTarget:
    """Look for everything that is wrong with the ignore file of the project at ``path``.

    ``dockerfile``, ``target`` and ``build_args`` as for ``docker build``; the stages that ``target``
    needs count. ``dialect`` says whose reading applies. ``progress`` is called with the number of entries
    seen. Raises UsageError, DockerfileError, IgnoreFileError or ContextError for what can't be read.
    """
    config = config or LintConfig()
    try:
        project = open_project(path, dockerfile=dockerfile, dialect=dialect, podman=podman, required=False)
        facts = _facts(project, podman, target, build_args, progress)
        found = _look(facts)
    except IgnoreFileError as error:
        facts = _facts(
            _without_rules(path, dockerfile, dialect, podman), podman, target, build_args, progress
        )
        found = [_refused(facts, error)]
    return _report(facts, found, config, str(path), name)


def _facts(
    project: Project,
    podman: bool,
    target: str | None,
    build_args: Mapping[str, str] | None,
    progress: Callable[[int], None] | None,
) -> Facts:
    data = project.ignore_path.read_bytes() if project.ignore_path is not None else b""
    return gather(project, data, podman=podman, target=target, build_args=build_args, progress=progress)


def _without_rules(
    path: str | Path, dockerfile: str | Path | None, dialect: Dialect, podman: bool
) -> Project:
    """The project of an ignore file that Docker refuses, as if it had no rules."""
    context = open_context(path)
    place = Path(os.path.abspath(dockerfile)) if dockerfile is not None else context / "Dockerfile"
    parsed = None
    try:
        data = place.read_bytes()
        parsed = parse_dockerfile(data, place.name)
    except (OSError, DockerfileError):
        data = b""
    return Project(
        context=context,
        dockerfile_path=place,
        dockerfile_data=data,
        dockerfile=parsed,
        no_dockerfile=None,
        ignore=None,
        ignore_path=find_ignore_file(context, place, dialect, podman=podman),
        ignore_files=frozenset(),
        rules=None,
        dialect=dialect,
    )


def _refused(facts: Facts, error: IgnoreFileError) -> Finding:
    """Why Docker refuses the file. Raises the error again where no line of the file is to blame."""
    if binary(facts.data) is not None:
        found = next(not_text(facts), None)
        if found is not None:
            return found
    where = re.search(r":(\d+)$", error.where or "")
    if where is None or facts.project.ignore_path is None:
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
    facts: Facts, found: list[Finding], config: LintConfig, path: str, name: str | None
) -> LintTarget:
    texts = {facts.ignore_file: facts.lines}
    if facts.project.dockerfile_data:
        data = facts.project.dockerfile_data[:_SHOWN_BYTES]
        texts[facts.dockerfile] = data.decode("utf-8", "surrogateescape").split("\n")
    left, gone, unused = suppress(found, texts)
    wanted = [
        replace(each, severity=config.severity.get(each.code, each.severity))
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
        path=path,
        dockerfile=facts.project.dockerfile_shown,
        ignore_file=facts.project.ignore.path if facts.project.ignore is not None else None,
        findings=tuple(wanted),
        suppressed=gone,
        lines=lines,
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


__all__ = ["CtxsizeError", "lint_project"]
