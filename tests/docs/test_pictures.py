"""The pictures in the docs show what the program prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"


def test_no_picture_is_stale() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "pictures", "--stale"], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_every_picture_is_shown_somewhere_and_fetches_nothing() -> None:
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    pictures = [file for file in PICTURES.iterdir() if file.suffix in (".png", ".svg")]

    for picture in pictures:
        assert f"pictures/{picture.name})" in pages
        if picture.suffix == ".svg":
            addresses = set(re.findall(r"https?://[^\"' )]+", picture.read_text()))
            assert addresses <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
