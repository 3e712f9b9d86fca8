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
