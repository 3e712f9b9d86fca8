"""docs/lint.md has what the program says of its codes, and every code of the corpus is one of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ctxsize.lint.findings.all import BY_CODE
from tests.lint.corpus import CASES

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/lint-page", "--check"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_corpus_has_each_code() -> None:
    assert set(BY_CODE) - {case.code for case in CASES} == {"CX900"}  # test_suppress.py has those
