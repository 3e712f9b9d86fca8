"""The --help texts: each has examples, and docs/commands.md shows them as they are."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
page = runpy.run_path(str(ROOT / "scripts/help-page"))


@pytest.mark.parametrize("words", page["commands"](), ids=" ".join)
def test_every_command_has_examples(words: tuple[str, ...]) -> None:
    text = page["help_text"](words)

    assert "Examples:\n" in text
    assert " ".join(("  ctxsize", *words)) in text.partition("Examples:\n")[2]


@pytest.mark.skipif(
    version("click") < "8.2", reason="the page is written with the locked click, whose lines break elsewhere"
)
def test_the_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/help-page", "--check"], capture_output=True)

    assert done.returncode == 0, done.stderr


def test_a_page_that_is_out_of_date_is_told(tmp_path: Path) -> None:
    old = tmp_path / "commands.md"
    old.write_text("# Commands\n")
    words = [sys.executable, ROOT / "scripts/help-page", "--check", old]
    done = subprocess.run(words, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr == f"{old} is out of date: run scripts/help-page\n"
