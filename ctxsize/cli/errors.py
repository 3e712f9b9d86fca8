"""Errors as people see them: one line on stderr, the builder's last words below it, an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from ctxsize.crash import tell
from ctxsize.errors import BuildFailed, CtxsizeError, Interrupted, VerifyFailed
from ctxsize.text import printable

#: What tells a program to end: Ctrl-C, ``kill``, and the terminal or connection that it runs in going away.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def show_failure(error: CtxsizeError, *, variant: str | None = None, project: str | None = None) -> None:
    """Print ``error`` to stderr."""
    which = f" [{variant} the ignore file]" if variant else f" [{printable(project)}]" if project else ""
    if isinstance(error, (BuildFailed, VerifyFailed)):
        for line in error.log:
            print(f"  | {printable(line)}", file=sys.stderr)
    if isinstance(error, BuildFailed) and error.step:
        print(f"  at step: {printable(error.step)}", file=sys.stderr)
    # A line end in a path is part of it; in a message it is the engine's.
    where = f"{error.where}: " if error.where else ""
    text = printable(where) + printable(" ".join(str(error).removeprefix(where).split()))
    print(f"ctxsize: error{which}: {text}", file=sys.stderr)


def show_note(text: str) -> None:
    """Print to stderr what the user should know beside the result."""
    print(f"ctxsize: note: {printable(text)}", file=sys.stderr)


def show_failures(failures: Iterable[tuple[str, CtxsizeError]]) -> None:
    """Show why variants failed, each named by its variant; where both failed in the same way it is said once,
    and of an interruption nothing (see ``exit_for``)."""
    found = list(failures)
    if any(isinstance(failure, Interrupted) for _, failure in found):
        return
    variants, texts = {variant for variant, _ in found}, {str(failure) for _, failure in found}
    if len(variants) > 1 and len(texts) == 1:
        show_failure(found[0][1])
    else:
        for variant, failure in found:
            show_failure(failure, variant=variant)


def exit_for(failures: Iterable[tuple[str, CtxsizeError]]) -> None:
    """Exit for the worst of what ``show_failures`` showed; nothing if nothing failed. An interruption is
    raised again."""
    found = [failure for _, failure in failures]
    if any(isinstance(failure, Interrupted) for failure in found):
        raise KeyboardInterrupt
    if found:
        raise SystemExit(max(failure.exit_code for failure in found))


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn all errors, Ctrl-C and the like into a message and an exit code. click shows its own errors."""
    # Whoever started us may want us to ignore one: a shell does, for what it starts in the background.
    heeded = [each for each in ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _interrupt) for each in heeded}
    try:
        yield
    except CtxsizeError as error:
        if isinstance(error, Interrupted):  # after a report
            print("ctxsize: interrupted", file=sys.stderr)
        else:
            show_failure(error)
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        for each in heeded:
            signal.signal(each, signal.SIG_IGN)  # all is done: another would only spoil the exit code
        for note in getattr(error, "__notes__", ()):
            show_note(note)
        print("ctxsize: interrupted", file=sys.stderr)
        raise SystemExit(Interrupted.exit_code) from None
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        raise SystemExit(tell(error)) from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # The others have the same way out as Ctrl-C: everything that cleans up does.
    raise KeyboardInterrupt
