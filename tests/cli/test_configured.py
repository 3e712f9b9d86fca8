"""The configuration says how a project is built, and every command that measures one heeds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main

CONFIG = """\
dockerfile = "docker/prod"
target = "web"
build-args = { DIR = "a" }
builder = "classic"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: its build takes ``a`` of 10 bytes."""
    for name, size in {"a": 10, "b": 500, "docker/x": 1}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "docker/prod").write_text(
        "ARG DIR\nFROM scratch AS web\nARG DIR\nCOPY $DIR /x\nFROM scratch\nCOPY b /b\n"
    )
    (tmp_path / ".dockerignore").write_text("b\n")
    (tmp_path / ".ctxsize.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def overview(*words: str) -> dict:
    result = run("context", "--format", "json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def built(found: dict) -> tuple[str, str | None, str]:
    return found["project"]["dockerfile"], found["project"]["target"], found["builder"]


def test_context_is_of_the_configured_build() -> None:
    found = overview()
    assert built(found) == ("docker/prod", "web", "classic")
    assert found["totals"]["needed"]["bytes"] == 10


def test_options_win(project: Path) -> None:
    (project / "other").write_text("FROM scratch AS api\nCOPY a docker /\n")
    found = overview("-f", "other", "--target", "api", "--builder", "buildkit")
    assert built(found) == ("other", "api", "buildkit")


def test_the_one_target_of_this_context_is_meant(project: Path) -> None:
    (project / ".ctxsize.toml").write_text(
        'target = "nowhere"\n[targets.x]\ndockerfile = "docker/prod"\ntarget = "web"\n'
        'build-args = { DIR = "a" }\n[targets.y]\npath = "docker"\n'
    )
    assert overview()["totals"]["needed"]["bytes"] == 10


def test_of_several_targets_of_this_context_none_is_meant(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\nCOPY a /\n")
    (project / ".ctxsize.toml").write_text('[targets.x]\ntarget = "x"\n[targets.y]\ntarget = "y"\n')
    assert built(overview()) == ("Dockerfile", None, "buildkit")


def test_why_reads_the_ignore_file_of_the_configured_build(project: Path) -> None:
    (project / ".ctxsize.toml").write_text('dockerfile = "docker/prod"\n')
    (project / "docker/prod.dockerignore").write_text("a\n")
    assert run("why", "a").stdout == "a: ignored by docker/prod.dockerignore:1: a\n"
    assert run("why", "--builder", "classic", "a").stdout == "a: kept, no rule matches\n"


def test_a_configuration_that_makes_no_sense_is_an_error(project: Path) -> None:
    (project / ".ctxsize.toml").write_text("targt = 1\n")
    result = run("context")
    assert result.exit_code == 2
    assert ".ctxsize.toml:1" in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize("command", ["compare", "cache"])
def test_what_is_built_is_the_configured_build(project: Path, command: str) -> None:
    (project / ".ctxsize.toml").write_text(CONFIG.replace("classic", "buildkit"))
    result = run(command, "--format", "json", "--repeat", "1", "-q")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["project"]["dockerfile"], found["project"]["target"]) == ("docker/prod", "web")
    if command == "compare":
        assert found["variants"]["with"]["image"]["bytes"] == 10
