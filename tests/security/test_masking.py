"""Values of build arguments and secrets are shown by their names, whatever form they take on the way."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from ctxsize.errors import BuildFailed
from ctxsize.lint.lint import lint_project
from ctxsize.masking import Masker, mask_error

ODD = 'p@ss"w\\rd é&'


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("RUN curl -H hunter2hunter2 x", "RUN curl -H ${TOKEN} x"),
        ("hunter2hunter2", "${TOKEN}"),
        ("xhunter2hunter2y", "x${TOKEN}y"),
        ("production", "production"),
        ("prod: prod_", "${ENV}: ${ENV}_"),
        ("1 of 12", "1 of 12"),
        (f"said {ODD}", "said ${ODD}"),
        (json.dumps({"ODD": ODD}), '{"ODD": "${ODD}"}'),
        ("/build?buildargs=" + quote_plus(json.dumps({"ODD": ODD})), None),
    ],
)
def test_a_build_argument_is_shown_by_its_name(said: str, shown: str | None) -> None:
    mask = Masker.of(
        {"TOKEN": "hunter2hunter2", "ENV": "prod", "N": "1", "ODD": ODD, "EMPTY": "", "NO": None}
    )

    masked = mask(said)

    if shown is None:
        assert "${ODD}" in masked
        assert "ss" not in masked
    else:
        assert masked == shown


def test_a_value_that_holds_another_is_replaced_as_a_whole() -> None:
    mask = Masker.of({"A": "abcdefgh", "B": "abcdefghijkl"})

    assert mask("abcdefghijkl abcdefgh") == "${B} ${A}"


def test_every_line_of_a_secret_is_masked_as_logs_come_line_by_line() -> None:
    mask = Masker.of({}, {"npmrc": b"registry=x\n  //host/:_authToken=npm_abcdef\nend\n\xff\n"})

    assert mask("   //host/:_authToken=npm_abcdef") == "   [secret npmrc]"
    assert mask("end") == "end"


def test_no_text_of_an_error_keeps_a_value() -> None:
    error = BuildFailed(
        "s3cretvalue", step="RUN s3cretvalue", log=("s3cretvalue",), where="s3cretvalue:1", hint="s3cretvalue"
    )

    mask_error(error, Masker.of({"T": "s3cretvalue"}))

    assert "s3cret" not in f"{error} {error!r} {error.step} {error.log}"


def test_findings_name_the_argument_that_a_path_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG T\nCOPY ${T} ${T%-*} /a\n")
    (tmp_path / ".dockerignore").write_text("hunter2*\n")
    (tmp_path / "hunter2-hunter2-x").write_text("x")
    (tmp_path / "hunter2-hunter2").write_text("x")

    found = lint_project(tmp_path, build_args={"T": "hunter2-hunter2-x"})

    said = [f"{each.message} {each.help}" for each in found.findings if each.code == "CX401"]
    assert said
    assert not any("hunter2" in text for text in said)
