"""CX1: lines that do not say what they seem to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from ctxsize.ignore.types import Rule
from ctxsize.lint.facts import Facts
from ctxsize.lint.findings.registry import check
from ctxsize.lint.findings.words import amount, count, reach
from ctxsize.lint.types import Cost, Finding

_MOST_LINES = 20  # that braces are written out as
_COMMENT = re.compile(r"\s+#")
_OTHER_COMMENTS = ("/*", ";", "--", "<!--")
_ESCAPED = re.compile(r"\\[A-Za-z0-9.*]")
_BRACES = re.compile(r"\{[^{}]*,[^{}]*\}|[*?@+!]?\([^()]*\|[^()]*\)")
_VARIABLE = re.compile(r"\$\{?\w|~$|~/")
_EVERYWHERE = re.compile(r"(?i)\.?dockerfile|.*\.dockerignore|readme|license|makefile|changelog|\*\.md$")
_HOST = re.compile(r"[A-Za-z]:[/\\]|/(?:home|Users)/")


def _bare(rule: Rule) -> str:
    """The line without white space around it and without its ``!``."""
    return rule.text.strip().removeprefix("!").strip()


def _rules(facts: Facts) -> Iterator[tuple[Rule, str, bool]]:
    """The rules of which no misspelling was found yet; each bare, and whether it matches nothing."""
    for rule in facts.each_rule():
        if not facts.said_of(rule.line):
            yield rule, _bare(rule), not facts.own(rule)


def _kept(facts: Facts, pattern: str) -> Cost:
    """What arrives that a pattern would match."""
    return facts.cost(facts.tree.arriving(facts.tree.matches(pattern)))


@check(
    "CX102",
    "a comment at the end of a line",
    "error",
    fix="unsafe",
    why="""A `#` begins a comment only as the first character of a line. Anywhere else it is a part of the
    pattern, which then matches nothing. Write the comment on a line of its own.""",
    example="run/ # logs",
    instead="# logs\nrun/",
)
def inline_comment(facts: Facts) -> Iterator[Finding]:
    """White space and # in a line that matches nothing."""
    for rule, bare, nothing in _rules(facts):
        found = re.search(r"\s#", bare)
        if not nothing or found is None:
            continue
        yield inline_comment_in(facts, rule)


def inline_comment_in(facts: Facts, rule: Rule) -> Finding:
    """The finding for a line with a comment at its end."""
    found = re.search(r"\s+#", rule.text.lstrip())
    at = len(rule.text) - len(rule.text.lstrip()) + (found.start() if found else 0)
    pattern, comment = rule.text[:at], rule.text[at:].strip()
    cleaned = pattern.strip().removeprefix("!").rstrip("/")
    cost = Cost() if rule.negated or "\t" in rule.text else _kept(facts, cleaned)
    return facts.at_rule(
        "CX102",
        rule,
        f"this is not a comment but a part of the pattern, which matches nothing{reach(cost)}",
        "write the comment on a line of its own",
        severity="error",
        cost=cost,
        column=rule.text.index("#", at) + 1,
        edit=facts.replaced(rule, comment, pattern.rstrip()),
    )


@check(
    "CX103",
    "not a comment",
    "warning",
    fix="unsafe",
    why="""A comment begins with `#` as the first character of its line. `//` and an indented `#` are
    patterns: `// assets` even ignores a directory called assets.""",
    example="// assets",
    instead="# assets",
)
def no_comment(facts: Facts) -> Iterator[Finding]:
    """//, an indented #, and comments of other languages."""
    for rule, bare, nothing in _rules(facts):
        text = rule.text
        known = text.startswith("//") or _COMMENT.match(text)
        if not known and not (nothing and bare.startswith(_OTHER_COMMENTS)):
            continue
        cost = Cost() if nothing else facts.cost(facts.ignored_by(rule))
        word = re.sub(r"^(//+|/\*+|;+|--+|<!--|\s*#+)\s*", "", text)
        word = re.sub(r"\s*(\*/|-->)$", "", word)
        what = f" and ignores {amount(cost)}" if cost.files else ""
        yield facts.at_rule(
            "CX103",
            rule,
            f"this is a pattern and no comment{what}",
            "a comment's # is the first character of the line",
            severity="error" if cost.files else "warning",
            cost=cost,
            edit=facts.replaced(rule, f"# {word}" if word else "#"),
        )


@check(
    "CX104",
    "a backslash as separator",
    "warning",
    fix="unsafe",
    why="""Directories are separated by `/`, on Windows, too. A backslash takes the next character
    literally, or is a class of characters as in Go's regular expressions: `bin\\Debug` looks for a
    character that is no digit.""",
    example="**\\*.db",
    instead="**/*.db",
)
def backslash(facts: Facts) -> Iterator[Finding]:
    """A backslash that was meant as a slash."""
    for rule, bare, nothing in _rules(facts):
        if not nothing or not _ESCAPED.search(bare):
            continue
        slashed = rule.pattern.replace("\\", "/")
        if not facts.tree.matches(slashed) and not re.search(r"\\[A-Za-z]", bare):
            continue
        cost = Cost() if rule.negated else _kept(facts, slashed)
        yield facts.at_rule(
            "CX104",
            rule,
            f"the backslash is an escape, and the line matches nothing{reach(cost)}",
            f"a slash separates directories: {bare.replace(chr(92), '/')}",
            severity="warning",
            cost=cost,
            column=rule.text.index("\\") + 1,
            edit=facts.replaced(rule, rule.text.replace("\\", "/")),
        )


@check(
    "CX105",
    "the shell's language",
    "warning",
    fix="unsafe",
    why="""Patterns know `*`, `?`, `**`, `[a-z]` and `[^a-z]`. There are no alternatives in braces,
    variables are not expanded, `~` is no home directory, and `[!a]` matches `!` and `a`, the opposite of
    what a shell does.""",
    example="*.{log,tmp}",
    instead="*.log\n*.tmp",
)
def shell(facts: Facts) -> Iterator[Finding]:
    """Braces, [!a], variables, ~."""
    for rule, bare, nothing in _rules(facts):
        negated = re.search(r"(?<!\\)\[!", bare)
        lines: list[str] = []
        if negated:
            what, help = "[!…] matches ! and these characters", "write [^…] for all others"
            lines = [re.sub(r"(?<!\\)\[!", "[^", rule.text)]
        elif nothing and (_BRACES.search(bare)):
            lines = _expanded(rule.text)
            what, help = (
                "alternatives are not known here, and the line matches nothing",
                "write a line for each",
            )
        elif nothing and _VARIABLE.match(bare):
            what, help = (
                "nothing is expanded here, and the line matches nothing",
                "write the path itself, from the context's root",
            )
        else:
            continue
        meant = [] if rule.negated or negated else [line.strip().strip("/") for line in lines]
        found = (match for pattern in meant for match in facts.tree.matches(pattern))
        cost = facts.cost(facts.tree.arriving(found))
        yield facts.at_rule(
            "CX105",
            rule,
            f"{what}{reach(cost)}",
            help,
            severity="warning",
            cost=cost,
            edit=facts.replaced(rule, *lines) if lines else None,
        )


def _expanded(text: str) -> list[str]:
    """The lines that braces and groups of alternatives stand for; none when they are too many."""
    parts: list[list[str]] = []
    at = 0
    lines = 1
    for found in _BRACES.finditer(text):
        inner = found[0].lstrip("*?@+!")[1:-1]
        # `*(a|b)` of an extended glob has its star outside, as in `*.(a|b)`; a letter before it is kept.
        before = found[0][: len(found[0]) - len(inner) - 2]
        parts.append([text[at : found.start()] + (before if before == "*" else "")])
        parts.append(re.split(r"[,|]", inner))
        lines *= len(parts[-1])
        at = found.end()
    if lines > _MOST_LINES:
        return []
    parts.append([text[at:]])
    return ["".join(words) for words in product(*parts)]


@check(
    "CX109",
    "a path outside of the context",
    "warning",
    fix="safe",
    why="""Nothing outside of the context is ever sent, and a leading slash is the context's root, not
    that of the machine. Such a line matches nothing.""",
    example="../secrets",
    instead="secrets",
)
def outside(facts: Facts) -> Iterator[Finding]:
    """.. at the start; absolute paths of a machine."""
    root = f"{facts.project.context}/"
    for rule, bare, nothing in _rules(facts):
        if rule.text.strip().startswith("!"):
            continue  # `!../../a` is cleaned to a rule that ignores `a`
        above = rule.pattern == ".." or rule.pattern.startswith("../")
        if above or (nothing and (_HOST.match(bare) or f"{bare}/".startswith(root))):
            yield facts.at_rule(
                "CX109",
                rule,
                "this path lies outside of the context and matches nothing",
                "patterns are relative to the context, and nothing else is ever sent",
                severity="warning",
                edit=facts.replaced(rule),
                fix="safe" if above else "unsafe",
            )


@check(
    "CX108",
    "the case differs",
    "warning",
    fix="unsafe",
    why="Capital and small letters differ in patterns, whatever the file system does.",
    example=".ENV",
    instead=".env",
)
def case(facts: Facts) -> Iterator[Finding]:
    """A line that matches nothing, but something kept when letters are all small."""
    for rule, _bare_text, nothing in _rules(facts):
        if not nothing or "\\" in rule.pattern:
            continue
        found = [match for match in facts.tree.matches(rule.pattern.lower(), fold=True) if match.kept]
        if not found:
            continue
        cost = facts.cost(facts.tree.arriving(found))
        name = found[0].path
        simple = name.lower() == rule.pattern.lower()
        mended = rule.text.replace(rule.pattern, name, 1) if simple else None
        yield facts.at_rule(
            "CX108",
            rule,
            f"nothing is called so, but {name} is there{reach(cost)}",
            "capital and small letters differ",
            severity="warning",
            cost=cost if not rule.negated else Cost(),
            edit=facts.replaced(rule, mended) if mended and mended != rule.text else None,
        )


@check(
    "CX106",
    "a slash that does not mean directories only",
    "warning",
    why="""The slash at the end of a pattern is dropped: unlike in .gitignore, files match as well as
    directories.""",
    example="x/*/",
    instead="x/*\n!x/readme.txt",
)
def directories_only(facts: Facts) -> Iterator[Finding]:
    """A slash at the end, and something that is no directory matches."""
    for rule, bare, _nothing in _rules(facts):
        if not bare.endswith("/"):
            continue
        files = [match for match in facts.own(rule) if match.below is None]
        if not files:
            continue
        cost = facts.cost(facts.tree.files(files))
        yield facts.at_rule(
            "CX106",
            rule,
            f"this is no directory and matches: {files[0].path}"
            + (f" and {count(len(files) - 1, 'more')}".removesuffix("s") if len(files) > 1 else ""),
            "the slash at the end is dropped; an exception can bring files back",
            severity="warning",
            cost=cost,
        )


@check(
    "CX107",
    "an empty directory arrives",
    "info",
    fix="unsafe",
    why="""`dir/**` matches everything in the directory and not itself, so that it arrives empty. Where it is
    not needed, name the directory.""",
    example="cache/**",
    instead="cache",
)
def empty_directory(facts: Facts) -> Iterator[Finding]:
    """dir/** of which nothing but dir arrives."""
    for rule, _bare_text, _nothing in _rules(facts):
        if rule.negated or not rule.pattern.endswith("/**") or rule.pattern == "**/**":
            continue
        found = [
            match
            for match in facts.tree.matches(rule.pattern[:-3])
            if match.below is not None and match.kept and match.below.names and not match.below.arrives
        ]
        if found:
            text = rule.text.rstrip()
            yield facts.at_rule(
                "CX107",
                rule,
                f"{found[0].path} arrives, as an empty directory",
                f"write {text.strip()[:-3]} to keep it out, too",
                severity="info",
                edit=facts.replaced(rule, text[:-3]) if text.endswith("/**") else None,
            )


@check(
    "CX110",
    "`**` without a slash",
    "warning",
    fix="unsafe",
    why="""`**.git` matches every path that ends in `.git`, such as `my.git`. `**/.git` matches that name
    at any depth.""",
    example="**.git",
    instead="**/.git",
)
def no_separator(facts: Facts) -> Iterator[Finding]:
    """** and a name, where longer names end so, too."""
    for rule, _bare_text, _nothing in _rules(facts):
        name = rule.pattern[2:]
        if not rule.pattern.startswith("**") or rule.pattern[2:3] in ("", "/", "*"):
            continue
        found = facts.own(rule)
        longer = [match for match in found if match.name != name and match.name.endswith(name)]
        if longer and any(match.name == name for match in facts.tree.matches(f"**/{name}")):
            cost = facts.cost(facts.tree.files(longer))
            yield facts.at_rule(
                "CX110",
                rule,
                f"this also ignores {longer[0].path}",
                f"write **/{name} for that name at any depth",
                severity="warning",
                cost=cost,
                edit=facts.replaced(rule, rule.text.replace("**", "**/", 1)),
            )


@check(
    "CX111",
    "a beginning without effect",
    "info",
    fix="safe",
    why="""Every pattern starts at the context's root. `./` and, in a path with further slashes, a leading
    `/` say nothing (other tools read them differently).""",
    example="./tmp/out",
    instead="tmp/out",
)
def no_effect(facts: Facts) -> Iterator[Finding]:
    """./x and /a/b."""
    for rule, bare, _nothing in _rules(facts):
        start = (
            "./" if bare.startswith("./") else "/" if bare.startswith("/") and "/" in rule.pattern else None
        )
        if start is None or bare.startswith("//") or not bare[len(start) :].strip("/"):
            continue
        if bare[len(start) :].startswith(("!", "#", "/", "./", "../")):
            continue  # without its beginning the line would say something else
        yield facts.at_rule(
            "CX111",
            rule,
            f"{start} has no effect here",
            f"every pattern starts at the context's root: {bare[len(start) :]}",
            severity="info",
            edit=facts.replaced(rule, rule.text.replace(start, "", 1)),
            fix="safe",
        )


@check(
    "CX101",
    "a name that is ignored at the root only",
    "warning",
    fix="unsafe",
    why="""Unlike in .gitignore, a pattern starts at the context's root: `node_modules` does not match
    `web/node_modules`. `**/` before it makes it match at any depth. Information only where all that is missed
    is committed. A leading slash (`/build`) says that the root's is meant.""",
    example="node_modules",
    instead="**/node_modules",
)
def unanchored(facts: Facts) -> Iterator[Finding]:
    """A name without a slash of which deeper ones arrive, and no rule says a word about them."""
    for rule, bare, _nothing in _rules(facts):
        pattern = rule.pattern
        if rule.negated or "/" in pattern or "**" in pattern or pattern in ("*", "."):
            continue
        if bare.startswith(("/", "./")) or bare.removesuffix("/") != pattern:
            continue
        deeper = [match for match in facts.tree.matches(f"**/{pattern}") if match.folder.path]
        files = [file for file in facts.tree.arriving(deeper) if file.rule is None]
        if not files:
            continue
        # What belongs into any directory is there on purpose, as is what git tracks.
        tracked = _EVERYWHERE.match(pattern) is not None or not any(
            file.path not in facts.git.tracked for file in files
        )
        cost = facts.cost(files)
        excepted = any(
            other.negated and other.line > rule.line and pattern in other.pattern.split("/")
            for other in facts.rules
        )
        what = amount(cost)
        verb = "reaches" if cost.files == 1 else "reach"
        may = "" if facts.known else "may "
        if may:
            verb = "reach"
        yield facts.at_rule(
            "CX101",
            rule,
            f"{what} {may}{verb} the build: {pattern} matches at the root only",
            f"unlike in .gitignore, a pattern starts at the context's root; write **/{pattern}"
            if not tracked
            else f"write /{pattern} if the root's is meant, **/{pattern} if not",
            severity="info" if tracked else "warning",
            cost=cost,
            edit=None
            if tracked or excepted
            else facts.replaced(rule, rule.text.replace(pattern, f"**/{pattern}", 1)),
        )
