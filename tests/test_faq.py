"""docs/faq.md: every command in it gives what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctxsize.cli import main

TEXT = (Path(__file__).parents[1] / "docs/faq.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
EXAMPLES = [text for kind, text in BLOCKS if kind == "console"]
CONTENT = {
    ".dockerignore": next(text for kind, text in BLOCKS if kind == "dockerignore"),
    ".gitignore": "src\n",
    "Dockerfile": "FROM python:3.12-slim\nCOPY . /app\n",
    ".env": "TOKEN=abc\n",
    "services/worker/.env": "TOKEN=abc\n",
    "src/app.py": "print(1)\n",
    "docs/pictures/plan.png": "x" * 9000,
    "node_modules/left-pad/index.js": "x" * 3000,
    "web/node_modules/left-pad/index.js": "x" * 5000,
    "debug.log": "x" * 2000,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in next(text for kind, text in BLOCKS if kind == "files").split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CONTENT.get(name, "x\n"))
    (tmp_path / "Dockerfile.src").write_text("FROM python:3.12-slim\nCOPY src /app\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_gives_what_it_says(project: Path, example: str) -> None:
    """A line ``…`` stands for any lines."""
    command, _, expected = example.partition("\n")
    output = CliRunner().invoke(main, shlex.split(command.removeprefix("$ ctxsize "))).output
    pattern = ".*".join(map(re.escape, ("\n" + expected).split("\n…\n")))
    assert re.fullmatch(pattern, "\n" + output, re.DOTALL), output


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("$ ctxsize ") > 5
