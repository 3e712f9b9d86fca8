"""Changes that exist only in the stream: which file changes, and what a commit changes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ctxsize.context.changes import Changes
from ctxsize.context.variant import Variant
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from ctxsize.rebuild.edits import Edit, edit_of
from tests.support.tree import tree_hash


def everything(_path: str) -> bool:
    return True


def edit(root: Path, path: str, needed: Callable[[str], bool] = everything) -> Edit:
    found = edit_of(root, path, ignored=lambda path: not path.endswith("kept"), needed=needed)
    assert found is not None
    return found


def apply(changes: Changes, root: Path) -> None:
    for path, content in changes.replaced.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path, tail in changes.appended.items():
        with (root / path).open("ab") as file:
            file.write(tail)


def test_a_file_gets_longer_each_time(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("1")
    log = edit(tmp_path, "log")
    assert (log.path, log.description) == ("log", "one more byte")
    assert log.next().then(log.next()) == Changes(appended={"log": b"\n\n"})


def test_a_directory_changes_in_its_smallest_ignored_file_that_the_dockerfile_takes(tmp_path: Path) -> None:
    sizes = {"a": 9, "deep/b": 3, "deep/empty": 0, "deep/kept": 1, "unused": 2}
    for name, size in sizes.items():
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"x" * size)
    (tmp_path / "d/link").symlink_to("a")
    assert edit(tmp_path, "d", lambda path: path != "d/unused").path == "d/deep/b"
    assert edit(tmp_path, "d", lambda path: path == "d/a").path == "d/a"
    assert edit(tmp_path, "d", lambda path: False).path == "d/unused", "when none is taken, any"


def test_a_directory_without_files_gets_new_ones(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    new = edit(tmp_path, "d")
    assert new.description == "a new file"
    assert len(new.next().then(new.next()).replaced) == 2


def test_the_change_of_a_link_or_a_fifo_is_not_simulated(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", "gone"):
        assert edit_of(tmp_path, name, ignored=everything, needed=everything) is None


def test_no_commit_changes_the_git_file_of_a_worktree(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /elsewhere/.git/worktrees/x\n")

    assert edit_of(tmp_path, ".git", ignored=everything, needed=everything) is None


# A commit


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "safe.directory=*"]
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "file").write_text("1\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "file")
    git(root, "commit", "-q", "-m", "first")
    return root


@pytest.mark.parametrize("state", ["loose", "packed", "detached", "unborn"])
def test_git_takes_the_changes_of_a_commit_for_one(repository: Path, state: str) -> None:
    count = 1
    if state == "packed":
        git(repository, "gc", "-q")
        assert not (repository / ".git/refs/heads/main").exists()
    elif state == "detached":
        git(repository, "checkout", "-q", "--detach")
    elif state == "unborn":
        git(repository, "checkout", "-q", "--orphan", "other")
        count = 0
    commits = edit(repository, ".git")
    before = tree_hash(repository)
    changes = commits.next()
    assert commits.description == f"a commit ({len(changes.replaced) + len(changes.appended)} files)"
    both = changes.then(commits.next())
    assert tree_hash(repository) == before, "nothing is written"

    apply(both, repository)
    assert int(git(repository, "rev-list", "--count", "HEAD")) == count + 2
    assert git(repository, "log", "-1", "--format=%s") == "Change number 2"
    assert git(repository, "show", "HEAD:changed") == "Change number 2"
    assert git(repository, "reflog", "-1", "--format=%gs") == "commit: Change number 2"
    git(repository, "fsck", "--strict", "--no-dangling")
    git(repository, "status")
    assert git(repository, "branch", "--show-current") == {"detached": "", "unborn": "other"}.get(
        state, "main"
    )


def test_the_files_are_those_that_git_itself_writes(repository: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = (path for path in (repository / ".git").rglob("*") if path.is_file())
        return {path.relative_to(repository).as_posix(): path.read_bytes() for path in files}

    def without_objects(paths: Iterable[str]) -> list[str]:
        return sorted(".git/objects" if path.startswith(".git/objects/") else path for path in paths)

    changes = edit(repository, ".git").next()
    before = contents()
    (repository / "file").write_text("2\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    after = contents()
    written = [path for path, content in after.items() if before.get(path) != content]

    assert without_objects([*changes.replaced, *changes.appended]) == without_objects(written)
    assert without_objects(changes.appended) == [".git/logs/HEAD", ".git/logs/refs/heads/main"]
    assert len(changes.replaced[".git/index"]) == len(before[".git/index"])


@pytest.mark.parametrize("head", ["ref: refs/heads/../../../secret\n", "ref: /etc/passwd\n", "nonsense", ""])
def test_a_head_that_git_would_not_write_is_a_directory_like_any_other(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text(head)
    assert edit(tmp_path, ".git").path == ".git/HEAD"


# What a variant sends of them


@pytest.mark.parametrize("dialect", Dialect)
def test_a_variant_does_not_send_new_content_that_it_ignores(tmp_path: Path, dialect: Dialect) -> None:
    rules = Matcher(parse_ignore(b".git\n", ".dockerignore", dialect).rules, dialect)
    changes = Changes({".git/HEAD": b"1", ".git/objects/ab/c": b"2", "app": b"3"})
    with_ = Variant("with", tmp_path, rules, frozenset(), dialect, changes)
    without = Variant("without", tmp_path, None, frozenset(), dialect, changes)
    assert with_.replaced() == {"app": b"3"}
    assert without.replaced() == changes.replaced
