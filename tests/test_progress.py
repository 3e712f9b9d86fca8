"""What is said while a measurement runs."""

from __future__ import annotations

import io

from ctxsize.progress import Terminal, Verbose


def test_a_terminal_has_one_line_that_is_cleared_at_the_end() -> None:
    stream = io.StringIO()
    progress = Terminal(stream)

    progress.phase("build 1 of 6 (with)")
    progress.step("[2/3] COPY . .")
    progress.close()

    drawn = stream.getvalue()
    assert "\n" not in drawn
    assert "build 1 of 6 (with): [2/3] COPY . ." in drawn
    assert drawn.endswith("\r\x1b[K")


def test_a_terminal_says_how_much_was_sent() -> None:
    stream = io.StringIO()
    progress = Terminal(stream)
    progress._drawn = -1.0  # as if nothing had been drawn for a while

    progress.sent(12_300_000)

    assert "sending context, 12.3MB" in stream.getvalue()


def test_verbose_has_every_line_and_lets_none_of_them_steer_the_terminal() -> None:
    stream = io.StringIO()
    progress = Verbose(stream)

    progress.phase("warm-up build")
    progress.step("[2/3] RUN make")
    progress.log("\x1b[2Jgone")

    assert stream.getvalue() == "== warm-up build\n-> [2/3] RUN make\n   | \\x1b[2Jgone\n"
