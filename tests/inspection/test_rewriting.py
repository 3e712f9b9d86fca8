"""A Dockerfile with changes, and all the rest byte for byte; RUN lines as commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.inspection.fixes.rewriting import Rewriting
from ctxsize.inspection.fixes.shell import commands

FILE = b"""# syntax=docker/dockerfile:1
FROM base
COPY . /srv
# about the next
RUN one \\
    # why
    && two
RUN --mount=type=cache,target=/c three; four

RUN cd /x && five
USER me"""


def changed(change: Callable[[Rewriting], None], data: bytes = FILE) -> str:
    rewriting = Rewriting(parse_dockerfile(data, "Dockerfile"), data)
    change(rewriting)
    return rewriting.data.decode("utf-8", "surrogateescape")


def test_nothing_is_changed_without_a_change() -> None:
    for data in (FILE, FILE.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + FILE, FILE + b"\n\n# end\n\xff"):
        assert changed(lambda _: None, data).encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (lambda it: it.add_flag(3, "--chown=a"), "COPY . /srv", "COPY --chown=a . /srv"),
        (lambda it: it.append(5, "six"), "    && two\n", "    && two \\\n && six\n"),
        (lambda it: it.append(8, "six"), "three; four\n", "three; four \\\n && six\n"),
        (lambda it: it.delete(10), "RUN cd /x && five\n", ""),
        (lambda it: it.insert(3, "RUN first"), "COPY . /srv", "RUN first\nCOPY . /srv"),
        (lambda it: it.set_commands(10, ("five",)), "RUN cd /x && five", "RUN five"),
        (lambda it: it.set_commands(10, ()), "RUN cd /x && five\n", ""),
        (
            lambda it: it.set_commands(8, ("a", "b")),
            "RUN --mount=type=cache,target=/c three; four",
            "RUN --mount=type=cache,target=/c a \\\n && b",
        ),
        (lambda it: it.append(11, "x"), "USER me", "USER me \\\n && x\n"),
    ],
)
def test_a_change_touches_its_own_lines_only(
    change: Callable[[Rewriting], None], before: str, after: str
) -> None:
    assert changed(change) == FILE.decode().replace(before, after)
    assert changed(change, FILE.replace(b"\n", b"\r\n")) == FILE.decode().replace(before, after).replace(
        "\n", "\r\n"
    )


def test_what_one_run_does_to_its_shell_stays_its_own() -> None:
    text = changed(lambda it: (it.join((5, 8, 10)), it.append(10, "last"))[0])

    assert text.endswith(
        """# about the next
RUN --mount=type=cache,target=/c one \\
    # why
    && two \\
 && ( three; four ) \\
 && cd /x && five \\
 && last

USER me"""
    )
    assert parse_dockerfile(text.encode(), "Dockerfile").instructions[2].end_line == 10


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", ("a",)),
        ("a && b 'c && d' && e", ("a", "b 'c && d'", "e")),
        ("a \\&& b", None),
        ("a > x 2>&1 && b &> y", ("a > x 2>&1", "b &> y")),
        ("a $(b; c) && (d || e)", ("a $(b; c)", "(d || e)")),
        ("a; b", None),
        ("a || b", None),
        ("a | b", None),
        ("a &", None),
        ("a # && b", None),
        ("a#b && c", ("a#b", "c")),
        ("a 'b", None),
        ("a && ", None),
        ("a $(b", None),
    ],
)
def test_commands_that_nothing_but_and_joins(text: str, found: tuple[str, ...] | None) -> None:
    assert commands(text) == found
