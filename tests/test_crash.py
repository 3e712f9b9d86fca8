"""What a machine lacks is not called a fault of ours."""

from __future__ import annotations

import errno
import os

import pytest

from ctxsize.crash import tell
from ctxsize.files.standard import OutputError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "there is not enough memory (ulimit -v, or a limit of the container)"),
        (
            RuntimeError("can't start new thread"),
            "no thread can be started: not enough memory or too many processes (ulimit -v, ulimit -u)",
        ),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files (raise the limit: ulimit -n)"),
        (OSError(errno.ENOSPC, "No space left", b"/a\n\xff"), r"/a\n\xff: No space left"),
        (OutputError(errno.EIO, "Input/output error"), "-: can't be written: Input/output error"),
    ],
)
def test_what_the_machine_lacks(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(error) == 2
    assert capsys.readouterr() == ("", f"ctxsize: error: {line}\n")


def test_a_fault_of_ours_shows_nothing_of_its_text(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["ctxsize", "why"])

    assert tell(ValueError("a value\n::add-mask::x")) == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError" in line and "a value" not in line
