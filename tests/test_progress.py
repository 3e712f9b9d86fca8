"""What is said while a measurement runs."""

from __future__ import annotations

import io

import pytest

from ctxsize.progress import Removal, Terminal, Verbose
from tests.support.waiting import wait_until


class Screen:
    """A terminal at a time of the test's choosing."""

    def __init__(self, width: int | None = None) -> None:
        self.stream = io.StringIO()
        self.now = 100.0
        self.progress = Terminal(self.stream, width, lambda: self.now, ticking=False)

    @property
    def line(self) -> str:
        """What is seen now."""
        return self.stream.getvalue().rpartition("\r\x1b[K")[2]


def test_a_terminal_has_one_line_that_is_cleared_at_the_end() -> None:
    screen = Screen()

    screen.progress.phase("build 1 of 6 (with)")
    screen.progress.step("[2/3] COPY . .")
    assert screen.line == "build 1 of 6 (with): [2/3] COPY . ."
    screen.progress.close()
    assert screen.line == ""
    assert "\n" not in screen.stream.getvalue()


def test_it_says_how_much_was_sent_of_how_much_and_the_time_left() -> None:
    screen = Screen()
    screen.progress.phase("build")
    screen.progress.expect(size=60_000_000)
    for second in range(5):
        screen.now += 1
        screen.progress.sent(10_000_000 * second)

    assert screen.line == "build, 5 s: sending context, 40MB of 60MB, 2 s left"


@pytest.mark.parametrize("size", [None, 5_000_000])
def test_no_total_is_told_that_is_not_known_or_was_wrong(size: int | None) -> None:
    screen = Screen()
    screen.progress.phase("read the images")
    screen.progress.expect(size=size)
    screen.now += 1
    screen.progress.read(6_000_000)

    assert screen.line == "read the images: read, 6MB"


def test_the_time_left_of_all_builds_goes_down_while_nothing_is_told() -> None:
    screen = Screen()
    screen.progress.phase("build 3 of 7")
    screen.progress.expect(seconds=40.0)
    screen.now += 1
    screen.progress.step("RUN make")
    assert screen.line == "build 3 of 7, about 39 s left: RUN make"
    screen.now += 60
    screen.progress.sent(1)
    assert screen.line == "build 3 of 7, about 1 s left: sending context, 1B"


def test_a_phase_does_not_have_what_the_one_before_it_expected() -> None:
    screen = Screen()
    screen.progress.phase("build 3 of 7")
    screen.progress.expect(size=10, seconds=40.0)
    screen.progress.phase("read the images")

    assert screen.line == "read the images …"


def test_the_line_is_not_wider_than_the_terminal() -> None:
    screen = Screen(width=20)
    screen.progress.phase("a phase with a name that is long")

    assert screen.line == "a phase with a name"


def test_it_moves_by_itself_until_it_is_closed() -> None:
    stream = io.StringIO()
    progress = Terminal(stream, 80)
    progress.phase("read the images")
    wait_until("two seconds", lambda: ", 2 s" in stream.getvalue())
    progress.close()

    assert "read the images, 2 s …" in stream.getvalue()


def test_a_line_of_its_own_stays_and_what_is_drawn_goes_on_below_it() -> None:
    screen = Screen()
    screen.progress.phase("build 1 of 6")
    screen.progress.note("6 builds, about 12 min\x1b[2J")
    assert screen.stream.getvalue().endswith("\r\x1b[K6 builds, about 12 min\\x1b[2J\n")
    screen.progress.step("RUN make")
    assert screen.line == "build 1 of 6: RUN make"


def test_closed_for_a_report_it_goes_on_with_the_next_phase() -> None:
    screen = Screen()
    screen.progress.phase("read the images")
    screen.progress.close()
    before = screen.stream.getvalue()
    assert before.endswith("\r\x1b[K"), "the report begins on a clean line"
    screen.progress.step("late")
    assert screen.stream.getvalue() == before
    screen.progress.phase("clean up")
    assert screen.line == "clean up …"


def test_it_says_how_much_was_removed_of_how_much_and_the_time_left() -> None:
    screen = Screen()
    screen.progress.phase("clean up")
    gone = Removal(screen.progress, "cache records", {"a": 0, "b": 40_000_000, "c": 20_000_000, "d": None})
    assert screen.line == "clean up: removed 0 of 4 cache records, 0B of 60MB"
    screen.now += 1
    gone("a")
    assert screen.line == "clean up: removed 1 of 4 cache records, 0B of 60MB"
    screen.now += 1
    gone("b")
    gone("b")
    gone("somebody else's")
    assert screen.line == "clean up, 2 s: removed 2 of 4 cache records, 40MB of 60MB, 1 s left"


def test_where_no_bytes_are_known_what_goes_is_counted_each_lot_by_itself() -> None:
    screen = Screen()
    screen.progress.phase("clean up")
    gone = Removal(screen.progress, "images", {"a": None, "b": None})
    screen.now += 9
    for image in "ab":
        gone(image)
    assert screen.line == "clean up, 9 s: removed 2 of 2 images"
    gone = Removal(screen.progress, "cache records", dict.fromkeys("abc"))
    screen.now += 1
    gone("a")
    assert screen.line == "clean up, 10 s: removed 1 of 3 cache records, 2 s left"


def test_nothing_is_said_of_nothing_to_remove() -> None:
    screen = Screen()
    screen.progress.phase("clean up")
    Removal(screen.progress, "images", {})
    assert screen.line == "clean up …"


def test_verbose_has_every_line_and_lets_none_of_them_steer_the_terminal() -> None:
    stream = io.StringIO()
    progress = Verbose(stream)

    progress.phase("warm-up build")
    progress.step("[2/3] RUN make")
    progress.log("\x1b[2Jgone")

    assert stream.getvalue() == "== warm-up build\n-> [2/3] RUN make\n   | \\x1b[2Jgone\n"
