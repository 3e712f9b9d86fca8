"""Fixes: what they make of a file, what they leave alone, and where they do not write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from ctxsize.ignore.walk import arrivals
from ctxsize.lint.config import LintConfig
from ctxsize.lint.fix import edited
from ctxsize.lint.lint import Subject
from ctxsize.lint.mend import mended
from ctxsize.lint.types import Edit, LintTarget
from tests.lint.corpus import CASES, Case
from tests.lint.trees import write

FIXES = [case for case in CASES if case.fix is not None and case.code is not None]


def ignore_file(root: Path, content: bytes, *files: str) -> Path:
    """A project with these files, empty, and this ignore file."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"x")
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    path = root / ".dockerignore"
    path.write_bytes(content)
    return path


def mend(root: Path, *codes: str, unsafe: bool = False, dry: bool = False) -> LintTarget:
    return mended(Subject(root), LintConfig(select=codes or None), unsafe=unsafe, dry=dry)


@pytest.mark.parametrize("case", FIXES, ids=lambda case: case.name)
def test_what_a_fix_makes_of_a_file(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(case, root)
    path = next((root / name for name in case.ignore), root / ".dockerignore")
    subject = Subject(root, dockerfile=root / case.dockerfile_path, dialect=Dialect(case.builder))
    config = LintConfig(select=(str(case.code),))
    before = path.read_bytes()
    shown = mended(subject, config, unsafe=not case.safe, dry=True)
    assert path.read_bytes() == before
    assert shown.diff
    found = mended(subject, config, unsafe=not case.safe)
    assert path.read_bytes() == case.fix
    assert found.diff == shown.diff
    assert {each.code for each in found.fixed} == {case.code}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_safe_fixes_change_nothing_that_arrives(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(case, root)

    def arrived() -> list[object]:
        path = root / ".dockerignore"
        result: list[object] = []
        for dialect in Dialect:
            try:
                rules = parse_ignore(path.read_bytes() if path.exists() else b"", "x", dialect).rules
                found = arrivals(root, Matcher(rules, dialect), case.dockerfile_path)
            except CtxsizeError:
                result.append("refused")
                continue
            result.append(sorted((each.path, each.kind) for each in found if each.path != ".dockerignore"))
        return result

    before = arrived()
    mended(Subject(root, dockerfile=root / case.dockerfile_path, dialect=Dialect(case.builder)), LintConfig())
    assert arrived() == before


def test_everything_else_in_the_file_stays(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf# caf\xe9\r\n\r\n./tmp/out  \n  logs/a\t\r\n# last"
    path = ignore_file(tmp_path, content, "tmp/out/x", "logs/a/b")
    mend(tmp_path, "CX111")
    assert path.read_bytes() == b"\xef\xbb\xbf# caf\xe9\r\n\r\ntmp/out  \n  logs/a\t\r\n# last"


@pytest.mark.parametrize(
    "before, edit, after",
    [
        (b"a\nb\n", Edit("x", {1: ()}), b"b\n"),
        (b"a\nb", Edit("x", {2: ()}), b"a\n"),
        (b"a\r\nb\r\n", Edit("x", {1: ("c", "d")}), b"c\r\nd\r\nb\r\n"),
        (b"a\r\nb\r\n", Edit("x", append=("c",)), b"a\r\nb\r\nc\r\n"),
        (b"a", Edit("x", append=("c",)), b"a\nc\n"),
        (b"", Edit("x", append=("c",)), b"c\n"),
        (b"\xef\xbb\xbfa\nb\n", Edit("x", {1: ()}), b"\xef\xbb\xbfb\n"),
        (b"a\n", Edit("x", {1: ()}), b""),
    ],
)
def test_edits_of_lines(before: bytes, edit: Edit, after: bytes) -> None:
    assert edited(before, [edit]) == after


def test_the_mode_stays(tmp_path: Path) -> None:
    path = ignore_file(tmp_path, b"./a/b\n", "a/b")
    path.chmod(0o600)
    mend(tmp_path)
    assert path.read_bytes() == b"a/b\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == [".dockerignore", "Dockerfile", "a"]


def test_a_link_inside_of_the_project_is_followed(tmp_path: Path) -> None:
    path = ignore_file(tmp_path, b"./a/b\n", "a/b", "conf/x")
    path.rename(tmp_path / "conf" / "ignore")
    path.symlink_to("conf/ignore")
    mend(tmp_path)
    assert path.is_symlink()
    assert (tmp_path / "conf" / "ignore").read_bytes() == b"a/b\n"


def test_a_link_out_of_the_project_is_not(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    ignore_file(root, b"", "a/b")
    outside = tmp_path / "outside"
    outside.write_bytes(b"./a/b\n")
    (root / ".dockerignore").unlink()
    (root / ".dockerignore").symlink_to("../outside")
    for dialect in Dialect:
        try:
            mended(Subject(root, dialect=dialect), LintConfig(), unsafe=True)
        except UsageError as error:
            assert "leads out" in str(error)
    assert outside.read_bytes() == b"./a/b\n"


def test_a_misnamed_file_is_renamed_and_nothing_replaced(tmp_path: Path) -> None:
    path = ignore_file(tmp_path, b"a\n", "a/b")
    path.rename(tmp_path / ".Dockerignore")
    found = mend(tmp_path, "CX003", unsafe=True)
    assert path.read_bytes() == b"a\n"
    assert not (tmp_path / ".Dockerignore").exists()
    assert "rename to .dockerignore" in found.diff


def test_fixes_go_on_until_nothing_is_left(tmp_path: Path) -> None:
    path = ignore_file(
        tmp_path,
        b"node_modules\n**/node_modules/\nlogs # old\n",
        "web/node_modules/x",
        "logs/a",
        "node_modules/y",
    )
    found = mend(tmp_path, "CX1", "CX302", unsafe=True)
    assert path.read_bytes() == b"**/node_modules/\n# old\nlogs\n"
    assert not found.findings
