"""The sizes that `make lint` holds the package to."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def house(package: Path) -> tuple[int, list[str]]:
    done = subprocess.run([ROOT / "scripts/house", package], capture_output=True, text=True)
    return done.returncode, [line.replace(str(package), "p") for line in done.stderr.splitlines()]


def test_what_just_fits(tmp_path: Path) -> None:
    for number in range(14):
        (tmp_path / f"m{number}.py").write_text("#\n" * 450)
    (tmp_path / "room").mkdir()
    for number in range(15):
        (tmp_path / "room" / f"m{number}.py").touch()
    (tmp_path / "room/made_pb2.py").write_text("#\n" * 1000)

    assert house(tmp_path) == (0, [])


def test_what_is_too_much(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("#\n" * 451)
    for number in range(14):
        (tmp_path / f"f{number}.txt").touch()
    (tmp_path / "room").mkdir()
    for number in range(17):
        (tmp_path / "room" / f"m{number}.py").touch()

    assert house(tmp_path) == (
        1,
        [
            "house: p/long.py has 451 lines; 450 is the most",
            "house: p/room has 17 modules; 16 is the most",
            "house: p has 15 files at its top; 14 is the most",
        ],
    )
