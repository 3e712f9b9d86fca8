from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of nothing; its image is named otherwise."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder
