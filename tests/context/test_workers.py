"""Sharing work with forked processes: every task once, and nothing left behind when it goes wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ctxsize.context import scan as scan_module
from ctxsize.context.errors import ContextError
from ctxsize.context.scan import scan
from ctxsize.context.workers import processors, share
from ctxsize.ignore import Dialect
from tests.support.descriptors import no_descriptor_left
from tests.support.waiting import GIVE_UP_SECONDS, must_end


def collect(numbers: Iterator[int]) -> tuple[int, list[int]]:
    done = []
    for number in numbers:
        time.sleep(0.001)  # so that everyone gets some
        done.append(number)
    return os.getpid(), done


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = children()
    with no_descriptor_left():
        yield
        assert children() == before


def test_every_task_is_done_once_and_by_several_processes() -> None:
    results = share(500, 2, collect, lambda _, numbers: collect(numbers))
    assert sorted(number for _, done in results for number in done) == list(range(500))
    assert len({pid for pid, _ in results}) == 3
    assert all(done for _, done in results)
    assert results[0][0] == os.getpid()


def test_helpers_are_numbered_from_1() -> None:
    assert share(0, 3, lambda _: 0, lambda number, _: number) == [0, 3, 2, 1]


def test_results_larger_than_a_pipe() -> None:
    assert [len(each) for each in share(1, 1, lambda _: b"", lambda *_: bytes(10_000_000))] == [0, 10_000_000]


def test_an_error_in_a_helper_is_raised_here() -> None:
    def fail(number: int, numbers: Iterator[int]) -> None:
        raise ContextError("it broke", where="there", hint="mend it")

    with pytest.raises(ContextError, match="it broke") as error:
        share(1, 1, lambda _: None, fail)
    assert (error.value.where, error.value.hint) == ("there", "mend it")


def test_an_error_here_ends_the_helpers() -> None:
    def fail(numbers: Iterator[int]) -> None:
        raise KeyboardInterrupt

    with must_end(), pytest.raises(KeyboardInterrupt):
        share(1, 2, fail, lambda *_: time.sleep(10 * GIVE_UP_SECONDS))


def test_a_helper_that_is_killed_is_an_error() -> None:
    with pytest.raises(ChildProcessError):
        share(1, 1, lambda _: None, lambda *_: os.kill(os.getpid(), signal.SIGKILL))


def test_a_scan_whose_helper_is_killed_still_counts_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}" / "f").write_text("x")

    def unlucky(
        tasks: int, helpers: int, work: Callable[[Iterator[int]], object], help_out: object
    ) -> list[object]:
        return share(tasks, helpers, work, lambda *_: os.kill(os.getpid(), signal.SIGKILL))

    monkeypatch.setattr(scan_module, "SHARE_FROM", 1)
    monkeypatch.setattr(scan_module, "TASKS_TO_SHARE", 2)
    monkeypatch.setattr(scan_module, "share", unlucky)
    assert scan(tmp_path, None, Dialect.BUILDKIT, processes=2).eligible.files == 20


def test_a_process_with_threads_does_not_fork() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert processors() == 1
    finally:
        done.set()
        thread.join()
