"""How a report looks depends on where it goes: a terminal that is wide or narrow, knows blocks or not."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

DRAW = """
from tests.report.comparison.test_formats import RESULT
from ctxsize.cli.output import Output
Output("comparison", "table").report(RESULT)
"""


def drawn(columns: int, **environ: str) -> str:
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    unset = {"COLUMNS", "LC_ALL", "LC_CTYPE", "LANG", "TERM", "NO_COLOR"}
    env = {name: value for name, value in os.environ.items() if name not in unset}
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", DRAW],
        stdout=theirs,
        env={**env, "PYTHONPATH": root, "TERM": "xterm-256color", **environ},
        cwd=root,
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait() == 0
    return text.decode()


@pytest.mark.parametrize(
    ("environ", "bar"),
    [
        ({}, "█"),
        ({"LANG": "de_DE.UTF-8"}, "█"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "#"),
        ({"LC_ALL": "de_DE.ISO-8859-1"}, "#"),
        ({"TERM": "linux"}, "#"),
        ({"TERM": "dumb"}, "#"),
    ],
)
def test_bars_are_of_what_the_terminal_shows(environ: dict[str, str], bar: str) -> None:
    text = drawn(100, **environ)

    assert {each for each in "█#" if each in text} == {bar}


def test_the_terminals_width_counts_and_columns_before_it() -> None:
    assert "█" not in drawn(70)
    assert "█" in drawn(70, COLUMNS="100")
