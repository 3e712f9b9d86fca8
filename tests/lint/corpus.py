# ruff: noqa: E501  (a table: a case is read across)
"""Projects with one mistake each, their clean twins, and good projects that must stay clean.

Each case is a small tree with its Dockerfile and ignore files, and exactly the findings that `lint` has for it.

Conventions:

- ``expected`` holds ``At(code, line, path)``. Where a rule is to blame, that is the rule's line in the ignore file.
  Where a rule is *missing* (CX009, CX305, CX306, CX409, CX501, CX502, CX503), it is the Dockerfile's instruction
  that takes the path. What is said of a file as a whole (CX003 to CX008, CX010) is at line 1 of that file.
- ``arrives`` and ``absent`` are what ``FROM scratch / COPY . /`` brings with either builder; ``only_buildkit`` and
  ``only_classic`` with one of them; ``empty`` are files that BuildKit delivers with 0 bytes. ``refused``: no build
  gets as far as that.
- ``build`` says how the case's own Dockerfile ends, where it needs no base image: "ok" or "fails", by builder.
- ``fix`` is the content of the ignore file after the fix of ``code``; ``safe``: the same paths arrive then.
- Most Dockerfiles copy everything, and most ignore files list the Dockerfile and themselves, so that CX304 and
  CX503 have nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class At(NamedTuple):
    """Where a finding is."""

    code: str
    line: int
    path: str = ".dockerignore"


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Dir:
    """An empty directory."""


@dataclass(frozen=True, slots=True)
class Git:
    """The tree is a repository: all is committed but what its ``.gitignore`` leaves out and ``untracked``.

    ``ignored`` are paths that git ignores (stated again, so that a test can check the case itself).
    """

    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


#: Content of a file, its size (bytes of no meaning), a link or an empty directory.
Content = bytes | int | Link | Dir
Tree = Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class Case:
    """One project; ``code`` is the finding it is about, None for one that is clean."""

    name: str
    code: str | None
    tree: Tree
    ignore: Mapping[str, bytes]
    dockerfile: str
    expected: tuple[At, ...]
    note: str
    git: Git | None = None
    builder: str = "buildkit"
    dockerfile_path: str = "Dockerfile"
    fix: bytes | None = None
    safe: bool = False
    arrives: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    only_buildkit: tuple[str, ...] = ()
    only_classic: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    build: Mapping[str, str] = field(default_factory=dict)


ALL = "FROM scratch\nCOPY . /app\n"
SELF = ("Dockerfile*", ".dockerignore")
BOTH_OK = {"buildkit": "ok", "classic": "ok"}
BOTH_FAIL = {"buildkit": "fails", "classic": "fails"}
#: What a wildcard source comes to when nothing it matches arrives: BuildKit copies nothing, and says nothing.
SILENT = {"buildkit": "ok", "classic": "fails"}


def rules(*lines: str, end: str = "\n") -> dict[str, bytes]:
    """A ``.dockerignore`` of these lines, then those that keep the Dockerfile and itself out."""
    return {".dockerignore": "".join(line + end for line in (*lines, *SELF)).encode()}


def text(*lines: str) -> bytes:
    """What ``rules`` makes of the lines, for ``fix``."""
    return rules(*lines)[".dockerignore"]


def exactly(*lines: str) -> dict[str, bytes]:
    """A ``.dockerignore`` of these lines only."""
    return {".dockerignore": "".join(line + "\n" for line in lines).encode()}


def at(code: str, line: int, path: str = ".dockerignore") -> tuple[At, ...]:
    """One finding."""
    return (At(code, line, path),)


APP: Tree = {"src/main.js": b"main()\n", "package.json": b"{}\n"}
PY: Tree = {"app/__init__.py": b"", "app/main.py": b"print(1)\n"}

SYNTAX = (
    Case("lone-bracket", "CX001", APP, rules("logs", "["), ALL, at("CX001", 2),
         "an unfinished character class: docker build refuses the whole file", refused=("buildkit", "classic")),
    Case("trailing-backslash", "CX001", APP, rules("bin\\"), ALL, at("CX001", 1),
         "a Windows path: a backslash escapes what follows, and nothing does", refused=("buildkit", "classic")),
    Case("lone-exclamation-mark", "CX001", APP, rules("*.log", "!"), ALL, at("CX001", 2),
         "an exception of nothing", refused=("buildkit", "classic")),
    Case("open-range", "CX001", APP, rules("[x-]"), ALL, at("CX001", 1),
         "a range without its end is an error in Docker, though not in a shell", refused=("buildkit", "classic")),
    Case("bracket-behind-star", "CX001", {**APP, "logs/x": b"1"}, rules("lo*[a"), ALL, at("CX001", 1),
         "not checked when the file is read: fails when a path makes Docker evaluate it",
         refused=("buildkit", "classic")),
    Case("escaped-bracket", None, {**APP, "[id].js": b"1"}, rules("\\[id\\].js"), ALL, (),
         "an escaped bracket is a name", arrives=("src/main.js",), absent=("[id].js",)),
    Case("class", None, {**APP, "a1.log": b"1"}, rules("a[0-9].log"), ALL, (),
         "a finished character class", absent=("a1.log",)),
    Case("utf-16", "CX002", {**APP, "node_modules/x/i.js": b"1"},
         {".dockerignore": "node_modules\nDockerfile*\n.dockerignore\n".encode("utf-16")}, ALL,
         at("CX002", 1), "Windows PowerShell's > wrote UTF-16; moby/moby#21940. Nothing matches",
         fix=b"node_modules\nDockerfile*\n.dockerignore\n"),
    Case("nul-bytes", "CX002", {**APP, "node_modules/x/i.js": b"1"},
         {".dockerignore": b"node_modules\x00\nDockerfile*\n.dockerignore\n"}, ALL, at("CX002", 1),
         "a NUL byte in a pattern: BuildKit refuses it, classic takes it and it matches nothing",
         only_classic=("node_modules/x/i.js",), refused=("buildkit",), fix=text("node_modules")),
    Case("utf-8", None, {**APP, "Änderungen.txt": b"1"}, rules("Änderungen.txt"), ALL, (),
         "UTF-8 that is not ASCII is fine", absent=("Änderungen.txt",)),
    Case("bom", "CX010", {**APP, "node_modules/x/i.js": b"1"},
         {".dockerignore": b"\xef\xbb\xbfnode_modules\nDockerfile*\n.dockerignore\n"}, ALL, at("CX010", 1),
         "Windows editors; docker/cli#4269: client 23.0 did not know line 1. Later ones drop the mark",
         fix=text("node_modules"), safe=True, absent=("node_modules",)),
    Case("bom-and-crlf", "CX010", {**APP, "node_modules/x/i.js": b"1"},
         {".dockerignore": b"\xef\xbb\xbfnode_modules\r\nDockerfile*\r\n.dockerignore\r\n"}, ALL, at("CX010", 1),
         "the mark is the finding; the line ends stay as they are",
         fix=b"node_modules\r\nDockerfile*\r\n.dockerignore\r\n", safe=True, absent=("node_modules",)),
    Case("crlf", "CX010", {**APP, "node_modules/x/i.js": b"1"}, rules("node_modules", end="\r\n"), ALL,
         at("CX010", 1), "harmless in every builder: information only",
         absent=("node_modules",)),
    Case("lf", None, {**APP, "node_modules/x/i.js": b"1"}, rules("node_modules"), ALL, (),
         "plain UTF-8 with LF", absent=("node_modules",)),
)  # fmt: skip

FILES = (
    Case("capital", "CX003", {**APP, "node_modules/x/i.js": 5000},
         {".Dockerignore": text("node_modules")}, ALL, at("CX003", 1, ".Dockerignore"),
         "docker/compose#8433: works on macOS, read by nobody on Linux",
         arrives=("node_modules/x/i.js",)),
    Case("txt", "CX003", {**APP, "node_modules/x/i.js": 5000},
         {"dockerignore.txt": text("node_modules")}, ALL, at("CX003", 1, "dockerignore.txt"),
         "Notepad's extension, and no dot", arrives=("node_modules/x/i.js",)),
    Case("typing-error", "CX003", {**APP, "node_modules/x/i.js": 5000},
         {".dockerigore": text("node_modules")}, ALL, at("CX003", 1, ".dockerigore"),
         "a letter lacks", arrives=("node_modules/x/i.js",)),
    Case("no-dot", "CX003", {**APP, "node_modules/x/i.js": 5000},
         {"dockerignore": text("node_modules")}, ALL, at("CX003", 1, "dockerignore"),
         "the dot lacks", arrives=("node_modules/x/i.js",)),
    Case("example-beside-it", None, {**APP, "node_modules/x/i.js": 5000},
         {**rules("node_modules"), ".dockerignore.example": b"node_modules\n"}, ALL, (),
         "an example, a backup or a template beside the real one is no mistake", absent=("node_modules",)),
    Case("beside-the-dockerfile", "CX004", {**APP, "node_modules/x/i.js": 5000},
         {"docker/.dockerignore": b"node_modules\n"}, ALL, at("CX004", 1, "docker/.dockerignore"),
         "built as `docker build -f docker/Dockerfile .`: docker/Dockerfile.dockerignore is what was meant",
         dockerfile_path="docker/Dockerfile", arrives=("node_modules/x/i.js", "docker/.dockerignore")),
    Case("specific-file", None, {**APP, "node_modules/x/i.js": 5000},
         {"docker/Dockerfile.dockerignore": b"node_modules\ndocker\n"}, ALL, (),
         "what BuildKit reads for `-f docker/Dockerfile .`", dockerfile_path="docker/Dockerfile",
         only_classic=("node_modules/x/i.js",)),
    Case("specific-file-of-no-dockerfile", "CX004", {**APP, "node_modules/x/i.js": 5000},
         {**rules(), "Dockerfile.prd.dockerignore": b"node_modules\n"}, ALL,
         at("CX004", 1, "Dockerfile.prd.dockerignore"),
         "there is no Dockerfile.prd", arrives=("node_modules/x/i.js",)),
    Case("services-of-their-own", None,
         {**APP, "services/api/Dockerfile": b"FROM scratch\nCOPY . /\n", "services/api/x": b"1",
          "node_modules/left-pad/.dockerignore": b"test\n", "node_modules/left-pad/i.js": b"1"},
         {**rules("**/node_modules", "services"), "services/api/.dockerignore": b"x\n"}, ALL, (),
         "a nested ignore file with a Dockerfile of its own is read when that directory is the context; "
         "those of installed packages are nobody's business", absent=("services", "node_modules")),
    Case("shadowed", "CX005", {**APP, "node_modules/x/i.js": 5000, "logs/a.log": 700},
         {**rules("node_modules", "logs"), "Dockerfile.dockerignore": b"logs\nDockerfile*\n.dockerignore\n"},
         ALL, at("CX005", 1, "Dockerfile.dockerignore"),
         "BuildKit reads the specific file *instead of* the other: node_modules arrives. Classic: the reverse",
         absent=("logs",), only_buildkit=("node_modules/x/i.js",)),
    Case("shadowed-without-loss", None, {**APP, "node_modules/x/i.js": 5000, "logs/a.log": 700},
         {**rules("node_modules"), "Dockerfile.dockerignore": b"node_modules\nlogs\nDockerfile*\n.dockerignore\n"},
         ALL, (), "the specific file has all the other keeps out", absent=("node_modules",),
         only_classic=("logs/a.log",)),
    Case("specific-but-empty", "CX006", {**APP, "node_modules/x/i.js": 5000},
         {**rules("node_modules"), "Dockerfile.dockerignore": b""}, ALL,
         at("CX006", 1, "Dockerfile.dockerignore"), "it replaces the other: BuildKit ignores nothing",
         only_buildkit=("node_modules/x/i.js",)),
    Case("specific-but-comments", "CX006", {**APP, "node_modules/x/i.js": 5000},
         {**rules("node_modules"), "Dockerfile.dockerignore": b"# todo\n\n"}, ALL,
         at("CX006", 1, "Dockerfile.dockerignore"), "comments are no rules",
         only_buildkit=("node_modules/x/i.js",)),
    Case("specific-alone", None, {**APP, "node_modules/x/i.js": 5000},
         {"Dockerfile.dockerignore": b"node_modules\nDockerfile*\n.dockerignore\n"}, ALL, (),
         "no other file, and it has rules", only_classic=("node_modules/x/i.js",)),
    Case("dangling-link", "CX007", {**APP, "node_modules/x/i.js": 5000, ".dockerignore": Link("ignore/docker")},
         {}, ALL, at("CX007", 1), "as if there were none", arrives=("node_modules/x/i.js",)),
    Case("link-to-gitignore", "CX007",
         {**APP, "web/node_modules/x/i.js": 5000, ".gitignore": b"node_modules\n", ".dockerignore": Link(".gitignore")},
         {}, ALL, (At("CX007", 1), At("CX101", 1), At("CX502", 2, "Dockerfile"), At("CX503", 2, "Dockerfile")),
         "super-linter#770: git's patterns by Docker's rules, so that nested directories arrive",
         git=Git(ignored=("web/node_modules",)), arrives=("web/node_modules/x/i.js",)),
    Case("link-inside", None, {**APP, "node_modules/x/i.js": 5000, "conf/ignore": text("node_modules"),
                              ".dockerignore": Link("conf/ignore")},
         {}, ALL, (), "a link that stays inside the context is followed by every builder",
         absent=("node_modules",)),
    Case("untracked", "CX008", {**APP, "node_modules/x/i.js": 5000, ".gitignore": b"node_modules\n"},
         rules("node_modules", ".git*"), ALL, at("CX008", 1),
         "a clone and CI lack it", git=Git(untracked=(".dockerignore",), ignored=("node_modules",)),
         absent=("node_modules",)),
    Case("git-ignored", "CX008", {**APP, "data.bin": 9000, ".gitignore": b"data.bin\n.docker*\n"},
         rules("data.bin", ".git*"), ALL, at("CX008", 1),
         "nextgcore#140: git ignores .docker*, CI sent 39 GB",
         git=Git(ignored=(".dockerignore", "data.bin")), absent=("data.bin",)),
    Case("tracked", None, {**APP, "node_modules/x/i.js": 5000, ".gitignore": b"node_modules\n"},
         rules("node_modules", ".git*"), ALL, (), "committed", git=Git(ignored=("node_modules",)),
         absent=("node_modules",)),
    Case("none-at-all", "CX009", APP, {}, ALL, at("CX009", 2, "Dockerfile"),
         "COPY . takes everything and nothing is kept out: see `suggest`", arrives=("Dockerfile",)),
    Case("none-and-none-needed", None, APP, {}, "FROM scratch\nCOPY src /app\n", (),
         "BuildKit asks for src alone"),
)  # fmt: skip

SPELLING = (
    Case("unanchored-directory", "CX101",
         {**APP, "node_modules/a/i.js": 100, "web/node_modules/b/i.js": 9000, "web/index.js": b"1"},
         rules("node_modules"), ALL, at("CX101", 1),
         "chat-ui#2431, hyperswitch#9678, Mailtrain#1058 (750 MB): anchored at the root, unlike in .gitignore",
         absent=("node_modules",), arrives=("web/node_modules/b/i.js",), fix=text("**/node_modules")),
    Case("unanchored-with-slash", "CX101",
         {**APP, "node_modules/a/i.js": 100, "web/app/node_modules/b/i.js": 9000},
         rules("node_modules/"), ALL, at("CX101", 1), "a slash at the end anchors nothing in .gitignore either",
         arrives=("web/app/node_modules/b/i.js",), fix=text("**/node_modules/")),
    Case("unanchored-glob", "CX101",
         {**PY, "setup.pyc": 10, "app/main.pyc": 800, "app/sub/x.pyc": 800}, rules("*.pyc"), ALL, at("CX101", 1),
         "`*` does not cross a slash, and nothing else looks further down",
         absent=("setup.pyc",), arrives=("app/main.pyc", "app/sub/x.pyc"), fix=text("**/*.pyc")),
    Case("unanchored-only-deeper", "CX101", {**PY, "app/__pycache__/main.cpython-312.pyc": 800},
         rules("__pycache__"), ALL, at("CX101", 1), "the rule matches nothing at all at the root: CX101, not CX301",
         arrives=("app/__pycache__/main.cpython-312.pyc",), fix=text("**/__pycache__")),
    Case("unanchored-secret", "CX101", {**APP, ".env": b"A=1\n", "api/.env.local": b"LEVEL=debug\n"},
         rules(".env*"), ALL, at("CX101", 1), "the same with a name that has a wildcard",
         absent=(".env",), arrives=("api/.env.local",), fix=text("**/.env*")),
    Case("unanchored-any-name", "CX101", {**APP, "scratchpad/x": 10, "pkg/a/scratchpad/y": 4000},
         rules("scratchpad"), ALL, at("CX101", 1), "any name, not only known ones",
         arrives=("pkg/a/scratchpad/y",), fix=text("**/scratchpad")),
    Case("unanchored-one-level", "CX101",
         {**APP, "node_modules/a/i.js": 10, "web/node_modules/b/i.js": 10, "web/app/node_modules/c/i.js": 9000},
         rules("node_modules", "*/node_modules"), ALL, at("CX101", 1), "one level more, and still not all",
         absent=("node_modules", "web/node_modules"), arrives=("web/app/node_modules/c/i.js",)),
    Case("unanchored-but-tracked", "CX101", {**APP, "bin/tool": 10, "src/bin/main.rs": b"fn main() {}\n", ".gitignore": b"/bin\n"},
         rules("bin", ".git*"), ALL, at("CX101", 1),
         "what it misses is committed source: information, and no fix is offered",
         git=Git(ignored=("bin",)), absent=("bin",), arrives=("src/bin/main.rs",)),
    Case("anywhere", None, {**APP, "node_modules/a/i.js": 100, "web/node_modules/b/i.js": 9000},
         rules("**/node_modules"), ALL, (), "at any depth", absent=("node_modules", "web/node_modules")),
    Case("anchored-on-purpose", None, {**APP, "build/x": 100, "web/build/y": 9000},
         rules("/build"), ALL, (), "a leading slash says that the root's is meant; it has no effect and no finding",
         absent=("build",), arrives=("web/build/y",)),
    Case("readmitted-on-purpose", None, {**APP, "vendor/a": 10, "web/vendor/b": 10},
         rules("**/vendor", "!web/vendor"), ALL, (), "an exception keeps the deeper one: that is a decision",
         absent=("vendor",), arrives=("web/vendor/b",)),
    Case("inline-comment", "CX102", {**APP, "run/x.pid": 900}, rules("run/ # logs"), ALL, at("CX102", 1),
         "hadolint#813: there are no comments at the end of a line", arrives=("run/x.pid",), fix=text("# logs", "run/")),
    Case("inline-comment-of-an-exception", "CX102", {**APP, "docs/a.md": 10, "docs/b.md": 10},
         rules("docs", "!docs/a.md  # shown by the app"), ALL, at("CX102", 2),
         "the exception has no effect", absent=("docs/a.md", "docs/b.md"), fix=text("docs", "# shown by the app", "!docs/a.md")),
    Case("inline-comment-after-a-tab", "CX102", {**APP, "cache/x": 900}, rules("cache\t# big"), ALL,
         at("CX102", 1), "after a tab, too; BuildKit refuses the tab", only_classic=("cache/x",),
         refused=("buildkit",), fix=text("# big", "cache")),
    Case("hash-in-a-name", None, {**APP, "#draft#": b"1", "C# notes/x": b"1", "a #1": b"1"},
         rules("*#*", "C# notes", "a #1"), ALL, (At("CX302", 2), At("CX302", 3)),
         "a # in a name that exists is no comment", absent=("C# notes", "a #1", "#draft#")),
    Case("comment-above", None, {**APP, "run/x.pid": 900}, rules("# logs", "run/"), ALL, (),
         "a comment on a line of its own", absent=("run",)),
    Case("slashes-as-comment", "CX103", {**APP, "tmp/x": 900}, rules("// build output", "tmp"), ALL,
         at("CX103", 1), "vaultwarden#7274: it is the pattern `build output`", absent=("tmp",),
         fix=text("# build output", "tmp")),
    Case("slashes-as-comment-that-matches", "CX103", {**APP, "assets/logo.svg": 900}, rules("// assets"), ALL,
         at("CX103", 1), "`// assets` is cleaned to `assets`: the comment ignores a directory",
         absent=("assets",), fix=text("# assets")),
    Case("indented-comment", "CX103", {**APP, "tmp/x": 900}, rules("tmp", "  # editors"), ALL, at("CX103", 2),
         "a comment's # has to be the first character of the line", absent=("tmp",),
         fix=text("tmp", "# editors")),
    Case("comment", None, {**APP, "tmp/x": 900}, rules("# editors", "#", "tmp"), ALL, (), "real comments",
         absent=("tmp",)),
    Case("backslash-separator", "CX104", {**APP, "data/a.db": 900}, rules("**\\*.db"), ALL, at("CX104", 1),
         "flyctl#4727: a backslash escapes, so this looks for a file whose name is *.db",
         arrives=("data/a.db",), fix=text("**/*.db")),
    Case("backslash-path", "CX104", {**APP, "bin/Debug/x.dll": 900}, rules("bin\\Debug"), ALL, at("CX104", 1),
         "read as an expression: \\D is any character that is no digit", arrives=("bin/Debug/x.dll",),
         fix=text("bin/Debug")),
    Case("backslash-escape", None, {**APP, "a*b": b"1", "axb": b"1"}, rules("a\\*b"), ALL, (),
         "an escaped star is a name", absent=("a*b",), arrives=("axb",)),
    Case("braces", "CX105", {**APP, "a.log": 500, "b.tmp": 500}, rules("*.{log,tmp}"), ALL, at("CX105", 1),
         "no alternatives in braces: two lines", arrives=("a.log", "b.tmp"), fix=text("*.log", "*.tmp")),
    Case("negated-class", "CX105", {**APP, "a.txt": 500, "b.txt": 500}, rules("[!a].txt"), ALL, at("CX105", 1),
         "`[!a]` is `!` or `a`: it ignores what it should keep; `[^a]` negates", absent=("a.txt",),
         arrives=("b.txt",), fix=text("[^a].txt")),
    Case("variable", "CX105", {**APP, "cache/x": 500}, rules("$CACHE_DIR"), ALL, at("CX105", 1),
         "nothing is expanded", arrives=("cache/x",)),
    Case("variable-in-braces", "CX105", {**APP, "cache/x": 500}, rules("${CACHE_DIR}/x"), ALL, at("CX105", 1),
         "nothing is expanded", arrives=("cache/x",)),
    Case("home", "CX105", {**APP, ".ssh/known_hosts": b"x"}, rules("~/.ssh"), ALL, at("CX105", 1),
         "no home directory", arrives=(".ssh/known_hosts",)),
    Case("alternatives", "CX105", {**APP, "a.log": 500, "b.tmp": 500}, rules("*.(log|tmp)"), ALL, at("CX105", 1),
         "extended globs are the shell's: the | splits the whole expression, and neither half matches",
         arrives=("a.log", "b.tmp"), fix=text("*.log", "*.tmp")),
    Case("shell-characters-in-names", None,
         {**APP, "draft~": b"1", "~$report.docx": b"1", "{{name}}.txt": b"1", "$x": b"1", "!important": b"1"},
         rules("*~", "~$*", "{{name}}.txt", "$x", "\\!important"), ALL, (),
         "names that have such characters, and exist", absent=("draft~", "~$report.docx", "{{name}}.txt", "$x")),
    Case("directories-only", "CX106", {**APP, "x/a/1": b"1", "x/readme.txt": 700}, rules("x/*/"), ALL,
         at("CX106", 1), "moby#32533: the slash is dropped, files match too", absent=("x/readme.txt", "x/a")),
    Case("directories-only-everywhere", "CX106", {**APP, "cmd/server/main.go": b"1", "server": 900},
         rules("**/server/", "!cmd"), ALL, at("CX106", 1) + at("CX205", 2),
         "a file of that name is ignored as well", absent=("server", "cmd/server/main.go")),
    Case("slash-at-the-end", None, {**APP, "logs/a": 10, "x/b/c": 10}, rules("logs/", "x/*/"), ALL, (),
         "only directories are there: nothing is lost", absent=("logs", "x/b")),
    Case("double-star-at-the-end", "CX107", {**APP, "cache/a": 10, "cache/b/c": 10}, rules("cache/**"), ALL,
         at("CX107", 1), "the empty directory arrives", arrives=("cache",), absent=("cache/a", "cache/b"),
         fix=text("cache")),
    Case("double-star-and-exception", None, {**APP, "log/a": 10, "log/.keep": b""}, rules("log/**", "!log/.keep"),
         ALL, (), "the directory is wanted", arrives=("log/.keep",), absent=("log/a",)),
    Case("single-star-at-the-end", None, {**APP, "log/a": 10}, rules("log/*"), ALL, (),
         "`log/*` is how people say that the directory stays", arrives=("log",), absent=("log/a",)),
    Case("case", "CX108", {**APP, ".env": b"LEVEL=debug\n"}, rules(".ENV"), "FROM scratch\nCOPY src /\n", at("CX108", 1),
         "capitals matter, on every system's builder", arrives=(".env",), fix=text(".env")),
    Case("case-of-a-directory", "CX108", {**APP, "Build/x": 900}, rules("build"), ALL, at("CX108", 1),
         "the directory is Build", arrives=("Build/x",), fix=text("Build")),
    Case("case-both", None, {**APP, "Build/x": 900, "build/y": 900}, rules("build", "[Bb]uild"), ALL, at("CX302", 1),
         "a class for both", absent=("Build", "build")),
    Case("parent", "CX109", {**APP, "secrets/x": b"1"}, rules("../secrets"), ALL, at("CX109", 1),
         "nothing outside the context is ever sent, and this matches nothing inside",
         arrives=("secrets/x",), fix=text(), safe=True),
    Case("host-path", "CX109", {**APP, "tmp/x": b"1"}, rules("/home/me/project/tmp"), ALL, at("CX109", 1),
         "a leading slash is the context's root: this is home/me/project/tmp", arrives=("tmp/x",), fix=text()),
    Case("windows-path", "CX109", {**APP, "tmp/x": b"1"}, rules("C:/project/tmp"), ALL, at("CX109", 1),
         "a path of the host", arrives=("tmp/x",), fix=text()),
    Case("root-path", None, {**APP, "tmp/x": b"1", "home/a/x": b"1"}, rules("/tmp/*", "/home/a"), ALL, at("CX111", 1) + at("CX111", 2),
         "/tmp and /home of the context", absent=("tmp/x", "home/a")),
    Case("no-separator", "CX110", {**APP, ".git/HEAD": b"ref: x\n", "deps/my.git/HEAD": b"ref: x\n"}, rules("**.git"),
         ALL, at("CX110", 1), "`**` at the start is any beginning of a path, not of a directory",
         absent=(".git", "deps/my.git"), fix=text("**/.git")),
    Case("extension", None, {**PY, "app/main.pyc": 10}, rules("**.pyc"), ALL, (),
         "`**.pyc` for an extension does what it says", absent=("app/main.pyc",)),
    Case("leading-dot-slash", "CX111", {**APP, "tmp/out/x": 10}, rules("./tmp/out"), ALL, at("CX111", 1),
         "no effect", absent=("tmp/out",), fix=text("tmp/out"), safe=True),
    Case("leading-slash", "CX111", {**APP, "tmp/out/x": 10}, rules("/tmp/out"), ALL, at("CX111", 1),
         "no effect; docker-py#1674 read it otherwise", absent=("tmp/out",), fix=text("tmp/out"), safe=True),
    Case("no-leading-slash", None, {**APP, "tmp/out/x": 10}, rules("tmp/out"), ALL, (), "as it is written",
         absent=("tmp/out",)),
)  # fmt: skip

MANY: Tree = {f"node_modules/p{number}/lib/index.js": b"1" for number in range(20)}

EXCEPTIONS = (
    Case("exception-first", "CX201", {**APP, "docs/a.md": 10, "docs/b.md": 10}, rules("!docs/a.md", "docs"), ALL,
         at("CX201", 1), "the last rule that matches wins", absent=("docs/a.md",), fix=text("docs", "!docs/a.md")),
    Case("exception-before-star", "CX201", APP, exactly("!src", "*"), "FROM scratch\nCOPY src* /app\n",
         (At("CX201", 1), At("CX401", 2)), "an allow-list in the wrong order: nothing arrives at all",
         absent=("src", "package.json"), build=SILENT, fix=b"*\n!src\n"),
    Case("exception-last", None, {**APP, "docs/a.md": 10, "docs/b.md": 10}, rules("docs", "!docs/a.md"), ALL,
         (), "the right order", arrives=("docs/a.md",), absent=("docs/b.md",)),
    Case("narrowed", None, {**APP, "src/gen/x": 10}, exactly("*", "!src", "src/gen"), ALL, (),
         "a part of what was readmitted is ignored again: usual and right", arrives=("src/main.js",),
         absent=("src/gen",)),
    Case("emptied", "CX202", {**APP, "src/keep.txt": 900}, exactly("*", "!src/keep.txt", "src"), ALL, at("CX202", 3),
         "BuildKit delivers the file with 0 bytes, and says nothing", empty=("src/keep.txt",),
         fix=b"*\nsrc\n!src/keep.txt\n"),
    Case("emptied-deeper", "CX202", {**APP, "conf/a/b/settings.json": 900, "conf/c": 10},
         rules("conf", "!conf/a/b/settings.json", "conf/a"), ALL, at("CX202", 3),
         "the same without `*`: the later rule was not asked about a directory that is ignored already",
         empty=("conf/a/b/settings.json",), fix=text("conf", "conf/a", "!conf/a/b/settings.json")),
    Case("not-emptied", None, {**APP, "src/keep.txt": 900}, exactly("*", "!src/keep.txt"), ALL, (),
         "nothing after the exception", arrives=("src/keep.txt",), absent=("src/main.js",)),
    Case("classic-does-not-enter", "CX203", {"s/a.py": 10, "s/b.txt": 10, "top.py": b"1"}, exactly("*", "!**/*.py"), ALL,
         at("CX203", 2), "docker/cli#2919, moby#30018: an ignored directory is entered only when an exception "
         "starts with its name", builder="classic", arrives=("top.py",), only_buildkit=("s/a.py",), absent=("s/b.txt",)),
    Case("classic-enters", None, {"s/a.py": 10, "s/b.txt": 10, "top.py": b"1"}, exactly("*", "!top.py", "!s/*.py"), ALL,
         (), "the exception begins with the directory", builder="classic", arrives=("top.py", "s/a.py"),
         absent=("s/b.txt",)),
    Case("walks-everything", "CX204", {**MANY, "src/a.js": b"1", "README.md": b"#", "CHANGES.md": b"#"}, rules("node_modules", "*.md", "!**/README.md"),
         ALL, at("CX204", 3), "Ghost#29467 (minutes), vellum-assistant#42162, moby#20470: BuildKit looks into every "
         "ignored directory for what the exception may bring back", arrives=("README.md", "src/a.js"),
         absent=("node_modules/p1/lib/index.js",), fix=text("node_modules", "*.md", "!README.md")),
    Case("walks-everything-for-an-allow-list", "CX204", {**MANY, "src/a.ts": b"1"}, exactly("*", "!**/*.ts"), ALL,
         at("CX204", 2), "an allow-list by extension", only_buildkit=("src/a.ts",),
         absent=("node_modules/p1/lib/index.js",)),
    Case("walks-for-a-wildcard-in-the-middle", "CX204", {**MANY, "src/x/a.ts": b"1", "src/y": b"1"}, exactly("*", "!src/*/a.ts"),
         ALL, at("CX204", 2), "a wildcard anywhere but at the end is enough", only_buildkit=("src/x/a.ts",),
         absent=("node_modules/p1/lib/index.js", "src/y")),
    Case("walks-for-an-extension", "CX204", {**MANY, "src/a.ts": b"1", "src/b.md": b"1"}, exactly("*", "!src/*.ts"), ALL, at("CX204", 2),
         "`*.ts` at the end is a wildcard all the same: only `/*` and `/**` are not", arrives=("src/a.ts",),
         absent=("node_modules/p1/lib/index.js", "src/b.md")),
    Case("walks-one-directory", None, {**MANY, "src/a.ts": b"1"}, exactly("*", "!src/**"), ALL, (),
         "a wildcard at the end only: BuildKit enters src and nothing else", arrives=("src/a.ts",),
         absent=("node_modules/p1/lib/index.js",)),
    Case("wildcard-exception-without-directories", None, {**APP, "a.md": 10, "README.md": 10}, rules("*.md", "!READ*.md"),
         ALL, (), "no ignored directory is there to walk", arrives=("README.md",), absent=("a.md",)),
    Case("exception-of-nothing", "CX205", {**APP, "README.md": 10}, rules("node_modules", "!README.md"), ALL, at("CX205", 2),
         "nothing ignores README.md", arrives=("README.md",), fix=text("node_modules")),
    Case("exception-before-all-rules", "CX205", {**APP, "README.md": 10}, rules("!README.md", "node_modules"), ALL, at("CX205", 1),
         "before every ignoring rule, and the only exception: without effect whatever the tree", arrives=("README.md",),
         fix=text("node_modules"), safe=True),
    Case("exception-of-a-missing-file", "CX205", {**APP, "docs/a.md": 10}, rules("docs", "!docs/kept.txt"), ALL, at("CX205", 2),
         "there is no such file: information, and no safe fix, as one may come", absent=("docs/a.md",)),
    Case("exception-of-something", None, {**APP, "README.md": 10, "a.md": 10}, rules("*.md", "!README.md"), ALL, (),
         "it excepts README.md", arrives=("README.md",), absent=("a.md",)),
    Case("readmits-a-secret", "CX206", {**APP, ".env": b"DB_PASSWORD=hunter2hunter2\n", ".env.example": b"DB_PASSWORD=\n"},
         rules(".env*", "!.env*"), ALL, (At("CX206", 2), At("CX303", 1)),
         "meant was !.env.example", arrives=(".env", ".env.example"), fix=text(".env*", "!.env.example")),
    Case("readmits-an-example", None, {**APP, ".env": b"DB_PASSWORD=hunter2hunter2\n", ".env.example": b"DB_PASSWORD=\n"},
         rules(".env*", "!.env.example"), ALL, (), "an example has no secrets", arrives=(".env.example",), absent=(".env",)),
)  # fmt: skip

USE = (
    Case("matches-nothing", "CX301", APP, rules("legacy-exports"), ALL, at("CX301", 1),
         "nothing of that name in this checkout", fix=text()),
    Case("matches-nothing-yet", None, APP, rules("**/node_modules", "**/.DS_Store", ".env", "coverage", "*.log"), ALL, (),
         "names that a tool, an editor or a build makes: they are there to be absent"),
    Case("duplicate", "CX302", {**APP, "tmp/x": 10, "logs/y": 10}, rules("tmp", "logs", "tmp/"), ALL, at("CX302", 3),
         "twice the same, however it is spelled", absent=("tmp", "logs"), fix=text("tmp", "logs"), safe=True),
    Case("covered", "CX302", {**APP, "node_modules/a": 10, "web/node_modules/b": 10}, rules("node_modules", "**/node_modules"), ALL,
         at("CX302", 1), "`**/` matches at the root, too", absent=("node_modules", "web/node_modules"),
         fix=text("**/node_modules"), safe=True),
    Case("covered-by-its-directory", "CX302", {**APP, "logs/a/b": 10}, rules("logs", "logs/a"), ALL, at("CX302", 2),
         "the directory is ignored already", absent=("logs",), fix=text("logs"), safe=True),
    Case("repeated-after-an-exception", None, {**APP, "docs/a/x.md": 10, "docs/b.md": 10}, rules("docs", "!docs/a", "docs/a/x.md"), ALL,
         (), "not covered: the exception stands between", arrives=("docs/a",), absent=("docs/b.md", "docs/a/x.md")),
    Case("overridden", "CX303", {**APP, "README.md": 10}, rules("README.md", "!*.md"), ALL, at("CX303", 1),
         "every path it matches is readmitted", arrives=("README.md",), fix=None),
    Case("overridden-here", None, {**APP, "log/.keep": b"", ".env.example": b"A=\n"}, rules("log/*", "!log/.keep", ".env.*", "!.env.example"), ALL,
         (), "all there is of it is readmitted, in this checkout: the exceptions are narrower than the rules", arrives=("log/.keep", ".env.example")),
    Case("partly-overridden", None, {**APP, "README.md": 10, "CHANGES.md": 10}, rules("*.md", "!README.md"), ALL, (),
         "CHANGES.md is ignored", arrives=("README.md",), absent=("CHANGES.md",)),
    Case("saves-nothing", "CX304", {**APP, "assets/film.mp4": 90_000}, rules("assets"), "FROM scratch\nCOPY src /app/src\n",
         at("CX304", 1), "BuildKit asks for src alone; the classic builder sends assets when the rule goes",
         absent=("assets",), build=BOTH_OK),
    Case("allow-list-and-narrow-copies", None, {**APP, "assets/film.mp4": 90_000}, exactly("*", "!src"), "FROM scratch\nCOPY src /app/src\n", (),
         "the `*` of an allow-list is there on principle", absent=("assets",), build=BOTH_OK),
    Case("saves-something", None, {**APP, "assets/film.mp4": 90_000, "src/big.bin": 90_000}, rules("src/big.bin"),
         "FROM scratch\nCOPY src /app/src\n", (), "it keeps something out of what is copied",
         absent=("src/big.bin",), build=BOTH_OK),
    Case("large-and-git-ignored", "CX305", {**APP, "data/dump.bin": 120_000_000, ".gitignore": b"data/\n"}, rules(".git*"), ALL,
         at("CX305", 2, "Dockerfile"), "flyctl#4943 warns from 100 MB: git ignores it, the build gets it",
         git=Git(ignored=("data",)), arrives=("data/dump.bin",), fix=text(".git*") + b"data\n"),
    Case("large-and-named", None, {**APP, "dist/app.bin": 120_000_000, ".gitignore": b"dist/\n"}, rules(".git*"),
         "FROM scratch\nCOPY dist /app\n", at("CX304", 1), "git ignores it, and the Dockerfile asks for it by name",
         git=Git(ignored=("dist",)), arrives=("dist/app.bin",)),
    Case("small-and-git-ignored", None, {**APP, "data/x": 1000, ".gitignore": b"data/\n"}, rules(".git*"), ALL, (),
         "not worth a word", git=Git(ignored=("data",)), arrives=("data/x",)),
    Case("worktrees", "CX306",
         {**APP, ".claude/worktrees/fix-login/.git": b"gitdir: /home/me/app/.git/worktrees/fix-login\n",
          ".claude/worktrees/fix-login/src/main.js": 9000},
         rules(), ALL, at("CX306", 2, "Dockerfile"), "ar-io-node#844 (31 GB): a second checkout in the first",
         arrives=(".claude/worktrees/fix-login/src/main.js",), fix=text() + b".claude/worktrees\n"),
    Case("worktrees-anywhere", "CX306",
         {**APP, "try/b/.git": b"gitdir: ../../.git/worktrees/b\n", "try/b/src/main.js": 9000},
         rules(), ALL, at("CX306", 2, "Dockerfile"), "known by its .git file, not by its name",
         arrives=("try/b/src/main.js",), fix=text() + b"try/b\n"),
    Case("submodule", None, {**APP, "lib/x/.git": b"gitdir: ../../.git/modules/x\n", "lib/x/a.js": 9000},
         rules("**/.git"), ALL, (), "a submodule's .git leads to .git/modules: it belongs to the source",
         arrives=("lib/x/a.js",)),
)  # fmt: skip

HATCH = b"[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
NPM = "FROM node:22-alpine\nWORKDIR /app\n"
LOCK: Tree = {**APP, "package-lock.json": 4000}

NEEDED = (
    Case("copy-ignored", "CX401", {**APP, "dist/app.js": 10}, rules("dist"), "FROM scratch\nCOPY src /a\nCOPY dist /b\n",
         at("CX401", 1), "the build fails: \"/dist\": not found", absent=("dist",), build=BOTH_FAIL,
         fix=text()),
    Case("copy-ignored-file", "CX401", {**APP, "package-lock.json": 10}, rules("*lock*"),
         "FROM scratch\nCOPY package.json package-lock.json /a/\n", at("CX401", 1), "one of two sources",
         absent=("package-lock.json",), build=BOTH_FAIL),
    Case("copy-ignored-with-exceptions", "CX401", {**APP, "dist/app.js": 10}, exactly("*", "!src", "!package.json"),
         "FROM scratch\nCOPY src /a\nCOPY dist /b\n", at("CX401", 1),
         "an allow-list that forgot one: BuildKit's own check says nothing once there is a `!` (buildkit#7125)",
         absent=("dist",), build=BOTH_FAIL, fix=b"*\n!src\n!package.json\n!dist\n"),
    Case("copy-ignored-content", "CX401", {**APP, "conf/a.yml": 10}, rules("conf"), "FROM scratch\nCOPY conf/a.yml /b/\n",
         at("CX401", 1), "its directory is ignored", build=BOTH_FAIL),
    Case("add-ignored", "CX401", {**APP, "rootfs.tar": 10}, rules("*.tar"), "FROM scratch\nADD rootfs.tar /\n", at("CX401", 1),
         "ADD as well", build=BOTH_FAIL),
    Case("bind-ignored", "CX401", {**APP, "conf/a.yml": 10}, rules("conf"),
         "FROM busybox\nRUN --mount=type=bind,source=conf,target=/conf cat /conf/a.yml\n", at("CX401", 1),
         "the source of a bind mount"),
    Case("wildcard-ignored", "CX401", {**APP, "a.whl": 10, "b.whl": 10}, rules("*.whl"), "FROM scratch\nCOPY *.whl /w/\n",
         at("CX401", 1), "nothing of what the wildcard takes arrives: classic fails, BuildKit copies nothing and says nothing", build=SILENT),
    Case("wildcard-ignored-beside-a-file", "CX401", {**APP, "README.md": 10}, rules("*.md"), "FROM scratch\nCOPY *.md package.json /w/\n",
         at("CX401", 1), "the build works with either builder, and the file is missing", build=BOTH_OK, absent=("README.md",)),
    Case("wildcard-in-an-emptied-directory", "CX401", {**APP, "log/a": 10}, rules("log/*"), "FROM scratch\nCOPY log/* /w/\n",
         at("CX401", 1), "the directory arrives, and nothing that `log/*` would take", build=BOTH_FAIL, arrives=("log",)),
    Case("link-to-what-is-ignored", "CX401", {**APP, "data/a": 10, "current": Link("data")}, rules("data"), "FROM scratch\nCOPY current /w/\n",
         at("CX401", 1), "a source that is a link is followed: what it leads to has to arrive", build=BOTH_FAIL, arrives=("current",), absent=("data",)),
    Case("wildcard-without-a-match", None, {**APP, "a.txt": 10}, rules("tmp"), "FROM scratch\nCOPY a.txt yarn.lock* /w/\n", (),
         "the usual way to copy a file that may be missing: there is none, and nothing is ignored", build=BOTH_OK),
    Case("wildcard-partly-ignored", None, {**APP, "a.whl": 10, "b.whl": 10}, rules("b.whl"), "FROM scratch\nCOPY *.whl /w/\n",
         (), "a.whl arrives", build=BOTH_OK, absent=("b.whl",)),
    Case("directory-partly-ignored", None, {**APP, "src/x.test.js": 10}, rules("src/*.test.js"), "FROM scratch\nCOPY src /a\n",
         (), "moby#52125: that parts of a directory are ignored is what an ignore file is for", build=BOTH_OK,
         absent=("src/x.test.js",)),
    Case("directory-emptied", None, {**APP, "log/a": 10}, rules("log/*"), "FROM scratch\nCOPY log /log\n", (),
         "the directory arrives, empty: the COPY works, and that is what `log/*` is for", build=BOTH_OK,
         arrives=("log",), absent=("log/a",)),
    Case("ignored-and-readmitted", None, {**APP, "dist/app.js": 10, "dist/app.js.map": 10}, rules("dist", "!dist/app.js"),
         "FROM scratch\nCOPY dist /b\n", (), "an exception brings a part of it", build=BOTH_OK, arrives=("dist/app.js",)),
    Case("other-stage", None, {**APP, "dist/app.js": 10}, rules("dist"),
         "FROM scratch AS build\nCOPY src /dist\nFROM scratch\nCOPY --from=build /dist /b\n", at("CX304", 1),
         "the source is another stage's", build=BOTH_OK, absent=("dist",)),
    Case("other-target", None, {**APP, "dist/app.js": 10}, rules("dist"),
         "FROM scratch AS dev\nCOPY dist /b\nFROM scratch\nCOPY src /b\n", at("CX304", 1),
         "BuildKit does not build a stage that the target does not need; classic does",
         build={"buildkit": "ok", "classic": "fails"}),
    Case("source-is-missing", None, APP, rules("tmp"), "FROM scratch\nCOPY dist /b\n", (),
         "not there at all: not the ignore file's fault", build=BOTH_FAIL),
    Case("lock-file-ignored", "CX402", LOCK, rules("package-lock.json"),
         NPM + "COPY package*.json ./\nRUN npm ci\nCOPY . .\n", at("CX402", 1),
         "COPY works, as package.json arrives; npm ci fails without a lock file", absent=("package-lock.json",),
         arrives=("package.json",), fix=text()),
    Case("uv-lock-ignored", "CX402", {**PY, "pyproject.toml": b"[project]\nname='x'\nversion='1'\n", "uv.lock": b"version = 1\n"},
         rules("*.lock"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen\n", at("CX402", 1),
         "uv sync --frozen and --locked need the file", absent=("uv.lock",)),
    Case("lock-file-of-another-tool", None, {**LOCK, "yarn.lock": 4000}, rules("yarn.lock"),
         NPM + "COPY package*.json ./\nRUN npm ci\nCOPY . .\n", (), "npm does not read yarn.lock", absent=("yarn.lock",)),
    Case("lock-file-not-needed", None, LOCK, rules("package-lock.json"), NPM + "COPY package*.json ./\nRUN npm install\nCOPY . .\n",
         (), "npm install does without", absent=("package-lock.json",)),
    Case("readme-ignored", "CX403",
         {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\nreadme = \"README.md\"\n", "README.md": b"# x\n"},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", at("CX403", 1),
         "the package's metadata name the file: hatchling fails (\"Readme file does not exist\"), as do poetry, flit, pdm and uv_build",
         absent=("README.md",), arrives=("pyproject.toml",), fix=text("*.md", "!README.md")),
    Case("readme-in-a-table", "CX403",
         {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\n[project.readme]\nfile = \"docs/README.rst\"\ncontent-type = 'text/x-rst'\n",
          "docs/README.rst": b"x\n"},
         rules("docs"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN uv sync\n", at("CX403", 1),
         "the table form", absent=("docs",)),
    Case("readme-of-poetry", "CX403",
         {**PY, "pyproject.toml": b"[build-system]\nrequires = ['poetry-core']\nbuild-backend = 'poetry.core.masonry.api'\n[tool.poetry]\nname = 'x'\nversion = '1'\ndescription = ''\nauthors = []\nreadme = 'README.md'\n",
          "README.md": b"# x\n"},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", at("CX403", 1), "Poetry's own table", absent=("README.md",)),
    Case("license-file-ignored", "CX403",
         {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\nlicense = {file = 'LICENSE'}\n", "LICENSE": b"MIT\n"},
         rules("LICENSE"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", at("CX403", 1),
         "the same with the file of the license", absent=("LICENSE",), fix=text()),
    Case("readme-and-setuptools", None,
         {**PY, "pyproject.toml": b"[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'x'\nversion = '1'\nreadme = \"README.md\"\n", "README.md": b"# x\n"},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", (),
         "setuptools only warns, and the package is built", absent=("README.md",)),
    Case("readme-not-in-metadata", None, {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\n", "README.md": b"# x\n"},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", (), "nothing names it",
         absent=("README.md",)),
    Case("readme-and-no-package", None,
         {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\nreadme = \"README.md\"\n", "README.md": b"# x\n", "requirements.txt": b""},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n", (),
         "the package itself is not built", absent=("README.md",)),
    Case("readme-and-dependencies-only", None,
         {**PY, "pyproject.toml": HATCH + b"[project]\nname = 'x'\nversion = '1'\nreadme = \"README.md\"\n", "README.md": b"# x\n", "uv.lock": b"version = 1\n"},
         rules("*.md"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen --no-install-project\n", (),
         "only what it depends on is installed", absent=("README.md",)),
    Case("setuptools-scm", "CX404",
         {**PY, "pyproject.toml": b"[build-system]\nrequires = ['setuptools', 'setuptools-scm>=8']\n[project]\nname = 'x'\ndynamic = ['version']\n[tool.setuptools_scm]\n"},
         rules(".git"), "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", at("CX404", 1),
         "setuptools-scm#77: it can't tell the version", git=Git(), absent=(".git",)),
    Case("git-describe", "CX404", {"main.go": b"package main\n", "go.mod": b"module x\n"}, rules(".git*"),
         "FROM golang:1.25\nCOPY . .\nRUN go build -ldflags \"-X main.version=$(git describe --tags)\" .\n", at("CX404", 1),
         "the version is empty", git=Git(), absent=(".git",)),
    Case("vergen", "CX404", {"Cargo.toml": b"[package]\nname = 'x'\nversion = '0.1.0'\n[build-dependencies]\nvergen = { version = '8', features = ['git'] }\n",
                            "build.rs": b"fn main() {}\n", "src/main.rs": b"fn main() {}\n"}, rules(".git", "target"),
         "FROM rust:1.90\nCOPY . .\nRUN cargo build --release\n", at("CX404", 1), "build.rs asks git", git=Git(), absent=(".git",)),
    Case("version-by-argument", None,
         {**PY, "pyproject.toml": b"[build-system]\nrequires = ['setuptools', 'setuptools-scm>=8']\n[project]\nname = 'x'\ndynamic = ['version']\n[tool.setuptools_scm]\n"},
         rules(".git"), "FROM python:3.13-slim\nWORKDIR /app\nARG VERSION\nENV SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION\nCOPY . .\nRUN pip install .\n", (),
         "the version comes from outside", git=Git(), absent=(".git",)),
    Case("part-of-git", "CX405", {"main.go": b"package main\n", "go.mod": b"module x\n"}, rules(".git/objects"),
         "FROM golang:1.25 AS build\nCOPY . /src\nRUN cd /src && go build -o /x .\nFROM scratch\nCOPY --from=build /x /x\n", at("CX405", 1),
         "Go: \"error obtaining VCS status\"", git=Git(), absent=(".git/objects",), arrives=(".git/HEAD",)),
    Case("git-file-of-a-worktree", "CX405", {"main.go": b"package main\n", "go.mod": b"module x\n", ".git": b"gitdir: /home/me/x/.git/worktrees/fix\n"}, rules("tmp"),
         "FROM golang:1.25 AS build\nCOPY . /src\nRUN cd /src && go build -o /x .\nFROM scratch\nCOPY --from=build /x /x\n", at("CX405", 2, "Dockerfile"),
         "flow-go#7892: the context is a worktree, and its .git leads out of it: git fails in the build", arrives=(".git",)),
    Case("harmless-part-of-git", None, {"main.go": b"package main\n", "go.mod": b"module x\n"}, rules(".git/hooks"),
         "FROM golang:1.25 AS build\nCOPY . /src\nRUN cd /src && go build -o /x .\nFROM scratch\nCOPY --from=build /x /x\n", at("CX406", 2),
         "git does without hooks; the version is \"+dirty\" by the Dockerfile that is ignored", git=Git(), absent=(".git/hooks",), arrives=(".git/HEAD",)),
    Case("dirty", "CX406", {"main.go": b"package main\n", "go.mod": b"module x\n", "docs/a.md": 100}, exactly("docs"),
         "FROM golang:1.25 AS build\nCOPY . /src\nRUN cd /src && go build -o /x .\nFROM scratch\nCOPY --from=build /x /x\n",
         (At("CX406", 1), At("CX503", 2, "Dockerfile")), "to git in the build, docs is deleted: versions end in \"-dirty\"", git=Git(),
         absent=("docs",), arrives=(".git/HEAD",)),
    Case("gradle-wrapper", "CX407", {"gradlew": b"#!/bin/sh\n", "gradle/wrapper/gradle-wrapper.jar": 4000, "build.gradle": b"", "libs/old.jar": 90},
         rules("**/*.jar"), "FROM eclipse-temurin:21\nCOPY . .\nRUN ./gradlew build\n", at("CX407", 1),
         "./gradlew is nothing without its jar", absent=("gradle/wrapper/gradle-wrapper.jar",), arrives=("gradlew",),
         fix=text("**/*.jar", "!gradle/wrapper/gradle-wrapper.jar")),
    Case("maven-wrapper", "CX407", {"mvnw": b"#!/bin/sh\n", ".mvn/wrapper/maven-wrapper.properties": 40, "pom.xml": b"<project/>\n"},
         rules(".mvn"), "FROM eclipse-temurin:21\nCOPY . .\nRUN ./mvnw package\n", at("CX407", 1), "./mvnw reads .mvn/wrapper",
         absent=(".mvn",), arrives=("mvnw",), fix=text()),
    Case("wrapper-not-used", None, {"mvnw": b"#!/bin/sh\n", ".mvn/wrapper/maven-wrapper.properties": 40, "pom.xml": b"<project/>\n"},
         rules(".mvn", "mvnw"), "FROM maven:3\nCOPY . .\nRUN mvn package\n", (), "the image has Maven", absent=(".mvn", "mvnw")),
    Case("template-bin", "CX408", {"Cargo.toml": b"[package]\nname='x'\n", "src/lib.rs": b"", "src/bin/tool.rs": b"fn main() {}\n"},
         rules("**/bin", "**/obj", ".git"), ALL, at("CX408", 1), "a template for .NET over committed Rust source", git=Git(),
         absent=("src/bin",), fix=text("**/bin", "!src/bin", "**/obj", ".git")),
    Case("template-bin-of-node", "CX408", {**APP, "bin/www": b"#!/usr/bin/env node\n"}, rules("**/bin", ".git"), ALL, at("CX408", 1),
         "vscode-docker#1219: Express starts from bin/www", git=Git(), absent=("bin",), fix=text(".git")),
    Case("template-lib", "CX408", {"lib/core.rb": b"1", "app.rb": b"1"}, rules("lib/", ".git"), ALL, at("CX408", 1),
         "from a template for Python: lib is source elsewhere", git=Git(), absent=("lib",), fix=text(".git")),
    Case("template-charts", "CX408", {**APP, "src/components/charts/pie.js": b"1"}, rules("**/charts", ".git"), ALL, at("CX408", 1),
         "Docker's own template (docker init) means Helm's", git=Git(), absent=("src/components/charts",)),
    Case("template-vendor", "CX408", {"go.mod": b"module x\n", "main.go": b"1", "vendor/modules.txt": b"# x\n"}, rules("**/vendor", ".git"),
         "FROM golang:1.25\nCOPY . .\nRUN go build -buildvcs=false -mod=vendor .\n", at("CX408", 1), "committed, and the build uses it",
         git=Git(), absent=("vendor",)),
    Case("template-hits-what-git-ignores", None, {"x.csproj": b"<Project/>\n", "bin/x.dll": 900, "obj/y": 9, ".gitignore": b"bin\nobj\n"},
         rules("**/bin", "**/obj", ".git*"), ALL, (), "that is what the template is for", git=Git(ignored=("bin", "obj")),
         absent=("bin", "obj")),
    Case("tracked-but-not-source", None, {**APP, "docs/a.md": 10, "test/x.js": 10}, rules("docs", "test", ".git"), ALL, (),
         "documents and tests are committed, and ignored on purpose", git=Git(), absent=("docs", "test")),
    Case("host-modules", "CX409", {**LOCK, "node_modules/sharp/build/sharp.node": 9000}, rules(),
         NPM + "COPY package*.json ./\nRUN npm ci\nCOPY . .\n", at("CX409", 5, "Dockerfile"),
         "node.bcrypt.js#578: binaries of the host over those of the image", arrives=("node_modules/sharp/build/sharp.node",),
         fix=text() + b"node_modules\n"),
    Case("host-venv", "CX409", {**PY, "requirements.txt": b"flask\n", ".venv/bin/python": 9000, ".venv/pyvenv.cfg": b"home = /usr/bin\n"},
         rules(), "FROM python:3.13-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN python -m venv .venv && .venv/bin/pip install -r requirements.txt\nCOPY . .\n",
         at("CX409", 5, "Dockerfile"), "kube-coder#640: links to an interpreter of the host", arrives=(".venv/bin/python",), fix=text() + b".venv\n"),
    Case("host-modules-over-a-stage", "CX409", {**LOCK, "node_modules/sharp/build/sharp.node": 9000}, rules(),
         "FROM node:22-alpine AS deps\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nFROM node:22-alpine\nWORKDIR /app\n"
         "COPY --from=deps /app/node_modules ./node_modules\nCOPY . .\nRUN npm run build\n", at("CX409", 8, "Dockerfile"),
         "installed in another stage and copied from there", arrives=("node_modules/sharp/build/sharp.node",), fix=text() + b"node_modules\n"),
    Case("host-modules-of-a-workspace", "CX409", {**LOCK, "web/package.json": b"{}\n", "web/package-lock.json": 40, "web/node_modules/a/i.js": 9000},
         rules("node_modules"), "FROM node:22-alpine\nWORKDIR /app/web\nCOPY web/package*.json ./\nRUN npm ci\nWORKDIR /app\nCOPY . .\n",
         (At("CX101", 1), At("CX409", 6, "Dockerfile")), "the nested one, which an unanchored rule misses",
         arrives=("web/node_modules/a/i.js",), fix=text("**/node_modules")),
    Case("modules-ignored", None, {**LOCK, "node_modules/sharp/build/sharp.node": 9000}, rules("node_modules"),
         NPM + "COPY package*.json ./\nRUN npm ci\nCOPY . .\n", (), "as it should be", absent=("node_modules",)),
    Case("host-modules-of-packages", "CX409",
         {**LOCK, "packages/ui/package.json": b"{}\n", "packages/ui/node_modules/x/i.js": 900, "packages/ui/src/a.js": b"1"}, rules("node_modules"),
         NPM + "COPY package*.json ./\nRUN npm ci\nCOPY packages ./packages\n", (At("CX101", 1), At("CX409", 5, "Dockerfile")),
         "growthbook-proxy#129: not `COPY . .` alone; a package's own modules shadow what was installed above it", arrives=("packages/ui/node_modules/x/i.js",),
         fix=text("**/node_modules")),
    Case("host-modules-then-install", "CX409", {**LOCK, "node_modules/sharp/build/sharp.node": 9000}, rules(), NPM + "COPY . .\nRUN npm install\n",
         at("CX409", 3, "Dockerfile"), "node.bcrypt.js#578, as it was reported first: npm install keeps what is there in the right version",
         arrives=("node_modules/sharp/build/sharp.node",), fix=text() + b"node_modules\n"),
    Case("modules-installed-afterwards", None, {**LOCK, "node_modules/a/i.js": 90}, rules(), NPM + "COPY . .\nRUN npm ci\n", (),
         "npm ci deletes node_modules first: a waste of time, not an error", arrives=("node_modules/a/i.js",)),
    Case("modules-copied-and-not-installed", None, {**APP, "node_modules/a/i.js": 90}, rules(), NPM + "COPY . .\nCMD node src/main.js\n", (),
         "nothing is installed: they are meant to be copied", arrives=("node_modules/a/i.js",)),
)  # fmt: skip

LEAKS = (
    Case("secret-copied", "CX501", {**APP, ".env": b"DB_PASSWORD=hunter2hunter2\n"}, rules("node_modules"), ALL, at("CX501", 2, "Dockerfile"),
         "in the image, for whoever pulls it", arrives=(".env",), fix=text("node_modules") + b".env\n"),
    Case("key-copied", "CX501", {**APP, "deploy/id_rsa": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"},
         rules("id_rsa"), ALL, (At("CX101", 1), At("CX501", 2, "Dockerfile")), "and the rule that was to keep it out is anchored", arrives=("deploy/id_rsa",)),
    Case("secret-not-copied", None, {**APP, ".env": b"DB_PASSWORD=hunter2hunter2\n"}, rules("node_modules"), "FROM scratch\nCOPY src /app\n", (),
         "not in the image, nor sent by BuildKit", arrives=(".env",)),
    Case("example-copied", None, {**APP, ".env.example": b"DB_PASSWORD=\n", "certs/ca.crt": b"-----BEGIN CERTIFICATE-----\n"}, rules(".env"), ALL, (),
         "examples and public halves", arrives=(".env.example",)),
    Case("git-copied", "CX502", APP, rules("node_modules"), ALL, at("CX502", 2, "Dockerfile"),
         "tokens in .git/config, and every commit makes COPY anew", git=Git(), arrives=(".git/HEAD",), fix=text("node_modules") + b".git\n"),
    Case("git-ignored-directory", None, APP, rules(".git"), ALL, (), "as it should be", git=Git(), absent=(".git",)),
    Case("git-used-in-a-stage", None, {"main.go": b"package main\n", "go.mod": b"module x\n"}, exactly("*", "!.git", "!main.go", "!go.mod"),
         "FROM golang:1.25 AS build\nCOPY . /src\nRUN cd /src && git describe --always > /version\nFROM scratch\nCOPY --from=build /version /\n",
         (), "needed by git describe, and not in the image; without --dirty the files that are ignored don't matter", git=Git(), arrives=(".git/HEAD",)),
    Case("dockerfile-copied", "CX503", APP, exactly("node_modules"), ALL, at("CX503", 2, "Dockerfile"), "every edit of it makes COPY anew",
         arrives=("Dockerfile", ".dockerignore"), fix=b"node_modules\nDockerfile\n.dockerignore\n"),
    Case("dockerfile-ignored", None, APP, exactly("Dockerfile", ".dockerignore"), ALL, (),
         "builders read both all the same", absent=("Dockerfile", ".dockerignore"), build=BOTH_OK),
)  # fmt: skip

NODE = ("FROM node:22-alpine AS build\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
        "FROM nginx:alpine\nCOPY --from=build /app/dist /usr/share/nginx/html\n")  # fmt: skip

GOOD = (
    Case("good-node", None,
         {**LOCK, "src/App.tsx": 400, "public/logo.svg": 90, "vite.config.ts": 60, "tsconfig.json": 60, "node_modules/react/index.js": 9000,
          "dist/index.html": 40, ".env.example": b"API_URL=\n", ".github/workflows/ci.yml": 10, "README.md": 10,
          ".gitignore": b"node_modules\ndist\n"},
         {".dockerignore": b"# dependencies\n**/node_modules\n\n# build output\ndist\ncoverage\n\n# the repository\n.git\n.gitignore\n.github\n\n"
                           b"# configuration of machines\n.env\n.env.*\n!.env.example\n**/.DS_Store\nnpm-debug.log*\n\nDockerfile\n.dockerignore\nREADME.md\n"},
         NODE, (), "a usual front end", git=Git(ignored=("node_modules", "dist")), arrives=("src/App.tsx", ".env.example"), absent=("node_modules", "dist")),
    Case("good-python", None,
         {"pyproject.toml": b"[project]\nname = 'shop'\nversion = '1'\nreadme = 'README.md'\n", "README.md": b"# shop\n", "uv.lock": b"version = 1\n",
          "src/shop/__init__.py": b"", "src/shop/__pycache__/__init__.cpython-313.pyc": 90, "tests/test_shop.py": 50, ".venv/bin/python": 900,
          ".gitignore": b"__pycache__\n.venv\n"},
         {".dockerignore": b".git\n.gitignore\n.venv\n**/__pycache__\n**/*.py[co]\n.pytest_cache\n.mypy_cache\n.ruff_cache\n*.egg-info\n"
                           b"tests\n.env\nDockerfile\n.dockerignore\n"},
         "FROM python:3.13-slim\nWORKDIR /app\nCOPY pyproject.toml uv.lock README.md ./\nRUN uv sync --frozen --no-install-project\nCOPY . .\nRUN uv sync --frozen\n",
         (), "a package with uv", git=Git(ignored=(".venv",)), arrives=("README.md", "src/shop/__init__.py"), absent=(".venv", "tests")),
    Case("good-go", None,
         {"go.mod": b"module x\n", "go.sum": b"", "cmd/server/main.go": b"package main\n", "internal/a/a.go": b"package a\n", "bin/server": 9000,
          "vendor/modules.txt": b"# x\n", ".gitignore": b"/bin\n"},
         {".dockerignore": b".git\n.gitignore\n/bin\n*.test\n*.out\nDockerfile*\n.dockerignore\n"},
         "FROM golang:1.25 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nCOPY . .\nRUN go build -mod=vendor -o /server ./cmd/server\n"
         "FROM scratch\nCOPY --from=build /server /server\n", (), "vendored dependencies", git=Git(ignored=("bin",)), arrives=("vendor/modules.txt",),
         absent=("bin",)),
    Case("good-rust", None,
         {"Cargo.toml": b"[package]\nname = 'x'\nversion = '0.1.0'\n", "Cargo.lock": b"version = 4\n", "src/main.rs": b"fn main() {}\n",
          "src/bin/tool.rs": b"fn main() {}\n", "build.rs": b"fn main() {}\n", "target/debug/x": 9000, ".gitignore": b"target\n"},
         {".dockerignore": b"**/target\n**/*.rs.bk\n.git\n.gitignore\nDockerfile\n.dockerignore\n"},
         "FROM rust:1.90 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release --locked\nFROM scratch\nCOPY --from=build /src/target/release/x /x\n",
         (), "src/bin stays", git=Git(ignored=("target",)), arrives=("src/bin/tool.rs",), absent=("target",)),
    Case("good-java", None,
         {"gradlew": b"#!/bin/sh\n", "gradle/wrapper/gradle-wrapper.jar": 900, "gradle/wrapper/gradle-wrapper.properties": 90, "build.gradle": b"",
          "settings.gradle": b"", "src/main/java/App.java": b"class App {}\n", "build/libs/app.jar": 9000, ".gradle/x": 90, ".gitignore": b"build\n.gradle\n"},
         {".dockerignore": b".git\n.gitignore\n.gradle\n**/build\n**/*.class\nDockerfile\n.dockerignore\n"},
         "FROM eclipse-temurin:21 AS build\nWORKDIR /src\nCOPY . .\nRUN ./gradlew bootJar\nFROM eclipse-temurin:21-jre\n"
         "COPY --from=build /src/build/libs/app.jar /app.jar\n", (), "the wrapper stays", git=Git(ignored=("build", ".gradle")),
         arrives=("gradle/wrapper/gradle-wrapper.jar",), absent=("build",)),
    Case("good-java-prebuilt", None, {"target/app.jar": 9000, "target/classes/App.class": 90, "src/main/java/App.java": b"class App {}\n", "pom.xml": b"<project/>\n"},
         exactly("*", "!target/*.jar"), "FROM eclipse-temurin:21-jre\nCOPY target/*.jar /app.jar\n", at("CX204", 2),
         "a jar built outside. `!target/*.jar` makes BuildKit walk all there is: small here, named all the same", arrives=("target/app.jar",), absent=("src", "target/classes")),
    Case("good-rails", None,
         {"Gemfile": b"", "Gemfile.lock": b"", "app/models/a.rb": b"1", "lib/tasks/x.rake": b"1", "config/master.key": b"0123456789abcdef0123456789abcdef",
          "config/application.rb": b"1", "log/development.log": 900, "log/.keep": b"", "tmp/cache/x": 90, "tmp/.keep": b"", "storage/a/b": 90, "storage/.keep": b"",
          "public/404.html": b"x", "node_modules/a/i.js": 90, ".gitignore": b"/log/*\n!/log/.keep\n/tmp/*\n!/tmp/.keep\n/storage/*\n!/storage/.keep\n/config/master.key\nnode_modules\n"},
         {".dockerignore": b"# Ignore git directory.\n.git\n.gitignore\n\n# Ignore bundler config.\n.bundle\n\n.env*\n\n# Ignore all default key files.\n"
                           b"config/master.key\nconfig/credentials/*.key\n\n# Ignore all logfiles and tempfiles.\nlog/*\ntmp/*\n!log/.keep\n!tmp/.keep\n\n"
                           b"storage/*\n!storage/.keep\n\nnode_modules\npublic/assets\n\n.dockerignore\nDockerfile*\n"},
         "FROM ruby:3.4-slim\nWORKDIR /rails\nCOPY Gemfile Gemfile.lock ./\nRUN bundle install\nCOPY . .\n", (), "as Rails makes it, without leading slashes",
         git=Git(ignored=("config/master.key", "node_modules")), arrives=("log/.keep", "tmp/.keep", "storage/.keep", "lib/tasks/x.rake"),
         absent=("config/master.key", "log/development.log")),
    Case("good-allow-list", None, {**LOCK, "node_modules/a/i.js": 900, "notes.txt": 10, "src/gen/x": 10, "secrets/id_rsa": b"x"},
         exactly("# nothing but", "*", "!src", "!package.json", "!package-lock.json", "# and not", "src/gen"), "FROM scratch\nCOPY . /app\n", (),
         "nothing but what is named", arrives=("src/main.js", "package-lock.json"), absent=("node_modules", "notes.txt", "src/gen", "secrets"), build=BOTH_OK),
    Case("good-allow-list-of-files", None, {"conf/a.yml": 10, "conf/b.yml": 10, "conf/sub/c.yml": 10, "x/y": 10},
         exactly("**", "!conf/a.yml", "!conf/sub/**"), "FROM scratch\nCOPY conf /conf\n", (), "`**` and exceptions further down",
         arrives=("conf/a.yml", "conf/sub/c.yml"), absent=("conf/b.yml", "x"), build=BOTH_OK),
    Case("good-monorepo", None,
         {"package.json": b"{}\n", "pnpm-lock.yaml": b"x\n", "pnpm-workspace.yaml": b"x\n", "apps/web/package.json": b"{}\n", "apps/web/src/a.ts": b"1",
          "apps/web/node_modules/x/i.js": 900, "apps/web/.next/x": 900, "packages/ui/package.json": b"{}\n", "packages/ui/src/b.ts": b"1",
          "packages/ui/dist/b.js": 90, "node_modules/y/i.js": 900, "apps/api/Dockerfile": b"FROM scratch\nCOPY . /\n", "apps/api/src/c.ts": b"1",
          ".gitignore": b"node_modules\n.next\ndist\n"},
         {".dockerignore": b".git\n.gitignore\n**/node_modules\n**/.next\n**/dist\n**/.turbo\n**/.env\n**/.env.local\n**/Dockerfile\n.dockerignore\n"},
         "FROM node:22-alpine\nWORKDIR /repo\nCOPY . .\nRUN pnpm install --frozen-lockfile && pnpm --filter web build\n", (), "one image of several",
         git=Git(ignored=("node_modules", "apps/web/.next", "packages/ui/dist")), dockerfile_path="apps/web/Dockerfile",
         arrives=("apps/web/src/a.ts", "packages/ui/src/b.ts"), absent=("node_modules", "apps/web/node_modules", "packages/ui/dist")),
)  # fmt: skip

CASES: tuple[Case, ...] = (*SYNTAX, *FILES, *SPELLING, *EXCEPTIONS, *USE, *NEEDED, *LEAKS, *GOOD)

if __name__ == "__main__":
    print(len(CASES), "cases,", len({case.code for case in CASES if case.code}), "codes")
