"""What people's reports and real repositories showed, on one engine and as one user (`make environments`).

Each case is the smallest tree that once went wrong. It is measured by the commands people use, with BuildKit
and with the classic builder, and held against the official client where that has a figure.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance.repos import growing, official
from tests.conformance.someone import Someone, arguments, become

COPY_ALL = "FROM scratch\nCOPY . /s\n"
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Place:
    """A folder ``top`` of its own in which one case runs as ``who``, with ``builder``."""

    top: Path
    who: Someone
    builder: str
    buildx: bool

    def tree(self, files: dict[str, str | bytes | int]) -> Path:
        """Make files: a text, bytes, or so many random ones."""
        for name, content in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = os.urandom(content) if isinstance(content, int) else content
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        self.who.give(self.top)
        return self.top

    def run(self, command: str, *words: str, build: bool = True, **more: Any) -> Done:
        """Run a command of ctxsize in the tree."""
        builder = ["--builder", self.builder] if build else []
        return self.who.run(command, *builder, *words, **{"cwd": self.top, **more})

    def json(self, command: str, *words: str, **more: Any) -> dict[str, Any]:
        """What a command says in JSON; an AssertionError when it says nothing."""
        short = ("--repeat", "1") if command == "compare" else ()
        done = self.run(command, "--format", "json", "-q", *short, *words, **more)
        assert done.stdout, f"{command}: {done.returncode} {done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def official(self, *words: str) -> int | None:
        """The bytes of the image that the official client builds of the tree."""
        return official([*words, str(self.top)], self.who, self.builder if self.buildx else "classic")

    def forbid(self, path: str) -> None:
        """Have nobody but somebody else enter a directory."""
        (self.top / path).chmod(0o700)
        os.chown(self.top / path, 70, 70)


def image_as_the_clients(at: Place, found: dict[str, Any], right: int | None = None) -> None:
    """The image's bytes are those of the official client's."""
    size = found["variants"]["with"]["image"]["bytes"]
    true = at.official() if right is None else right
    assert true is not None and size == true, f"image with: {size}, the official client's: {true}"


def expect(what: str, found: object, right: object) -> None:
    assert found == right, f"{what}: {found!r}, right is {right!r}"


def code(done: Done, right: int, *said: str) -> None:
    """The exit code, and what is said in one line, without a traceback."""
    text = done.stdout + done.stderr
    assert done.returncode == right, f"exit code {done.returncode}, right is {right}: {text[-400:]}"
    assert "Traceback" not in text, text[-400:]
    for each in said:
        assert re.search(each, text), f"{each} is not in: {text[-400:]}"


SMALL: dict[str, str | bytes | int] = {
    "big": 5000, "a": "a\n", ".dockerignore": "big\n", "Dockerfile": COPY_ALL
}  # fmt: skip


def own_state(at: Place) -> None:
    top = at.tree(SMALL)
    found = at.json("compare", "--repeat", "2", environment={"HOME": str(top)})
    image_as_the_clients(at, found)
    expect("files", sorted(os.listdir(top)), sorted(SMALL))
    expect("without HOME", at.run("compare", "--repeat", "1", environment={"HOME": None}).returncode, 0)
    expect("files", sorted(os.listdir(top)), sorted(SMALL))


def truncated_log(at: Place) -> None:
    top = at.tree({**SMALL, "run.log": 2_000_000, ".dockerignore": "big\n*.log\n"})

    with truncating(top / "run.log"):
        found = at.json("compare")
    if found["variants"]["with"]["image"] is None:  # the classic client fails as well when a file ends early
        expect("builder", at.builder, "classic")
    else:
        image_as_the_clients(at, found)


@contextlib.contextmanager
def truncating(path: Path) -> Iterator[None]:
    words = f"import time\nwhile True:\n  time.sleep(.1); open({str(path)!r}, 'r+').truncate(1000)\n"
    words += f"  time.sleep(.1); open({str(path)!r}, 'r+').truncate(2000000)\n"
    process = subprocess.Popen([sys.executable, "-c", words])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def growing_log(at: Place) -> None:
    top = at.tree({**SMALL, "run.log": 200_000, ".dockerignore": "big\n*.log\n"})
    with growing(top / "run.log"):
        done = at.run("compare", "--repeat", "1")
    code(done, 0)
    assert "not in the image without" not in done.stdout, done.stdout


def unreadable(at: Place) -> None:
    at.tree({**SMALL, "pg/base/1": 7_000, ".dockerignore": "big\npg\n"})
    at.forbid("pg")
    classic_fails = at.builder == "classic"
    official_bytes = at.official()
    expect("the official client builds", official_bytes is not None, not classic_fails)
    code(at.run("context", build=False), 0)
    if classic_fails:
        return
    code(at.run("compare", "--repeat", "1"), 3, "pg.*this is what the ignore file saves you from")
    code(at.run("cache", "--repeat", "1"), 3, "pg.*this is what the ignore file saves you from")
    code(at.run("check", "--limit", "image=1MB"), 0)


def unreadable_not_taken(at: Place) -> None:
    at.tree({**SMALL, "pg/base/1": 7_000, "src/a": "a", "Dockerfile": "FROM scratch\nCOPY src /s\n"})
    at.forbid("pg")
    if at.builder != "buildkit":
        return
    assert at.official() is not None
    code(at.run("compare", "--repeat", "1"), 0)
    found = at.json("context", build=False)
    kept = [row for row in found["directories"] if row["path"].startswith("pg")]
    expect("pg", [row["bytes"] for row in kept], [None])


def shared_layers(at: Place) -> None:
    text = "FROM scratch AS base\nCOPY lib /l\nFROM base AS web\nCOPY web /\nFROM base AS worker\nCOPY w /\n"
    top = at.tree({"lib/a": 300_000, "web/a": 20_000, "w/a": 10_000, "Dockerfile": text})
    (top / "compose.yaml").write_text(
        "services:\n  web: {build: {context: ., target: web}}\n"
        "  worker: {build: {context: ., target: worker}}\n"
        "  again: {build: {context: ., target: worker}}\n"
    )
    words = ("--compose", "compose.yaml", "--limit", "image=1MB")
    done = at.run("check", *words, "--format", "json")
    code(done, 0)
    total = json.loads(done.stdout)["totals"]["image_bytes"]
    expect("total", total, 330_000)
    code(at.run("check", *words, "--only", "again"), 0)


def git_partly_kept(at: Place) -> None:
    top = at.tree({**SMALL, ".dockerignore": "big\n.git\n!.git/HEAD\n!.git/logs/HEAD\n"})
    commit = ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    for words in (("init", "-q"), ("add", "a"), commit):
        whose = [*at.who.prefix, "git", "-C", str(top), *words]
        code(subprocess.run(whose, capture_output=True, text=True, env=dict(at.who.environment)), 0)
    found = at.json("cache", "--repeat", "1")
    commit = next((each for each in found["ignored"] + found["eligible"] if "commit" in str(each)), None)
    assert commit is not None, found
    expect("lines that run again", [step["line"] for step in commit["with"]["steps"]], [2])


def git_file(at: Place) -> None:
    at.tree({**SMALL, ".git": "gitdir: /elsewhere/.git/worktrees/x\n"})
    done = at.run("cache", "--repeat", "1")
    code(done, 0, "names a repository elsewhere")


def not_sent(at: Place) -> None:
    text = "FROM scratch\nCOPY src /a\n"
    at.tree({"src/a": 4_000, "media/film": 300_000, ".dockerignore": "media\n", "Dockerfile": text})
    found = at.json("compare")
    row = found["paths"][0]
    sent = 0 if at.builder == "buildkit" else 300_000
    expect("sent", row["sent_bytes"], sent)
    for name in ("with", "without"):
        expect(f"image {name}", found["variants"][name]["image"]["bytes"], 4_000)


def pull_of_small_files(at: Place) -> None:
    files: dict[str, str | bytes | int] = {f"d{n}/e/__pycache__/m.pyc": 3_000 for n in range(300)}
    top = at.tree({**files, "a": "a", ".dockerignore": "**/__pycache__\n", "Dockerfile": COPY_ALL})
    found = at.json("compare")
    alone = sum(len(gzip.compress((top / name).read_bytes(), mtime=0)) for name in files)
    rows = sum(row["pull_bytes"] for row in found["paths"])
    assert abs(rows - alone) <= alone / 10, f"pull of the rows: {rows}, gzip of the files: {alone}"
    assert found["saved"]["pull_bytes"] == rows + found["unattributed"]["pull_bytes"], found["unattributed"]


def init_keeps_the_build(at: Place) -> None:
    text = "ARG WHAT\nFROM scratch AS web\nARG WHAT\nCOPY ${WHAT} /s\nFROM missing-image\n"
    at.tree({"a": "a\n", "prod.Dockerfile": text, ".dockerignore": "big\n"})
    code(at.run("check", "--init", "-f", "prod.Dockerfile", "--target", "web", "--build-arg", "WHAT=a"), 0)
    code(at.run("check", build=False), 0)
    for command in ("compare", "context", "cache"):
        code(at.run(command, build=False), 0)


def odd_paths(at: Place) -> None:
    top = at.tree({**SMALL, "Dockerfile.prod": COPY_ALL})
    code(at.run("check", "", build=False), 2)
    code(at.run("compare", "-"), 2)
    code(at.run("compare", "-f", "-"), 2)
    code(at.run("compare", "https://github.com/a/b"), 2)
    code(at.run("compare", "-f", "missing"), 2, "Dockerfile.prod")
    (top.parent / "link").symlink_to("p")
    code(at.run("why", f"{top.parent}/link/a", build=False), 1, "a: kept")
    code(at.run("why", "x" * 300, build=False), 1)


def unreachable_engine(at: Place) -> None:
    top = at.tree(SMALL)
    code(at.run("compare", environment={"DOCKER_HOST": "tcp://127.0.0.1"}), 4, "2375")
    path = top / "s.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0)
        os.chown(path, 0, 0)
        if at.who.uid:
            code(
                at.run("compare", environment={"DOCKER_HOST": f"unix://{path}"}), 4, "(?i)permission|may not"
            )


def compose_without_profiles(at: Place) -> None:
    top = at.tree(SMALL)
    (top / "compose.yaml").write_text("services:\n  a: {build: .}\n")
    done = at.run(
        "check", "--compose", "compose.yaml", "--limit", "context=1MB", "--only", "nope", build=False
    )
    assert "profile" not in done.stdout + done.stderr, done.stderr
    (top / "compose.yaml").write_text(
        "services:\n  a: {build: {context: ., additional_contexts: {x: ./y}}}\n"
    )
    done = at.run("check", "--compose", "compose.yaml", "--limit", "image=1MB", build=False)
    assert "additional_contexts" in done.stdout + done.stderr, done.stderr


def odd_times(at: Place) -> None:
    top = at.tree(SMALL)
    os.utime(top / "a", (10_413_792_000, 10_413_792_000))  # the year 2300
    right = at.official()
    found = at.json("compare")
    image_as_the_clients(at, found, right)
    code(at.run("check", "--limit", "image=1MB"), 0)
    code(at.run("cache", "--repeat", "1"), 0)


def class_that_is_no_text(at: Place) -> None:
    at.tree({**SMALL, ".dockerignore": b"big\n[\xff]\n"})
    if at.official() is None:  # BuildKit of 20.10 takes it
        code(at.run("compare", "--repeat", "1"), 2, r"\.dockerignore:2: syntax error in pattern")


def streams_and_directories(at: Place) -> None:
    top = at.tree(SMALL)
    (top / "gone").mkdir()
    os.chmod(top / "gone", 0o755)
    shell = f'cd {top}/gone && rmdir {top}/gone && exec "$@"'
    if not at.who.uid:
        done = subprocess.run(
            ["sh", "-c", shell, "sh", *at.who.prefix, *at.who.python, "context"],
            env=dict(at.who.environment), capture_output=True, text=True,
        )  # fmt: skip
        code(done, 2)
    for closed in ("<&-", ">&-", "2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *at.who.prefix, *at.who.python,
             "compare", "--repeat", "1", "--builder", at.builder, str(top)],
            env=dict(at.who.environment), capture_output=True, text=True, cwd="/",
        )  # fmt: skip
        code(done, 2 if closed == ">&-" else 0)


def credential_helper_missing(at: Place) -> None:
    top = at.tree(SMALL)
    config = at.top.parent / "config"
    config.mkdir()
    (config / "config.json").write_text(
        '{"credsStore": "nonesuch", "credHelpers": null, "auths": {"r.example": {"auth": ""}}}'
    )
    config.chmod(0o755)
    found = at.json("compare", environment={"DOCKER_CONFIG": str(config)})
    assert found["variants"]["with"]["image"], found
    shutil.rmtree(config)
    assert top


def empty_base(at: Place) -> None:
    at.tree({**SMALL, "Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY . /s\n"})
    code(at.run("compare"), 2, r"Dockerfile:2: the base image \$\{BASE\} is empty", "--build-arg BASE=")


def platform_base(at: Place) -> None:
    at.tree({**SMALL, "Dockerfile": "FROM scratch AS bin-linux\nCOPY a /\nFROM bin-$TARGETOS\n"})
    if at.builder == "buildkit":
        found = at.json("context", build=False)
        expect("needed", found["totals"]["needed"]["bytes"], 2)
        code(at.run("compare", "--repeat", "1"), 0)


def failed_run(at: Place) -> None:
    text = "FROM ctxsize/base-busybox:local\nCOPY . /s\nRUN echo no; exit 9\n"
    at.tree({**SMALL, "Dockerfile": text})
    code(at.run("compare", "--repeat", "1"), 3, "Dockerfile:3")
    at.tree({"Dockerfile": "FROM registry.invalid/none/such:1\nCOPY . /s\n"})
    code(at.run("compare", "--repeat", "1"), 3, "registry.invalid/none/such")


def ignored_but_needed(at: Place) -> None:
    at.tree({**SMALL, "Dockerfile": "FROM scratch\nCOPY a big /s/\n"})
    code(at.run("compare", "--repeat", "1"), 3, r"\.dockerignore:1")
    code(at.run("cache", "--repeat", "1"), 3, r"\.dockerignore:1")


def only_a_label(at: Place) -> None:
    at.tree({**SMALL, "Dockerfile": "FROM scratch\nLABEL a=b\n"})
    if at.builder == "classic":
        code(at.run("compare", "--repeat", "1"), 0)


def placeholder_secrets(at: Place) -> None:
    at.tree(
        {
            "t.rb": "app_password = ENV[app_password_key]\npassword: change-me\n",
            **SMALL,
            ".env.example": "A=change-me\n",
        }
    )
    code(at.run("check", "--sensitive", "fail", build=False), 0)


def links(at: Place) -> None:
    """Hard links, links and the same content twice: each column adds up."""
    top = at.tree(
        {"a": 50_000, "out/a": 50_000, "out/b": 9_000, ".dockerignore": "out\n", "Dockerfile": COPY_ALL}
    )
    os.link(top / "out/a", top / "out/again")
    os.link(top / "a", top / "out/outer")
    (top / "out/link").symlink_to("../a")
    shutil.copy(top / "out/b", top / "out/copy")
    at.who.give(top)
    found = at.json("compare")
    image_as_the_clients(at, found)
    rest, saved = found["unattributed"], found["saved"]
    for key in ("image_bytes", "pull_bytes"):
        rows = sum(row[key] for row in found["paths"])
        derived = rest["derived_bytes"] or 0 if key == "image_bytes" else 0
        expect(key, rows + rest[key] + derived, saved[key])
    assert abs(rest["pull_bytes"]) <= saved["pull_bytes"] / 10, rest


CASES: dict[str, Callable[[Place], None]] = {
    case.__name__: case
    for case in (
        own_state, growing_log, truncated_log, unreadable, unreadable_not_taken, shared_layers,
        git_partly_kept, git_file, not_sent, pull_of_small_files, init_keeps_the_build, odd_paths,
        unreachable_engine,
        compose_without_profiles, odd_times, class_that_is_no_text,
        streams_and_directories, credential_helper_missing, empty_base,
        platform_base, failed_run, ignored_but_needed, only_a_label, placeholder_secrets, links,
    )
}  # fmt: skip


def main() -> int:
    """Run all cases, or those named; 1 when one is wrong."""
    parser = arguments(__doc__, CASES, "CASE")
    builders = ("buildkit", "classic")
    parser.add_argument("--builder", choices=builders, help="only this one (default: the first two)")
    given = parser.parse_args()
    who = become(given.user, given.client)
    buildx = not who.run("buildx", "version", client=True).returncode
    builders = (given.builder,) if given.builder else builders[:2]
    bad = 0
    for name in given.names or list(CASES):
        for builder in builders:
            began = time.monotonic()
            folder = Path(tempfile.mkdtemp(prefix="ctxsize-case-"))
            folder.chmod(0o755)
            (folder / "p").mkdir()
            said = "ok"
            try:
                CASES[name](Place(folder / "p", who, builder, buildx))
            except Exception as error:
                said = f"WRONG: {type(error).__name__} {error}"
                bad += 1
            finally:
                shutil.rmtree(folder)
            print(f"{name}, {builder}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{bad} wrong" if bad else "all right")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
