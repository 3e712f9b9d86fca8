"""Why a path is ignored or kept: the value behind ``ctxsize why``. No engine is asked."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from ctxsize.context.walk import OpenTree, keeps_something
from ctxsize.errors import UsageError
from ctxsize.files.probe import probe, probing
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, Rule, Verdict
from ctxsize.project import Project, relative_to_context
from ctxsize.survey.listings import listing_of
from ctxsize.text import printable

#: ``partly`` is an ignored directory that arrives with what is kept in it.
PathVerdict = Literal["kept", "ignored", "partly"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens to one path. ``path`` is relative to the context, ``.`` the context itself.

    ``rule`` decides, None when no rule does; ``matches`` are all rules that match the path or a directory
    above it, in file order. ``root``, ``emptied`` and ``unreached`` as in ctxsize.ignore.Verdict.
    ``exists``: the path is in the context; if not, the answer is what would happen to a file of that name.
    ``notes`` are sentences for people. ``context`` is the named context that ``path`` is relative to.
    """

    path: str
    verdict: PathVerdict
    rule: Rule | None
    root: str | None
    matches: tuple[Rule, ...]
    emptied: bool
    unreached: str | None
    exists: bool
    notes: tuple[str, ...]
    context: str | None = None


class Asked(NamedTuple):
    """A path that somebody asks about: relative to the context, or to the named one of that name."""

    path: str
    context: str | None = None


def asked_path(project: Project, text: str, *, given: str = ".") -> Asked:
    """The path that the user means by ``text``: ``NAME:path`` in the named context NAME, one that lies in
    the directory of a named context and not in that of the context, else as for :func:`context_path`."""
    for name in project.trees:
        if text.startswith(f"{name}:"):
            return Asked(os.path.normpath(text[len(name) + 1 :].lstrip("/") or "."), name)
    if text and project.trees:
        with probing(text):
            asked = Path(os.path.abspath(text))
        if relative_to_context(asked, project.context) is None:
            for name, tree in project.trees.items():
                if (inside := relative_to_context(asked, tree.context)) is not None:
                    return Asked(inside, name)
    return Asked(context_path(project, text, given=given))


def context_path(project: Project, text: str, *, given: str = ".") -> str:
    """The context path that the user means by ``text``: relative to the current directory or, where that is
    outside of the context, to the context. ``given`` is the context as the user wrote it.

    Symbolic links in ``text`` are not followed, as no builder does. Raises UsageError for a path outside.
    """
    if not text:
        raise UsageError("an empty path names nothing")
    with probing(text):
        asked = Path(os.path.abspath(text))
        for context in (project.context, Path(os.path.abspath(given))):
            inside = relative_to_context(asked, context)
            if inside is not None:
                return inside
        # By another name: the shell's idea of the current directory, reached through a link.
        for above in reversed(asked.parents):
            if os.path.exists(above) and os.path.samefile(above, project.context):
                return asked.relative_to(above).as_posix()
    path = os.path.normpath(text)
    if path.startswith("/") or path.split("/")[0] == "..":
        raise UsageError(
            "this path lies outside of the build context",
            where=text,
            hint=f"the context is {project.context}; --context names another",
        )
    return path


def why_all(project: Project, paths: Iterable[Asked]) -> Iterator[Answer]:
    """Judge paths as :func:`asked_path` gives them, in their order; raises as :func:`why`."""
    for context, group in groupby(paths, lambda asked: asked.context):
        tree = project if context is None else project.trees[context]
        for answer in why(tree, (asked.path for asked in group)):
            yield replace(answer, context=context)


def why(project: Project, paths: Iterable[str], *, partly: Collection[str] | None = None) -> Iterator[Answer]:
    """Judge context paths as :func:`context_path` gives them, one after the other. ``partly`` are those of
    them of which a scan said that they are ignored directories with something kept in them.

    Raises IgnoreFileError where Docker fails on a broken rule, and ContextError when an ignored directory
    that may have something kept in it can't be read.
    """
    nothing = Matcher((), project.dialect)
    listing = listing_of(project)
    with OpenTree(project.context) as tree:
        for path in paths:
            # What the daemon removes is judged by the rules as written, without the client's own exceptions.
            matcher = project.rules if path in listing.removed else listing.matcher
            yield _answer(project, tree, matcher or nothing, path, partly)


def _answer(
    project: Project, tree: OpenTree, matcher: Matcher, path: str, partly: Collection[str] | None
) -> Answer:
    if path == ".":
        return Answer(
            path, "kept", None, None, (), False, None, True, ("the context itself is never ignored",)
        )
    try:
        exists, is_dir, link = _look(project.context, path)
        unseen = None
    except UsageError as error:  # the rules decide all the same
        exists, is_dir, link, unseen = False, False, None, error.message
    verdict = matcher.verdict(path, is_dir)
    word: PathVerdict = "kept"
    if verdict.ignored:
        known = None if partly is None else path in partly
        kept = is_dir and (keeps_something(tree, matcher, path) if known is None else known)
        word = "partly" if kept else "ignored"
    return Answer(
        path=path,
        verdict=word,
        rule=verdict.rule,
        root=verdict.root,
        matches=tuple(rule for rule in verdict.matches if rule.line),
        emptied=verdict.emptied,
        unreached=verdict.unreached,
        exists=exists,
        notes=tuple(_notes(project, path, verdict, exists, link, unseen)),
    )


def _look(context: Path, path: str) -> tuple[bool, bool, str | None]:
    """Whether the path exists in the context, whether it is a directory, and the link it leads through.
    Raises UsageError where that can't be seen."""
    parts = path.split("/")
    for end in range(1, len(parts)):
        if probe(context.joinpath(*parts[:end]), follow=False) == "link":
            return False, False, "/".join(parts[:end])
    kind = probe(context / path, follow=False)
    return kind is not None, kind == "dir", None


def _notes(
    project: Project, path: str, verdict: Verdict, exists: bool, link: str | None, unseen: str | None
) -> Iterator[str]:
    if unseen is not None:
        yield f"it {unseen}; this is what happens to a file of that name"
    elif link is not None:
        yield f"{printable(link)} is a symbolic link, which builders do not follow: there is nothing below it"
    elif not exists:
        yield "there is no such path in the context; this is what would happen to a file of that name"
    if verdict.unreached and any(rule.negated for rule in verdict.matches):
        yield f"the builder does not enter {printable(verdict.unreached)}, so no exception in it counts"
    if verdict.emptied:
        yield "a file is delivered with 0 bytes: a rule after its exception matches it again"
    is_dockerfile = path == project.dockerfile_in_context
    if not is_dockerfile and not (project.ignore and path == project.ignore.path):
        return
    if verdict.ignored:
        yield "the builder reads it all the same; ignoring it only keeps it out of the image"
    else:
        yield "the builder reads it whatever the rules say; as it is kept, COPY can take it into the image"
    if verdict.ignored and project.dialect is Dialect.CLASSIC:
        yield "the classic client sends it to the engine, which takes it out of the context"
