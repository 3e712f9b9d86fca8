"""Builds whose result must be the official client's: one Case each, a tree, a Dockerfile and options.

Every case is built in both variants: ``with`` its ignore file, and ``without`` (the reference gets a copy of
the tree that has no ignore file; we serve the same tree with the file hidden).
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BASE = "ctxsize-test-busybox"
"""Name of the base image: busybox with a shell, and a user ``app`` (1000:1000)."""
MTIME_NS = 1_600_000_000_123_456_789

Maker = Callable[[str], None]
Tree = Mapping[str, "str | bytes | Maker"]


def directory(mode: int = 0o755) -> Maker:
    def make(path: str) -> None:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)

    return make


def symlink(target: str) -> Maker:
    return lambda path: os.symlink(target, path)


def hardlink(first: str) -> Maker:
    """A further name of ``first``, a path from the top of the tree."""

    def make(path: str) -> None:
        top = path[: -len(_relative[path])]
        os.link(top + first, path)

    return make


_relative: dict[str, str] = {}


def content(
    data: str | bytes = "content\n",
    *,
    mode: int = 0o644,
    owner: int = 0,
    xattrs: Mapping[str, bytes] | None = None,
) -> Maker:
    def make(path: str) -> None:
        Path(path).write_bytes(data.encode() if isinstance(data, str) else data)
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        for name, value in (xattrs or {}).items():
            os.setxattr(path, name, value)

    return make


def fifo() -> Maker:
    return lambda path: os.mkfifo(path, 0o600)


def device(major: int, minor: int) -> Maker:
    return lambda path: os.mknod(path, 0o020644, os.makedev(major, minor))


def unix_socket() -> Maker:
    def make(path: str) -> None:
        here = os.open(".", os.O_RDONLY)
        try:  # a socket's path may be 107 bytes long, a temporary directory's alone may be longer
            os.chdir(os.path.dirname(path))
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(os.path.basename(path))
        finally:
            os.fchdir(here)
            os.close(here)

    return make


PROJECT: Tree = {
    "src/app.py": "print('app')\n",
    "src/util.py": "util = 1\n",
    "src/sub/deep.txt": "deep\n",
    "docs/readme.md": "# docs\n",
    "docs/big.bin": bytes(range(256)) * 400,
    "node_modules/a/index.js": "module.exports = 1\n",
    "node_modules/b/index.js": "module.exports = 2\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    ".env": "SECRET=1\n",
    "requirements.txt": "flask\n",
    "README.md": "# read me\n",
    "a b.txt": "blank\n",
    "empty": directory(),
    "empty.txt": "",
    "link.py": symlink("src/app.py"),
    "srclink": symlink("src"),
    ".dockerignore": ".git\nnode_modules\n*.md\n!README.md\n.env\n",
}


@dataclass(frozen=True)
class Case:
    """One build.

    ``file`` is ``-f``, from the context; ``outside`` files lie beside the context directory, where a
    Dockerfile at ``../outside/`` is, too; ``hidden`` names the ignore files that the ``without`` variant does
    not have. ``modern`` cases need a frontend newer than Engine 20.10's.
    """

    name: str
    dockerfile: str
    tree: Tree = field(default_factory=lambda: PROJECT)
    file: str = "Dockerfile"
    outside: Tree = field(default_factory=dict)
    hidden: tuple[str, ...] = (".dockerignore",)
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    secrets: tuple[str, ...] = ()
    modern: bool = False


def _rules(*lines: str, base: Tree = PROJECT) -> Tree:
    return {**base, ".dockerignore": "\n".join(lines) + "\n"}


_ODD: Tree = {
    "with space/x y": "1\n",
    "näme/ünï": "2\n",
    "quote\"'`$": "3\n",
    "back\\slash": "4\n",
    "new\nline": "5\n",
    "arr[0].txt": "6\n",
    "star*": "7\n",
    " blanks ": "7\n",
    "per%20cent+plus": "8\n",
    "x" * 255: "9\n",
    "/".join(["deep" * 10] * 20) + "/leaf": "10\n",
    ".dockerignore": "näme\nper%20cent*\n",
}
_LINKS: Tree = {
    "a/first": "shared content\n",
    "b/second": hardlink("a/first"),
    "c/third": hardlink("a/first"),
    "up": symlink("../outside"),
    "abs": symlink("/a/first"),
    "dangling": symlink("nowhere"),
    "loop1": symlink("loop2"),
    "loop2": symlink("loop1"),
    "self": symlink("."),
    "chain": symlink("chain2"),
    "chain2": symlink("a"),
    ".dockerignore": "a/first\n",
}
_SPECIAL: Tree = {
    "fifo": fifo(),
    "socket": unix_socket(),
    "null": device(1, 3),
    "plain": "x\n",
    ".dockerignore": "plain\n",
}
_MODES: Tree = {
    "suid": content(mode=0o4755),
    "sgid": content(mode=0o2755),
    "none": content(mode=0o000),
    "exec": content(mode=0o755),
    "theirs": content(owner=1234),
    "sticky": directory(0o1777),
    "private": directory(0o700),
    "private/in": content(mode=0o600, owner=7),
    "attr": content(xattrs={"user.note": b"hello\x00\xff", "user.other": b""}),
    "capable": content(
        xattrs={"security.capability": bytes.fromhex("0100000200040000000000000000000000000000")}
    ),
    ".dockerignore": "none\n",
}
_SCRATCH = "FROM scratch\n"
_FROM = f"FROM {BASE}\n"

CASES: tuple[Case, ...] = (
    Case("copy-all", _SCRATCH + "COPY . .\n"),
    Case("copy-all-into-directory", _SCRATCH + "COPY . /app/\n"),
    Case("copy-file", _SCRATCH + "COPY requirements.txt /\n"),
    Case("copy-file-renamed", _SCRATCH + "COPY requirements.txt /etc/req\n"),
    Case("copy-several-files", _SCRATCH + "COPY requirements.txt README.md src/app.py /d/\n"),
    Case("copy-directory", _SCRATCH + "COPY src /src\n"),
    Case("copy-directory-twice", _SCRATCH + "COPY src /one\nCOPY src /two\n"),
    Case("copy-leading-slash-and-dots", _SCRATCH + "COPY /src/./sub/../app.py ./docs/ /d/\n"),
    Case("copy-wildcard", _SCRATCH + "COPY src/*.py /d/\n"),
    Case("copy-question-mark", _SCRATCH + "COPY src/app.p? /d/\n"),
    Case("copy-wildcard-directories", _SCRATCH + "COPY s*/ /d/\n"),
    Case("copy-wildcard-in-the-middle", _SCRATCH + "COPY */app.py /d/\n"),
    Case("copy-json-form", _SCRATCH + 'COPY ["a b.txt", "src/app.py", "/d/"]\n'),
    Case("copy-empty-directory", _SCRATCH + "COPY empty empty.txt /d/\n"),
    Case("copy-symlink-to-file", _SCRATCH + "COPY link.py /d/\n"),
    Case("copy-symlink-to-directory", _SCRATCH + "COPY srclink /d/\n"),
    Case("copy-through-symlink", _SCRATCH + "COPY srclink/sub /d/\n"),
    Case("copy-wildcard-symlinks", _SCRATCH + "COPY *link* /d/\n"),
    Case("all-links", _SCRATCH + "COPY . .\n", tree=_LINKS),
    Case(
        "follow-links",
        _SCRATCH + "COPY abs /abs\nCOPY chain /chain\nCOPY b /b\n",
        tree={**_LINKS, ".dockerignore": "c\n"},
    ),
    Case("hard-link-whose-first-name-is-ignored", _SCRATCH + "COPY . .\n", tree=_LINKS),
    Case("odd-names", _SCRATCH + "COPY . .\n", tree=_ODD),
    Case(
        "odd-names-one-by-one",
        _SCRATCH + 'COPY ["arr[[]0].txt", "with space/x y", "näme/ünï", "/d/"]\n',
        tree={**_ODD, ".dockerignore": "star*\n"},
    ),
    Case("special-files", _SCRATCH + "COPY . .\n", tree=_SPECIAL),
    Case("modes-owners-xattrs", _SCRATCH + "COPY . .\n", tree=_MODES),
    Case("chown-numbers", _SCRATCH + "COPY --chown=12:34 . /d/\n", tree=_MODES),
    Case("chown-names", _FROM + "COPY --chown=app:app src /d/\n"),
    Case("chmod", _SCRATCH + "COPY --chmod=640 src /d/\n"),
    Case("link", _SCRATCH + "COPY --link src /d/\n", modern=True),
    Case("exclude", "# check=skip=all\n" + _SCRATCH + "COPY --exclude=**/*.txt src /d/\n", modern=True),
    Case("heredoc-copy", _SCRATCH + "COPY <<one <<two /d/\n1\none\n2\ntwo\nCOPY README.md /\n", modern=True),
    Case("heredoc-run", _FROM + "COPY src /src\nRUN <<end\ncat /src/*.py > /all\nend\n", modern=True),
    Case("run-bind-mount", _FROM + "RUN --mount=type=bind,target=/c cp -r /c/src /copy && ls /c > /list\n"),
    Case("run-bind-mount-part", _FROM + "RUN --mount=type=bind,source=docs,target=/c cp /c/big.bin /copy\n"),
    Case(
        "run-bind-mount-from-stage",
        f"FROM {BASE} AS one\nCOPY src /src\n{_FROM}"
        "RUN --mount=type=bind,from=one,target=/c cp -r /c/src /copy\n",
    ),
    Case(
        "run-cache-mount",
        _FROM + "COPY src /src\nRUN --mount=type=cache,target=/c touch /c/x && cp /src/* /r; true\n",
    ),
    Case(
        "run-secrets",
        _FROM + "RUN --mount=type=secret,id=file cp /run/secrets/file /f\n"
        "RUN --mount=type=secret,id=env,target=/e,mode=0444 cp /e /copied\n"
        "RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent\n",
        secrets=("id=file,src=src/app.py", "type=env,id=env,source=CTXSIZE_TEST_SECRET"),
    ),
    Case(
        "multi-stage",
        f"FROM {BASE} AS build\nCOPY src /src\nRUN cat /src/*.py > /out\n"
        "FROM scratch\nCOPY --from=build /out /\nCOPY docs /docs\n",
    ),
    Case(
        "skipped-stage",
        f"FROM {BASE} AS unused\nCOPY docs /docs\nFROM scratch AS last\nCOPY src /src\n",
    ),
    Case(
        "target",
        "FROM scratch AS first\nCOPY requirements.txt /\nFROM scratch\nCOPY . .\n",
        target="first",
    ),
    Case("no-context-needed", _FROM + "ENV A=1\nRUN echo hello > /hello\n"),
    Case("copy-from-image", _SCRATCH + f"COPY --from={BASE} /etc/passwd /\nCOPY requirements.txt /\n"),
    Case("build-arg-in-source", _SCRATCH + "ARG WHAT=docs\nCOPY ${WHAT} /d/\n", build_args={"WHAT": "src"}),
    Case("build-arg-in-from", "ARG B=scratch\nFROM ${B}\nCOPY src /d/\n", build_args={"B": BASE}),
    Case("workdir-relative", _SCRATCH + "WORKDIR /w\nCOPY src here/\nWORKDIR deeper\nCOPY README.md .\n"),
    Case("add-file-and-directory", _SCRATCH + "ADD src README.md /d/\n"),
    Case(
        "add-unpacks-archives",
        _SCRATCH + "ADD a.tar.gz /d/\n",
        tree={**PROJECT, "a.tar.gz": lambda p: _archive(p)},
    ),
    Case("onbuild-in-a-stage", "FROM scratch AS base\nONBUILD COPY src /src\nFROM base\nCOPY README.md /\n"),
    Case("dockerfile-in-a-directory", _SCRATCH + "COPY . .\n", file="docker/Dockerfile.prod"),
    Case("dockerfile-outside", _SCRATCH + "COPY . .\n", file="../outside/Dockerfile"),
    Case(
        "dockerfile-outside-with-its-ignore-file",
        _SCRATCH + "COPY . .\n",
        file="../outside/Dockerfile",
        outside={"Dockerfile.dockerignore": "src\n"},
        hidden=(".dockerignore", "../outside/Dockerfile.dockerignore"),
    ),
    Case(
        "own-ignore-file",
        _SCRATCH + "COPY . .\n",
        tree={**PROJECT, "Dockerfile.dockerignore": "docs\n"},
        hidden=(".dockerignore", "Dockerfile.dockerignore"),
    ),
    Case(
        "own-ignore-file-empty",
        _SCRATCH + "COPY . .\n",
        tree={**PROJECT, "Dockerfile.dockerignore": ""},
        hidden=(".dockerignore", "Dockerfile.dockerignore"),
    ),
    Case("ignore-dockerfile-and-itself", _SCRATCH + "COPY . .\n", tree=_rules("Dockerfile", ".dockerignore")),
    Case("ignore-all-but", _SCRATCH + "COPY . .\n", tree=_rules("*", "!src", "src/sub")),
    Case("ignore-all-but-wildcard", _SCRATCH + "COPY . .\n", tree=_rules("*", "!**/*.txt")),
    Case("ignore-leaves-a-file-empty", _SCRATCH + "COPY . .\n", tree=_rules("*", "!src/app.py", "src")),
    Case(
        "ignore-odd-patterns",
        _SCRATCH + "COPY . .\n",
        tree=_rules("# no", " a b.txt ", "s?c/*.py", "[d-e]ocs", "**/b"),
    ),
    Case("ignore-non-ascii", _SCRATCH + "COPY . .\n", tree=_rules("näme", "a b.txt", "+%41", base=_ODD)),
    Case(
        "ignore-everything",
        _SCRATCH + "COPY . .\n",
        tree=_rules("**", base={"one": "1\n", "two/three": "3\n"}),
    ),
    Case("ignore-and-wildcard-copy", _SCRATCH + "COPY src/* /d/\n", tree=_rules("src/*.py", "!src/util.py")),
)


def _archive(path: str) -> None:
    import gzip
    import io
    import tarfile

    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name in ("in/one", "in/two"):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(name), 1_600_000_000
            tar.addfile(member, io.BytesIO(name.encode()))
    Path(path).write_bytes(gzip.compress(plain.getvalue(), mtime=0))


def make_tree(top: Path, tree: Tree) -> None:
    """Write a tree, every mtime MTIME_NS."""
    top.mkdir(parents=True, exist_ok=True)
    paths = []
    for relative, what in tree.items():
        path = f"{top}/{relative}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _relative[path] = relative
        if callable(what):
            what(path)
        else:
            content(what)(path)
        paths.append(path)
    for folder, names, files in os.walk(top, topdown=False):
        for name in [*names, *files]:
            os.utime(os.path.join(folder, name), ns=(MTIME_NS, MTIME_NS), follow_symlinks=False)
    os.utime(top, ns=(MTIME_NS, MTIME_NS))


def make_case(case: Case, top: Path) -> Path:
    """Write the case's files below ``top``, its Dockerfile among them; returns the context directory.

    It has a new name every time: the official client sends only what changed since a directory of that name.
    """
    context = top / f"context-{uuid.uuid4().hex[:8]}"
    here = {} if case.file.startswith("../") else {case.file: case.dockerfile}
    make_tree(context, {**case.tree, **here})
    if not here:
        make_tree(top / "outside", {**case.outside, "Dockerfile": case.dockerfile})
    return context
