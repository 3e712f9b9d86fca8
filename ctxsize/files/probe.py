"""What a path that somebody named leads to: the one place that asks, and that says why there is no answer."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from ctxsize.errors import UsageError

Kind = Literal["file", "dir", "link", "special"]

#: What the system says when nothing can be there by that name: a name of 300 letters, a loop of links.
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
#: What the builder fetches itself (moby's urlutil, compose-go's loader): there is nothing here to look at.
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git@[^/]*:|github\.com/")


def probe(path: str | os.PathLike[str], *, follow: bool = True) -> Kind | None:
    """What is at ``path``, None when there is nothing; ``follow`` says whether links are followed.

    Raises UsageError where that can't be known: a directory above it can't be entered.
    """
    with probing(path):
        try:
            mode = os.stat(path, follow_symlinks=follow).st_mode
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise
        except ValueError:  # a null character
            return None
    if stat.S_ISDIR(mode):
        return "dir"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "special"


@contextmanager
def probing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise UsageError for what the system says while ``path`` is looked at or resolved."""
    try:
        yield
    except FileNotFoundError as error:
        # What may be missing is dealt with by whoever asks: this is the current directory.
        raise UsageError("the current directory is gone", hint="go to another one and run again") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"can't be looked at: {reason}", where=os.fspath(path), hint="check its permissions"
        ) from error


def is_remote(text: str) -> bool:
    """Whether ``text`` is what a builder would fetch: a URL, a repository on GitHub."""
    return _REMOTE.match(text) is not None
