"""What is said when ctxsize itself is at fault: one line, an exit code of its own, a traceback in a file.

The file lies outside of everything that is measured, and as a rule there is one at most: the last one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from ctxsize import __version__
from ctxsize.files.standard import OutputError
from ctxsize.files.write import replacing
from ctxsize.text import printable

#: "internal software error" in sysexits.h; no verdict, and no fault of the user (docs/exit-codes.md).
EXIT_CODE = 70
_OF_THE_MACHINE = 2
_NAME = "crash.txt"
_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def tell(error: BaseException) -> int:
    """Say on standard error what happened; the exit code to end with.

    What a machine lacks (memory, open files, room) is no fault of ours: that is a line and the exit code 2.
    """
    if (lacking := _lacking(error)) is not None:
        print(f"ctxsize: error: {printable(lacking)}", file=sys.stderr)
        return _OF_THE_MACHINE
    # Not what the error says: that may be text of strangers, or a value that must not be shown.
    line = f"ctxsize: internal error: {type(error).__name__} {_place(error)}; this is a fault of ctxsize"
    try:
        import traceback  # neither is needed by a program that works

        file = _save("".join(traceback.format_exception(error)))
        if file is None or {"-v", "--verbose"} & set(sys.argv):
            print("".join(traceback.format_tb(error.__traceback__)), end="", file=sys.stderr)
    except Exception:  # a machine on which nothing works any more
        file = None
    where = (
        "what is printed above" if file is None else f"{file}, which may quote names and values: look first"
    )
    print(printable(f"{line}: please report it where you got it from, with {where}"), file=sys.stderr)
    return EXIT_CODE


def _lacking(error: BaseException) -> str | None:
    """What the machine has too little of, and what to do; None when that is not the reason."""
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return "no thread can be started: not enough memory or too many processes (ulimit -v, ulimit -u)"
    if isinstance(error, MemoryError):
        return "there is not enough memory (ulimit -v, or a limit of the container)"
    if not isinstance(error, OSError):
        return None
    if isinstance(error, OutputError):
        return f"-: can't be written: {error.strerror}"
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    hints = {
        errno.EMFILE: " (raise the limit: ulimit -n)",
        errno.ENFILE: "",
        errno.ENOMEM: "",
        errno.ENOSPC: "",
        errno.EDQUOT: "",
    }
    hint = hints.get(error.errno or 0)
    return None if hint is None else f"{where}{error.strerror}{hint}"


def _place(error: BaseException) -> str:
    """The last line of ours that it went through."""
    place, step = "at the start", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith(f"{_PACKAGE}{os.sep}"):
            place = f"at {os.path.relpath(file, _PACKAGE)}:{step.tb_lineno}"
        step = step.tb_next
    return place


def _save(trace: str) -> str | None:
    """Write the traceback to a file; None when there is no place for one."""
    from ctxsize.files import own

    text = (
        f"ctxsize {__version__}, Python {sys.version.split()[0]}, {sys.platform},"
        f" {' '.join(sys.argv[1:2])}\n\n{trace}"
    ).encode("utf-8", "backslashreplace")
    for folder in _measured():
        own.keep_out_of(Path(folder))
    place = own.state_folder().path
    with contextlib.suppress(OSError):
        if not own.is_measured(place):
            with replacing(place / _NAME, mode=0o600) as stream:
                stream.write(text)
            return str(place / _NAME)
    return None


def _measured() -> set[str]:
    """The directories that may be measured: this one, and what the command line names."""
    words = {part for word in sys.argv[1:] for part in (word, word.partition("=")[2]) if part}
    folders = {
        word if os.path.isdir(word) else os.path.dirname(word) for word in words if os.path.exists(word)
    }
    return {os.path.realpath(folder) for folder in {".", *folders}}
