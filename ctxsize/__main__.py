"""Where the programs ``ctxsize`` (also ``python -m ctxsize``) and ``docker-ctxsize`` start, and how they end.

Importing the rest takes a moment, and the user may press Ctrl-C during it: from here on that gives one line
and an exit code, no traceback. Once a command runs, ``ctxsize.cli.errors`` sees to it. What slips through
everything else ends here, too, so that a fault of ours never looks like a verdict.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable

from ctxsize.crash import tell
from ctxsize.files import standard

#: Most of what a command makes lives until it ends. Searching half a million rules for cycles again and again
#: would take longer than reading them.
GC_THRESHOLDS = (100_000, 50, 100)


def main() -> None:
    """The program ``ctxsize``."""
    _run(_ctxsize)


def docker_main() -> None:
    """The program ``docker-ctxsize``."""
    _run(_docker_ctxsize)


def _ctxsize() -> None:
    from ctxsize.cli import main as run

    run(prog_name="ctxsize")


def _docker_ctxsize() -> None:
    from ctxsize.cli.docker.entry import main as run

    run()


def _run(program: Callable[[], None]) -> None:
    """Run ``program`` to its exit code."""
    _be_utf8()
    gc.set_threshold(*GC_THRESHOLDS)
    standard.prepare()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A shell has what it starts in the background ignore Ctrl-C.
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _quit)
    codes = [0]
    # A thread that breaks does not end the program: whoever waits for it goes on without.
    threading.excepthook = lambda thread: codes.append(_told(thread.exc_value))
    # What can't be raised is nothing that a user can act on; the reason has its line.
    sys.unraisablehook = lambda _what: None
    try:
        program()
    except SystemExit as end:
        codes.append(end.code if isinstance(end.code, int) else int(bool(end.code)))
    except Exception as error:
        codes.append(_told(error))
    try:
        sys.stdout.flush()
    except OSError as error:
        codes.append(_told(error))
    gc.freeze()  # else Python would search all that now goes away for cycles: a tenth of a short run
    sys.exit(max(codes))


def _told(error: BaseException | None) -> int:
    return 0 if error is None else tell(error)


def _be_utf8() -> None:
    """Start again with UTF-8 for names and output where the locale has another encoding."""
    if not sys.flags.utf8_mode and sys.getfilesystemencoding() != "utf-8" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    if isinstance(sys.stdout, io.TextIOWrapper):  # PYTHONIOENCODING is obeyed even so
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def _quit(_signal: int, _frame: object) -> None:
    os.write(2, b"ctxsize: interrupted\n")
    os._exit(130)  # nothing has started that would need an end


if __name__ == "__main__":
    main()
