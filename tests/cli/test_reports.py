"""``ctxsize report`` and ``--html``: pages as files, and one line where there can be none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.report.page import render
from tests.report.page.samples import comparison


def run(*words: str | Path, input: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], input=input)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    (shop / "video").mkdir(parents=True)
    (shop / "video" / "large.bin").write_bytes(b"x" * 5000)
    (shop / "app.py").write_text("pass\n")
    (shop / "Dockerfile").write_text("FROM scratch\nCOPY app.py /\n")
    (shop / ".dockerignore").write_text("video\n")
    return shop


def map_of(page: str) -> list[object]:
    """The treemap's data in a page."""
    data: list[object] = json.loads(page.split('id="map-data">')[1].split("</script>")[0])
    return data


def test_a_page_of_one_report_and_of_two(tmp_path: Path) -> None:
    one, two = tmp_path / "a.json", tmp_path / "b.json"
    one.write_text(json.dumps(comparison()))
    two.write_text(json.dumps(comparison()))

    assert run("report", one, "-o", tmp_path / "one.html") == (0, "", "")
    assert (tmp_path / "one.html").read_text().startswith("<!DOCTYPE html>")
    code, page, _ = run("report", one, two)
    assert (code, "Nothing changed in size." in page) == (0, True)
    code, page, _ = run("report", "-", input=one.read_bytes())
    assert (code, page) == (0, (tmp_path / "one.html").read_text())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x.json: can't be read: No such file or directory"),
        ("{}", "x.json: is no report that a page can be made of"),
        (
            '{"schema": 1, "variants": 1, "saved": 1, "paths": 1}',
            "x.json: is not as its schema in docs/schema says",
        ),
    ],
)
def test_what_is_no_report_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("x.json").write_text(content)
    code, out, errors = run("report", "x.json", "-o", "x.html")

    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert message in errors
    assert not Path("x.html").exists()


def test_context_writes_a_page_with_every_file(project: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, _ = run("context", project, "--html", page)

    assert code == 0
    assert out.startswith("shop: Dockerfile, .dockerignore\n")
    assert map_of(page.read_text()) == [
        "", "", 0, 3, [5032],
        [
            ["video", "", 0, 1, [5000], [["large.bin", "ignored", 1, 1, [5000]]]],
            ["Dockerfile", "kept", 0, 1, [27]],
            ["app.py", "needed", 0, 1, [5]],
        ],
    ]  # fmt: skip


def test_a_report_of_a_context_has_its_directories_in_the_map(project: Path) -> None:
    _, document, _ = run("context", project, "--format", "json")
    code, page, _ = run("report", "-", input=document.encode())

    assert code == 0
    assert "keeps out 4.99kB" in page
    # The ignore file arrives, too, and a project without one has none.
    assert map_of(page)[4] == [5038]


def test_without_the_library_it_says_so_before_anything_is_measured(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render.template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    code, out, errors = run("compare", project, "--html", tmp_path / "x.html")

    assert (code, out) == (2, "")
    assert "a page needs a library that is not installed (`pip install 'ctxsize[html]'`)" in errors


def test_a_page_that_can_t_be_written_is_an_error_after_the_report(project: Path, tmp_path: Path) -> None:
    code, out, errors = run("context", project, "--html", tmp_path / "no" / "x.html")

    assert code == 2
    assert out.startswith("shop: ")
    assert "x.html: can't be written: No such file or directory" in errors
