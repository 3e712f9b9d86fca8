"""Markers between instructions, and which steps a part of the context touches."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import Pick, resolve
from ctxsize.dockerfile.rewrite import affected_steps, insert_markers
from ctxsize.dockerfile.wildcard import PathMatcher

MARK = "LABEL m=1"


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("FROM a\nCOPY b /\n", 1, "FROM a\nLABEL m=1\nCOPY b /\n"),
        ("FROM a\nCOPY b /\n", 2, "FROM a\nCOPY b /\nLABEL m=1\n"),
        ("FROM a\r\nCOPY b /\r\n", 1, "FROM a\r\nLABEL m=1\r\nCOPY b /\r\n"),
        ("FROM a\nCOPY b \\\n # c\n /\nRUN x\n", 4, "FROM a\nCOPY b \\\n # c\n /\nLABEL m=1\nRUN x\n"),
        ("FROM a\nCOPY <<E /\nRUN\nE\nRUN x\n", 4, "FROM a\nCOPY <<E /\nRUN\nE\nLABEL m=1\nRUN x\n"),
        ("# escape=`\nFROM a\nRUN x `\n y\n", 4, "# escape=`\nFROM a\nRUN x `\n y\nLABEL m=1\n"),
        ("\ufeffFROM a\n# c\n\nRUN x\n", 1, "\ufeffFROM a\nLABEL m=1\n# c\n\nRUN x\n"),
        # the end of the file cuts the last instruction short
        ("FROM a\nRUN x", 2, "FROM a\nRUN x\nLABEL m=1\n"),
        ("FROM a\nRUN x \\", 2, "FROM a\nRUN x\nLABEL m=1\n"),
        ("FROM a\nRUN x \\ \\", 2, "FROM a\nRUN x\nLABEL m=1\n"),
        ("FROM a\nRUN x \\\n\n # c \\\n", 4, "FROM a\nRUN x\n\n # c \\\nLABEL m=1\n"),
        ("FROM a\nRUN x \\\\\n", 2, "FROM a\nRUN x \\\\\nLABEL m=1\n"),
        ("FROM a\nRUN <<'E\\'\nx\nE\\", 4, "FROM a\nRUN <<'E\\'\nx\nE\\\nLABEL m=1\n"),
        ("FROM a\nRUN <<E\nx \\\nE", 4, "FROM a\nRUN <<E\nx \\\nE\nLABEL m=1\n"),
    ],
)
def test_insert_markers(text: str, after: int, expected: str) -> None:
    dockerfile = parse_dockerfile(text.encode(), "Dockerfile")
    rewritten = insert_markers(dockerfile, text.encode(), [(after, MARK)])
    assert rewritten.data.decode() == expected
    added = parse_dockerfile(rewritten.data, "Dockerfile").instructions
    assert len(added) == len(dockerfile.instructions) + 1
    assert [i.line for i in dockerfile.instructions] == [
        rewritten.original_line(i.line) for i in added if i.args != "m=1"
    ]


def test_lines_lead_back_to_the_original() -> None:
    text = b"FROM a\nRUN b\nRUN c\n"
    markers = [(1, "LABEL a=1"), (1, "LABEL b=2"), (2, MARK)]
    rewritten = insert_markers(parse_dockerfile(text, "D"), text, markers)
    assert rewritten.data == b"FROM a\nLABEL a=1\nLABEL b=2\nRUN b\nLABEL m=1\nRUN c\n"
    assert [rewritten.original_line(line) for line in range(1, 7)] == [1, 1, 1, 2, 2, 3]


def test_nothing_to_insert_changes_nothing() -> None:
    text = b"\xef\xbb\xbfFROM a \\\r\n\xff"
    assert insert_markers(parse_dockerfile(b"FROM a\n", "D"), text, []).data == text


@pytest.mark.parametrize(("after", "text"), [(2, MARK), (0, MARK), (9, MARK), (1, "RUN a\nRUN b")])
def test_a_place_or_text_that_would_break_the_file(after: int, text: str) -> None:
    data = b"FROM a\nCOPY b \\\n /\n"
    with pytest.raises(ValueError):
        insert_markers(parse_dockerfile(data, "D"), data, [(after, text)])


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("FROM a\nRUN x\nCOPY git /\nCOPY git /\n", (1,)),
        ("FROM a\nRUN x\nCOPY src /\n", (None,)),
        ("FROM a\nRUN --mount=type=bind,source=git,target=/g x\n", (0,)),
        ("FROM a AS b\nCOPY git /\nFROM b\nRUN x\n", (0, 0)),
        ("FROM a AS b\nCOPY git /\nFROM a\nRUN x\nCOPY --from=b / /\n", (0, 1)),
        ("FROM a AS b\nCOPY src /\nFROM a\nCOPY --from=b / /\n", (None, None)),
        ("FROM a\nCOPY --from=alpine git /\n", (None,)),
        ("FROM a\nRUN x\nCOPY $UNKNOWN /\n", (1,)),
        ("FROM a AS b\nONBUILD COPY git /\nFROM b\nRUN x\n", (None, 0)),
    ],
)
def test_affected_steps(text: str, steps: tuple[int | None, ...]) -> None:
    plan = resolve(parse_dockerfile(text.encode(), "D"))

    def takes_git(pick: Pick) -> bool:
        return any(PathMatcher(pattern, deep=True).cover("git") != "none" for pattern in pick.patterns)

    assert affected_steps(plan, takes_git) == steps
