"""Names and logs are untrusted: none of them reaches a terminal raw."""

from __future__ import annotations

import pytest

from ctxsize.text import csv_cell, json_text, printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("naïve/日本.txt", "naïve/日本.txt"),
        ("two\nlines", "two\\nlines"),
        ("tab\tbed", "tab\\tbed"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("bell\x07", "bell\\x07"),
        ("right-to-left\u202eexe", "right-to-left\\u202eexe"),
        ("not utf-8 \udcff", "not utf-8 \\xff"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
        ("::add-mask::x", "\\x3a:add-mask::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("a ##[group]b", "a \\x23#[group]b"),
        ("##VSO[task.setvariable variable=A]b", "\\x23#VSO[task.setvariable variable=A]b"),
        ("##teamcity[buildStop]", "\\x23#teamcity[buildStop]"),
        ("std::string, ::1, ## title", "std::string, ::1, ## title"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_as_an_escape(raw: str, shown: str) -> None:
    assert printable(raw) == shown
    shown.encode()  # and can always be written


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("a=b", "a=b"),
        ("--max-pull", "--max-pull"),
        ("--a+cmd", "'--a+cmd"),
        ("\t=a", "\\t=a"),
    ],
)
def test_no_name_is_a_formula_in_a_spreadsheet(raw: str, shown: str) -> None:
    assert csv_cell(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("naïve 漢字", "naïve 漢字"), ("caf\udce9", "caf\\xe9"), ("a\nb", "a\nb"), ("\ud800", "\\ud800")],
)
def test_what_json_can_not_hold_is_shown_as_an_escape(raw: str, shown: str) -> None:
    assert json_text(raw) == shown
    shown.encode()
