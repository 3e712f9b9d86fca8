"""Where the programs ``ctxsize`` (also ``python -m ctxsize``) and ``docker-ctxsize`` start.

Importing the rest takes a moment, in which a user may already think better of it: from here on that is one
line and an exit code, no traceback. Once a command runs, ``ctxsize.cli.errors`` sees to it.
"""

from __future__ import annotations

import os
import signal


def main() -> None:
    """The program ``ctxsize``."""
    _quit_on_signals()
    from ctxsize.cli import main as run

    run()


def docker_main() -> None:
    """The program ``docker-ctxsize``."""
    _quit_on_signals()
    from ctxsize.cli.docker_entry import main as run

    run()


def _quit_on_signals() -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        # A shell has what it starts in the background ignore Ctrl-C.
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _quit)


def _quit(_signal: int, _frame: object) -> None:
    os.write(2, b"ctxsize: interrupted\n")
    os._exit(130)  # nothing was begun that would have to be ended


if __name__ == "__main__":
    main()
