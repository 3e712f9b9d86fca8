"""Any string where a path is asked for, on the command line or in a file: an answer or one line, no fault."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ctxsize.cli import main
from tests.fuzz.profile import effort

#: Deep enough that no ".." of an example leads out of the folder for temporary files.
_DEPTH = 12
_PARTS = st.sampled_from(
    [
        *(
            "a",
            ".",
            "..",
            "/",
            "//",
            "\0",
            "\ud800",
            "\udcff",
            "\xe9",
            "\n",
            "\x1b",
            "~",
            "$A",
            "${A:?}",
            "${",
        ),
        *("*", "[", "]", "!", "#", " ", ":", ",", "=", "-", "\\", "Dockerfile", "http://"),
        *("x" * 256, "d/" * 2050, "x" * 70_000),
    ]
)


def _here(words: list[str]) -> str:
    text = "".join(words)
    return f"/nonexistent{text}" if text.startswith("/") else text


PATHS = st.lists(_PARTS, max_size=5).map(_here)
#: What the system can pass on to a program: nothing with a zero byte, nor surrogates that stand for no byte.
WORDS = PATHS.map(lambda path: path.replace("\0", "").replace("\ud800", ""))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path.joinpath(*"d" * _DEPTH)
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / "compose.yaml").write_text("services: {}\n")
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/engine.sock")
    yield


def run(*words: str, environment: dict[str, str] | None = None) -> None:
    """Run a command; it may find anything wrong, but in a few lines and without a fault of ours."""
    result = CliRunner().invoke(main, list(words), env=environment)

    assert result.exit_code in (0, 1, 2, 3, 4), result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) <= 12, "usage at most"


def _options() -> dict[str, list[str]]:
    """Every option and argument that takes a path: its name, and the words in front of the path."""
    found = {}
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        commands = {
            f"{name} {inner}": each for inner, each in getattr(command, "commands", {name: command}).items()
        }
        for full, each in (commands if isinstance(command, click.Group) else {name: command}).items():
            for parameter in each.params:
                if isinstance(parameter.type, click.Path):
                    words = [
                        *full.split(),
                        *(parameter.opts[:1] if isinstance(parameter, click.Option) else ["--"]),
                    ]
                    found[" ".join(words)] = words
    return found


OPTIONS = {
    **_options(),
    "why PATH": ["why", "--"],
    "check --report": ["check", "--static", "--report", "json="],
    "check --require-ignored": ["check", "--static", "--require-ignored"],
    "check --forbid": ["check", "--static", "--forbid"],
    "check --image": ["check", "--image"],
    "compare --secret": ["compare", "--secret", "id=a,src="],
    "compare --ssh": ["compare", "--ssh", "a="],
}


def test_the_options_that_take_a_path_are_found() -> None:
    assert {
        "check --archive",
        "check --compose",
        "why --context",
        "context -f",
        "compare --",
        "check --baseline",
    } <= {*OPTIONS}
    assert len(OPTIONS) > 20


@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
@effort(3)
@given(path=WORDS)
def test_options(words: list[str], path: str) -> None:
    *before, last = words
    run(*before, last + path) if last.endswith("=") else run(*words, path)


@pytest.mark.parametrize(
    "name",
    [
        "CTXSIZE_BASELINE",
        "GITHUB_STEP_SUMMARY",
        "DOCKER_CONFIG",
        "DOCKER_CERT_PATH",
        "XDG_STATE_HOME",
        "TMPDIR",
        "HOME",
    ],
)
@effort(2)
@given(path=PATHS)
def test_variables(name: str, path: str) -> None:
    value = path.replace("\0", "").replace("\ud800", "")[:100_000]  # no variable can hold these
    run("check", "--static", environment={name: value})
    run(
        "compare",
        environment={name: value, "DOCKER_HOST": ""} if name.startswith("DOCKER") else {name: value},
    )


KEYS = {
    "dockerfile": "dockerfile = {0}\n",
    "baseline": "baseline = {0}\n",
    "target's path": "[targets.a]\npath = {0}\n",
    "target's dockerfile": "[targets.a]\ndockerfile = {0}\n",
    "target's name": "[targets.{0}]\n",
    "forbid": "[budget]\nforbid = [{0}]\n",
    "require-ignored": "[budget]\nrequire-ignored = [{0}]\n",
    "not-sensitive": "[budget]\nnot-sensitive = [{0}]\n",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
@effort(5)
@given(path=PATHS)
def test_keys_of_the_configuration(text: str, path: str) -> None:
    string = json.dumps(path.replace("\ud800", "").replace("\udcff", ""))
    Path(".ctxsize.toml").write_text(text.format(string))
    run("check", "--static")


COMPOSE = {
    "build": "services: {{a: {{build: {0}}}}}",
    "context": "services: {{a: {{build: {{context: {0}}}}}}}",
    "dockerfile": "services: {{a: {{build: {{context: ., dockerfile: {0}}}}}}}",
    "additional context": "services: {{a: {{build: {{context: ., additional_contexts: {{b: {0}}}}}}}}}",
    "env_file": "services: {{a: {{build: ., env_file: {0}}}}}",
    "extends": "services: {{a: {{extends: {{file: {0}, service: b}}}}}}",
    "include": "include: [{0}]",
    "include path": "include: [{{path: {0}}}]",
    "include directory": "include: [{{path: compose.yaml, project_directory: {0}}}]",
    "include env_file": "include: [{{path: compose.yaml, env_file: {0}}}]",
    "secret": "services: {{a: {{build: {{context: ., secrets: [s]}}}}}}\nsecrets: {{s: {{file: {0}}}}}",
    "service": "services: {{{0}: {{build: .}}}}",
}


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=key) for key, text in COMPOSE.items()],
)
@effort(5)
@given(path=PATHS)
def test_keys_of_compose_files(text: str, path: str) -> None:
    Path("project.yaml").write_text(text.format(json.dumps(path)))
    run("check", "--static", "--compose", "project.yaml")


@effort(5)
@given(path=PATHS)
def test_instructions(path: str) -> None:
    """Where the Dockerfile itself names paths."""
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        text = f"FROM scratch\nCOPY {path} /\nADD {json.dumps([path, '/'])}\nWORKDIR {path}\n"
        Path(folder, "Dockerfile").write_bytes(text.encode("utf-8", "surrogatepass"))
        Path(folder, ".dockerignore").write_bytes(f"{path}\n!{path}\n".encode("utf-8", "surrogatepass"))
        run("context", folder)
