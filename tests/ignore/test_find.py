"""Which ignore file applies."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore import Dialect, find_ignore_file, ignore_file_candidates

BUILDKIT, CLASSIC = Dialect.BUILDKIT, Dialect.CLASSIC


@pytest.mark.parametrize(
    ("dockerfile", "dialect", "podman", "names"),
    [
        ("Dockerfile", BUILDKIT, False, ["Dockerfile.dockerignore", ".dockerignore"]),
        ("Dockerfile", CLASSIC, False, [".dockerignore"]),
        ("sub/api.Dockerfile", BUILDKIT, False, ["sub/api.Dockerfile.dockerignore", ".dockerignore"]),
        ("../D", BUILDKIT, False, ["../D.dockerignore", ".dockerignore"]),
        ("D", CLASSIC, True, ["D.dockerignore", "D.containerignore", ".containerignore", ".dockerignore"]),
    ],
)
def test_candidates_in_order(dockerfile: str, dialect: Dialect, podman: bool, names: list[str]) -> None:
    root = Path("/project")
    assert ignore_file_candidates(root, root / dockerfile, dialect, podman) == [root / name for name in names]


@pytest.mark.parametrize(
    ("files", "dialect", "podman", "found"),
    [
        ([], BUILDKIT, False, None),
        ([".dockerignore"], BUILDKIT, False, ".dockerignore"),
        ([".dockerignore", "Dockerfile.dockerignore"], BUILDKIT, False, "Dockerfile.dockerignore"),
        ([".dockerignore", "Dockerfile.dockerignore"], CLASSIC, False, ".dockerignore"),
        (["Dockerfile.dockerignore"], CLASSIC, False, None),
        ([".dockerignore", ".containerignore"], CLASSIC, True, ".containerignore"),
        ([".dockerignore", ".containerignore"], CLASSIC, False, ".dockerignore"),
        ([".containerignore", "Dockerfile.containerignore"], CLASSIC, True, "Dockerfile.containerignore"),
    ],
)
def test_the_first_that_exists_applies(
    tmp_path: Path, files: list[str], dialect: Dialect, podman: bool, found: str | None
) -> None:
    for name in files:
        (tmp_path / name).touch()
    expected = tmp_path / found if found else None
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", dialect, podman) == expected


@pytest.mark.parametrize("dialect", Dialect)
def test_a_symlink_is_followed_and_a_dangling_one_counts_as_absent(tmp_path: Path, dialect: Dialect) -> None:
    link = tmp_path / ".dockerignore"
    link.symlink_to("rules")
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", dialect) is None
    (tmp_path / "rules").touch()
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", dialect) == link


def test_buildkit_passes_over_a_directory_beside_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.dockerignore").mkdir()
    (tmp_path / ".dockerignore").touch()
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", BUILDKIT) == tmp_path / ".dockerignore"


def test_a_directory_of_that_name_is_an_error_in_classic_and_no_rules_in_buildkit(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").mkdir()
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", BUILDKIT) is None
    with pytest.raises(IgnoreFileError, match="is a directory"):
        find_ignore_file(tmp_path, tmp_path / "Dockerfile", CLASSIC)


def test_a_loop_of_symlinks_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").symlink_to(".dockerignore")
    with pytest.raises(IgnoreFileError, match="can't read the ignore file"):
        find_ignore_file(tmp_path, tmp_path / "Dockerfile", CLASSIC)


def test_buildkit_follows_a_symlink_with_the_context_as_its_root(tmp_path: Path) -> None:
    """The classic client follows it as the machine does."""
    root = tmp_path / "context"
    (root / "d/e").mkdir(parents=True)
    (root / "rules").touch()
    (root / ".dockerignore").symlink_to("d/e/link")
    (root / "d/e/link").symlink_to("/d/../../rules")
    assert find_ignore_file(root, root / "Dockerfile", BUILDKIT) == root / "rules"
    assert find_ignore_file(root, root / "Dockerfile", CLASSIC) is None


def test_a_loop_of_symlinks_means_no_rules_for_buildkit(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").symlink_to(".dockerignore")
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile", BUILDKIT) is None
