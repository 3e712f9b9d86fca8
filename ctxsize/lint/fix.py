"""Mending an ignore file: what an edit makes of its content, the proof that it is safe, and writing it."""

from __future__ import annotations

from collections.abc import Iterable

from ctxsize.errors import CtxsizeError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.facts import Facts
from ctxsize.lint.types import Edit, Finding

_MOST_PROOFS = 25  # for superfluous rules: each walks the tree in memory
_BOM = b"\xef\xbb\xbf"


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The content of a file after edits of its lines that touch different ones.

    What they do not touch stays byte for byte; new lines end as those around them do.
    """
    mark = _BOM if data.startswith(_BOM) else b""
    lines = data.removeprefix(_BOM).split(b"\n")
    new: dict[int, tuple[str, ...]] = {}
    added: list[str] = []
    for edit in edits:
        if edit.content is not None:
            return edit.content
        new |= edit.lines
        added += edit.append
    crlf = b"\r" if any(line.endswith(b"\r") for line in lines) else b""
    result: list[bytes] = []
    for number, line in enumerate(lines, 1):
        if number not in new:
            result.append(line)
            continue
        end = b"\r" if line.endswith(b"\r") else b""
        texts = [text.encode("utf-8", "surrogateescape") for text in new[number]]
        result += [text + end for text in texts]
        if not texts and number == len(lines) and result:
            result.append(b"")  # the last line went, the one before it ends as it did
    if added:
        texts = [text.encode("utf-8", "surrogateescape") + crlf for text in added]
        if result and not result[-1]:
            result[-1:] = [*texts, b""]
        else:
            result[-1:] = [result[-1] + crlf, *texts, b""]
    return mark + b"\n".join(result)


def proven(facts: Facts, edits: Iterable[Edit]) -> bool:
    """Whether the matcher says that edits of the ignore file change nothing for any entry of this tree,
    in both dialects: kept or ignored, whole or empty, and refused or not."""
    changed = edited(facts.data, edits)
    return all(_same(facts, changed, dialect) for dialect in Dialect)


def superfluous(facts: Facts, rule: Rule) -> bool:
    """Whether the rule can go and nothing changes for this tree, in either dialect.

    It is not enough that a rule decides nothing: it may keep a later one from being asked, or let a builder
    into a directory. After very many questions the answer is no: the rest is told when the others are mended.
    """
    facts.proofs += 1
    return facts.proofs <= _MOST_PROOFS and proven(facts, [facts.replaced(rule)])


def _same(facts: Facts, changed: bytes, dialect: Dialect) -> bool:
    dockerfile = facts.project.dockerfile_in_context or ".dockerignore"
    try:
        one, other = (
            Matcher(parse_ignore(data, facts.ignore_file, dialect).rules, dialect)
            for data in (facts.data, changed)
        )
        if dialect is Dialect.CLASSIC:
            for path in (dockerfile, ".dockerignore"):
                if one.matches_or_parent(path) != other.matches_or_parent(path):
                    return False
            one, other = one.for_classic_build(dockerfile), other.for_classic_build(dockerfile)
        return next(facts.tree.differing(one, other), None) is None
    except CtxsizeError:
        return False  # one of them is refused, or both: nothing is proven


def without_conflicts(findings: Iterable[Finding], *, unsafe: bool) -> list[Finding]:
    """Those of the findings whose edits can be made at once: the first that touches a line has it."""
    chosen: list[Finding] = []
    touched: dict[str, set[int]] = {}
    whole: set[str] = set()
    for found in findings:
        edit = found.edit
        if edit is None or found.fix is None or (found.fix == "unsafe" and not unsafe):
            continue
        lines = touched.setdefault(edit.file, set())
        alone = edit.content is not None or edit.rename is not None
        if edit.file in whole or (alone and lines) or lines.intersection(edit.lines):
            continue
        if edit.append and any(set(edit.append) & set(each.edit.append) for each in chosen if each.edit):
            continue
        if alone:
            whole.add(edit.file)
        lines |= set(edit.lines)
        lines.add(0)
        chosen.append(found)
    return chosen
