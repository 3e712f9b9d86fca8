"""The browser by its keys: through Textual's Pilot, and once in a real terminal (tmux)."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot
from textual.widgets import Static

from ctxsize.browse.app import Browser
from ctxsize.browse.editor import Editor
from ctxsize.browse.open import open_tree
from ctxsize.cli.main import main
from tests.browse.driving import Drive, names, run, text, until
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    for name, size in {
        "video/a.mp4": 5000,
        "video/b.mp4": 3000,
        "src/app.py": 40,
        "src/lib.py": 400,
        "key.pem": 9,
    }.items():
        file = shop / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    (shop / ".dockerignore").write_text("*.log\n")
    (shop / "Dockerfile").write_text("FROM scratch\nCOPY src /src\n")
    return shop


def driven(project: Path, drive: Drive) -> None:
    """Run the browser on ``project`` and ``drive`` it once the scan is complete."""
    run(Browser(open_tree(project)), "The build sees", drive)


def draft(pilot: Pilot[None]) -> str:
    """What is in the draft."""
    return pilot.app.query_one("#draft", Editor).text


def test_the_largest_comes_first_and_directories_open_and_close(project: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        assert names(pilot) == ["kept video/", "needed src/", "kept Dockerfile", "kept key.pem"]
        assert text(pilot, "where").startswith("shop: 8.48kB, 6 files, by all bytes")
        await pilot.press("enter")
        assert names(pilot) == ["kept a.mp4", "kept b.mp4"]
        await pilot.press("backspace")
        assert names(pilot)[0] == "kept video/"
        await pilot.press("f")
        assert names(pilot)[:3] == ["kept video/a.mp4", "kept video/b.mp4", "needed src/lib.py"]
        await pilot.press("f", "s", "s", "s")
        assert "by files" in text(pilot, "where")

    driven(project, drive)


def test_a_draft_shows_at_once_what_it_changes_and_nothing_is_written_unasked(project: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("i")
        assert "-8kB, -2 files" in text(pilot, "effect")
        assert names(pilot)[0] == "ignored video/"
        assert draft(pilot) == "*.log\nvideo\n"
        await pilot.press("enter", "e")
        assert "-3kB, -1 files" in text(pilot, "effect")
        assert names(pilot) == ["kept a.mp4", "ignored b.mp4"]
        await pilot.press("u", "backspace", "down", "i")
        assert "BREAKS line 2: COPY src" in text(pilot, "effect")
        await pilot.press("u", "u", "u")
        assert text(pilot, "effect") == "There is nothing to undo."
        await pilot.press("q")

    driven(project, drive)
    assert (project / ".dockerignore").read_text() == "*.log\n"


def test_find_jumps_and_write_asks_first(project: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"lib", "enter")
        assert text(pilot, "where").startswith("shop/src: ")
        await pilot.press("i", "w")
        await pilot.press("n")
        assert (project / ".dockerignore").read_text() == "*.log\n"
        await pilot.press("w", "y")
        assert text(pilot, "effect") == ".dockerignore is written."
        await pilot.press("slash", *"no-such", "enter")
        assert text(pilot, "effect") == "Nothing is called no-such."
        await pilot.press("question_mark", "escape", "w")
        assert text(pilot, "effect") == "There is nothing to write."

    driven(project, drive)
    assert (project / ".dockerignore").read_text() == "*.log\nsrc/lib.py\n"


def test_what_is_typed_in_the_draft_is_judged_as_it_is_typed(project: Path) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("t", *"**/*.mp4", "enter", *"!video/b.mp4")
        await until(pilot, lambda: "-5kB, -1 files" in text(pilot, "effect"))
        assert names(pilot)[0] == "partly video/"
        await pilot.press(*["backspace"] * 12)
        await until(pilot, lambda: "-8kB, -2 files" in text(pilot, "effect"))
        await pilot.press("enter", *"[")
        await until(pilot, lambda: "Docker would refuse this" in text(pilot, "effect"))
        await pilot.press("backspace", "escape", "w", "y")
        assert text(pilot, "effect") == ".dockerignore is written."

    driven(project, drive)
    assert (project / ".dockerignore").read_text() == "*.log\n**/*.mp4\n\n"


@pytest.mark.parametrize(
    "content", [b"*.log\r\nmixed\n", b"caf\xe9\n", b"# \x1b[2J\n"], ids=["line ends", "latin", "escape"]
)
def test_a_file_that_typing_would_change_elsewhere_is_only_read(content: bytes, project: Path) -> None:
    (project / ".dockerignore").write_bytes(content)

    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("i", "t", "x")
        assert "can't be typed in here" in text(pilot, "effect")
        assert "\x1b" not in draft(pilot)
        await pilot.press("escape", "w", "y")

    driven(project, drive)
    end = b"video\r\n" if b"\r" in content else b"video\n"
    assert (project / ".dockerignore").read_bytes() == content + end


def test_what_lint_finds_in_the_draft_and_no_longer_finds(project: Path) -> None:
    (project / ".dockerignore").write_text("gone\n")
    (project / "Dockerfile").write_text("FROM scratch\nCOPY . /src\n")
    (project / "id_rsa").write_text("secret")

    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("t", *"id_rsa")
        await until(pilot, lambda: "\nlint: " in text(pilot, "effect"))
        assert "1 gone: CX501" in text(pilot, "effect"), "the secret no longer arrives"
        await pilot.press("escape", "l")
        said = str(pilot.app.screen.query_one(Static).render())
        assert "- CX501" in said and "  CX" in said

    driven(project, drive)


def test_hostile_names_are_shown_as_text(project: Path) -> None:
    (project / "[red]x[b] \x1b[2J").write_bytes(b"x" * 90_000)

    async def drive(pilot: Pilot[None]) -> None:
        assert names(pilot)[0] == "kept [red]x[b] \\x1b[2J"
        await pilot.press("i")

    driven(project, drive)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_a_real_terminal_from_start_to_a_written_file(project: Path, tmp_path: Path) -> None:
    socket = str(tmp_path / "tmux")
    tmux = ["tmux", "-S", socket, "-f", "/dev/null"]
    command = f"{sys.executable} -m ctxsize browse {project}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    start = [*tmux, "new-session", "-d", "-x", "100", "-y", "30", "-s", "browse", command]
    subprocess.run(start, check=True, env=env)
    try:
        _wait(tmux, "The build sees")
        _keys(tmux, "i")
        _wait(tmux, "-8kB, -2 files")
        _keys(tmux, "w")
        _wait(tmux, "+video")
        _keys(tmux, "y")
        _wait(tmux, "is written")
        _keys(tmux, "q")
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
    assert (project / ".dockerignore").read_text() == "*.log\nvideo\n"


def test_without_a_terminal_it_is_a_wrong_use(project: Path) -> None:
    result = CliRunner().invoke(main, ["browse", str(project)])

    assert result.exit_code == 2
    assert result.stderr == (
        "ctxsize: error: the browser needs a terminal (`ctxsize context` lists the same)\n"
    )


def test_it_ends_with_its_terminal(project: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "ctxsize", "browse", str(project)], environment)
    drawn = b""
    while b"The build sees" not in drawn:
        drawn += os.read(terminal, 65536)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130


def _keys(tmux: list[str], *keys: str) -> None:
    subprocess.run([*tmux, "send-keys", "-t", "browse", *keys], check=True)


def _wait(tmux: list[str], text: str) -> None:
    """Until the screen shows ``text``."""

    def seen() -> bool:
        screen = [*tmux, "capture-pane", "-p", "-t", "browse"]
        shown = subprocess.run(screen, capture_output=True, text=True).stdout
        assert text in shown, f"never saw {text!r}:\n{shown}"
        return True

    wait_until("the screen", seen)
