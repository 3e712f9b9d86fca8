"""Opening a project: with and without a Dockerfile, and its rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.errors import DockerfileError, UsageError
from ctxsize.ignore import Dialect
from ctxsize.project import Project, open_project


def opened(root: Path, **options: bool) -> Project:
    return open_project(root, dialect=Dialect.BUILDKIT, **options)


def test_a_dockerfile_is_required_unless_it_is_said_that_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Dockerfile here"):
        opened(tmp_path)
    project = opened(tmp_path, required=False)
    assert (project.dockerfile, project.no_dockerfile) == (None, "there is no Dockerfile")
    assert (project.dockerfile_in_context, project.dockerfile_shown) == ("Dockerfile", None)
    with pytest.raises(UsageError, match="no Dockerfile here"):
        open_project(tmp_path, dockerfile=tmp_path / "other", dialect=Dialect.BUILDKIT, required=False)


def test_a_dockerfile_that_makes_no_sense_is_said_where_none_is_required(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("COPY\n")
    with pytest.raises(DockerfileError) as caught:
        opened(tmp_path)
    project = opened(tmp_path, required=False)
    assert (project.dockerfile, project.no_dockerfile) == (None, str(caught.value))
    assert project.dockerfile_shown == "Dockerfile"


def test_the_rules_are_those_of_the_ignore_file_and_compiled_once(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert opened(tmp_path).rules is None
    (tmp_path / ".dockerignore").write_text("*.log\n")
    project = opened(tmp_path)
    assert project.rules is not None and project.rules is project.rules
    assert project.ignore is not None and project.rules.rules == project.ignore.rules
    assert project.rules.verdict("a.log").ignored
    assert project.rules.for_classic_build("x.log") is project.rules.for_classic_build("x.log")
    assert project.ignore_files == {".dockerignore"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "an empty path names no directory"),
        ("-", "no ignore file applies to a context on standard input"),
        (
            "https://example.com/x.git",
            "https://example.com/x.git: no ignore file applies to",
        ),
        ("git@example.com:x", "no ignore file applies to a context that the builder fetches"),
        ("github.com/x/y", "no ignore file applies to a context that the builder fetches"),
        ("a" * 300, "no such directory"),
    ],
)
def test_what_is_no_directory_is_said_to_be_none(path: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_project(path, dialect=Dialect.BUILDKIT)
    assert message in str(caught.value)


def test_a_directory_that_looks_like_an_address_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "github.com/x").mkdir(parents=True)
    (tmp_path / "github.com/x/Dockerfile").write_text("FROM scratch\n")
    assert open_project("github.com/x", dialect=Dialect.BUILDKIT).name == "x"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("-", "a Dockerfile on standard input is not supported"),
        ("https://example.com/Dockerfile", "a Dockerfile that is fetched is not supported"),
    ],
)
def test_a_dockerfile_that_is_no_file(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_project(tmp_path, dockerfile=name, dialect=Dialect.BUILDKIT)


def test_a_missing_dockerfile_names_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    for name in ("Dockerfile", "docker/prod.Dockerfile", "Dockerfile.dockerignore", "dockerfile.py.txt"):
        (tmp_path / name).write_text("FROM scratch\n")
    with pytest.raises(UsageError) as caught:
        open_project(tmp_path, dockerfile=tmp_path / "nope", dialect=Dialect.BUILDKIT)
    assert f"there are Dockerfile, docker/prod.Dockerfile, dockerfile.py.txt in {tmp_path}" in str(
        caught.value
    )


def test_a_command_about_it_has_what_the_user_would_have_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my app").mkdir()
    for name in ("my app/Dockerfile", "prod"):
        (tmp_path / name).write_text("FROM scratch AS web\n")
    monkeypatch.chdir(tmp_path)
    assert opened(tmp_path / "my app").words() == " 'my app'"
    assert open_project("my app", dockerfile="prod", dialect=Dialect.BUILDKIT).words("web") == (
        " -f prod --target web 'my app'"
    )
    monkeypatch.chdir(tmp_path / "my app")
    assert opened(tmp_path / "my app").words() == ""


def test_a_current_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for path in (".", tmp_path):
        with pytest.raises(UsageError, match="the current directory is gone"):
            opened(Path(path))
