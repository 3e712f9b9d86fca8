"""Cases of the ignore conformance tests: nasty trees and ignore files, and what ctxsize expects of them.

A case is plain JSON, so that a recorded one can be replayed years later whatever the generator does then.
Text that is not UTF-8 is kept as surrogates (os.fsdecode's way).
"""

from __future__ import annotations

import os
import random
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ctxsize.errors import CtxsizeError
from ctxsize.ignore import Dialect, Matcher, find_ignore_file, parse_ignore
from ctxsize.ignore.walk import arrivals

Listing = list[list[Any]]  # sorted [path, kind, size], or [["error"]] when the build fails


@dataclass(frozen=True, slots=True)
class Case:
    """A tree, the text of its ignore file (None: there is none), of ``<Dockerfile>.dockerignore``, the
    Dockerfile's path, and where ``.dockerignore`` leads when it is a symlink (then ``rules`` has the text).

    Entries are ``[path, kind, content]``: the kind as ``ls -l`` shows it, or h for a hard link; the content
    is a file's size, a link's target, or None.
    """

    tree: list[list[Any]]
    ignore: str | None
    own_ignore: str | None = None
    dockerfile: str = "Dockerfile"
    ignore_link: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def write_case(case: Case, root: Path) -> None:
    """Make the case's context in the empty directory ``root``."""
    for path, kind, content in case.tree:
        target = root / path
        if kind == "d":
            target.mkdir()
        elif kind == "-":
            target.write_bytes(b"x" * content)
        elif kind == "l":
            target.symlink_to(content)
        elif kind == "h":
            os.link(root / content, target)
        elif kind == "p":
            os.mkfifo(target)
        elif kind == "s":
            here = os.open(target.parent, os.O_PATH)  # a socket's address is too short for deep paths
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(f"/proc/self/fd/{here}/{target.name}")
            os.close(here)
    (root / case.dockerfile).parent.mkdir(exist_ok=True)
    (root / case.dockerfile).write_text("FROM scratch\nCOPY . /\n")
    if case.ignore is not None:
        name = ".dockerignore"
        if case.ignore_link:
            (root / name).symlink_to(case.ignore_link)
            name = "rules"
        (root / name).write_bytes(os.fsencode(case.ignore))
    if case.own_ignore is not None:
        (root / f"{case.dockerfile}.dockerignore").write_bytes(os.fsencode(case.own_ignore))


def expected(root: Path, dockerfile: str, dialect: Dialect) -> Listing:
    """What ctxsize says arrives of the context, in the shape the reference's listing has."""
    try:
        ignore_file = find_ignore_file(root, root / dockerfile, dialect)
        data = ignore_file.read_bytes() if ignore_file else b""
        rules = parse_ignore(data, ".dockerignore", dialect).rules
        found = list(arrivals(root, Matcher(rules, dialect), dockerfile))
    except CtxsizeError:
        return [["error"]]
    return sorted([entry.path, entry.kind, entry.size] for entry in found)


_EVERYDAY_NAMES = [
    "src",
    "docs",
    "node_modules",
    "a.py",
    "a.pyc",
    "b.txt",
    "README.md",
    ".git",
    ".env",
    "build",
    "main.go",
    "web",
    "lib",
    "test",
    "x.log",
    "c",
    "keep.txt",
    "index.js",
]
_SHORT_NAMES = ["a", "b", "c", "d", "ab", "abc", "x", "axb", "A", "a.b", ".a"]
_ODD_NAMES = [
    "a b",
    " a",
    "a ",
    "*",
    "?",
    "[a]",
    "!a",
    "#a",
    "a^b",
    "a+b",
    "(x)",
    "a|b",
    "{a}",
    "$a",
    "a$",
    "a\\b",
    "a-b",
    "é",
    "日本",
    "a\nb",
    "\n",
    "-",
    "^",
    "]",
    "[",
    "...",
    "..a",
    "~",
    "a\tb",
    "\x01",
    "0",
    "a_b",
    "ß",
    "\u00a0",
    "\ufeffa",
    "\ufffd",
    "_",
    "1",
    "\u2028",
    "e\u0301",
    "𝒳",
]
_BAD_NAMES = ["\udce9", "a\udcff", "\udcc3("]
_CLASSES = [
    "[ab]",
    "[a-c]",
    "[^a]",
    "[^b]",
    "[!a]",
    "[a-z]",
    "[A-Z]",
    "[0-9]",
    "[^a-z]",
    "[]a]",
    "[^]a]",
    "[a-]",
    "[-a]",
    "[\\]]",
    "[\\-a]",
    "[[:alpha:]]",
    "[[:word:]]",
    "[^/]",
    "[a/]",
    "[.-0]",
    "[*]",
    "[?]",
    "[é]",
    "[b-a]",
    "[",
    "]",
    "[]",
    "[^]",
    "[a",
    "[[:foo:]]",
    "[a\\]b]",
    "[.]",
    "[+]",
    "[a-c-e]",
    "[\\d]",
    "[a^]",
    "[|]",
    "[日本]",
    "[\\w]",
    "[&&]",
    "[a&&b]",
    "[[a]]",
    "[[:^alpha:]]",
    "[\\W]",
    "[\\s]",
    "[\\x41]",
]
_ESCAPES = [
    "\\a",
    "\\*",
    "\\?",
    "\\[",
    "\\]",
    "\\\\",
    "\\",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "\\pL",
    "\\A",
    "\\z",
    "\\Q",
    "\\E",
    "\\C",
    "\\1",
    "\\x41",
    "\\é",
    "\\/",
    "\\.",
    "\\-",
    "\\n",
    "\\t",
    "\\ ",
    "\\!",
    "\\#",
    "\\_",
    "\\Z",
    "\\0",
    "\\x{61}",
    "\\p{L}",
    "\\PL",
    "\\061",
    "\\G",
    "\\e",
    "\\v",
    "\\cA",
    "\\R",
    "\\h",
    "\\pZ",
]
_ODD_LINES = [
    "",
    " ",
    "#",
    "# a",
    " # a",
    "#a",
    "!",
    "! ",
    "!/",
    "/",
    ".",
    "..",
    "./",
    "!.",
    "!..",
    "!../a",
    "!../../a",
    "../a",
    "/../a",
    "a/..",
    "a/../b",
    "./a",
    "a//b",
    "a/.",
    "a/./b",
    "/a",
    "//a",
    "a/",
    "a//",
    "/!a",
    "!/a",
    "!!a",
    "! a",
    "!\ta",
    "\ta",
    "a\t",
    "a ",
    "\u00a0a",
    "a\u3000",
    "\u200ba",
    "a\u200b",
    "\x1ca",
    "\x0ba",
    "\x0ca",
    "\x85a",
    "\ufeffa",
    "\ufeff",
    "a\rb",
    "a\r",
    "/ a",
    "!/ a",
    "a /",
    "a\u2028b",
    "**/",
    "/**",
    "/*",
    "!**",
    "!*",
    "*",
    "**",
    "***",
    "**/**",
    "**/*",
    "*/**",
    "*/*",
    "!*/",
    "!**/",
    "a/**/**/b",
    "!/**",
    "/./a",
    "/.",
    "!/.",
    "a/b/..",
    "a/**/..",
    "a\x01",
    "\x7f",
    "[a]/..",
    "**/../a",
    "!a/..",
    "! !a",
    "!#a",
    "# !a",
    "/#a",
    "\\#a",
    "\\!a",
    "^a",
    "^a*",
    "a$",
    "a*$",
    "a^*",
    "(a)*",
    "a|b*",
    "a{2}*",
    "a+*",
    ".*",
    "*.*",
    "?",
    "??",
    "*?",
    "?*",
    "*.",
    "./*",
    "./**",
    ".//a",
    "/a/",
    "/ /a",
    "/!",
    "!/!a",
    "\udce9",
    "\udce9*",
    "*\udce9",
    "a\udcff**",
    "**\udce9",
    "\ufffd*",
    "\ufffd",
    "\ufeff**a",
    "\ufeff*a",
    "\ufeff**",
]


def _names(rng: random.Random, mood: str) -> list[str]:
    if mood == "everyday":
        return _EVERYDAY_NAMES
    if mood == "short":
        return _SHORT_NAMES
    names = _SHORT_NAMES[:4] + rng.sample(_ODD_NAMES, 8)
    if rng.random() < 0.06:
        names.append(rng.choice(_BAD_NAMES))
    return names


def _tree(rng: random.Random, names: list[str]) -> list[list[Any]]:
    tree: list[list[Any]] = []
    directories = [""]
    taken: set[str] = set()
    for _ in range(rng.randint(3, 22)):
        parent = rng.choice(directories[-6:])
        path = parent + rng.choice(names)
        if path in taken or path.count("/") > 5:
            continue
        taken.add(path)
        if rng.random() < 0.4:
            tree.append([path, "d", None])
            directories.append(path + "/")
            continue
        kind = rng.choices("-lps", [40, 4, 1, 1])[0]
        content: Any = rng.randint(0, 9) if kind == "-" else None
        if kind == "l":
            content = rng.choice([*names, "../a", "nowhere", "/etc", "a/b"])
        files = [entry[0] for entry in tree if entry[1] == "-"]
        if kind == "-" and files and rng.random() < 0.05:
            kind, content = "h", rng.choice(files)
        tree.append([path, kind, content])
    return tree


def _component(rng: random.Random, names: list[str], odd: float) -> str:
    name = rng.choice(names)
    for special in "\\*?[":
        if special in name and rng.random() < 0.5:
            name = name.replace(special, "\\" + special)
    draw = rng.random()
    if draw < 0.55 - odd / 2:
        return name
    cut = rng.randint(0, len(name))
    if rng.random() < odd:
        return name[:cut] + rng.choice(_CLASSES + _ESCAPES) + name[cut + rng.randint(0, 1) :]
    wild = rng.choice(["*", "*", "*", "?", "**", "*?", "***"])
    return name[:cut] + wild + name[cut + rng.randint(0, len(name) - cut) :]


def _pattern(rng: random.Random, tree: list[list[Any]], names: list[str], odd: float) -> str:
    draw = rng.random()
    if draw < odd / 3:
        return rng.choice(_ODD_LINES)
    if draw < 0.35 and tree:  # something that is there, whole or generalised
        parts = rng.choice(tree)[0].split("/")
        for at in range(len(parts)):
            if rng.random() < 0.25:
                parts[at] = rng.choice(["*", "**", _component(rng, [parts[at]], odd), "?" * len(parts[at])])
        if rng.random() < 0.2:
            parts = parts[: rng.randint(1, len(parts))]
        if rng.random() < 0.2:
            parts.append(
                rng.choice(["*", "**", rng.choice(names), "*/*", "*/**", "**/*", "**/" + rng.choice(names)])
            )
    else:
        parts = [_component(rng, names, odd) for _ in range(rng.choices([1, 2, 3, 4], [50, 30, 15, 5])[0])]
        if rng.random() < 0.3:
            parts.insert(rng.randint(0, len(parts)), "**")
    text = "/".join(parts)
    if rng.random() < odd / 4:
        text = rng.choice(["/", "./", "//", " ", "\t", "../", "x/../"]) + text
    if rng.random() < odd / 4:
        text += rng.choice(["/", "/.", " ", "\r", "//", "/..", "\t", "**", "/**"])
    return text


def generate(seed: int) -> Case:
    """The case of a seed: the same one, always (of one version of this generator)."""
    rng = random.Random(f"ctxsize-ignore-{seed}")
    mood = rng.choices(["everyday", "short", "odd"], [25, 40, 35])[0]
    odd = {"everyday": 0.05, "short": 0.15, "odd": 0.5}[mood]
    names = _names(rng, mood)
    tree = _tree(rng, names)
    lines = []
    for _ in range(rng.choices([0, 1, 2, 3, 4, 6, 9], [2, 10, 20, 25, 20, 15, 8])[0]):
        pattern = _pattern(rng, tree, names, odd)
        lines.append("!" + pattern if rng.random() < 0.38 else pattern)
    if rng.random() < 0.25:
        lines.insert(0, rng.choice(["*", "*", "**", "*/", "*/*", "/*", "**/*"]))
    if rng.random() < 0.12:
        lines.append(
            rng.choice(
                [
                    ".dockerignore",
                    "Dockerfile",
                    "Dockerfile*",
                    "!Dockerfile",
                    "!.dockerignore",
                    "**/Dockerfile",
                ]
            )
        )
    end = "\r\n" if rng.random() < 0.08 else "\n"
    text = end.join(lines) + (end if rng.random() < 0.8 else "")
    if rng.random() < 0.04:
        text = rng.choice(["\ufeff", "\ufeff\ufeff", "\n\ufeff"]) + text
    dockerfile, own = "Dockerfile", None
    directories = [path for path, kind, _ in tree if kind == "d"]
    if rng.random() < 0.08:
        dockerfile = "sub.Dockerfile"
        if directories and rng.random() < 0.6:
            dockerfile = rng.choice(directories) + "/D"
        if any(path == dockerfile for path, _, _ in tree):
            dockerfile = "sub.Dockerfile"
    if rng.random() < 0.05:
        own = "\n".join(_pattern(rng, tree, names, odd) for _ in range(rng.randint(0, 3)))
    link = None
    if rng.random() < 0.02 and not any(entry[0] == "rules" for entry in tree):
        link = rng.choice(["rules", "./rules", "/rules", "../rules", "nowhere", ".dockerignore", "."])
    return Case(tree, text if rng.random() < 0.98 else None, own, dockerfile, link)
