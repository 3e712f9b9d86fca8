"""CX0: the ignore file as a file. Is it read, by whom, and is it the one that is meant?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ctxsize.errors import CtxsizeError
from ctxsize.files.repository import MOST_IGNORE_FILE, read_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.facts import Facts
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.words import amount, reach
from ctxsize.lint.tree import File, Match
from ctxsize.lint.types import Cost, Edit, Finding
from ctxsize.units import format_bytes

_NAME = ".dockerignore"
_BOM = b"\xef\xbb\xbf"
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Names beside the right one that say they are not it.
_EXAMPLES = (".example", ".sample", ".bak", ".template", ".orig", ".dist", ".old", "~")


def _refused(facts: Facts) -> Iterator[Finding]:
    return iter(())


check(
    "CX001",
    "Docker refuses the file",
    "error",
    why="""docker build fails before it looks at any file: a pattern has an unfinished character class, a
    backslash at its end, or nothing behind its `!`. To match such a character, write it as `\\[` or
    `\\\\`.""",
    example="bin\\",
    instead="bin",
)(_refused)


@check(
    "CX002",
    "the file is not UTF-8 text",
    "error",
    fix="unsafe",
    why="""The file is UTF-16, as Windows PowerShell's `>` writes it, or has NUL bytes. No rule of it
    works, or the build fails. Save it as UTF-8.""",
    example="n\\0o\\0d\\0e\\0_\\0m\\0o\\0d\\0u\\0l\\0e\\0s\\0",
    instead="node_modules",
)
def not_text(facts: Facts) -> Iterator[Finding]:
    """UTF-16, or NUL bytes."""
    found = binary(facts.data)
    if found is None:
        return
    what, content = found
    cost = Cost()
    try:
        rules = parse_ignore(content or b"", _NAME, facts.dialect).rules
        cost = facts.cost(_kept_out(facts, rules))
    except CtxsizeError:
        content = None  # what it would be is no ignore file either
    yield facts.at_file(
        "CX002",
        facts.ignore_file,
        f"no rule of this file works, or the build fails: it {what}{reach(cost)}",
        "save it as UTF-8; Windows PowerShell's > writes UTF-16",
        severity="error",
        cost=cost,
        edit=None if content is None else Edit(facts.ignore_file, content=content),
    )


def binary(data: bytes) -> tuple[str, bytes | None] | None:
    """What makes the content of an ignore file no text, and what it should be; None for text."""
    encoding = _WIDE.get(data[:2])
    if encoding is not None:
        try:
            return "is UTF-16", data.decode(encoding).encode()
        except UnicodeDecodeError:
            return "is UTF-16", None
    if b"\0" in data:
        return "has NUL bytes", data.replace(b"\0", b"")
    return None


@check(
    "CX003",
    "a misspelt name",
    "warning",
    fix="unsafe",
    why="""Docker reads `.dockerignore`, in small letters, with the dot and without an extension. Nobody
    reads a file that is called nearly so, and nothing is ignored.""",
    example="# in .Dockerignore\nnode_modules",
    instead="# in .dockerignore\nnode_modules",
)
def misnamed(facts: Facts) -> Iterator[Finding]:
    """A file at the root that is nearly called .dockerignore, where there is none."""
    names = facts.tree.root.files
    if _NAME in names or facts.project.ignore_path is not None:
        return
    if facts.podman and ".containerignore" in names:
        return
    for name in sorted(names):
        if name in facts.tree.root.links or not _nearly(name):
            continue
        cost = _lost(facts, name)
        yield facts.at_file(
            "CX003",
            name,
            f"nobody reads {name}{reach(cost)}",
            f"Docker reads {_NAME}: rename it (git mv {name} {_NAME})",
            severity="warning",
            cost=cost,
            edit=Edit(name, rename=_NAME),
        )
        return


def _nearly(name: str) -> bool:
    folded = name.casefold()
    if folded.endswith(_EXAMPLES):
        return False
    folded = folded.removesuffix(".txt")
    return any(_one_edit(each, _NAME) for each in (folded, f".{folded}"))


def _one_edit(one: str, other: str) -> bool:
    """Whether at most one character differs, is missing or is too many."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while one[start : start + 1] == other[start : start + 1] != "":
        start += 1
    left, right = one[start:], other[start:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:]


@check(
    "CX004",
    "an ignore file that nobody reads",
    "warning",
    fix="unsafe",
    why="""Docker reads `.dockerignore` at the root of the context and, with BuildKit,
    `<Dockerfile>.dockerignore` beside the Dockerfile. It reads no `.dockerignore` in any other directory.
    Its patterns are relative to the context, wherever it lies.""",
    example="# in docker/.dockerignore, for docker build -f docker/Dockerfile .\nnode_modules",
    instead="# in docker/Dockerfile.dockerignore\nnode_modules",
)
def unread(facts: Facts) -> Iterator[Finding]:
    """A .dockerignore beside the Dockerfile of another context; one for a Dockerfile that is not there."""
    project = facts.project
    beside = project.dockerfile_path.parent / _NAME
    if project.dockerfile_path.parent != project.context and beside.is_file():
        inside = project.dockerfile_in_context
        folder = facts.tree.folder(os.path.dirname(inside)) if inside else None
        if not inside or (folder is not None and folder.arrives):
            cost = _lost(facts, facts.shown(beside)) if project.ignore is None else Cost()
            right = project.dockerfile_path.name + _NAME
            taken = (beside.parent / right).exists()
            yield facts.at_file(
                "CX004",
                facts.shown(beside),
                f"nobody reads this file: the context is not its directory{reach(cost)}",
                f"rename it to {right}, which BuildKit reads; patterns stay relative to the context",
                severity="warning",
                cost=cost,
                edit=None if taken else Edit(facts.shown(beside), rename=right),
            )
    for folder in facts.tree.folders:
        for name in folder.files:
            if not name.endswith(_NAME) or name == _NAME:
                continue
            of = name.removesuffix(_NAME)
            there = of in folder.files
            if there and not (facts.dialect is Dialect.CLASSIC and project.ignore is None):
                continue
            if there and folder.join(of) != project.dockerfile_in_context:
                continue
            if not folder.arrives:
                continue
            path = folder.join(name)
            why = "the classic builder does not know it" if there else f"there is no {of} beside it"
            yield facts.at_file(
                "CX004",
                path,
                f"nobody reads this file: {why}",
                f"it is for a build with -f {folder.join(of)}; rename it or remove it"
                if not there
                else f"the classic builder reads {_NAME} only",
                severity="warning",
            )


@check(
    "CX005",
    "a second ignore file that is not read",
    "warning",
    why="""BuildKit reads `<Dockerfile>.dockerignore` instead of `.dockerignore`, not in addition to it. What
    only the other file keeps out reaches the build. The classic builder does the reverse.""",
    example="# in .dockerignore\nnode_modules\n# in Dockerfile.dockerignore\nlogs",
    instead="# in Dockerfile.dockerignore\nnode_modules\nlogs",
)
def shadowed(facts: Facts) -> Iterator[Finding]:
    """The specific file keeps out less than the one at the root."""
    name, other = facts.ignore_file, facts.project.context / _NAME
    if not facts.rules or os.path.basename(name) in (_NAME, ".containerignore") or not other.is_file():
        return
    if facts.project.ignore_path == other or _links_to_root(facts):
        return
    cost = _lost(facts, _NAME)
    if cost.bytes:
        yield facts.at_file(
            "CX005",
            name,
            f"this file is read instead of {_NAME}, which also keeps out {amount(cost)}",
            f"add the rules of {_NAME} that are still wanted; the classic builder reads only that one",
            severity="warning",
            cost=cost,
        )


def _links_to_root(facts: Facts) -> bool:
    """Whether the file that applies is where the root's ignore file leads."""
    path = facts.project.context / _NAME
    return (
        path.is_symlink()
        and facts.project.ignore_path is not None
        and path.resolve() == facts.project.ignore_path.resolve()
    )


@check(
    "CX006",
    "an ignore file without rules replaces the other",
    "warning",
    why="""BuildKit reads `<Dockerfile>.dockerignore` instead of `.dockerignore`. One without any rule
    means that nothing is ignored. Remove it, or write rules into it.""",
    example="# in Dockerfile.dockerignore\n# todo",
    instead="# in Dockerfile.dockerignore\nnode_modules",
)
def without_rules(facts: Facts) -> Iterator[Finding]:
    """The specific file is empty or all comments."""
    if facts.project.ignore is None or facts.rules or os.path.basename(facts.ignore_file) == _NAME:
        return
    if _links_to_root(facts):
        return
    other = (facts.project.context / _NAME).is_file()
    cost = _lost(facts, _NAME) if other else Cost()
    instead = f" instead of {_NAME}" if other else ""
    yield facts.at_file(
        "CX006",
        facts.ignore_file,
        f"this file has no rules and is read{instead}: nothing is ignored{reach(cost)}",
        "remove it, or write rules into it",
        severity="warning",
        cost=cost,
    )


@check(
    "CX007",
    "a symbolic link that builders read differently",
    "warning",
    why="""A link that leads nowhere, in a circle or out of the context: BuildKit then has no rules, and the
    classic builder may have. A link to `.gitignore` is read by Docker's rules, which are not git's: patterns
    are anchored at the root. Make it a file of its own.""",
    example="# .dockerignore -> .gitignore\nnode_modules",
    instead="**/node_modules",
)
def link(facts: Facts) -> Iterator[Finding]:
    """The ignore file is a link that is dangling, leads outside, or to .gitignore."""
    path = facts.project.context / _NAME
    if not path.is_symlink():
        return
    target = os.readlink(path)
    real = os.path.realpath(path)
    root = os.path.realpath(facts.project.context)
    if os.path.basename(real) == ".gitignore" and os.path.exists(real):
        what, help = (
            f"a link to {target}, read by Docker's rules",
            "git's patterns match at any depth, Docker's at the root only: make it a file",
        )
    elif not os.path.exists(real):
        what, help = (
            f"a link that leads nowhere ({target})",
            "without what it leads to there are no rules: make it a file",
        )
    elif os.path.commonpath([root, real]) != root:
        what, help = (
            f"a link that leads out of the context ({target})",
            "BuildKit has no rules then, the classic builder follows it: make it a file",
        )
    else:
        return
    yield facts.at_file("CX007", _NAME, f"the ignore file is {what}", help, severity="warning")


@check(
    "CX008",
    "the ignore file is not committed",
    "warning",
    why="""Whoever clones the repository, and CI, builds without it: the context is larger there, and what
    must not be in it is in it.""",
    example="# in .gitignore\n.docker*",
    instead="# in .gitignore\n.docker*\n!.dockerignore",
)
def untracked(facts: Facts) -> Iterator[Finding]:
    """git does not track the file that applies."""
    project = facts.project
    if project.ignore_path is None or not facts.git.there or not facts.git.tracked:
        return
    name = facts.ignore_file
    if name.startswith("../") or name in facts.git.tracked:
        return
    if (project.context / _NAME).is_symlink() and _NAME in facts.git.tracked:
        return
    why = facts.git.why_ignored(name)
    yield facts.at_file(
        "CX008",
        name,
        f"git does not track this file{f': {why} ignores it' if why else ''}; clones and CI build without it",
        f"git add {'-f ' if why else ''}{name}",
        severity="warning",
        cost=facts.kept_out(),
    )


@check(
    "CX009",
    "no ignore file, and everything is copied",
    "info",
    why="""`COPY .` takes all there is: the repository's history, what was built and installed on this
    machine, files with passwords. An ignore file keeps that out.""",
    example="Dockerfile:\nCOPY . /app",
    instead=".git\n**/node_modules\n.env*",
)
def none_at_all(facts: Facts) -> Iterator[Finding]:
    """No rules, and a stage that is needed takes the whole context."""
    if facts.rules or facts.codes & {"CX003", "CX004", "CX006", "CX007"} or not facts.all_takers:
        return
    taker = facts.all_takers[0]
    empty = " with a rule" if facts.project.ignore is not None else ""
    cost = facts.cost(facts.tree.arriving(_everything(facts)))
    yield facts.at_file(
        "CX009",
        facts.dockerfile,
        f"there is no ignore file{empty}: {format_bytes(cost.bytes)}, {cost.files} files reach the build",
        "`ctxsize suggest` finds what to ignore, and proves it by builds",
        severity="info",
        line=taker.line,
    )


@check(
    "CX010",
    "a byte order mark or Windows line ends",
    "info",
    fix="safe",
    why="""Harmless to today's builders. Docker's client 23.0 did not drop the mark, so that the first
    line had no effect. The fix removes the mark; line ends stay as they are.""",
    example="\\ufeffnode_modules",
    instead="node_modules",
)
def mark(facts: Facts) -> Iterator[Finding]:
    """A BOM; or CRLF."""
    if facts.data.startswith(_BOM):
        yield facts.at_file(
            "CX010",
            facts.ignore_file,
            "the file begins with a byte order mark",
            "Docker's client 23.0 took it for a part of line 1; save the file without it",
            severity="info",
            edit=Edit(facts.ignore_file, content=facts.data.removeprefix(_BOM)),
            fix="safe",
        )
    elif b"\r\n" in facts.data:
        yield facts.at_file(
            "CX010",
            facts.ignore_file,
            "the lines end as on Windows (CRLF)",
            "builders drop it; in git, `* text=auto` keeps such ends out of the repository",
            severity="info",
        )


def _everything(facts: Facts) -> list[Match]:
    root = facts.tree.root
    return [Match(root, name, root.folders.get(name)) for name in root.names]


def _lost(facts: Facts, path: str) -> Cost:
    """What arrives, is taken, and would be kept out by the rules of another file."""
    place = facts.project.context / path
    try:
        data = read_file(
            facts.project.context if not path.startswith("../") else place.parent, place, MOST_IGNORE_FILE
        )
        return facts.cost(_kept_out(facts, parse_ignore(data, path, facts.dialect).rules))
    except (OSError, CtxsizeError):
        return Cost()


def _kept_out(facts: Facts, rules: Iterable[Rule]) -> Iterator[File]:
    """The files that arrive, are taken, and other rules would keep out; without Dockerfile and ignore
    files."""
    other = Matcher(tuple(rules), facts.dialect)
    for match, ours, theirs in facts.tree.differing(facts.project.rules, other):
        if match.below is not None or (ours is not None and ours.ignored):
            continue
        if theirs is None or not theirs.ignored or not facts.tree.taken(match):
            continue
        if match.name.endswith(_NAME) or match.path == facts.project.dockerfile_in_context:
            continue
        yield File(match.folder, match.name, match.folder.files[match.name])


check(
    "CX900",
    "a suppression without effect",
    "info",
    fix="safe",
    why="""A comment `# ctxsize: ignore CODE - reason` switches off findings of the line below it (or, among
    the comments a file begins with, of the file as such), and there are none of that code.""",
    example="# ctxsize: ignore CX101 - the root's is meant\n**/node_modules",
    instead="**/node_modules",
)(_refused)
