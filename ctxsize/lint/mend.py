"""Mending a project: edits are made and the project linted again, until no fix is left that may be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ctxsize.errors import UsageError
from ctxsize.files.patch import difference, replace_within
from ctxsize.files.repository import is_beneath
from ctxsize.lint.config import LintConfig
from ctxsize.lint.facts import Facts
from ctxsize.lint.fix import edited, proven, without_conflicts
from ctxsize.lint.lint import Subject, ignore_root, look
from ctxsize.lint.types import Edit, Finding, LintTarget

_MOST_ROUNDS = 10  # a fix may make another finding, which is mended in the next round


def mended(
    subject: Subject,
    config: LintConfig,
    *,
    unsafe: bool = False,
    dry: bool = False,
    name: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> LintTarget:
    """Mend the ignore file of a subject: with safe fixes, and with ``unsafe`` ones where that is asked for.

    The file is replaced once, when all is done, or (``dry``) left alone; ``diff`` of the result has the
    changes either way. Raises UsageError when the file can't be written, or leads out of the project.
    """
    fixed: list[Finding] = []
    diff = ""
    facts, target = look(subject, config, name=name, progress=progress)
    file, before = facts.ignore_file, facts.data
    data: bytes | None = None
    for _ in range(_MOST_ROUNDS):
        chosen = without_conflicts(target.findings, unsafe=unsafe)
        renamed = next((each for each in chosen if each.edit is not None and each.edit.rename), None)
        if renamed is not None and renamed.edit is not None:
            if data is not None:
                break  # what was mended is another file
            diff += _rename(facts, renamed.edit, dry=dry)
            fixed.append(renamed)
            if dry:
                break
            facts, target = look(subject, config, name=name, progress=progress)
            file, before = facts.ignore_file, facts.data
            continue
        chosen = [each for each in chosen if each.edit is not None and each.edit.file == file]
        if not unsafe and len(chosen) > 1 and not proven(facts, _edits(chosen)):
            chosen = chosen[:1]  # each is safe, and all of them together need not be
        changed = edited(facts.data, _edits(chosen))
        if not chosen or changed == facts.data:
            break
        fixed += chosen
        data = changed
        facts, target = look(subject, config, name=name, data=data, progress=progress)
    if data is not None and data != before:
        diff += difference(os.path.normpath(os.path.join(subject.path, file)), before, data)
        if not dry:
            _write(facts, file, data)
    return replace(target, fixed=tuple(fixed), diff=diff, dry=dry)


def _edits(findings: list[Finding]) -> list[Edit]:
    return [each.edit for each in findings if each.edit is not None]


def _write(facts: Facts, file: str, data: bytes) -> None:
    path = Path(os.path.normpath(facts.project.context / file))
    replace_within(ignore_root(facts.project, path), path, data)


def _rename(facts: Facts, edit: Edit, *, dry: bool) -> str:
    """Rename a file, and say so as git does. Nothing that is there is replaced."""
    old = Path(os.path.normpath(facts.project.context / edit.file))
    new = old.with_name(edit.rename or old.name)
    if old.is_symlink() or not is_beneath(ignore_root(facts.project, old), old):
        raise UsageError("this is a link, and is not renamed", where=str(old))
    if not dry:
        try:
            os.link(old, new, follow_symlinks=False)  # fails where there is something
            os.unlink(old)
        except OSError as error:
            raise UsageError(f"can't be renamed to {new.name}: {error.strerror}", where=str(old)) from error
    return f"rename from {edit.file}\nrename to {os.path.join(os.path.dirname(edit.file), new.name)}\n"
