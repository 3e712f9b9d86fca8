"""A build that fails: where in the user's Dockerfile, which step by the user's own count, what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main

HEREDOC = "FROM {base}\nCOPY a /a\nRUN <<EOF\necho hi\nEOF\n"
NEWER = "a newer engine, or `# syntax=docker/dockerfile:1` as the first line, does"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory."""
    for name in ("a", "secret"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / ".dockerignore").write_text("secret\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(dockerfile: str, builder: str, command: str = "compare") -> Result:
    Path("Dockerfile").write_text(dockerfile)
    return CliRunner().invoke(main, [command, "-q", "--repeat", "1", "--builder", builder])


@pytest.mark.docker
@pytest.mark.parametrize(
    ("builder", "step"),
    [
        ("buildkit", "[x 4/4] RUN echo why; exit 3"),
        ("classic", "4/7 : RUN echo why; exit 3"),
    ],
)
def test_a_step_has_the_users_line_and_number(
    base_image: Callable[[str], str], builder: str, step: str
) -> None:
    base = base_image("busybox:1.36")
    result = run(
        f"FROM {base} AS x\nWORKDIR /w\nCOPY . /s\nRUN echo why; exit 3\nFROM x\nRUN true\nCOPY a /b\n",
        builder,
    )

    assert result.exit_code == 3
    assert f"  at step: {step}\n" in result.stderr
    assert "error: Dockerfile:4: " in result.stderr and "-v shows all that the builder says" in result.stderr
    assert "  | why\n" in result.stderr
    assert "org.ctxsize" not in result.stderr
    if builder == "classic":
        assert "  | Step 2/7 : WORKDIR /w\n" in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_base_image_that_can_not_be_had_is_named(builder: str) -> None:
    result = run("FROM scratch\nFROM localhost:1/no/such:1\nCOPY a /\n", builder)

    assert result.exit_code == 3
    assert "Dockerfile:2: the base image localhost:1/no/such:1 can't be had: " in result.stderr
    assert "`docker pull localhost:1/no/such:1` tries it alone" in result.stderr
    assert "failed to solve" not in result.stderr


@pytest.mark.docker
def test_a_frontend_that_can_not_be_had_is_named() -> None:
    result = run("# escape=`\n# syntax=localhost:1/no/frontend:1\nFROM scratch\nCOPY a /\n", "buildkit")

    assert result.exit_code == 3
    assert (
        "Dockerfile:2: the frontend localhost:1/no/frontend:1 of `# syntax=` can't be had: " in result.stderr
    )


@pytest.mark.docker
@pytest.mark.parametrize(
    ("dockerfile", "line", "what"),
    [
        (HEREDOC, 3, "here-documents (RUN <<…)"),
        ("FROM scratch\nCOPY --link a /\n", 2, "the flag --link"),
        ("FROM scratch\nCOPY --exclude=x . /\n", 2, "the flag --exclude"),
    ],
)
def test_what_only_a_newer_builder_knows(
    base_image: Callable[[str], str], dockerfile: str, line: int, what: str
) -> None:
    text = dockerfile.format(base=base_image("busybox:1.36"))
    result = run(text, "classic")

    assert result.exit_code == 3
    assert f"Dockerfile:{line}: this builder does not know {what}" in result.stderr
    assert "(build with BuildKit)" in result.stderr
    later = run(text, "buildkit")
    assert later.exit_code == 0 or f"({NEWER})" in later.stderr


@pytest.mark.docker
@pytest.mark.parametrize("command", ["compare", "cache"])
@pytest.mark.parametrize("source", ["secret", "link"])
def test_a_rule_that_hides_what_a_step_needs_is_named(command: str, source: str) -> None:
    result = run(f"FROM scratch\nCOPY {source} /s\n", "buildkit", command)

    assert result.exit_code == 3
    assert "[with the ignore file]: .dockerignore:1: " in result.stderr
    assert "the rule `secret` ignores secret, which COPY at Dockerfile:2 needs" in result.stderr


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("command", ["compare", "cache"])
def test_an_empty_base_image_is_wrong_usage(builder: str, command: str) -> None:
    result = run("ARG BASE\nFROM ${BASE}\nCOPY . /s\n", builder, command)

    assert result.exit_code == 2
    assert result.stderr == (
        "ctxsize: error: Dockerfile:2: the base image ${BASE} is empty (give --build-arg BASE=…)\n"
    )
    assert ("\ncontext " in result.stdout) == (command == "compare"), "what is known without a build is shown"


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_image_without_layers(builder: str) -> None:
    result = run("FROM scratch\nLABEL a=b\n", builder)

    assert result.exit_code == 0, result.output
    (image,) = [line.split() for line in result.stdout.splitlines() if line.startswith("image ")]
    assert image == ["image", "0B", "0B", "0B"]


@pytest.mark.docker
@pytest.mark.parametrize("command", ["compare", "cache"])
@pytest.mark.parametrize("when", [-20_000_000_000, 10_413_792_000], ids=["before 1677", "after 2262"])
def test_a_time_that_go_can_not_count_wraps_around(project: Path, command: str, when: int) -> None:
    for name in ("a", "secret"):
        os.utime(project / name, (when, when))
    result = run("FROM scratch\nCOPY . /s\n", "buildkit", command)

    assert result.exit_code == 0, result.output
