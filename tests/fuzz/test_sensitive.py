"""Any names and any content as something that may be a secret: an answer, and quickly."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ctxsize.report.shared.json_parts import sensitive, visible
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.sensitive import sensitive_notes, sensitive_tables
from ctxsize.sensitive.content import _EXPRESSIONS, is_encrypted, secret_line
from ctxsize.sensitive.detector import Detector
from ctxsize.sensitive.names import RULES, classify, suspects
from ctxsize.survey.overview import overview
from tests.fuzz.profile import effort

LISTED = sorted({name.replace("*", "x") for row in RULES for name in row.names})
NAMES = st.one_of(
    st.sampled_from(LISTED),
    st.sampled_from([".git", ".ssh", ".aws", "node_modules", "tests", "modules"]),
    st.binary(min_size=1, max_size=12)
    .map(lambda name: os.fsdecode(name.replace(b"/", b"-").replace(b"\0", b"0")))
    .filter(lambda name: name not in (".", "..")),
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
WORDS = (
    rb"""-----BEGIN |PRIVATE KEY-----|password|_authToken|=|: |"|https://|u:p@h|<!--|-->|<password>|sops:"""
)
PIECES = st.sampled_from([*WORDS.split(b"|"), b"\n", b"\r", b"\0", b"\xff", b"$ANSIBLE_VAULT;"])
CONTENT = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))


@given(PATHS)
@effort(100)
def test_a_name_with_a_row_is_always_taken_down(path: str) -> None:
    directory, _, name = path.rpartition("/")
    if classify(path) is not None:
        assert suspects(directory, ["a", name, "b"])[:2] in ([name], [name, "b"], ["a", name])


@given(CONTENT)
@effort(40)
def test_a_line_that_is_told_is_there(data: bytes) -> None:
    is_encrypted(data)
    lines = data.count(b"\n") + 1
    for check in _EXPRESSIONS:
        line = secret_line(data, check)
        assert line is None or 1 <= line <= lines


@given(CONTENT)
@effort(6)
def test_the_detector_survives_any_text(data: bytes) -> None:
    lines = data.count(b"\n") + 1
    assert all(1 <= hit.line <= lines for hit in Detector().look("a.py", data))


@given(st.dictionaries(PATHS, CONTENT, max_size=5))
@effort(12)
def test_any_tree(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for path, data in files.items():
            try:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(data)
            except OSError:
                continue  # a file is where a directory would be
        found = overview(root).sensitive
        "".join([*sensitive_tables(found, None, Look()), *sensitive_notes(found)]).encode(
            "utf-8", "surrogateescape"
        )
        assert [item["path"].encode() for item in visible(sensitive(found))] or not found
