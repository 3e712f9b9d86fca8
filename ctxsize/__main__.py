"""Where the programs ``ctxsize`` (also ``python -m ctxsize``) and ``docker-ctxsize`` start.

Importing the rest takes a moment, and the user may press Ctrl-C during it: from here on that gives one line
and an exit code, no traceback. Once a command runs, ``ctxsize.cli.errors`` sees to it.
"""

from __future__ import annotations

import gc
import os
import signal

#: Most of what a command makes lives until it ends. Searching half a million rules for cycles again and again
#: would take longer than reading them.
GC_THRESHOLDS = (100_000, 50, 100)


def main() -> None:
    """The program ``ctxsize``."""
    _begin()
    from ctxsize.cli import main as run

    run()


def docker_main() -> None:
    """The program ``docker-ctxsize``."""
    _begin()
    from ctxsize.cli.docker_entry import main as run

    run()


def _begin() -> None:
    gc.set_threshold(*GC_THRESHOLDS)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A shell has what it starts in the background ignore Ctrl-C.
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _quit)


def _quit(_signal: int, _frame: object) -> None:
    os.write(2, b"ctxsize: interrupted\n")
    os._exit(130)  # nothing has started that would need an end


if __name__ == "__main__":
    main()
